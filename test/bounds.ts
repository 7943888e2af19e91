/**
 * What rounding allows: every numeric bound of a test follows from here. Bits are compared only where
 * the very same products run in the same order, which means in the same shapes: a product of other
 * extents, on another engine or processor, adds up the same terms in another order.
 */
import { expect } from 'vitest';
import type { FloatDType } from '@/engine/blas.js';
import { Tensor } from '@/tensor/tensor.js';

/** Machine epsilon: a rounding is off by half of it, relative to its result. */
export const EPSILON: Readonly<Record<FloatDType, number>> = { f32: 2 ** -23, f64: 2 ** -52 };

/** How two computations of the same values may differ. */
export interface Rounding {
  /** The type that they are computed in: the less exact one, if there are two. */
  readonly dtype: FloatDType;
  /** Roundings behind one value: the terms of its sums, of all layers or steps on its way together. */
  readonly terms: number;
  /** Size of what is added and rounded on the way; without it the largest of the expected values. */
  readonly size?: number;
}

/**
 * The difference that rounding explains: 4 sqrt(terms) epsilon size. Errors of n roundings, each of
 * up to u = epsilon / 2, add up to more than lambda sqrt(n) u with a probability of no more than
 * 2 exp(-lambda^2 / 2) (Higham and Mary 2019, "A new approach to probabilistic rounding error
 * analysis"); lambda is 8 here, a chance of 1e-14.
 */
export function roundingBound({ dtype, terms, size = 1 }: Rounding): number {
  return 4 * Math.sqrt(terms) * EPSILON[dtype] * size;
}

/** Largest absolute value; NaN where there is one. */
export function largest(values: ArrayLike<number>): number {
  return Array.from(values, Math.abs).reduce((most, value) => Math.max(most, value), 0);
}

/** Largest |actual - expected|; NaN where there is one, infinite where the lengths differ. */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  return largest(Array.from(expected, (value, i) => (actual[i] ?? Number.NaN) - value));
}

/** Asserts that values are the expected ones but for rounding. */
export function expectClose(
  actual: Tensor | ArrayLike<number> | number,
  expected: Tensor | ArrayLike<number> | number,
  rounding: Rounding,
  what?: string,
): void {
  const [found, wanted] = [actual, expected].map((values) => {
    if (values instanceof Tensor) return values.dataSync();
    return typeof values === 'number' ? [values] : values;
  }) as [ArrayLike<number>, ArrayLike<number>];
  const bound = roundingBound({ size: largest(wanted), ...rounding });
  expect(largestDifference(found, wanted), what).toBeLessThanOrEqual(bound);
}
