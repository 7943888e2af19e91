/** Sums, means and stable sums of exponentials over axes. */
import { differentiable } from '../../autograd/differentiable.js';
import { scope } from '../../engine/engine.js';
import { ValueError } from '../../errors.js';
import { scaled } from '../../tensor/arithmetic.js';
import { axesOf } from '../../tensor/axes.js';
import { combined, maxAxes, repeated, sumAxes } from '../../tensor/broadcast.js';
import { checkCotangent, elementCount, showShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { clampForward, expForward, logForward } from '../elementwise/functions.js';

/** What a reduction goes over. */
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

/**
 * out = log of the sum of e^x over axes, without overflow: with m the largest of them,
 *
 *     out = m + log Σ e^(x - m)
 *
 * Minus infinity where all are, as of no values; what is added to a mixture without weight changes nothing.
 * @throws as `sumForward`.
 */
export function logSumExpForward(
  x: Tensor,
  { axes, keepDims = false }: ReductionOptions = {},
): { out: Tensor; cache: Cache } {
  const over = reducedAxes('logSumExp', x, axes);
  using work = scope();
  const shift = finite(maxAxes(x, over));
  const sums = sumAxes(expForward(combined('subtract', x, shift)).out, over);
  const result = combined('add', logForward(sums).out, shift);
  const out = work.keep(result.view(...shapeWithout(x, over, keepDims)));
  return { out, cache: { x, out, kept: result.shape } };
}

/** dx = dout softmax(x) = dout e^(x - out); 0 where all of a sum are minus infinity. */
export function logSumExpBackward(dout: Tensor, { x, out, kept }: Cache): { dx: Tensor } {
  checkCotangent('logSumExpBackward: dout', dout, out);
  using work = scope();
  const shares = expForward(combined('subtract', x, finite(out.view(...kept)))).out;
  return { dx: work.keep(combined('multiply', dout.view(...kept), shares)) };
}

/** `logSumExpForward` as an op. */
export const logSumExp = differentiable(logSumExpForward, logSumExpBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});

/** The largest finite numbers in place of infinite ones, from which infinity can be subtracted. */
function finite(x: Tensor): Tensor {
  const most = x.dtype === 'f32' ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;
  return clampForward(x, { low: -most, high: most }).out;
}

function reduced(
  operation: string,
  x: Tensor,
  axes: ReductionOptions['axes'],
  keepDims: boolean,
): { out: Tensor; cache: Cache } {
  const over = reducedAxes(operation, x, axes);
  const result = sumAxes(x, over);
  const out = result.view(...shapeWithout(x, over, keepDims));
  return { out, cache: { x, out, kept: result.shape } };
}

/** For every axis of x, whether it is gone over. */
function reducedAxes(
  operation: string,
  { shape }: Tensor,
  axes: ReductionOptions['axes'],
): boolean[] {
  const all = shape.map((_, axis) => axis);
  const over = axesOf(operation, shape, typeof axes === 'number' ? [axes] : (axes ?? all));
  return all.map((axis) => over.includes(axis));
}

function shapeWithout({ shape }: Tensor, over: readonly boolean[], keepDims: boolean): number[] {
  if (keepDims) return shape.map((extent, axis) => (over[axis] ? 1 : extent));
  return shape.filter((_, axis) => !over[axis]);
}

/** Of how many values each one of the result is made. */
function valuesEach({ x, kept }: Cache): number {
  return elementCount(x.shape.filter((_, axis) => kept[axis] === 1));
}
