import { differentiable } from '../autograd/differentiable.js';
import { elementCount } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { reshapeBackward, reshapeForward } from './indexing/axes.js';

/** Every example as one row, without a copy: x (N, ...), out (N, D). */
export function flattenForward(x: Tensor): {
  out: Tensor;
  cache: { shape: readonly number[] };
} {
  const [N = 1, ...rest] = x.shape;
  return reshapeForward(x, [N, elementCount(rest)]);
}

/** The cotangent in the shape that x had. */
export const flattenBackward = reshapeBackward;

/** `flattenForward` as an op. */
export const flatten = differentiable(flattenForward, flattenBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});
