import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { linspace, tensor } from '@/tensor/create.js';
import type { DType, Tensor } from '@/tensor/tensor.js';

/** Largest |a - b| / max(|a| + |b|, 1e-8): the course's measure of disagreement. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const a = Number(actual[i]);
    const b = Number(expected[i]);
    const error = Math.abs(a - b) / Math.max(1e-8, Math.abs(a) + Math.abs(b));
    // A NaN anywhere is the worst disagreement there is.
    worst = error <= worst ? worst : Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  }
  return worst;
}

/** Agreement in float64. Sums that cancel leave their rounding: what is below 1e-12 counts as 0. */
export function expectNear(actual: Tensor, expected: ArrayLike<number> = []): void {
  const settle = (values: ArrayLike<number>) =>
    Array.from(values, (value) => (Math.abs(value) < 1e-12 ? 0 : value));
  expect(relativeError(settle(actual.dataSync()), settle(expected))).toBeLessThan(1e-9);
}

/** numpy's linspace in a shape, in float64: the inputs of the course's checks. */
export function ramp([from, to]: readonly [number, number], ...shape: number[]): Tensor {
  return linspace(from, to, shape, 'f64');
}

/** An array as the scripts in tools/reference write it. */
export interface FixtureArray {
  shape: number[];
  data: number[];
}

/** One case of a fixture file: what went in, what came out, and the gradients under cotangents. */
export interface FixtureCase {
  inputs: Record<string, FixtureArray>;
  options: Record<string, unknown>;
  outputs: Record<string, FixtureArray>;
  cotangents: Record<string, FixtureArray>;
  gradients: Record<string, FixtureArray>;
}

/** A JSON file below test/fixtures. */
export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8'));
}

/** A named array of a case as a tensor. */
export function fromFixture(
  arrays: Record<string, FixtureArray>,
  name: string,
  dtype: DType = 'f64',
) {
  const found = arrays[name];
  if (!found) throw new Error(`the fixture has no ${name}, only ${Object.keys(arrays).join(', ')}`);
  return tensor(found.data, { shape: found.shape, dtype });
}
