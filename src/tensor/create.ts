/** Tensors from numbers, constants and random numbers. */
import type { FloatDType } from '../engine/blas.js';
import { ShapeError } from '../errors.js';
import type { Random } from '../random.js';
import { elementCount, showShape } from './shape.js';
import { type DType, empty, type Tensor } from './tensor.js';

/** Numbers nested to the depth of the shape. */
export type Nested = number | readonly Nested[];

/**
 * A tensor of nested arrays, or of a flat list and a shape.
 *
 * ```ts
 * tensor([[1, 2], [3, 4]]);
 * tensor(pixels, { shape: [3, 224, 224] });
 * ```
 * @throws ShapeError when rows differ in length, or the list does not fill the shape.
 */
export function tensor(
  values: Nested | ArrayLike<number>,
  options: { shape?: readonly number[]; dtype?: DType } = {},
): Tensor {
  const dtype = options.dtype ?? 'f32';
  if (options.shape || ArrayBuffer.isView(values)) {
    const flat = typeof values === 'number' ? [values] : (values as ArrayLike<number>);
    return empty(dtype, options.shape ?? [flat.length]).assign(flat);
  }
  const shape: number[] = [];
  for (let level = values as Nested; Array.isArray(level); level = level[0])
    shape.push(level.length);
  const flat = (
    Array.isArray(values) ? values.flat(Number.POSITIVE_INFINITY) : [values]
  ) as number[];
  if (!fills(values as Nested, shape)) {
    throw new ShapeError(
      `rows differ in length or depth: ${flat.length} values do not fill the shape ${showShape(shape)} of the first ones`,
    );
  }
  return empty(dtype, shape).assign(flat);
}

/** Whether every row at every depth is as long as the shape says. */
function fills(values: Nested, [length, ...rest]: readonly number[]): boolean {
  if (length === undefined) return typeof values === 'number';
  return (
    Array.isArray(values) && values.length === length && values.every((row) => fills(row, rest))
  );
}

/** All elements 0. */
export function zeros(shape: readonly number[], dtype: DType = 'f32'): Tensor {
  return full(shape, 0, dtype);
}

/** All elements `value`. */
export function full(shape: readonly number[], value: number, dtype: DType = 'f32'): Tensor {
  return empty(dtype, shape).fill(value);
}

/** `num` evenly spaced values from `start` to `end`, both included, in a shape: numpy's linspace. */
export function linspace(
  start: number,
  end: number,
  shape: readonly number[],
  dtype: DType = 'f32',
): Tensor {
  const count = elementCount(shape);
  const step = count > 1 ? (end - start) / (count - 1) : 0;
  return empty(dtype, shape).fillBy((i) => (i > 0 && i === count - 1 ? end : start + step * i));
}

/** Independent normal values of mean 0. */
export function randomNormal(
  random: Random,
  shape: readonly number[],
  standardDeviation = 1,
  dtype: FloatDType = 'f32',
): Tensor {
  return empty(dtype, shape).fillBy(() => random.normal() * standardDeviation);
}

/** Independent uniform values in [low, high). */
export function randomUniform(
  random: Random,
  shape: readonly number[],
  low: number,
  high: number,
  dtype: FloatDType = 'f32',
): Tensor {
  return empty(dtype, shape).fillBy(() => low + (high - low) * random.uniform());
}
