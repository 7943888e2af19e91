/** The vanilla recurrent network: one step, and a whole sequence. */
import { differentiable } from '../../autograd/differentiable.js';
import { kernelsFor, matmul, sumRows, transposed } from '../../tensor/arithmetic.js';
import { zeros } from '../../tensor/create.js';
import { checkCotangent, dimensions } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { leadingAxes, type SequenceOptions, sequenceLayout } from './layout.js';
import {
  type BeginRecurrence,
  inputGradients,
  rowsOfCotangent,
  type SequenceCache,
  sequenceForward,
} from './recurrence.js';

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

/** `rnnStepForward` as an op. */
export const rnnStep = differentiable(rnnStepForward, rnnStepBackward, {
  outputs: ['nextH'],
  gradients: ['dx', 'dPrevH', 'dWx', 'dWh', 'db'],
});

/** h = tanh(inputs + prevH Wh + b), computed in the place of the inputs. */
export const rnnRecurrence = ((steps, { Wh, b }, h0) => {
  const [N = 0, H = 0] = h0.shape;
  const hidden = steps.statesFrom(h0);
  const h = steps.allAfter(hidden);
  const kernels = kernelsFor(h0);
  return {
    inputs: h,
    hidden,
    cells: undefined,
    forward(beforeStep) {
      for (let t = 0; t < steps.count; t++) {
        const [prevH, nextH] = [steps.before(hidden, t), steps.at(h, t)];
        beforeStep?.(t, prevH);
        matmul(prevH, Wh, { into: nextH, accumulate: true });
        kernels.rnnCell(nextH, b, steps.rows(t), H);
      }
    },
    backward(dh, { afterStep } = {}) {
      const dInputs = empty(h.dtype, h.shape);
      const dh0 = zeros([N, H], h.dtype);
      for (let t = steps.count - 1; t >= 0; t--) {
        const rows = steps.rows(t);
        const [da, dPrevH] = [steps.at(dInputs, t), dh0.slice(0, rows)];
        kernels.rnnCellBackward(steps.at(h, t), steps.at(dh, t), dPrevH, da, rows * H);
        matmul(da, transposed(Wh), { into: dPrevH });
        afterStep?.(t, da, dPrevH);
      }
      return {
        dInputs,
        dh0,
        dc0: undefined,
        dWh: matmul(transposed(steps.allBefore(hidden)), dInputs),
        db: sumRows(dInputs),
        dbh: undefined,
      };
    },
  };
}) satisfies BeginRecurrence;

/**
 * A vanilla recurrent network over a whole sequence, from h0 on.
 *
 * x (N, T, D), h0 (N, H), Wx (D, H), Wh (H, H), b (H); h (N, T, H), the hidden state after every
 * step. With `timeMajor`, x and h are (T, N, ...); `lengths` and `reverse` as in `lstmForward`.
 * @throws as `lstmForward`.
 */
export function rnnForward(
  x: Tensor,
  h0: Tensor,
  Wx: Tensor,
  Wh: Tensor,
  b: Tensor,
  options: SequenceOptions = {},
): { h: Tensor; cache: SequenceCache } {
  const extents = dimensions('rnn', {
    x: [x, ...leadingAxes(options.timeMajor), 'D'],
    h0: [h0, 'N', 'H'],
    Wx: [Wx, 'D', 'H'],
    Wh: [Wh, 'H', 'H'],
    b: [b, 'H'],
  });
  const layout = sequenceLayout('rnn', extents, options);
  const recurrence = rnnRecurrence(layout.steps, { Wh, b }, layout.order(h0));
  return sequenceForward(recurrence, x, Wx, layout);
}

/**
 * Backpropagation through time. Only the gradient of h is computed step by step; those of the
 * weights and of x are one product each over all steps.
 */
export function rnnBackward(dh: Tensor, cache: SequenceCache) {
  const rows = rowsOfCotangent('rnnBackward: dh', dh, cache);
  const { dInputs, dh0, dWh, db } = cache.recurrence.backward(rows);
  return { ...inputGradients(cache, dInputs), dh0: cache.layout.restore(dh0), dWh, db };
}

/** `rnnForward` as an op. */
export const rnn = differentiable(rnnForward, rnnBackward, {
  outputs: ['h'],
  gradients: ['dx', 'dh0', 'dWx', 'dWh', 'db'],
});
