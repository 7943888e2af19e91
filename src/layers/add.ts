import { differentiable } from '../autograd/differentiable.js';
import { ShapeError } from '../errors.js';
import { sumOf } from '../tensor/arithmetic.js';
import { showShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

/** out = x + y, of one shape. @throws ShapeError when the shapes differ. */
export function addForward(x: Tensor, y: Tensor): { out: Tensor; cache: undefined } {
  if (showShape(x.shape) !== showShape(y.shape)) {
    throw new ShapeError(
      `add: x ${showShape(x.shape)} and y ${showShape(y.shape)} differ in shape`,
    );
  }
  return { out: sumOf(x, y), cache: undefined };
}

/** dx = dy = dout. */
export function addBackward(dout: Tensor, _cache: undefined): { dx: Tensor; dy: Tensor } {
  return { dx: dout, dy: dout };
}

/** `addForward` as an op. */
export const add = differentiable(addForward, addBackward, {
  outputs: ['out'],
  gradients: ['dx', 'dy'],
});
