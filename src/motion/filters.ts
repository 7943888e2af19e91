/** Images filtered along one axis: blurred, resized and differentiated by tables of weights. */
import type { FloatDType } from '../engine/blas.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { tensor } from '../tensor/create.js';
import { dimensions } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

/** A pixel along an axis, and what it counts. */
export type Share = readonly [index: number, weight: number];

/** For each of O results along an axis, the K neighbouring pixels that it is a weighted sum of. */
export interface AxisFilter {
  /** (O), i32: the first of the pixels. */
  readonly starts: Tensor;
  /** (O, K) */
  readonly weights: Tensor;
}

/**
 * The filter whose result o is the sum of weight times pixel over `shares(o)`; a pixel may be named more
 * than once.
 * @param I pixels along the axis; every index lies below.
 * @param O results.
 */
export function axisFilter(
  dtype: FloatDType,
  I: number,
  O: number,
  shares: (o: number) => readonly Share[],
): AxisFilter {
  const all = Array.from({ length: O }, (_, o) => shares(o));
  const ends = all.map((own) => {
    const indices = own.map(([index]) => index);
    return [Math.min(...indices), Math.max(...indices)] as const;
  });
  const K = ends.reduce((most, [low, high]) => Math.max(most, high - low + 1), 1);
  const starts = ends.map(([low]) => Math.min(low, I - K));
  const weights = new Float64Array(O * K);
  for (const [o, own] of all.entries()) {
    for (const [index, weight] of own) {
      const at = o * K + index - (starts[o] ?? 0);
      weights[at] = (weights[at] ?? 0) + weight;
    }
  }
  return {
    starts: tensor(starts, { dtype: 'i32', shape: [O] }),
    weights: tensor(weights, { dtype, shape: [O, K] }),
  };
}

/** y[n, o, :] = Σ_k weights[o, k] x[n, starts[o] + k, :]; x (N, H, W), y (N, O, W). */
export function filterRows(x: Tensor, { starts, weights }: AxisFilter): Tensor {
  const { N, H, W } = dimensions('filterRows', { x: [x, 'N', 'H', 'W'] });
  const { O, K } = dimensions('filterRows', { weights: [weights, 'O', 'K'] });
  const y = empty(x.dtype, [N, O, W]);
  kernelsFor(x).filterRows(x, y, starts, weights, N, H, W, O, K);
  return y;
}

/** y[n, :, o] = Σ_k weights[o, k] x[n, :, starts[o] + k]; x (N, H, W), y (N, H, O). */
export function filterColumns(x: Tensor, { starts, weights }: AxisFilter): Tensor {
  const { N, H, W } = dimensions('filterColumns', { x: [x, 'N', 'H', 'W'] });
  const { O, K } = dimensions('filterColumns', { weights: [weights, 'O', 'K'] });
  const y = empty(x.dtype, [N, H, O]);
  kernelsFor(x).filterColumns(x, y, starts, weights, N * H, W, O, K);
  return y;
}
