/** The cards of pictures in a training report, with the words marked that are wrong. */
import { ValueError } from '../errors.js';
import { base64, html, type Markup } from './html.js';
import { badge, type Verdict, verdictFilter } from './verdicts.js';

/** A picture, the model's caption, and the true ones. */
export interface ReportCard {
  /** The bytes of a PNG file. */
  readonly picture: Uint8Array;
  readonly caption: string;
  readonly truths: readonly string[];
  /** Whether the caption counts as right, where that can be said. */
  readonly verdict?: Verdict | undefined;
}

/** Smaller pictures are shown with their pixels as squares: smoothing would only blur them. */
const smallestSmooth = 128;

/** All cards, with buttons that choose among them when there are right and wrong ones. */
export function pictureSection(cards: readonly ReportCard[]): Markup | undefined {
  if (cards.length === 0) return undefined;
  return html`<section aria-labelledby="pictures-title">
<div class="heading">
  <h2 id="pictures-title">What it sees</h2>
  ${verdictFilter(cards.map(({ verdict }) => verdict))}
</div>
<div class="cards ${cards.some(isLarge) ? 'photos' : 'scenes'}">
${cards.map(card)}</div>
</section>`;
}

function isLarge({ picture }: Pick<ReportCard, 'picture'>, index: number): boolean {
  const { width, height } = pngSize(picture, index);
  return Math.max(width, height) >= smallestSmooth;
}

function card({ picture, caption, truths, verdict }: ReportCard, index: number): Markup {
  const { width, height } = pngSize(picture, index);
  const shown = { caption: caption || '(no words)', alt: truths[0] ?? `picture ${index + 1}` };
  const [truth] = truths;
  const compared =
    verdict === 'wrong' && truths.length === 1 && truth !== undefined
      ? markDifferences(shown.caption, truth)
      : { caption: shown.caption, truths };
  const pixelated = isLarge({ picture }, index) ? '' : ' pixelated';
  return html`<article class="card ${verdict ?? ''}" data-verdict="${verdict ?? ''}">
<div class="picture${pixelated}"><img src="data:image/png;base64,${base64(picture)}" width="${width}" height="${height}" alt="${shown.alt}"></div>
<div class="words">
<p class="label">The model says${verdict && html` ${badge(verdict)}`}</p>
<p class="caption">${compared.caption}</p>
${truthList(compared.truths)}</div>
</article>
`;
}

function truthList(truths: readonly (string | Markup)[]): Markup | undefined {
  if (truths.length === 0) return undefined;
  return html`<p class="label">${truths.length === 1 ? 'The truth' : 'People say'}</p>
<ul class="truths">${truths.map((truth) => html`<li>${truth}</li>`)}</ul>
`;
}

/** Width and height from the header chunk, which is the first of every PNG file. */
function pngSize(bytes: Uint8Array, index: number): { width: number; height: number } {
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  if (bytes.length < 24 || signature.some((byte, i) => bytes[i] !== byte)) {
    throw new ValueError(
      `The picture of card ${index} is not a PNG file: make one with encodePng.`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/**
 * A caption and the truth with the words marked that the other one lacks, by a longest common
 * subsequence of words: what the model got wrong, and what it should have said.
 */
export function markDifferences(
  caption: string,
  truth: string,
): { caption: Markup; truths: readonly [Markup] } {
  const [said, meant] = [caption.split(' '), truth.split(' ')];
  const { ofFirst, ofSecond } = commonWords(said, meant);
  return { caption: marked(said, ofFirst), truths: [marked(meant, ofSecond)] };
}

/** Neighbours that are both missing from the other one share a mark. */
function marked(words: readonly string[], common: ReadonlySet<number>): Markup {
  const runs: { text: string; isCommon: boolean }[] = [];
  for (const [i, word] of words.entries()) {
    const isCommon = common.has(i);
    const last = runs.at(-1);
    if (last?.isCommon === isCommon) last.text += ` ${word}`;
    else runs.push({ text: word, isCommon });
  }
  return html`${runs.map(({ text, isCommon }, i) => [i === 0 ? '' : ' ', isCommon ? text : html`<mark>${text}</mark>`])}`;
}

/** The positions, in each list, of a longest common subsequence. */
function commonWords(
  first: readonly string[],
  second: readonly string[],
): { ofFirst: Set<number>; ofSecond: Set<number> } {
  // lengths[i][j]: length of the longest one of first from i on and second from j on.
  const lengths = Array.from({ length: first.length + 1 }, () =>
    new Array<number>(second.length + 1).fill(0),
  );
  const length = (i: number, j: number) => lengths[i]?.[j] ?? 0;
  for (let i = first.length - 1; i >= 0; i--) {
    for (let j = second.length - 1; j >= 0; j--) {
      const best =
        first[i] === second[j]
          ? length(i + 1, j + 1) + 1
          : Math.max(length(i + 1, j), length(i, j + 1));
      lengths[i]?.splice(j, 1, best);
    }
  }
  const [ofFirst, ofSecond] = [new Set<number>(), new Set<number>()];
  for (let i = 0, j = 0; i < first.length && j < second.length; ) {
    if (first[i] === second[j]) {
      ofFirst.add(i++);
      ofSecond.add(j++);
    } else if (length(i + 1, j) >= length(i, j + 1)) i++;
    else j++;
  }
  return { ofFirst, ofSecond };
}
