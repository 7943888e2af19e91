/** Losses that compare two tensors of one shape, element by element. */
import { differentiable } from '../../autograd/differentiable.js';
import { once } from '../../autograd/once.js';
import { ShapeError, ValueError } from '../../errors.js';
import { kernelsFor, scaled } from '../../tensor/arithmetic.js';
import { checkCotangent, dimensions, elementCount, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';

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

/**
 * Binary cross-entropy of scores before the sigmoid (logits), the mean over all values:
 *
 *     loss = mean of -y log σ(x) - (1 - y) log(1 - σ(x)) = mean of log(1 + e^x) - x y
 *
 * x and y of one shape, y in [0, 1] as constants. The second form needs no sigmoid, and no x overflows.
 * @throws ShapeError, DTypeError when they differ in shape or element type; ValueError when they are
 *   empty.
 */
export function binaryCrossEntropyForward(x: Tensor, y: Tensor): { loss: Tensor; cache: Cache } {
  checkTargets('binaryCrossEntropy', x, y);
  const loss = empty(x.dtype, []);
  kernelsFor(x).binaryCrossEntropy(x, y, loss, x.size);
  return { loss, cache: { x, y } };
}

/** dx = dLoss (σ(x) - y) / count. */
export function binaryCrossEntropyBackward(dLoss: Tensor, { x, y }: Cache): { dx: Tensor } {
  checkCotangent('binaryCrossEntropyBackward: dLoss', dLoss, { dtype: x.dtype, shape: [] });
  const dx = empty(x.dtype, x.shape);
  kernelsFor(x).binaryCrossEntropyBackward(x, y, dLoss, dx, x.size);
  return { dx };
}

/** `binaryCrossEntropyForward` as an op. */
export const binaryCrossEntropy = differentiable(
  binaryCrossEntropyForward,
  binaryCrossEntropyBackward,
  { outputs: ['loss'], gradients: ['dx'] },
);

/**
 * Checks that every value of x has a target in y, and that there are any.
 * @throws ShapeError, DTypeError, ValueError naming both.
 */
function checkTargets(operation: string, x: Tensor, y: Tensor): void {
  if (showShape(x.shape) !== showShape(y.shape)) {
    throw new ShapeError(
      `${operation}: x ${showShape(x.shape)} and y ${showShape(y.shape)} differ in shape`,
    );
  }
  const count = elementCount(x.shape);
  dimensions(operation, { x: [x.view(count), 'count'], y: [y.view(count), 'count'] });
  if (count === 0) {
    throw new ValueError(`${operation}: x ${showShape(x.shape)} has no values, so no mean`);
  }
}
