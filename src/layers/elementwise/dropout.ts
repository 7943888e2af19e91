/** Dropout: elements are set to 0 at random, by a seed. */
import { differentiable } from '../../autograd/differentiable.js';
import { scope } from '../../engine/engine.js';
import { ValueError } from '../../errors.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { full } from '../../tensor/create.js';
import { checkCotangent } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';

/** Which values are dropped. */
export interface DropoutOptions {
  /** Probability of dropping a value, in [0, 1). */
  rate: number;
  /** 32 random bits; the same seed drops the same values. */
  seed: number;
  /**
   * Drop the same values in every entry along the first axis: of a time-major sequence (T, N, H)
   * the same hidden units at all time steps (default: values independent of each other).
   */
  locked?: boolean;
}

interface Cache extends DropoutOptions {
  shape: readonly number[];
}

/**
 * Inverted dropout: each value is set to 0 with probability `rate`, the others are divided by
 * 1 - rate, so that the expectation stays. For training; at test time leave it out.
 *
 * The mask is a hash of seed and position, so nothing is kept for the backward pass.
 * Source: Srivastava et al. 2014; locked, as recurrent networks need it ("variational"): Gal and
 * Ghahramani 2016. Locked dropout of a sequence is plain dropout of its entries with one seed, so a
 * caller that walks through time itself gets the same mask.
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

function drop(x: Tensor, options: DropoutOptions, shape: readonly number[]): Tensor {
  const y = empty(x.dtype, shape);
  const [steps = 0, ...rest] = shape;
  if (!options.locked || steps === 0) {
    hash(x, y, options);
    return y;
  }
  // The hash costs more than a product, so it is taken of one entry and serves all.
  using _scratch = scope();
  const mask = full(rest, 1, x.dtype);
  hash(mask, mask, options);
  for (let t = 0; t < steps; t++) kernelsFor(x).multiply(x.at(t), mask, y.at(t), mask.size);
  return y;
}

function hash(x: Tensor, y: Tensor, { rate, seed }: DropoutOptions): void {
  // 2^32 itself would wrap around to 0 and keep everything.
  const threshold = Math.min(Math.round(rate * 2 ** 32), 2 ** 32 - 1);
  kernelsFor(x).dropout(x, y, x.size, seed, threshold, 1 / (1 - rate));
}

/** `dropoutForward` as an op. */
export const dropout = differentiable(dropoutForward, dropoutBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});
