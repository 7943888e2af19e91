/** The Frechet distance: how far the features of two sets of pictures are apart, as Gaussians. */
import { scope } from '../../engine/engine.js';
import { ValueError } from '../../errors.js';
import { matmul, transposed } from '../../tensor/arithmetic.js';
import { zeros } from '../../tensor/create.js';
import { dimensions } from '../../tensor/shape.js';
import { symmetricEigen, symmetricEigenvalues } from '../../tensor/symmetric-eigen.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkSameLength, float64Of, matrixOf, partsOf, readRows, samplesOf } from './samples.js';

/** Mean and covariance of features, in float64. */
export interface Gaussian {
  /** (D). */
  readonly mean: Tensor;
  /** (D, D). */
  readonly covariance: Tensor;
}

/**
 * Mean and covariance of features (N, D): covariance = Σ (x - mean)(x - mean)ᵀ / (N - 1), with the mean
 * taken off first, so that features far from 0 lose no digits. Of real data it is computed once.
 * @throws ValueError for fewer than 2 samples, or values that are not finite; ShapeError, DTypeError
 *   when they are no (N, D) of f32 or f64.
 */
export function gaussianOf(features: Tensor): Gaussian {
  using work = scope();
  const samples = samplesOf('features', features, 2);
  const { N, D } = samples;
  const mean = new Float64Array(D);
  for (const { first, size } of partsOf(N, D)) {
    const rows = readRows(samples, first, size);
    for (let n = 0; n < size; n++) {
      for (let d = 0; d < D; d++) mean[d] = (mean[d] ?? 0) + (rows[n * D + d] ?? 0) / N;
    }
  }
  const covariance = zeros([D, D], 'f64');
  for (const { first, size } of partsOf(N, D)) {
    using _part = scope();
    const rows = readRows(samples, first, size);
    for (let n = 0; n < size; n++) {
      for (let d = 0; d < D; d++) {
        // The root of N - 1 twice: in each factor.
        rows[n * D + d] = ((rows[n * D + d] ?? 0) - (mean[d] ?? 0)) / Math.sqrt(N - 1);
      }
    }
    const centred = matrixOf(rows, D);
    matmul(transposed(centred), centred, { into: covariance, accumulate: true });
  }
  return {
    mean: work.keep(matrixOf(mean, D).view(D)),
    covariance: work.keep(covariance),
  };
}

/**
 * The Frechet distance of two Gaussians, squared as everybody gives it:
 *
 *     |μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁ Σ₂)^½)
 *
 * The trace of the root is the sum of the roots of the eigenvalues of R Σ₂ Rᵀ, where Σ₁ = Rᵀ R by its
 * own eigenvalues. Both matrices are symmetric, so covariances of any rank will do: no root of a matrix
 * that is none, no complex numbers, nothing added to the diagonal. What is left of a distance of 0 is
 * about 1e-8 of the traces at most.
 * Source: Dowson and Landau 1982; Heusel et al. 2017 (on features of Inception: FID).
 * @throws ShapeError when the sizes disagree; DTypeError when one of them is not f64 as the other.
 */
export function gaussianDistance(a: Gaussian, b: Gaussian): number {
  using _work = scope();
  const { D } = dimensions('gaussianDistance', {
    'mean of the first': [a.mean, 'D'],
    'covariance of the first': [a.covariance, 'D', 'D'],
    'mean of the second': [b.mean, 'D'],
    'covariance of the second': [b.covariance, 'D', 'D'],
  });
  const [first, second] = [a.mean.dataSync(), b.mean.dataSync()];
  const means = sum(Array.from(first, (value, d) => (value - (second[d] ?? 0)) ** 2));
  const { values, vectors } = symmetricEigen(a.covariance);
  const roots = rootsOf(values);
  const R = float64Of(vectors).map((value, i) => value * (roots[Math.floor(i / D)] ?? 0));
  const root = matrixOf(R, D);
  const covariance = matrixOf(float64Of(b.covariance), D);
  const product = matmul(matmul(root, covariance), transposed(root));
  const overlap = sum(rootsOf(symmetricEigenvalues(product)));
  const traces = trace(a.covariance, D) + trace(b.covariance, D);
  return means + Math.max(0, traces - 2 * overlap);
}

/**
 * The Frechet distance between the features (N, D) of two sets: `gaussianDistance` of what `gaussianOf`
 * makes of them. 0 for equal sets; in squared units of the features, so that only distances on one and
 * the same network compare, and none with FID, which is on Inception's.
 *
 * It needs samples: too few make it larger, by about what `frechetBias` gives, which falls as 1 / N and
 * grows as D². With 10,000 of each and 128 features of variance 1 that is 0.85. Fewer samples than
 * features leave covariances without full rank, and a distance that says little.
 * @throws as `gaussianOf`; ShapeError when the two have features of different lengths.
 */
export function frechetDistance(a: Tensor, b: Tensor): number {
  using _work = scope();
  checkSameLength(samplesOf('the first features', a, 2), samplesOf('the second features', b, 2));
  return gaussianDistance(gaussianOf(a), gaussianOf(b));
}

/**
 * The Frechet distance to expect between two sets of samples of one and the same Gaussian, to first order
 * in 1 / N: what is not there, but measured. With λ the eigenvalues of the covariance:
 *
 *     (1/N₁ + 1/N₂) tr Σ + ½ (1/(N₁ - 1) + 1/(N₂ - 1)) Σ_ij λ_i λ_j (1 + [i = j]) / (λ_i + λ_j)
 *
 * of which the second part is, with all variances 1, D (D + 1) / (2 (N - 1)) for two sets of N. The sum is
 * the second order of the distance (Bures' metric), in which the variances of the entries of a sample
 * covariance (Wishart's) are put. Of normal features good to a few percent from N = D on.
 * @param counts N₁ and N₂; `Infinity` for a side that is known exactly.
 * @throws ValueError for a count below 2.
 */
export function frechetBias(
  { covariance }: Pick<Gaussian, 'covariance'>,
  counts: readonly [number, number],
): number {
  for (const count of counts) {
    if (!(count >= 2)) throw new ValueError(`${count} samples have no covariance: take 2 or more`);
  }
  const values = symmetricEigenvalues(covariance).map((value) => Math.max(0, value));
  const [means, covariances] = [0, 1].map((less) => sum(counts.map((N) => 1 / (N - less))));
  let between = 0;
  for (const [i, a] of values.entries()) {
    for (const [j, b] of values.entries()) {
      if (a + b > 0) between += (a * b * (i === j ? 2 : 1)) / (a + b);
    }
  }
  return (means ?? 0) * sum(values) + ((covariances ?? 0) * between) / 2;
}

/** Roots of the eigenvalues of a matrix that has none below 0: what is rounding counts as 0. */
function rootsOf(values: Float64Array): Float64Array {
  const rounding = values.length * 2 ** -52 * (values[0] ?? 0);
  return values.map((value) => (value > rounding ? Math.sqrt(value) : 0));
}

function trace(matrix: Tensor, D: number): number {
  const values = matrix.dataSync();
  return sum(Array.from({ length: D }, (_, d) => values[d * (D + 1)] ?? 0));
}

function sum(values: ArrayLike<number>): number {
  return Array.from(values).reduce((total, value) => total + value, 0);
}
