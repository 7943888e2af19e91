/** The vanilla recurrent network: one step, and a whole sequence. */
import { differentiable } from '../../autograd/differentiable.js';
import { copyInto, kernelsFor, matmul, sumRows, transposed } from '../../tensor/arithmetic.js';
import { zeros } from '../../tensor/create.js';
import { checkCotangent, dimensions } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import {
  type BeginRecurrence,
  inputGradients,
  leadingAxes,
  type SequenceCache,
  type SequenceOptions,
  sequenceForward,
  stepsOf,
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
export const rnnRecurrence = ((T, { Wh, b }, h0) => {
  const [N = 0, H = 0] = h0.shape;
  const hidden = empty(h0.dtype, [T + 1, N, H]);
  copyInto(hidden.at(0), h0);
  const h = hidden.slice(1, T + 1);
  const kernels = kernelsFor(h0);
  return {
    inputs: h,
    hidden,
    lastC: undefined,
    forward(beforeStep) {
      for (let t = 0; t < T; t++) {
        beforeStep?.(t, hidden.at(t));
        matmul(hidden.at(t), Wh, { into: h.at(t), accumulate: true });
        kernels.rnnCell(h.at(t), b, N, H);
      }
    },
    backward(dh, { afterStep } = {}) {
      const dInputs = empty(h.dtype, h.shape);
      const dPrevH = zeros([N, H], h.dtype);
      for (let t = T - 1; t >= 0; t--) {
        kernels.rnnCellBackward(h.at(t), dh.at(t), dPrevH, dInputs.at(t), N * H);
        matmul(dInputs.at(t), transposed(Wh), { into: dPrevH });
        afterStep?.(t, dInputs.at(t), dPrevH);
      }
      return {
        dInputs,
        dh0: dPrevH,
        dc0: undefined,
        dWh: matmul(transposed(hidden.slice(0, T)), dInputs),
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
  const { T } = dimensions('rnn', {
    x: [x, ...leadingAxes(timeMajor), 'D'],
    h0: [h0, 'N', 'H'],
    Wx: [Wx, 'D', 'H'],
    Wh: [Wh, 'H', 'H'],
    b: [b, 'H'],
  });
  return sequenceForward(rnnRecurrence(T, { Wh, b }, h0), x, Wx, timeMajor);
}

/**
 * Backpropagation through time. Only the gradient of h is computed step by step; those of the
 * weights and of x are one product each over all steps.
 */
export function rnnBackward(dh: Tensor, cache: SequenceCache) {
  const { dInputs, dh0, dWh, db } = cache.recurrence.backward(
    stepsOf('rnnBackward: dh', dh, cache),
  );
  return { ...inputGradients(cache, dInputs), dh0, dWh, db };
}

/** `rnnForward` as an op. */
export const rnn = differentiable(rnnForward, rnnBackward, {
  outputs: ['h'],
  gradients: ['dx', 'dh0', 'dWx', 'dWh', 'db'],
});
