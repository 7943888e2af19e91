import { differentiable } from '../autograd/differentiable.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { checkCotangent } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import { checkTargets } from './targets.js';

interface Cache {
  x: Tensor;
  y: Tensor;
}

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
