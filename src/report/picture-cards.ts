import { ValueError } from '../errors.js';
import { base64 } from './base64.js';
import { html, type Markup } from './html.js';
import { markDifferences } from './word-difference.js';

/** A picture, what the model says about it, and what people said. */
export interface ReportCard {
  /** The bytes of a PNG file. */
  readonly picture: Uint8Array;
  readonly caption: string;
  readonly truths: readonly string[];
  /** Whether the caption counts as right, where that can be said. */
  readonly verdict?: 'right' | 'wrong' | undefined;
}

/** Smaller pictures are shown with their pixels as squares: smoothing would only blur them. */
const smallestSmooth = 128;

/** All cards, with buttons that choose among them when there are right and wrong ones. */
export function pictureSection(cards: readonly ReportCard[]): Markup | undefined {
  if (cards.length === 0) return undefined;
  return html`<section aria-labelledby="pictures-title">
<div class="heading">
  <h2 id="pictures-title">What it sees</h2>
  ${filter(cards)}
</div>
<div class="cards ${cards.some(isLarge) ? 'photos' : 'scenes'}">
${cards.map(card)}</div>
</section>`;
}

function isLarge({ picture }: Pick<ReportCard, 'picture'>, index: number): boolean {
  const { width, height } = pngSize(picture, index);
  return Math.max(width, height) >= smallestSmooth;
}

function filter(cards: readonly ReportCard[]): Markup | undefined {
  const count = (verdict: string) => cards.filter((card) => card.verdict === verdict).length;
  const [right, wrong] = [count('right'), count('wrong')];
  if (right === 0 && wrong === 0) return undefined;
  const button = (value: string, label: string, number: number) =>
    html`<button type="button" value="${value}" aria-pressed="${value === '' ? 'true' : 'false'}">${label} <b>${number}</b></button>`;
  return html`<div class="filter" role="group" aria-label="Show">${[
    button('', 'All', cards.length),
    button('right', 'Right', right),
    button('wrong', 'Wrong', wrong),
  ]}</div>`;
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
<p class="label">The model says${badge(verdict)}</p>
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

/** A sign, a word and a colour: any one of them is enough. */
function badge(verdict: ReportCard['verdict']): Markup | undefined {
  if (verdict === undefined) return undefined;
  const path = verdict === 'right' ? 'M3 8.5 6.5 12 13 4.5' : 'M4 4l8 8M12 4l-8 8';
  return html` <span class="badge"><svg viewBox="0 0 16 16" width="13" height="13" aria-hidden="true"><path d="${path}"/></svg> ${verdict}</span>`;
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
