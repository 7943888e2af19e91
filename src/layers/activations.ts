import { differentiable } from '../autograd/differentiable.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { empty, type Tensor } from '../tensor/tensor.js';

/** Rectified linear unit: out = max(0, x), any shape. */
export function reluForward(x: Tensor): { out: Tensor; cache: { out: Tensor } } {
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).relu(x, out, x.size);
  return { out, cache: { out } };
}

/** dx = dout where x > 0, and 0 elsewhere (also at x = 0). */
export function reluBackward(dout: Tensor, { out }: { out: Tensor }): { dx: Tensor } {
  const dx = empty(out.dtype, out.shape);
  kernelsFor(out).reluBackward(out, dout, dx, out.size);
  return { dx };
}

/** `reluForward` as an op. */
export const relu = differentiable(reluForward, reluBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});
