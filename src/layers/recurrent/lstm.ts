/** The long short-term memory: one step, and a whole sequence. */
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
  prevC: Tensor;
  Wx: Tensor;
  Wh: Tensor;
  /** (N, 4H): the gates after their nonlinearities. */
  gates: Tensor;
  tanhC: Tensor;
}

/**
 * One step of a long short-term memory:
 *
 *     [i f o g] = [σ σ σ tanh](x Wx + prevH Wh + b)
 *     nextC = f prevC + i g
 *     nextH = o tanh(nextC)
 *
 * x (N, D), prevH and prevC (N, H), Wx (D, 4H), Wh (H, 4H), b (4H), columns in the order i, f, o,
 * g; nextH and nextC (N, H).
 * Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
 */
export function lstmStepForward(
  x: Tensor,
  prevH: Tensor,
  prevC: Tensor,
  Wx: Tensor,
  Wh: Tensor,
  b: Tensor,
): { nextH: Tensor; nextC: Tensor; cache: StepCache } {
  const { N, H } = dimensions('lstmStep', {
    x: [x, 'N', 'D'],
    prevH: [prevH, 'N', 'H'],
    prevC: [prevC, 'N', 'H'],
    Wx: [Wx, 'D', '4H'],
    Wh: [Wh, 'H', '4H'],
    b: [b, '4H'],
  });
  const gates = matmul(x, Wx);
  matmul(prevH, Wh, { into: gates, accumulate: true });
  const nextH = empty(x.dtype, [N, H]);
  const nextC = empty(x.dtype, [N, H]);
  const tanhC = empty(x.dtype, [N, H]);
  kernelsFor(x).lstmCell(gates, b, prevC, nextC, tanhC, nextH, N, H);
  return { nextH, nextC, cache: { x, prevH, prevC, Wx, Wh, gates, tanhC } };
}

/** The gradients of the gates come from the fused kernel; the rest are products with them. */
export function lstmStepBackward(
  dNextH: Tensor,
  dNextC: Tensor,
  { x, prevH, prevC, Wx, Wh, gates, tanhC }: StepCache,
) {
  const [N = 0, H = 0] = prevH.shape;
  checkCotangent('lstmStepBackward: dNextH', dNextH, tanhC);
  checkCotangent('lstmStepBackward: dNextC', dNextC, tanhC);
  const da = empty(gates.dtype, gates.shape);
  const dPrevC = dNextC.clone();
  const nothingLater = zeros([N, H], gates.dtype);
  kernelsFor(x).lstmCellBackward(gates, prevC, tanhC, dNextH, nothingLater, dPrevC, da, N, H);
  return {
    dx: matmul(da, transposed(Wx)),
    dPrevH: matmul(da, transposed(Wh)),
    dPrevC,
    dWx: matmul(transposed(x), da),
    dWh: matmul(transposed(prevH), da),
    db: sumRows(da),
  };
}

/** `lstmStepForward` as an op. */
export const lstmStep = differentiable(lstmStepForward, lstmStepBackward, {
  outputs: ['nextH', 'nextC'],
  gradients: ['dx', 'dPrevH', 'dPrevC', 'dWx', 'dWh', 'db'],
});

