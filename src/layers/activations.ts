import { differentiable } from '../autograd/differentiable.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { checkCotangent } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

/** Rectified linear unit: out = max(0, x), any shape. */
export function reluForward(x: Tensor): { out: Tensor; cache: { out: Tensor } } {
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).relu(x, out, x.size);
  return { out, cache: { out } };
}

/** dx = dout where x > 0, and 0 elsewhere (also at x = 0). */
export function reluBackward(dout: Tensor, { out }: { out: Tensor }): { dx: Tensor } {
  checkCotangent('reluBackward: dout', dout, out);
  const dx = empty(out.dtype, out.shape);
  kernelsFor(out).reluBackward(out, dout, dx, out.size);
  return { dx };
}

/** `reluForward` as an op. */
export const relu = differentiable(reluForward, reluBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});

/** Logistic function: out = 1 / (1 + exp(-x)), any shape; no x overflows. */
export function sigmoidForward(x: Tensor): { out: Tensor; cache: { out: Tensor } } {
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).sigmoid(x, out, x.size);
  return { out, cache: { out } };
}

/** dx = dout out (1 - out). */
export function sigmoidBackward(dout: Tensor, { out }: { out: Tensor }): { dx: Tensor } {
  checkCotangent('sigmoidBackward: dout', dout, out);
  const dx = empty(out.dtype, out.shape);
  kernelsFor(out).sigmoidBackward(out, dout, dx, out.size);
  return { dx };
}

/** `sigmoidForward` as an op. */
export const sigmoid = differentiable(sigmoidForward, sigmoidBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});

/** Hyperbolic tangent: out = tanh(x), any shape. */
export function tanhForward(x: Tensor): { out: Tensor; cache: { out: Tensor } } {
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).tanh(x, out, x.size);
  return { out, cache: { out } };
}

/** dx = dout (1 - out²). */
export function tanhBackward(dout: Tensor, { out }: { out: Tensor }): { dx: Tensor } {
  checkCotangent('tanhBackward: dout', dout, out);
  const dx = empty(out.dtype, out.shape);
  kernelsFor(out).tanhBackward(out, dout, dx, out.size);
  return { dx };
}

/** `tanhForward` as an op. */
export const tanh = differentiable(tanhForward, tanhBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});
