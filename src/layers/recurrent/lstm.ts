/** The long short-term memory: one step, and a whole sequence. */
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
export const lstmRecurrence = ((steps, { Wh, b }, h0, c0) => {
  const [N = 0, H = 0] = h0.shape;
  const hidden = steps.statesFrom(h0);
  const cells = steps.statesFrom(c0 ?? zeros([N, H], h0.dtype));
  const tanhC = empty(h0.dtype, [steps.total, H]);
  const gates = empty(h0.dtype, [steps.total, 4 * H]);
  const kernels = kernelsFor(h0);
  return {
    inputs: gates,
    hidden,
    cells,
    forward(beforeStep) {
      for (let t = 0; t < steps.count; t++) {
        const [a, prevH] = [steps.at(gates, t), steps.before(hidden, t)];
        beforeStep?.(t, prevH);
        matmul(prevH, Wh, { into: a, accumulate: true });
        const [prevC, nextC] = [steps.before(cells, t), steps.after(cells, t)];
        const [tc, nextH] = [steps.at(tanhC, t), steps.after(hidden, t)];
        kernels.lstmCell(a, b, prevC, nextC, tc, nextH, steps.rows(t), H);
      }
    },
    backward(dh, { dLastC, afterStep } = {}) {
      const dInputs = empty(gates.dtype, gates.shape);
      const dh0 = zeros([N, H], gates.dtype);
      const dc = dLastC ? dLastC.clone() : zeros([N, H], gates.dtype);
      for (let t = steps.count - 1; t >= 0; t--) {
        const rows = steps.rows(t);
        const [a, da, dPrevH] = [steps.at(gates, t), steps.at(dInputs, t), dh0.slice(0, rows)];
        const [prevC, tc, d] = [steps.before(cells, t), steps.at(tanhC, t), steps.at(dh, t)];
        kernels.lstmCellBackward(a, prevC, tc, d, dPrevH, dc, da, rows, H);
        matmul(da, transposed(Wh), { into: dPrevH });
        afterStep?.(t, da, dPrevH);
      }
      return {
        dInputs,
        dh0,
        dc0: dc,
        dWh: matmul(transposed(steps.allBefore(hidden)), dInputs),
        db: sumRows(dInputs),
        dbh: undefined,
      };
    },
  };
}) satisfies BeginRecurrence;

interface LstmCache extends SequenceCache<ReturnType<typeof lstmRecurrence>> {
  lastC: Tensor;
}

/**
 * A long short-term memory over a whole sequence, from h0 and c0 on.
 *
 * x (N, T, D), h0 (N, H), Wx (D, 4H), Wh (H, 4H), b (4H), c0 (N, H) or left out for zeros;
 * h (N, T, H), the hidden state after every step, and lastC (N, H). With `timeMajor`, x and h are
 * (T, N, ...); `lengths` and `reverse` are for sequences of different lengths and for the other direction:
 * see `SequenceOptions`.
 * @throws ShapeError when shapes disagree or there is not a length for each sequence; ValueError for a
 *   length that is none.
 */
export function lstmForward(
  x: Tensor,
  h0: Tensor,
  Wx: Tensor,
  Wh: Tensor,
  b: Tensor,
  c0?: Tensor,
  options: SequenceOptions = {},
): { h: Tensor; lastC: Tensor; cache: LstmCache } {
  const extents = dimensions('lstm', {
    x: [x, ...leadingAxes(options.timeMajor), 'D'],
    h0: [h0, 'N', 'H'],
    Wx: [Wx, 'D', '4H'],
    Wh: [Wh, 'H', '4H'],
    b: [b, '4H'],
    c0: [c0 ?? h0, 'N', 'H'],
  });
  const layout = sequenceLayout('lstm', extents, options);
  const first = [layout.order(h0), c0 && layout.order(c0)] as const;
  const recurrence = lstmRecurrence(layout.steps, { Wh, b }, ...first);
  const { h, cache } = sequenceForward(recurrence, x, Wx, layout);
  const lastC = layout.last(recurrence.cells);
  return { h, lastC, cache: { ...cache, lastC } };
}

/**
 * Backpropagation through time from the cotangents of h and, if given, of the last c. Only the
 * gradient of h is computed step by step; those of the weights and of x are one product each over
 * all steps.
 */
export function lstmBackward(dh: Tensor, cache: LstmCache, dLastC?: Tensor) {
  const { layout, recurrence } = cache;
  const rows = rowsOfCotangent('lstmBackward: dh', dh, cache);
  if (dLastC) checkCotangent('lstmBackward: dLastC', dLastC, cache.lastC);
  const ofLastC = { dLastC: dLastC && layout.order(dLastC) };
  const { dInputs, dh0, dc0, dWh, db } = recurrence.backward(rows, ofLastC);
  const ofFirst = { dh0: layout.restore(dh0), dc0: layout.restore(dc0) };
  return { ...inputGradients(cache, dInputs), ...ofFirst, dWh, db };
}

/** `lstmForward` as an op; its results are h and lastC. */
export const lstm = differentiable(
  lstmForward,
  (dh: Tensor, dLastC: Tensor, cache: LstmCache) => lstmBackward(dh, cache, dLastC),
  { outputs: ['h', 'lastC'], gradients: ['dx', 'dh0', 'dWx', 'dWh', 'db', 'dc0'] },
);