/** An LSTM's gates from inputs + prevH Wh + b, columns in the order i, f, o, g: see `lstmForward`. */
export const lstmRecurrence = ((T, { Wh, b }, h0, c0) => {
  const [N = 0, H = 0] = h0.shape;
  const hidden = empty(h0.dtype, [T + 1, N, H]);
  const cells = empty(h0.dtype, [T + 1, N, H]);
  const tanhC = empty(h0.dtype, [T, N, H]);
  const gates = empty(h0.dtype, [T, N, 4 * H]);
  copyInto(hidden.at(0), h0);
  if (c0) copyInto(cells.at(0), c0);
  else cells.at(0).fill(0);
  const kernels = kernelsFor(h0);
  return {
    inputs: gates,
    hidden,
    lastC: cells.at(T),
    forward(beforeStep) {
      for (let t = 0; t < T; t++) {
        beforeStep?.(t, hidden.at(t));
        const a = gates.at(t);
        matmul(hidden.at(t), Wh, { into: a, accumulate: true });
        const [nextC, nextH] = [cells.at(t + 1), hidden.at(t + 1)];
        kernels.lstmCell(a, b, cells.at(t), nextC, tanhC.at(t), nextH, N, H);
      }
    },
    backward(dh, { dLastC, afterStep } = {}) {
      const dInputs = empty(gates.dtype, gates.shape);
      const dPrevH = zeros([N, H], gates.dtype);
      const dc = dLastC ? dLastC.clone() : zeros([N, H], gates.dtype);
      for (let t = T - 1; t >= 0; t--) {
        const [a, da] = [gates.at(t), dInputs.at(t)];
        kernels.lstmCellBackward(a, cells.at(t), tanhC.at(t), dh.at(t), dPrevH, dc, da, N, H);
        matmul(da, transposed(Wh), { into: dPrevH });
        afterStep?.(t, da, dPrevH);
      }
      return {
        dInputs,
        dh0: dPrevH,
        dc0: dc,
        dWh: matmul(transposed(hidden.slice(0, T)), dInputs),
        db: sumRows(dInputs),
        dbh: undefined,
      };
    },
  };
}) satisfies BeginRecurrence;

type LstmCache = SequenceCache<ReturnType<typeof lstmRecurrence>>;

/**
 * A long short-term memory over a whole sequence, from h0 and c0 on.
 *
 * x (N, T, D), h0 (N, H), Wx (D, 4H), Wh (H, 4H), b (4H), c0 (N, H) or left out for zeros;
 * h (N, T, H), the hidden state after every step, and lastC (N, H). With `timeMajor`, x and h are
 * (T, N, ...).
 */
export function lstmForward(
  x: Tensor,
  h0: Tensor,
  Wx: Tensor,
  Wh: Tensor,
  b: Tensor,
  c0?: Tensor,
  { timeMajor = false }: SequenceOptions = {},
): { h: Tensor; lastC: Tensor; cache: LstmCache } {
  const { T } = dimensions('lstm', {
    x: [x, ...leadingAxes(timeMajor), 'D'],
    h0: [h0, 'N', 'H'],
    Wx: [Wx, 'D', '4H'],
    Wh: [Wh, 'H', '4H'],
    b: [b, '4H'],
    c0: [c0 ?? h0, 'N', 'H'],
  });
  const recurrence = lstmRecurrence(T, { Wh, b }, h0, c0);
  return { ...sequenceForward(recurrence, x, Wx, timeMajor), lastC: recurrence.lastC };
}

/**
 * Backpropagation through time from the cotangents of h and, if given, of the last c. Only the
 * gradient of h is computed step by step; those of the weights and of x are one product each over
 * all steps.
 */
export function lstmBackward(dh: Tensor, cache: LstmCache, dLastC?: Tensor) {
  const dhSteps = stepsOf('lstmBackward: dh', dh, cache);
  if (dLastC) checkCotangent('lstmBackward: dLastC', dLastC, cache.recurrence.lastC);
  const { dInputs, dh0, dc0, dWh, db } = cache.recurrence.backward(dhSteps, { dLastC });
  return { ...inputGradients(cache, dInputs), dh0, dWh, db, dc0 };
}

/** `lstmForward` as an op; its results are h and lastC. */
export const lstm = differentiable(
  lstmForward,
  (dh: Tensor, dLastC: Tensor, cache: LstmCache) => lstmBackward(dh, cache, dLastC),
  { outputs: ['h', 'lastC'], gradients: ['dx', 'dh0', 'dWx', 'dWh', 'db', 'dc0'] },
);
