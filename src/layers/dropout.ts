import { differentiable } from '../autograd/differentiable.js';
import { ValueError } from '../errors.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { checkCotangent } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

/** Which values are dropped. */
export interface DropoutOptions {
  /** Probability of dropping a value, in [0, 1). */
  rate: number;
  /** 32 random bits; the same seed drops the same values. */
  seed: number;
}

interface Cache extends DropoutOptions {
  shape: readonly number[];
}

/**
 * Inverted dropout: each value is set to 0 with probability `rate`, the others are divided by
 * 1 - rate, so that the expectation stays. For training; at test time leave it out.
 *
 * The mask is a hash of seed and position, so nothing is kept for the backward pass.
 * Source: Srivastava et al. 2014.
 * @throws ValueError when rate is outside [0, 1).
 */
export function dropoutForward(x: Tensor, options: DropoutOptions): { out: Tensor; cache: Cache } {
  if (!(options.rate >= 0 && options.rate < 1)) {
    throw new ValueError(`dropout: rate must lie in [0, 1), not ${options.rate}`);
  }
  return { out: drop(x, options, x.shape), cache: { ...options, shape: x.shape } };
}

/** The cotangent goes through the same mask. */
export function dropoutBackward(dout: Tensor, cache: Cache): { dx: Tensor } {
  checkCotangent('dropoutBackward: dout', dout, { dtype: dout.dtype, shape: cache.shape });
  return { dx: drop(dout, cache, cache.shape) };
}

function drop(x: Tensor, { rate, seed }: DropoutOptions, shape: readonly number[]): Tensor {
  const y = empty(x.dtype, shape);
  // 2^32 itself would wrap around to 0 and keep everything.
  const threshold = Math.min(Math.round(rate * 2 ** 32), 2 ** 32 - 1);
  kernelsFor(x).dropout(x, y, x.size, seed, threshold, 1 / (1 - rate));
  return y;
}

/** `dropoutForward` as an op. */
export const dropout = differentiable(dropoutForward, dropoutBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});
