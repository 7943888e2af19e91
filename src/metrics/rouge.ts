import { ValueError } from '../errors.js';
import { commonSubsequence } from './common-subsequence.js';
import type { Words } from './words.js';

/** Recall counts beta^2 = 1.44 times as much as precision. */
const BETA = 1.2;
/** What coco-caption makes of an empty caption: splitting '' at spaces gives one empty word. */
const NOTHING: Words = [''];

/**
 * ROUGE-L as coco-caption computes it. With L the length of the longest common subsequence, P the
 * best of L / candidate length and R the best of L / reference length, each over all references
 * (they may be two different ones):
 *
 *     ROUGE-L = (1 + 1.2^2) P R / (R + 1.2^2 P),  0 where P or R is 0
 *
 * An empty caption counts as one empty word, so an empty candidate matches an empty reference.
 * The score of a corpus is the mean over its images.
 * Source: Lin 2004; Chen et al. 2015 (Microsoft COCO Captions).
 *
 * @throws ValueError without a reference.
 */
export function rougeL(candidate: Words, references: readonly Words[]): number {
  if (references.length === 0) throw new ValueError('ROUGE-L needs at least one reference.');
  const words = candidate.length === 0 ? NOTHING : candidate;
  let precision = 0;
  let recall = 0;
  for (const reference of references) {
    const truth = reference.length === 0 ? NOTHING : reference;
    const common = commonSubsequence(words, truth);
    precision = Math.max(precision, common / words.length);
    recall = Math.max(recall, common / truth.length);
  }
  if (precision === 0 || recall === 0) return 0;
  return ((1 + BETA ** 2) * precision * recall) / (recall + BETA ** 2 * precision);
}
