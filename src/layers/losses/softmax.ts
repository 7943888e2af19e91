/** Softmax cross-entropy: of one class for each example, or of one word for each time step. */
import { differentiable } from '../../autograd/differentiable.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { full } from '../../tensor/create.js';
import { checkCotangent, dimensions, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';

interface Cache {
  /** (rows, K): exponentials, not yet divided by their sums. */
  exponentials: Tensor;
  /** (rows): those sums. */
  sums: Tensor;
  y: Tensor;
  mask: Tensor;
  /** (rows): a weight for each. */
  weights: Tensor;
  labelSmoothing: number;
  batchSize: number;
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
  if (N === 0) throw new ValueError('softmaxLoss: a batch of no examples has no mean loss');
  const [mask, weights] = [full([N], 1, 'u8'), full([N], 1, x.float)];
  const options = { labelSmoothing, batchSize: N };
  const { bad, ...result } = forward('softmaxLoss', x, y, mask, weights, options);
  if (bad >= 0) {
    throw new ValueError(
      `softmaxLoss: the class of example ${bad} is ${y.dataSync()[bad]}, but there are ${K} classes`,
    );
  }
  return result;
}

/** dx = dLoss (softmax(x) - q) / N. */
export function softmaxLossBackward(dLoss: Tensor, cache: Cache): { dx: Tensor } {
  return backward('softmaxLossBackward', dLoss, cache);
}

/** `softmaxLossForward` as an op. */
export const softmaxLoss = differentiable(softmaxLossForward, softmaxLossBackward, {
  outputs: ['loss'],
  gradients: ['dx'],
});

/** How `temporalSoftmaxLoss` counts its rows. */
export interface SoftmaxLossOptions {
  /** N, when the leading axes of x, y and mask are (T, N) instead of (N, T). */
  readonly batchSize?: number | undefined;
  /** Share ε of the target that is spread evenly over all V words, in [0, 1); default 0. */
  readonly labelSmoothing?: number | undefined;
  /**
   * What each caption (N), or each row (the shape of y), is multiplied by; default 1. Constants:
   * no gradient flows into them. They may be negative, as the advantages of REINFORCE are.
   */
  readonly weights?: Tensor | undefined;
}

/**
 * Softmax cross-entropy over a vocabulary at every unmasked time step, summed over time and
 * averaged over the batch:
 *
 *     loss = -1/N Σ_{n,t} weights[n] mask[n,t] Σ_v q[v] log softmax(x[n,t,:])[v]
 *     q = (1 - ε) onehot(y[n,t]) + ε / V
 *
 * x (N, T, V) scores, y (N, T) i32 target words, mask (N, T) u8, non-zero where the target counts.
 * A masked step adds exactly zero to the loss and to the gradient. When the leading axes of x, y
 * and mask are (T, N) instead, `batchSize` says what N is.
 *
 * Source of label smoothing ε: Szegedy et al. 2016; the target's own share of ε is part of it, as
 * in `torch.nn.functional.cross_entropy`.
 * @throws ValueError for an unmasked target outside [0, V), or ε outside [0, 1).
 * @throws ShapeError for weights that are neither one for each caption nor one for each row.
 */
export function temporalSoftmaxLossForward(
  x: Tensor,
  y: Tensor,
  mask: Tensor,
  options: SoftmaxLossOptions = {},
): { loss: Tensor; cache: Cache } {
  const { N, V } = dimensions('temporalSoftmaxLoss', {
    x: [x, 'N', 'T', 'V'],
    y: [y, 'N', 'T'],
    mask: [mask, 'N', 'T'],
  });
  if (y.dtype !== 'i32' || mask.dtype !== 'u8') {
    throw new DTypeError(
      `temporalSoftmaxLoss: y must be i32 and mask u8, not ${y.dtype} and ${mask.dtype}`,
    );
  }
  const { batchSize = N, labelSmoothing = 0 } = options;
  const weights = weightsOfRows(x, y, options);
  const { bad, ...result } = forward('temporalSoftmaxLoss', x, y, mask, weights, {
    labelSmoothing,
    batchSize,
  });
  if (bad >= 0) {
    throw new ValueError(
      `temporalSoftmaxLoss: the target at position ${bad} is ${y.dataSync()[bad]}, but there are ${V} words`,
    );
  }
  return result;
}

/** dx = weights mask dLoss (softmax(x) - q) / N. */
export function temporalSoftmaxLossBackward(dLoss: Tensor, cache: Cache): { dx: Tensor } {
  return backward('temporalSoftmaxLossBackward', dLoss, cache);
}

/** `temporalSoftmaxLossForward` as an op. */
export const temporalSoftmaxLoss = differentiable(
  temporalSoftmaxLossForward,
  temporalSoftmaxLossBackward,
  { outputs: ['loss'], gradients: ['dx'] },
);

/** The loss of all rows of x; `bad` is the first one with a target that is none, -1 without such. */
function forward(
  operation: string,
  x: Tensor,
  y: Tensor,
  mask: Tensor,
  weights: Tensor,
  { labelSmoothing, batchSize }: { labelSmoothing: number; batchSize: number },
): { loss: Tensor; cache: Cache; bad: number } {
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new ValueError(`${operation}: labelSmoothing must lie in [0, 1), not ${labelSmoothing}`);
  }
  const [rows, K] = [y.size, x.shape.at(-1) ?? 0];
  const exponentials = empty(x.dtype, [rows, K]);
  const sums = empty(x.dtype, [rows]);
  const loss = empty(x.dtype, []);
  const targets = [y, mask, weights] as const;
  const results = [exponentials, sums, loss] as const;
  const share = [labelSmoothing, batchSize] as const;
  const bad = kernelsFor(x).softmaxLoss(x, ...targets, ...results, rows, K, ...share);
  const cache = { exponentials, sums, y, mask, weights, labelSmoothing, batchSize };
  return { loss, cache, bad };
}

