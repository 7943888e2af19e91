import { differentiable } from '../autograd/differentiable.js';
import { ValueError } from '../errors.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { checkCotangent } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

interface Cache {
  x: Tensor;
  beta: number;
}

/**
 * Softplus, a smooth relu: out = ln(1 + e^(beta x)) / beta, any shape; no x overflows. `beta` is 1 by
 * default; the larger it is, the sharper the bend. Source: Dugas et al. 2001.
 * @throws ValueError for a beta that is not above 0.
 */
export function softplusForward(x: Tensor, { beta = 1 } = {}): { out: Tensor; cache: Cache } {
  if (!(beta > 0)) throw new ValueError(`softplus: beta must be above 0, not ${beta}`);
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).softplus(x, out, x.size, beta);
  return { out, cache: { x, beta } };
}

/** dx = dout / (1 + e^(-beta x)). */
export function softplusBackward(dout: Tensor, { x, beta }: Cache): { dx: Tensor } {
  checkCotangent('softplusBackward: dout', dout, x);
  const dx = empty(x.dtype, x.shape);
  kernelsFor(x).softplusBackward(x, dout, dx, x.size, beta);
  return { dx };
}

/** `softplusForward` as an op. */
export const softplus = differentiable(softplusForward, softplusBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});
