import { differentiable } from '../autograd/differentiable.js';
import type { Tensor } from '../tensor/tensor.js';

/** The same elements in another shape, without a copy. @throws ShapeError when the sizes differ. */
export function reshapeForward(
  x: Tensor,
  shape: readonly number[],
): { out: Tensor; cache: { shape: readonly number[] } } {
  return { out: x.view(...shape), cache: { shape: x.shape } };
}

/** The cotangent in the shape that x had. */
export function reshapeBackward(
  dout: Tensor,
  { shape }: { shape: readonly number[] },
): { dx: Tensor } {
  return { dx: dout.view(...shape) };
}

/** `reshapeForward` as an op: what to use instead of `view` inside a function to differentiate. */
export const reshape = differentiable(reshapeForward, reshapeBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});
