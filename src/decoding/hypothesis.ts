/** Captions that are found or half made, and how those of different lengths are ranked. */
import type { HostArray } from '../tensor/tensor.js';

/** A caption that a decoder found, and what the model thinks of it. */
export interface Hypothesis {
  /** Word indices, without `<START>` and `<END>`. */
  readonly words: readonly number[];
  /** Sum of `wordLogProbabilities`: the logarithm of the probability of this caption, in nats. */
  readonly logProbability: number;
  /**
   * The model's own log-probability of each word after those before it, and of `<END>` after the
   * last one when the caption is finished. Over the whole vocabulary at temperature 1, whatever
   * the decoder did to choose the word.
   */
  readonly wordLogProbabilities: readonly number[];
  /** Whether it ended with `<END>`, and not because it had reached the longest length. */
  readonly finished: boolean;
  /** What an attention model looked at for each entry of `wordLogProbabilities`. */
  readonly attention?: readonly HostArray[];
}

/** An unfinished caption, as a linked list from its last word back: hypotheses share their beginnings. */
export interface Path {
  readonly previous: Path | undefined;
  readonly word: number;
  readonly logProbability: number;
  /** Sum of the log-probabilities so far. */
  readonly total: number;
  /** Number of words so far, a final `<END>` included, `<START>` not. */
  readonly length: number;
  readonly attention: HostArray | undefined;
}

/** The path that holds `<START>` only. */
export function emptyPath(startWord: number): Path {
  return {
    previous: undefined,
    word: startWord,
    logProbability: 0,
    total: 0,
    length: 0,
    attention: undefined,
  };
}

/** The words of a path, without `<START>`. */
export function wordsOf(path: Path): number[] {
  return stepsOf(path).map(({ word }) => word);
}

/** A path as what a decoder returns. */
export function hypothesisOf(path: Path, endWord: number): Hypothesis {
  const steps = stepsOf(path);
  const finished = path.length > 0 && path.word === endWord;
  const attention = steps.flatMap((step) => step.attention ?? []);
  return {
    words: (finished ? steps.slice(0, -1) : steps).map(({ word }) => word),
    logProbability: path.total,
    wordLogProbabilities: steps.map(({ logProbability }) => logProbability),
    finished,
    ...(attention.length > 0 && { attention }),
  };
}

function stepsOf(path: Path): Path[] {
  const steps: Path[] = [];
  for (let step = path; step.previous; step = step.previous) steps.push(step);
  return steps.reverse();
}

/**
 * How hypotheses of different lengths are ranked:
 *
 * - `none`: by their log-probability, which prefers short ones;
 * - `average`: by their log-probability per word;
 * - a number α from 0 on: by log P / lp with lp = ((5 + length) / 6)^α, the length penalty of
 *   Wu et al. 2016 ("Google's neural machine translation system", equation 14); 0 is `none`.
 *
 * The length counts the entries of `wordLogProbabilities`: a final `<END>`, and a forced prefix.
 */
export type LengthPenalty = 'none' | 'average' | number;

/** What a hypothesis of this total log-probability and length is ranked by. */
export function penalisedScore(total: number, length: number, penalty: LengthPenalty): number {
  if (penalty === 'none') return total;
  if (penalty === 'average') return total / Math.max(1, length);
  return total / ((5 + length) / 6) ** penalty;
}
