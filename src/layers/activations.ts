import { differentiable } from '../autograd/differentiable.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { zeros } from '../tensor/create.js';
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

/** Hyperbolic tangent: out = tanh(x), any shape. */
export function tanhForward(x: Tensor): { out: Tensor; cache: { out: Tensor } } {
  const out = x.clone();
  kernelsFor(x).rnnCell(out, zeros([x.size], x.dtype), 1, x.size);
  return { out, cache: { out } };
}

/** dx = dout (1 - out²). */
export function tanhBackward(dout: Tensor, { out }: { out: Tensor }): { dx: Tensor } {
  checkCotangent('tanhBackward: dout', dout, out);
  const dx = empty(out.dtype, out.shape);
  kernelsFor(out).rnnCellBackward(out, dout, zeros([out.size], out.dtype), dx, out.size);
  return { dx };
}

/** `tanhForward` as an op. */
export const tanh = differentiable(tanhForward, tanhBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});
