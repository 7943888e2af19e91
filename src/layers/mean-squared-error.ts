import { differentiable } from '../autograd/differentiable.js';
import { once } from '../autograd/once.js';
import { kernelsFor, scaled } from '../tensor/arithmetic.js';
import { checkCotangent } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import { checkTargets } from './targets.js';

interface Cache {
  x: Tensor;
  y: Tensor;
}

/**
 * Mean squared error over all values: loss = mean of (x - y)², x and y of one shape.
 * @throws ShapeError, DTypeError when they differ in shape or element type; ValueError when they are
 *   empty.
 */
export function meanSquaredErrorForward(x: Tensor, y: Tensor): { loss: Tensor; cache: Cache } {
  checkTargets('meanSquaredError', x, y);
  const loss = empty(x.dtype, []);
  kernelsFor(x).squaredError(x, y, loss, x.size);
  return { loss, cache: { x, y } };
}

/** dx = 2 dLoss (x - y) / count, dy = -dx. */
export function meanSquaredErrorBackward(
  dLoss: Tensor,
  { x, y }: Cache,
): { dx: Tensor; dy: Tensor } {
  checkCotangent('meanSquaredErrorBackward: dLoss', dLoss, { dtype: x.dtype, shape: [] });
  const dx = empty(x.dtype, x.shape);
  kernelsFor(x).squaredErrorBackward(x, y, dLoss, dx, x.size);
  const dy = once(() => scaled(dx, -1));
  return {
    dx,
    get dy() {
      return dy();
    },
  };
}

/** `meanSquaredErrorForward` as an op. */
export const meanSquaredError = differentiable(meanSquaredErrorForward, meanSquaredErrorBackward, {
  outputs: ['loss'],
  gradients: ['dx', 'dy'],
});
