import { differentiable } from '../autograd/differentiable.js';
import {
  copyInto,
  kernelsFor,
  matmul,
  sumRows,
  swapLeadingAxes,
  transposed,
} from '../tensor/arithmetic.js';
import { zeros } from '../tensor/create.js';
import { checkCotangent, dimensions } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

/** How a sequence is laid out. */
export interface SequenceOptions {
  /**
   * Sequences are (T, N, ...) instead of (N, T, ...): saves a copy on the way in and one on the
   * way out, since the recurrence itself walks through time.
   */
  timeMajor?: boolean;
}

/** The leading axes of a sequence, for its shape rule. */
export function leadingAxes(timeMajor: boolean): readonly ['T', 'N'] | readonly ['N', 'T'] {
  return timeMajor ? ['T', 'N'] : ['N', 'T'];
}

interface StepCache {
  x: Tensor;
  prevH: Tensor;
  nextH: Tensor;
  Wx: Tensor;
  Wh: Tensor;
}

/**
 * One step of a vanilla recurrent network: nextH = tanh(x Wx + prevH Wh + b).
 *
 * x (N, D), prevH (N, H), Wx (D, H), Wh (H, H), b (H); nextH (N, H).
 * Source: Elman 1990; CS231n, lecture on recurrent networks.
 */
export function rnnStepForward(
  x: Tensor,
  prevH: Tensor,
  Wx: Tensor,
  Wh: Tensor,
  b: Tensor,
): { nextH: Tensor; cache: StepCache } {
  const { N, H } = dimensions('rnnStep', {
    x: [x, 'N', 'D'],
    prevH: [prevH, 'N', 'H'],
    Wx: [Wx, 'D', 'H'],
    Wh: [Wh, 'H', 'H'],
    b: [b, 'H'],
  });
  const nextH = matmul(x, Wx);
  matmul(prevH, Wh, { into: nextH, accumulate: true });
  kernelsFor(nextH).rnnCell(nextH, b, N, H);
  return { nextH, cache: { x, prevH, nextH, Wx, Wh } };
}

/** With da = dNextH (1 - nextH²): dx = da Wxᵀ, dPrevH = da Whᵀ, dWx = xᵀ da, dWh = prevHᵀ da. */
export function rnnStepBackward(dNextH: Tensor, { x, prevH, nextH, Wx, Wh }: StepCache) {
  checkCotangent('rnnStepBackward: dNextH', dNextH, nextH);
  const da = empty(nextH.dtype, nextH.shape);
  const nothingLater = zeros(nextH.shape, nextH.dtype);
  kernelsFor(nextH).rnnCellBackward(nextH, dNextH, nothingLater, da, nextH.size);
  return {
    dx: matmul(da, transposed(Wx)),
    dPrevH: matmul(da, transposed(Wh)),
    dWx: matmul(transposed(x), da),
    dWh: matmul(transposed(prevH), da),
    db: sumRows(da),
  };
}

interface SequenceCache {
  /** (T, N, D) */
  x: Tensor;
  /** (T + 1, N, H); slot 0 is h0, so that the matrix of previous h is a view. */
  hidden: Tensor;
  Wx: Tensor;
  Wh: Tensor;
  timeMajor: boolean;
}

/**
 * A vanilla recurrent network over a whole sequence, from h0 on.
 *
 * x (N, T, D), h0 (N, H), Wx (D, H), Wh (H, H), b (H); h (N, T, H), the hidden state after every
 * step. With `timeMajor`, x and h are (T, N, ...).
 */
export function rnnForward(
  x: Tensor,
  h0: Tensor,
  Wx: Tensor,
  Wh: Tensor,
  b: Tensor,
  { timeMajor = false }: SequenceOptions = {},
): { h: Tensor; cache: SequenceCache } {
  const { T, N, H } = dimensions('rnn', {
    x: [x, ...leadingAxes(timeMajor), 'D'],
    h0: [h0, 'N', 'H'],
    Wx: [Wx, 'D', 'H'],
    Wh: [Wh, 'H', 'H'],
    b: [b, 'H'],
  });
  const steps = timeMajor ? x : swapLeadingAxes(x);
  const hidden = empty(x.dtype, [T + 1, N, H]);
  copyInto(hidden.at(0), h0);
  const h = hidden.slice(1, T + 1);
  matmul(steps, Wx, { into: h });
  const kernels = kernelsFor(x);
  for (let t = 0; t < T; t++) {
    matmul(hidden.at(t), Wh, { into: h.at(t), accumulate: true });
    kernels.rnnCell(h.at(t), b, N, H);
  }
  const cache = { x: steps, hidden, Wx, Wh, timeMajor };
  return { h: timeMajor ? h : swapLeadingAxes(h), cache };
}

/**
 * Backpropagation through time. Only the gradient of h is computed step by step; those of the
 * weights and of x are one product each over all steps.
 */
export function rnnBackward(dh: Tensor, { x, hidden, Wx, Wh, timeMajor }: SequenceCache) {
  const [slots = 1, N = 0, H = 0] = hidden.shape;
  const T = slots - 1;
  const h = hidden.slice(1, slots);
  const dhSteps = timeMajor ? dh : swapLeadingAxes(dh);
  checkCotangent('rnnBackward: dh, time-major,', dhSteps, h);
  const da = empty(h.dtype, h.shape);
  const dhLater = zeros([N, H], h.dtype);
  const kernels = kernelsFor(h);
  for (let t = T - 1; t >= 0; t--) {
    kernels.rnnCellBackward(h.at(t), dhSteps.at(t), dhLater, da.at(t), N * H);
    matmul(da.at(t), transposed(Wh), { into: dhLater });
  }
  const dx = matmul(da, transposed(Wx), { into: empty(x.dtype, x.shape) });
  return {
    dx: timeMajor ? dx : swapLeadingAxes(dx),
    dh0: dhLater,
    dWx: matmul(transposed(x), da),
    dWh: matmul(transposed(hidden.slice(0, T)), da),
    db: sumRows(da),
  };
}

/** `rnnStepForward` as an op. */
export const rnnStep = differentiable(rnnStepForward, rnnStepBackward, {
  outputs: ['nextH'],
  gradients: ['dx', 'dPrevH', 'dWx', 'dWh', 'db'],
});

/** `rnnForward` as an op. */
export const rnn = differentiable(rnnForward, rnnBackward, {
  outputs: ['h'],
  gradients: ['dx', 'dh0', 'dWx', 'dWh', 'db'],
});
