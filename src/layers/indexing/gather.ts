import { differentiable } from '../../autograd/differentiable.js';
import { DTypeError, ValueError } from '../../errors.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { axisOf } from '../../tensor/axes.js';
import { zeros } from '../../tensor/create.js';
import { checkCotangent, elementCount, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';

interface Cache {
  readonly x: Tensor;
  readonly indices: Tensor;
  readonly out: Tensor;
  readonly axis: number;
}

/**
 * Entries of x along an axis, in the order that indices say: numpy's `take`. Of a matrix along axis 0
 * these are rows, out[i, :] = x[indices[i], :].
 *
 * @param indices i32, any shape, from 0 on; one may occur any number of times.
 * @param axis -1 is the last one; the first by default.
 * @returns x with the shape of the indices in place of that axis.
 * @throws ShapeError when x has no such axis, DTypeError when indices are not i32, ValueError naming the
 *   first index that is not an entry.
 */
export function gatherForward(x: Tensor, indices: Tensor, axis = 0): { out: Tensor; cache: Cache } {
  const along = axisOf('gather', x.shape, axis);
  if (indices.dtype !== 'i32') {
    throw new DTypeError(`gather: indices must be i32, not ${indices.dtype}`);
  }
  const shape = [...x.shape.slice(0, along), ...indices.shape, ...x.shape.slice(along + 1)];
  const out = empty(x.dtype, shape);
  const { outer, extent, each } = blocksOf(x, along);
  const bad = kernelsFor(x).gather(indices, x, out, outer, indices.size, extent, each);
  if (bad >= 0) {
    throw new ValueError(
      `gather: indices hold ${indices.dataSync()[bad]} at position ${bad}, but axis ${along} of x ${showShape(x.shape)} has the entries 0:${extent}`,
    );
  }
  return { out, cache: { x, indices, out, axis: along } };
}

/** dx: every entry gets the sum of the cotangents of the places that it went to, 0 if to none. */
export function gatherBackward(dout: Tensor, { x, indices, out, axis }: Cache): { dx: Tensor } {
  checkCotangent('gatherBackward: dout', dout, out);
  const dx = zeros(x.shape, x.dtype);
  const { outer, extent, each } = blocksOf(x, axis);
  kernelsFor(x).scatterAdd(indices, dout, dx, outer, indices.size, extent, each);
  return { dx };
}

/** `gatherForward` as an op; indices have no gradient. */
export const gather = differentiable(gatherForward, gatherBackward, {
  outputs: ['out'],
  gradients: ['dx', null],
});

function blocksOf({ shape }: Tensor, axis: number) {
  return {
    outer: elementCount(shape.slice(0, axis)),
    extent: shape[axis] ?? 0,
    each: elementCount(shape.slice(axis + 1)),
  };
}
