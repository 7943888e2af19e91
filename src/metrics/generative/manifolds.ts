/** Precision and recall, density and coverage: how well two sets of features cover each other. */
import type { Tensor } from '../../tensor/tensor.js';
import { type DistanceBlock, distanceBlocks } from './distances.js';
import { neighboursOf } from './neighbours.js';
import { checkSameLength, type Samples, samplesOf } from './samples.js';

/** Shares from 0 to 1. */
export interface PrecisionRecall {
  /** Of the generated samples, those within the ball of a real one: are they like the data? */
  readonly precision: number;
  /** Of the real samples, those within the ball of a generated one: is everything made that there is? */
  readonly recall: number;
}

/**
 * Precision and recall of generated features (M, D) against real ones (N, D). A set's manifold is the
 * union of the balls around its samples, each as large as the distance to the k-th nearest of the others:
 *
 *     precision = share of generated samples within the manifold of the real ones
 *     recall    = share of real samples within the manifold of the generated ones
 *
 * Balls are closed. Two sets of one distribution do not have 1: print those of two halves of the real
 * data beside. One outlier's ball can hold much; `densityAndCoverage` bears that better.
 * Source: Kynkäänniemi et al. 2019, who take k = 3 and 50,000 samples of either.
 * @throws ValueError when k is not below the number of samples of either set, or a value is not finite;
 *   ShapeError when features differ in length; DTypeError when one of the two is not f32 or f64.
 */
export function precisionAndRecall(
  real: Tensor,
  generated: Tensor,
  { k = 3 } = {},
): PrecisionRecall {
  const [data, made] = both(real, generated);
  const [around, aroundMade] = [squaredRadii(data, k), squaredRadii(made, k)];
  const [precise, recalled] = [new Uint8Array(made.N), new Uint8Array(data.N)];
  for (const block of distanceBlocks(made, data)) {
    const { from, to, rows, columns } = block;
    for (let i = 0; i < rows; i++) {
      const own = aroundMade[from + i] ?? 0;
      for (let j = 0; j < columns; j++) {
        if (!precise[from + i] && isWithin(block, i, j, around[to + j] ?? 0)) precise[from + i] = 1;
        if (!recalled[to + j] && isWithin(block, i, j, own)) recalled[to + j] = 1;
      }
    }
  }
  return { precision: shareOf(precise), recall: shareOf(recalled) };
}

/** What `densityAndCoverage` gives. */
export interface DensityCoverage {
  /** Balls of real samples that a generated one lies in, on average, over k: 1 to expect, may be more. */
  readonly density: number;
  /** Share of the real samples whose ball holds a generated one, 0 to 1. */
  readonly coverage: number;
}

/**
 * Density and coverage of generated features (M, D) against real ones (N, D), by the closed balls B_j
 * around real samples that reach to the k-th nearest of the other real ones:
 *
 *     density  = 1 / (k M) Σ_i Σ_j [y_i in B_j]
 *     coverage = 1 / N Σ_j [some y_i in B_j]
 *
 * Of two sets of one distribution density is 1 and coverage `expectedCoverage`, whatever it is. Only balls
 * of real samples count, so that strange generated samples make nothing better.
 * Source: Naeem et al. 2020, Reliable fidelity and diversity metrics, who take k = 5.
 * @throws as `precisionAndRecall`; k has to be below the number of real samples alone.
 */
export function densityAndCoverage(
  real: Tensor,
  generated: Tensor,
  { k = 5 } = {},
): DensityCoverage {
  const [data, made] = both(real, generated);
  const around = squaredRadii(data, k);
  const covered = new Uint8Array(data.N);
  let inside = 0;
  for (const block of distanceBlocks(made, data)) {
    const { to, rows, columns } = block;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        if (!isWithin(block, i, j, around[to + j] ?? 0)) continue;
        covered[to + j] = 1;
        inside++;
      }
    }
  }
  return { density: inside / (k * made.N), coverage: shareOf(covered) };
}

/**
 * The coverage to expect of M samples of the very distribution that the N real ones are of, as long as it
 * is continuous:
 *
 *     1 - (N - 1) ... (N - k) / ((M + N - 1) ... (M + N - k))
 *
 * 0.97 with k = 5 and M = N. Source: Naeem et al. 2020, section 3.3.
 */
export function expectedCoverage(real: number, generated: number, k = 5): number {
  let missed = 1;
  for (let i = 1; i <= k; i++) missed *= (real - i) / (generated + real - i);
  return 1 - missed;
}

/** Whether the squared distance of row i and column j is no more than `square`. */
function isWithin(
  { least, doubt, columns, exact }: DistanceBlock,
  i: number,
  j: number,
  square: number,
): boolean {
  const atLeast = least[i * columns + j] ?? 0;
  return atLeast <= square && (atLeast + doubt <= square || exact(i, j) <= square);
}

function both(real: Tensor, generated: Tensor): readonly [Samples, Samples] {
  const [data, made] = [samplesOf('real', real), samplesOf('generated', generated)];
  checkSameLength(data, made);
  return [data, made];
}

/** (N): the squared distance of each sample to the k-th nearest of the others. */
function squaredRadii(samples: Samples, k: number): Float64Array {
  const { squares } = neighboursOf(samples, samples, { k, withinItself: true });
  return Float64Array.from({ length: samples.N }, (_, n) => squares[n * k + k - 1] ?? 0);
}

function shareOf(flags: Uint8Array): number {
  return flags.reduce((count, flag) => count + flag, 0) / flags.length;
}
