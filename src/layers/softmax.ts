import { differentiable } from '../autograd/differentiable.js';
import { DTypeError, ValueError } from '../errors.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { tensor } from '../tensor/create.js';
import { dimensions } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

interface Cache {
  /** (N T, V): exponentials, not yet divided by their sums. */
  exponentials: Tensor;
  /** (N T): those sums. */
  sums: Tensor;
  y: Tensor;
  mask: Tensor;
  batchSize: number;
}

/**
 * Softmax cross-entropy over a vocabulary at every unmasked time step, summed over time and
 * averaged over the batch:
 *
 *     loss = -1/N Σ_{n,t} mask[n,t] log softmax(x[n,t,:])[y[n,t]]
 *
 * x (N, T, V) scores, y (N, T) i32 target words, mask (N, T) u8, non-zero where the target counts.
 * A masked step adds exactly zero to the loss and to the gradient. When the leading axes of x, y
 * and mask are (T, N) instead, `batchSize` says what N is.
 * @throws ValueError for an unmasked target outside [0, V).
 */
export function temporalSoftmaxLossForward(
  x: Tensor,
  y: Tensor,
  mask: Tensor,
  options: { batchSize?: number } = {},
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
  const batchSize = options.batchSize ?? N;
  const rows = N * T;
  const exponentials = empty(x.dtype, [rows, V]);
  const sums = empty(x.dtype, [rows]);
  const total = kernelsFor(x).softmaxLoss(x, y, mask, exponentials, sums, rows, V);
  // A negative cross-entropy cannot be: the kernel says so which target is no word.
  if (total < -0.5) {
    const row = -1 - total;
    throw new ValueError(
      `temporalSoftmaxLoss: the target at position ${row} is ${y.dataSync()[row]}, but there are ${V} words`,
    );
  }
  return {
    loss: tensor(total / batchSize, { dtype: x.dtype }),
    cache: { exponentials, sums, y, mask, batchSize },
  };
}

/** dx = mask dLoss (softmax(x) - onehot(y)) / N. */
export function temporalSoftmaxLossBackward(
  dLoss: Tensor,
  { exponentials, sums, y, mask, batchSize }: Cache,
): { dx: Tensor } {
  const [rows = 0, V = 0] = exponentials.shape;
  const dx = empty(exponentials.dtype, [...y.shape, V]);
  const factor = 1 / batchSize;
  kernelsFor(dx).softmaxLossBackward(exponentials, sums, y, mask, dLoss, factor, dx, rows, V);
  return { dx };
}

/** `temporalSoftmaxLossForward` as an op. */
export const temporalSoftmaxLoss = differentiable(
  temporalSoftmaxLossForward,
  temporalSoftmaxLossBackward,
  { outputs: ['loss'], gradients: ['dx'] },
);
