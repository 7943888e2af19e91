import { html, type Markup } from './html.js';

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
