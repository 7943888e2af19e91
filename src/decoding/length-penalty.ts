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
