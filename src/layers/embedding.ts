import { differentiable } from '../autograd/differentiable.js';
import { DTypeError, ValueError } from '../errors.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { zeros } from '../tensor/create.js';
import { checkCotangent, dimensions } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

interface Cache {
  x: Tensor;
  W: Tensor;
}

/**
 * Word embedding: out[n, t, :] = W[x[n, t], :].
 *
 * x holds word indices (i32, any shape, usually (N, T)), W is (V, D); out is the shape of x with
 * an axis of D added.
 * @throws ValueError naming the first index outside [0, V).
 */
export function wordEmbeddingForward(x: Tensor, W: Tensor): { out: Tensor; cache: Cache } {
  if (x.dtype !== 'i32') {
    throw new DTypeError(`wordEmbedding: x holds word indices and must be i32, not ${x.dtype}`);
  }
  const { V, D } = dimensions('wordEmbedding', { W: [W, 'V', 'D'] });
  const out = empty(W.dtype, [...x.shape, D]);
  const bad = kernelsFor(W).gather(x, W, out, 1, x.size, V, D);
  if (bad >= 0) {
    throw new ValueError(
      `wordEmbedding: x holds the index ${x.dataSync()[bad]} at position ${bad}, but W has rows 0 to ${V - 1}`,
    );
  }
  return { out, cache: { x, W } };
}

/**
 * dW[v, :] is the sum of dout over the places where x is v: a scatter-add, so a word that occurs
 * twice gets both contributions (numpy's `add.at`).
 */
export function wordEmbeddingBackward(dout: Tensor, { x, W }: Cache): { dW: Tensor } {
  const D = W.shape[1] ?? 0;
  checkCotangent('wordEmbeddingBackward: dout', dout, { dtype: W.dtype, shape: [...x.shape, D] });
  const dW = zeros(W.shape, W.dtype);
  kernelsFor(dW).scatterAdd(x, dout, dW, 1, x.size, dW.shape[0] ?? 0, D);
  return { dW };
}

/** `wordEmbeddingForward` as an op; indices have no gradient. */
export const wordEmbedding = differentiable(wordEmbeddingForward, wordEmbeddingBackward, {
  outputs: ['out'],
  gradients: [null, 'dW'],
});
