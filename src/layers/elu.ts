import { differentiable } from '../autograd/differentiable.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { checkCotangent } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

interface Cache {
  x: Tensor;
  alpha: number;
}

/**
 * Exponential linear unit: out = x where x > 0, else alpha (e^x - 1); any shape. `alpha` is 1 by default,
 * and -alpha what far negative values come to. Source: Clevert, Unterthiner and Hochreiter 2016.
 */
export function eluForward(x: Tensor, { alpha = 1 } = {}): { out: Tensor; cache: Cache } {
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).elu(x, out, x.size, alpha);
  return { out, cache: { x, alpha } };
}

/** dx = dout where x > 0, else alpha e^x dout. */
export function eluBackward(dout: Tensor, { x, alpha }: Cache): { dx: Tensor } {
  checkCotangent('eluBackward: dout', dout, x);
  const dx = empty(x.dtype, x.shape);
  kernelsFor(x).eluBackward(x, dout, dx, x.size, alpha);
  return { dx };
}

/** `eluForward` as an op. */
export const elu = differentiable(eluForward, eluBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});
