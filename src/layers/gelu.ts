import { differentiable } from '../autograd/differentiable.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { checkCotangent } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

/** Which of its two forms `gelu` takes. */
export interface GeluOptions {
  /** `none`: by the normal distribution itself (default); `tanh`: by a tanh that is close to it. */
  readonly approximation?: 'none' | 'tanh';
}

interface Cache {
  x: Tensor;
  approximation: 'none' | 'tanh';
}

/**
 * Gaussian error linear unit: every value times the probability that a standard normal one is smaller.
 *
 *     out = x Φ(x) = x (1 + erf(x / √2)) / 2
 *     tanh:  out = x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2
 *
 * Any shape. Source: Hendrycks and Gimpel 2016.
 */
export function geluForward(
  x: Tensor,
  { approximation = 'none' }: GeluOptions = {},
): { out: Tensor; cache: Cache } {
  const out = empty(x.dtype, x.shape);
  const kernels = kernelsFor(x);
  if (approximation === 'tanh') kernels.geluTanh(x, out, x.size);
  else kernels.gelu(x, out, x.size);
  return { out, cache: { x, approximation } };
}

/** dx = dout (Φ(x) + x φ(x)), with φ the normal density; of the tanh form its own derivative. */
export function geluBackward(dout: Tensor, { x, approximation }: Cache): { dx: Tensor } {
  checkCotangent('geluBackward: dout', dout, x);
  const dx = empty(x.dtype, x.shape);
  const kernels = kernelsFor(x);
  if (approximation === 'tanh') kernels.geluTanhBackward(x, dout, dx, x.size);
  else kernels.geluBackward(x, dout, dx, x.size);
  return { dx };
}

/** `geluForward` as an op. */
export const gelu = differentiable(geluForward, geluBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});
