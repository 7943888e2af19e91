/** What captions must not contain: blocked words, repetitions and bad endings. */
import { type Path, wordsOf } from './hypothesis.js';

/** What captions must not contain, as word indices. */
export interface Constraints {
  readonly endWord: number;
  /** Words that are never chosen. */
  readonly never: readonly number[];
  /** A caption neither ends with one of these nor is cut after one. */
  readonly badEndings: ReadonlySet<number>;
  /** No word directly after itself. */
  readonly blockRepetition: boolean;
  /** No sequence of so many words twice; 0 allows all. */
  readonly blockNgrams: number;
  readonly maxLength: number;
}

/**
 * Words that English captions do not end with: articles, conjunctions, and prepositions, auxiliaries
 * and possessives that wait for a noun. `her` is not among them ("a dog behind her"), nor is `over`
 * ("a horse jumps over"). The same words make the bad-ending rate of `diversity`.
 * The idea is from ImageCaptioning.pytorch (R. Luo), `remove_bad_endings`.
 */
export const englishBadEndings: readonly string[] = [
  ...['a', 'an', 'the', 'and', 'or', 'but', 'as', 'because', 'while', 'of', 'at', 'to', 'for'],
  ...['from', 'with', 'by', 'in', 'on', 'into', 'onto', 'upon', 'against', 'between', 'during'],
  ...['toward', 'towards', 'my', 'your', 'our', 'his', 'its', 'their', 'this', 'these', 'very'],
  ...['is', 'are', 'was', 'were', 'be', 'has', 'have'],
];

/** The words that may not come next. */
export function blockedWords(path: Path, constraints: Constraints): Set<number> {
  const { endWord, never, badEndings, blockRepetition, blockNgrams, maxLength } = constraints;
  const blocked = new Set(never);
  if (blockRepetition && path.length > 0) blocked.add(path.word);
  if (blockNgrams > 0) {
    for (const word of wordsThatRepeat(wordsOf(path), blockNgrams)) blocked.add(word);
  }
  if (badEndings.has(path.word)) blocked.add(endWord);
  if (path.length === maxLength - 1) for (const word of badEndings) blocked.add(word);
  return blocked;
}

/**
 * The words after which `words` would hold some sequence of n words twice: those that followed an
 * earlier occurrence of its last n - 1 words.
 *
 * Source: Paulus et al. 2018, "A deep reinforced model for abstractive summarization", with n = 3.
 */
function* wordsThatRepeat(words: readonly number[], n: number): Generator<number> {
  const last = words.length - (n - 1);
  for (let start = 0; start < last; start++) {
    let same = 0;
    while (same < n - 1 && words[start + same] === words[last + same]) same++;
    const follower = words[start + same];
    if (same === n - 1 && follower !== undefined) yield follower;
  }
}
