/** Sums and means over axes. */
import { differentiable } from '../../autograd/differentiable.js';
import { ValueError } from '../../errors.js';
import { scaled } from '../../tensor/arithmetic.js';
import { axesOf } from '../../tensor/axes.js';
import { repeated, sumAxes } from '../../tensor/broadcast.js';
import { checkCotangent, elementCount, showShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';

/** What `sum` and `mean` go over. */
export interface ReductionOptions {
  /** One axis or several, from 0 on or from -1 back; all of them by default. */
  readonly axes?: number | readonly number[];
  /** Keep the axes with extent 1, so that the result broadcasts against x; they go by default. */
  readonly keepDims?: boolean;
}

interface Cache {
  readonly x: Tensor;
  readonly out: Tensor;
  /** The shape of the result with the axes kept. */
  readonly kept: readonly number[];
}

/**
 * out = the sum of x over axes. A sum of nothing is 0, as numpy has it.
 * @throws ShapeError for an axis that x does not have, ValueError for one that is named twice.
 */
export function sumForward(
  x: Tensor,
  { axes, keepDims = false }: ReductionOptions = {},
): { out: Tensor; cache: Cache } {
  return reduced('sum', x, axes, keepDims);
}

/** dx = dout, repeated along the axes that were summed over. */
export function sumBackward(dout: Tensor, cache: Cache): { dx: Tensor } {
  checkCotangent('sumBackward: dout', dout, cache.out);
  return { dx: repeated(dout.view(...cache.kept), cache.x.shape) };
}

/** `sumForward` as an op. */
export const sum = differentiable(sumForward, sumBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});

/**
 * out = the mean of x over axes.
 * @throws ShapeError for an axis that x does not have, ValueError for one that is named twice and for a
 *   mean of no values.
 */
export function meanForward(
  x: Tensor,
  { axes, keepDims = false }: ReductionOptions = {},
): { out: Tensor; cache: Cache } {
  const { out: total, cache } = reduced('mean', x, axes, keepDims);
  const count = valuesEach(cache);
  if (count === 0) {
    throw new ValueError(`mean: x ${showShape(x.shape)} has no values along the axes to average`);
  }
  const out = scaled(total, 1 / count);
  return { out, cache: { ...cache, out } };
}

/** dx = dout / the number of values in each mean, repeated along the axes that were averaged. */
export function meanBackward(dout: Tensor, cache: Cache): { dx: Tensor } {
  checkCotangent('meanBackward: dout', dout, cache.out);
  const { x, kept } = cache;
  return { dx: repeated(dout.view(...kept), x.shape, 1 / valuesEach(cache)) };
}

/** `meanForward` as an op. */
export const mean = differentiable(meanForward, meanBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});

function reduced(
  operation: string,
  x: Tensor,
  axes: ReductionOptions['axes'],
  keepDims: boolean,
): { out: Tensor; cache: Cache } {
  const all = x.shape.map((_, axis) => axis);
  const over = axesOf(operation, x.shape, typeof axes === 'number' ? [axes] : (axes ?? all));
  const result = sumAxes(
    x,
    all.map((axis) => over.includes(axis)),
  );
  const shape = keepDims ? result.shape : x.shape.filter((_, axis) => !over.includes(axis));
  const out = result.view(...shape);
  return { out, cache: { x, out, kept: result.shape } };
}

/** Of how many values each one of the result is made. */
function valuesEach({ x, kept }: Cache): number {
  return elementCount(x.shape.filter((_, axis) => kept[axis] === 1));
}