function backward(
  operation: string,
  dLoss: Tensor,
  { exponentials, sums, y, mask, weights, labelSmoothing, batchSize }: Cache,
): { dx: Tensor } {
  const { dtype } = exponentials;
  checkCotangent(`${operation}: dLoss`, dLoss, { dtype, shape: [] });
  const [rows = 0, K = 0] = exponentials.shape;
  const dx = empty(dtype, [...y.shape, K]);
  const kept = [exponentials, sums, y, mask, weights] as const;
  const share = [labelSmoothing, 1 / batchSize] as const;
  kernelsFor(dx).softmaxLossBackward(...kept, dLoss, ...share, dx, rows, K);
  return { dx };
}

/** A weight for each row of x, in the order of its rows. */
function weightsOfRows(x: Tensor, y: Tensor, { weights, batchSize }: SoftmaxLossOptions): Tensor {
  const rows = y.size;
  if (!weights) return full([rows], 1, x.float);
  if (weights.dtype !== x.dtype) {
    throw new DTypeError(`temporalSoftmaxLoss: weights is ${weights.dtype} but x is ${x.dtype}`);
  }
  if (showShape(weights.shape) === showShape(y.shape)) return weights;
  const [first = 0, second = 0] = y.shape;
  const timeMajor = batchSize !== undefined;
  const N = timeMajor ? second : first;
  if (weights.shape.length !== 1 || weights.size !== N) {
    throw new ShapeError(
      `temporalSoftmaxLoss: weights ${showShape(weights.shape)} must be (${N}), one for each caption, or as y ${showShape(y.shape)}`,
    );
  }
  const each = weights.dataSync();
  const caption = timeMajor ? (r: number) => r % N : (r: number) => Math.floor(r / second);
  return empty(x.dtype, [rows]).assign(
    Array.from({ length: rows }, (_, r) => each[caption(r)] ?? Number.NaN),
  );
}
