/** Inputs for tests of layers: sizes, and random values of given shapes. */
import { Random } from '@/random.js';
import { randomNormal } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

/** Independent normal values in float64, the same for the same shapes and seed. */
export function inputs<S extends Record<string, readonly number[]>>(
  shapes: S,
  seed = 1,
): { [K in keyof S]: Tensor } {
  const random = new Random(seed);
  const entries = Object.entries(shapes).map(([name, shape]) => [
    name,
    randomNormal(random, shape, 0.7, 'f64'),
  ]);
  return Object.fromEntries(entries);
}

/** Of a batch, a sequence, and sizes that fill no vector, or exactly some. */
export const sizes = [
  { N: 1, T: 1, D: 1, H: 1 },
  { N: 2, T: 3, D: 5, H: 3 },
  { N: 3, T: 2, D: 1, H: 4 },
  { N: 1, T: 4, D: 3, H: 5 },
];
