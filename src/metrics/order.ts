/** Whether captions that tell of one thing and then of another tell them in the right order. */
import { tokenize } from '../data/text/tokenize.js';

/** How many captions of clips in which one thing happens, then another, have the order right. */
export interface OrderReport {
  /** Clips with a reference that says so: "A, then B", "A before B" or "B after A". */
  readonly count: number;
  readonly right: number;
  /** Told the other way round. */
  readonly reversed: number;
  /** right / count, and reversed / count; what is left tells no order. */
  readonly rightShare: number;
  readonly reversedShare: number;
}

/** Words that divide what comes first and what comes then, and whether they stand in this order. */
const DIVIDING: ReadonlyMap<string, 'in order' | 'turned'> = new Map([
  ['then', 'in order'],
  ['before', 'in order'],
  ['after', 'turned'],
]);

/**
 * The order of captions that tell of one thing and then of another. A reference falls into what comes first and
 * what comes second, as does the caption; words that stand on both sides of the reference tell nothing. With
 * share(a, B) the part of B's own words that a has,
 *
 *     straight = share(first, First) + share(second, Second),   crossed = share(first, Second) + share(second, First)
 *
 * the order is right where straight is larger than crossed, and reversed where it is smaller. Things need not
 * be named rightly for it: exact match tells that.
 *
 * @param captions one for each clip. @param references of each clip; one in which the order is told counts.
 * @returns undefined when no reference tells an order
 */
export function orderOf(
  captions: readonly string[],
  references: readonly (readonly string[])[],
): OrderReport | undefined {
  let [count, right, reversed] = [0, 0, 0];
  for (const [index, caption] of captions.entries()) {
    const told = (references[index] ?? []).flatMap((reference) => sidesOf(reference) ?? []);
    if (told.length === 0) continue;
    count++;
    const found = Math.max(...told.map((sides) => agreement(caption, sides)));
    const opposite = Math.min(...told.map((sides) => agreement(caption, sides)));
    if (found > 0) right++;
    else if (opposite < 0) reversed++;
  }
  if (count === 0) return undefined;
  return { count, right, reversed, rightShare: right / count, reversedShare: reversed / count };
}

/** Above 0: in the order of the reference; below: the other way round; 0: in none. */
function agreement(caption: string, reference: Sides): number {
  const said = sidesOf(caption);
  if (!said) return 0;
  const shared = reference.first.filter((word) => reference.second.includes(word));
  const own = (side: readonly string[]) => new Set(side.filter((word) => !shared.includes(word)));
  const [first, second] = [own(reference.first), own(reference.second)];
  const straight = share(said.first, first) + share(said.second, second);
  const crossed = share(said.first, second) + share(said.second, first);
  return straight - crossed;
}

function share(words: readonly string[], own: ReadonlySet<string>): number {
  if (own.size === 0) return 0;
  return [...own].filter((word) => words.includes(word)).length / own.size;
}

interface Sides {
  readonly first: readonly string[];
  readonly second: readonly string[];
}

/** What comes first and second in a caption; undefined where it does not say. */
function sidesOf(caption: string): Sides | undefined {
  const words = tokenize(caption);
  const at = words.findIndex((word) => DIVIDING.has(word));
  if (at < 0) return undefined;
  const [before, behind] = [words.slice(0, at), words.slice(at + 1)];
  return DIVIDING.get(words[at] ?? '') === 'turned'
    ? { first: behind, second: before }
    : { first: before, second: behind };
}
