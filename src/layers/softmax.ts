import { differentiable } from '../autograd/differentiable.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { full } from '../tensor/create.js';
import { dimensions, showShape } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

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

interface Cache {
  /** (N T, V): exponentials, not yet divided by their sums. */
  exponentials: Tensor;
  /** (N T): those sums. */
  sums: Tensor;
  y: Tensor;
  mask: Tensor;
  /** (N T): a weight for each row. */
  rowWeights: Tensor;
  labelSmoothing: number;
  batchSize: number;
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
  const { N, T, V } = dimensions('temporalSoftmaxLoss', {
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
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new ValueError(
      `temporalSoftmaxLoss: labelSmoothing must lie in [0, 1), not ${labelSmoothing}`,
    );
  }
  const rows = N * T;
  const rowWeights = weightsOfRows(x, y, options);
  const exponentials = empty(x.dtype, [rows, V]);
  const sums = empty(x.dtype, [rows]);
  const loss = empty(x.dtype, []);
  const bad = kernelsFor(x).softmaxLoss(
    x,
    y,
    mask,
    rowWeights,
    exponentials,
    sums,
    loss,
    rows,
    V,
    labelSmoothing,
    batchSize,
  );
  if (bad >= 0) {
    throw new ValueError(
      `temporalSoftmaxLoss: the target at position ${bad} is ${y.dataSync()[bad]}, but there are ${V} words`,
    );
  }
  return {
    loss,
    cache: { exponentials, sums, y, mask, rowWeights, labelSmoothing, batchSize },
  };
}

/** dx = weights mask dLoss (softmax(x) - q) / N. */
export function temporalSoftmaxLossBackward(
  dLoss: Tensor,
  { exponentials, sums, y, mask, rowWeights, labelSmoothing, batchSize }: Cache,
): { dx: Tensor } {
  const [rows = 0, V = 0] = exponentials.shape;
  const dx = empty(exponentials.dtype, [...y.shape, V]);
  kernelsFor(dx).softmaxLossBackward(
    exponentials,
    sums,
    y,
    mask,
    rowWeights,
    dLoss,
    labelSmoothing,
    1 / batchSize,
    dx,
    rows,
    V,
  );
  return { dx };
}

/** `temporalSoftmaxLossForward` as an op. */
export const temporalSoftmaxLoss = differentiable(
  temporalSoftmaxLossForward,
  temporalSoftmaxLossBackward,
  { outputs: ['loss'], gradients: ['dx'] },
);

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
