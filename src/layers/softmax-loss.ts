import { differentiable } from '../autograd/differentiable.js';
import { DTypeError, ValueError } from '../errors.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { full } from '../tensor/create.js';
import { checkCotangent, dimensions } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

interface Cache {
  /** (N, K): exponentials, not yet divided by their sums. */
  exponentials: Tensor;
  /** (N): those sums. */
  sums: Tensor;
  y: Tensor;
  /** (N): ones, as a mask and as weights. */
  mask: Tensor;
  weights: Tensor;
  labelSmoothing: number;
}

/**
 * Softmax cross-entropy of a classifier, the mean over the batch:
 *
 *     loss = -1/N Σ_n Σ_k q[k] log softmax(x[n])[k],   q = (1 - ε) onehot(y[n]) + ε / K
 *
 * x (N, K) scores, y (N) i32 classes. `labelSmoothing` is ε, the share of the target that is spread
 * evenly over all classes; 0 by default. Source of label smoothing: Szegedy et al. 2016. A loss at every
 * time step is `temporalSoftmaxLoss`.
 * @throws ShapeError, DTypeError when x and y do not fit; ValueError for a class outside [0, K), an ε
 *   outside [0, 1), and an empty batch, which has no mean.
 */
export function softmaxLossForward(
  x: Tensor,
  y: Tensor,
  { labelSmoothing = 0 } = {},
): { loss: Tensor; cache: Cache } {
  const { N, K } = dimensions('softmaxLoss', { x: [x, 'N', 'K'], y: [y, 'N'] });
  if (y.dtype !== 'i32') throw new DTypeError(`softmaxLoss: y must be i32, not ${y.dtype}`);
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new ValueError(`softmaxLoss: labelSmoothing must lie in [0, 1), not ${labelSmoothing}`);
  }
  if (N === 0) throw new ValueError('softmaxLoss: a batch of no examples has no mean loss');
  const mask = full([N], 1, 'u8');
  const weights = full([N], 1, x.float);
  const exponentials = empty(x.dtype, [N, K]);
  const sums = empty(x.dtype, [N]);
  const loss = empty(x.dtype, []);
  const kept = [exponentials, sums] as const;
  const bad = kernelsFor(x).softmaxLoss(
    x,
    y,
    mask,
    weights,
    ...kept,
    loss,
    N,
    K,
    labelSmoothing,
    N,
  );
  if (bad >= 0) {
    throw new ValueError(
      `softmaxLoss: the class of example ${bad} is ${y.dataSync()[bad]}, but there are ${K} classes`,
    );
  }
  return { loss, cache: { exponentials, sums, y, mask, weights, labelSmoothing } };
}

/** dx = dLoss (softmax(x) - q) / N. */
export function softmaxLossBackward(
  dLoss: Tensor,
  { exponentials, sums, y, mask, weights, labelSmoothing }: Cache,
): { dx: Tensor } {
  const { dtype, shape } = exponentials;
  checkCotangent('softmaxLossBackward: dLoss', dLoss, { dtype, shape: [] });
  const [N = 0, K = 0] = shape;
  const dx = empty(dtype, shape);
  kernelsFor(dx).softmaxLossBackward(
    exponentials,
    sums,
    y,
    mask,
    weights,
    dLoss,
    labelSmoothing,
    1 / N,
    dx,
    N,
    K,
  );
  return { dx };
}

/** `softmaxLossForward` as an op. */
export const softmaxLoss = differentiable(softmaxLossForward, softmaxLossBackward, {
  outputs: ['loss'],
  gradients: ['dx'],
});
