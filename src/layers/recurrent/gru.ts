/** The gated recurrent unit: one step, and a whole sequence. */
import { differentiable } from '../../autograd/differentiable.js';
import { ShapeError } from '../../errors.js';
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
  Wx: Tensor;
  Wh: Tensor;
  /** (N, 3H): the gates after their nonlinearities. */
  gates: Tensor;
  /** (N, H): prevH Wn + bh, what the reset gate multiplies. */
  hn: Tensor;
}

/**
 * One step of a gated recurrent unit:
 *
 *     r = σ(x Wxr + prevH Whr + br)
 *     z = σ(x Wxz + prevH Whz + bz)
 *     n = tanh(x Wxn + bn + r (prevH Whn + bh))
 *     nextH = (1 - z) n + z prevH
 *
 * x (N, D), prevH (N, H), Wx (D, 3H), Wh (H, 3H), b (3H), columns in the order r, z, n; bh (H), the
 * bias that the reset gate sees; nextH (N, H). The reset gate comes after the product, so that
 * prevH Wh is one product for all gates; that is PyTorch's and cuDNN's form.
 * Source: Cho et al. 2014, in the version of 1406.1078v1.
 */
export function gruStepForward(
  x: Tensor,
  prevH: Tensor,
  Wx: Tensor,
  Wh: Tensor,
  b: Tensor,
  bh: Tensor,
): { nextH: Tensor; cache: StepCache } {
  const { N, H } = dimensions('gruStep', {
    x: [x, 'N', 'D'],
    prevH: [prevH, 'N', 'H'],
    Wx: [Wx, 'D', '3H'],
    Wh: [Wh, 'H', '3H'],
    b: [b, '3H'],
    bh: [bh, 'H'],
  });
  const gates = matmul(x, Wx);
  const fromH = matmul(prevH, Wh);
  const hn = empty(x.dtype, [N, H]);
  const nextH = empty(x.dtype, [N, H]);
  kernelsFor(x).gruCell(gates, fromH, b, bh, prevH, hn, nextH, N, H);
  return { nextH, cache: { x, prevH, Wx, Wh, gates, hn } };
}

/**
 * The fused kernel gives da, the gradient of what x contributes to the gates, and dah, that of what
 * prevH does (they differ by the reset gate in the last H columns); the rest are products with them.
 */
export function gruStepBackward(dNextH: Tensor, { x, prevH, Wx, Wh, gates, hn }: StepCache) {
  const [N = 0, H = 0] = prevH.shape;
  checkCotangent('gruStepBackward: dNextH', dNextH, prevH);
  const da = empty(gates.dtype, gates.shape);
  const dah = empty(gates.dtype, gates.shape);
  const dPrevH = zeros([N, H], gates.dtype);
  kernelsFor(x).gruCellBackward(gates, hn, prevH, dNextH, dPrevH, da, dah, N, H);
  matmul(dah, transposed(Wh), { into: dPrevH, accumulate: true });
  return {
    dx: matmul(da, transposed(Wx)),
    dPrevH,
    dWx: matmul(transposed(x), da),
    dWh: matmul(transposed(prevH), dah),
    db: sumRows(da),
    dbh: sumRows(dah).slice(2 * H, 3 * H),
  };
}

/** `gruStepForward` as an op. */
export const gruStep = differentiable(gruStepForward, gruStepBackward, {
  outputs: ['nextH'],
  gradients: ['dx', 'dPrevH', 'dWx', 'dWh', 'db', 'dbh'],
});

/**
 * A GRU's gates from inputs and prevH Wh, columns in the order r, z, n, with the bias bh (H) inside
 * the reset: see `gruForward`. The hidden state's part is kept apart, since the reset scales it.
 */
