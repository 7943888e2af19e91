/** Entries of a tensor in the order that indices say, the rows of an embedding among them. */
import { differentiable } from '../../autograd/differentiable.js';
import { DTypeError, ValueError } from '../../errors.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { axisOf } from '../../tensor/axes.js';
import { zeros } from '../../tensor/create.js';
import { checkCotangent, dimensions, elementCount, showShape } from '../../tensor/shape.js';
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
  return taken(x, indices, along, (index, position) => {
    const entries = `axis ${along} of x ${showShape(x.shape)} has the entries 0:${x.shape[along]}`;
    return `gather: indices hold ${index} at position ${position}, but ${entries}`;
  });
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

/**
 * Word embedding, the rows of a matrix that words say: out[n, t, :] = W[x[n, t], :]. A `gather` along
 * the first axis, under the names of the lecture.
 *
 * x holds word indices (i32, any shape, usually (N, T)), W is (V, D); out is the shape of x with
 * an axis of D added.
 * @throws DTypeError unless x is i32, ValueError naming the first index outside [0, V).
 */
export function wordEmbeddingForward(x: Tensor, W: Tensor): { out: Tensor; cache: Cache } {
  if (x.dtype !== 'i32') {
    throw new DTypeError(`wordEmbedding: x holds word indices and must be i32, not ${x.dtype}`);
  }
  const { V } = dimensions('wordEmbedding', { W: [W, 'V', 'D'] });
  return taken(W, x, 0, (index, position) => {
    const word = `x holds the index ${index} at position ${position}`;
    return `wordEmbedding: ${word}, but W has rows 0 to ${V - 1}`;
  });
}

/**
 * dW[v, :] is the sum of dout over the places where x is v: a word that occurs twice gets both
 * contributions (numpy's `add.at`).
 */
export function wordEmbeddingBackward(dout: Tensor, cache: Cache): { dW: Tensor } {
  checkCotangent('wordEmbeddingBackward: dout', dout, cache.out);
  return { dW: gatherBackward(dout, cache).dx };
}

/** `wordEmbeddingForward` as an op; indices have no gradient. */
export const wordEmbedding = differentiable(wordEmbeddingForward, wordEmbeddingBackward, {
  outputs: ['out'],
  gradients: [null, 'dW'],
});

/** @throws ValueError with what `refusal` says of the first index that is no entry. */
function taken(
  x: Tensor,
  indices: Tensor,
  axis: number,
  refusal: (index: number | undefined, position: number) => string,
): { out: Tensor; cache: Cache } {
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const out = empty(x.dtype, shape);
  const { outer, extent, each } = blocksOf(x, axis);
  const bad = kernelsFor(x).gather(indices, x, out, outer, indices.size, extent, each);
  if (bad >= 0) throw new ValueError(refusal(indices.dataSync()[bad], bad));
  return { out, cache: { x, indices, out, axis } };
}

function blocksOf({ shape }: Tensor, axis: number) {
  return {
    outer: elementCount(shape.slice(0, axis)),
    extent: shape[axis] ?? 0,
    each: elementCount(shape.slice(axis + 1)),
  };
}
