import { differentiable } from '../autograd/differentiable.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { checkCotangent } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

interface Cache {
  x: Tensor;
  slope: number;
}

/**
 * Leaky rectified linear unit: out = x where x > 0, else slope x; any shape. No unit is ever without a
 * gradient. `slope` is 0.01 by default. Source: Maas, Hannun and Ng 2013.
 */
export function leakyReluForward(x: Tensor, { slope = 0.01 } = {}): { out: Tensor; cache: Cache } {
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).leakyRelu(x, out, x.size, slope);
  return { out, cache: { x, slope } };
}

/** dx = dout where x > 0, else slope dout (also at x = 0). */
export function leakyReluBackward(dout: Tensor, { x, slope }: Cache): { dx: Tensor } {
  checkCotangent('leakyReluBackward: dout', dout, x);
  const dx = empty(x.dtype, x.shape);
  kernelsFor(x).leakyReluBackward(x, dout, dx, x.size, slope);
  return { dx };
}

/** `leakyReluForward` as an op. */
export const leakyRelu = differentiable(leakyReluForward, leakyReluBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});