export const gruRecurrence = ((steps, { Wh, b, bh }, h0) => {
  const [N = 0, H = 0] = h0.shape;
  if (!bh) throw new ShapeError('a GRU needs bh (H), the bias inside its reset');
  const hidden = steps.statesFrom(h0);
  const gates = empty(h0.dtype, [steps.total, 3 * H]);
  const hn = empty(h0.dtype, [steps.total, H]);
  const fromH = empty(h0.dtype, [N, 3 * H]);
  const kernels = kernelsFor(h0);
  return {
    inputs: gates,
    hidden,
    cells: undefined,
    forward(beforeStep) {
      for (let t = 0; t < steps.count; t++) {
        const rows = steps.rows(t);
        const [prevH, nextH] = [steps.before(hidden, t), steps.after(hidden, t)];
        const [a, hnStep] = [steps.at(gates, t), steps.at(hn, t)];
        beforeStep?.(t, prevH);
        matmul(prevH, Wh, { into: fromH.slice(0, rows) });
        kernels.gruCell(a, fromH, b, bh, prevH, hnStep, nextH, rows, H);
      }
    },
    backward(dh, { afterStep } = {}) {
      const dInputs = empty(gates.dtype, gates.shape);
      const dFromH = empty(gates.dtype, gates.shape);
      const dh0 = zeros([N, H], gates.dtype);
      for (let t = steps.count - 1; t >= 0; t--) {
        const rows = steps.rows(t);
        const [a, hnStep, d] = [steps.at(gates, t), steps.at(hn, t), steps.at(dh, t)];
        const [prevH, dPrevH] = [steps.before(hidden, t), dh0.slice(0, rows)];
        const [da, dah] = [steps.at(dInputs, t), steps.at(dFromH, t)];
        kernels.gruCellBackward(a, hnStep, prevH, d, dPrevH, da, dah, rows, H);
        matmul(dah, transposed(Wh), { into: dPrevH, accumulate: true });
        afterStep?.(t, da, dPrevH);
      }
      return {
        dInputs,
        dh0,
        dc0: undefined,
        dWh: matmul(transposed(steps.allBefore(hidden)), dFromH),
        db: sumRows(dInputs),
        dbh: sumRows(dFromH).slice(2 * H, 3 * H),
      };
    },
  };
}) satisfies BeginRecurrence;

type GruCache = SequenceCache<ReturnType<typeof gruRecurrence>>;

/**
 * A gated recurrent unit over a whole sequence, from h0 on.
 *
 * x (N, T, D), h0 (N, H), Wx (D, 3H), Wh (H, 3H), b (3H), bh (H); h (N, T, H), the hidden state
 * after every step. With `timeMajor`, x and h are (T, N, ...); `lengths` and `reverse` as in
 * `lstmForward`. @throws as `lstmForward`.
 */
export function gruForward(
  x: Tensor,
  h0: Tensor,
  Wx: Tensor,
  Wh: Tensor,
  b: Tensor,
  bh: Tensor,
  options: SequenceOptions = {},
): { h: Tensor; cache: GruCache } {
  const extents = dimensions('gru', {
    x: [x, ...leadingAxes(options.timeMajor), 'D'],
    h0: [h0, 'N', 'H'],
    Wx: [Wx, 'D', '3H'],
    Wh: [Wh, 'H', '3H'],
    b: [b, '3H'],
    bh: [bh, 'H'],
  });
  const layout = sequenceLayout('gru', extents, options);
  const recurrence = gruRecurrence(layout.steps, { Wh, b, bh }, layout.order(h0));
  return sequenceForward(recurrence, x, Wx, layout);
}

/**
 * Backpropagation through time. Only the gradient of h is computed step by step; those of the
 * weights and of x are one product each over all steps.
 */
export function gruBackward(dh: Tensor, cache: GruCache) {
  const rows = rowsOfCotangent('gruBackward: dh', dh, cache);
  const { dInputs, dh0, dWh, db, dbh } = cache.recurrence.backward(rows);
  return { ...inputGradients(cache, dInputs), dh0: cache.layout.restore(dh0), dWh, db, dbh };
}

/** `gruForward` as an op. */
export const gru = differentiable(gruForward, gruBackward, {
  outputs: ['h'],
  gradients: ['dx', 'dh0', 'dWx', 'dWh', 'db', 'dbh'],
});
