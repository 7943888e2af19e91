import { ShapeError } from '../errors.js';
import { copyInto, kernelsFor, matmul, sumRows, transposed } from '../tensor/arithmetic.js';
import { zeros } from '../tensor/create.js';
import { empty, type Tensor } from '../tensor/tensor.js';

/**
 * A recurrent cell on its way through T steps. What the cell adds up but h Wh and its biases lies in
 * `inputs`, put there before by one product for all steps, or in `beforeStep` by what depends on
 * the hidden state.
 */
export interface Walk {
  /** (T, N, G): the inputs' part of the cell's sums. */
  readonly inputs: Tensor;
  /** (T + 1, N, H); slot 0 is h0, so that the matrix of previous hidden states is a view. */
  readonly hidden: Tensor;
  /** (N, H): the memory after the last step, of cells that have one. */
  readonly lastC: Tensor | undefined;
  /** All steps. `beforeStep` may add to `inputs.at(t)`; prevH is `hidden.at(t)`. */
  forward(beforeStep?: (t: number, prevH: Tensor) => void): void;
  /**
   * All steps backward from dh (T, N, H). When `afterStep` is called, dInputs (N, G) of that step is
   * known, and what it adds to dPrevH (N, H) goes on to the step before.
   */
  backward(
    dh: Tensor,
    options?: {
      dLastC?: Tensor | undefined;
      afterStep?: ((t: number, dInputs: Tensor, dPrevH: Tensor) => void) | undefined;
    },
  ): WalkGradients;
}

/** What a walk backward finds. */
export interface WalkGradients {
  /** (T, N, G): gradient of `inputs`. */
  readonly dInputs: Tensor;
  readonly dh0: Tensor;
  /** Of cells that have a memory. */
  readonly dc0: Tensor | undefined;
  /** Of the weights that the walk was begun with, by their names. */
  readonly dWh: Tensor;
  readonly db: Tensor;
  readonly dbh: Tensor | undefined;
}

/** The weights that work inside the loop: Wh (H, G), b (G), and for a GRU bh (H). */
export interface WalkWeights {
  readonly Wh: Tensor;
  readonly b: Tensor;
  readonly bh?: Tensor | undefined;
}

/** How a walk begins: T steps from h0 (N, H), and from c0 (N, H) or zeros where there is a memory. */
export type BeginWalk = (
  T: number,
  weights: WalkWeights,
  h0: Tensor,
  c0: Tensor | undefined,
) => Walk;

/** h = tanh(inputs + prevH Wh + b), computed in the place of the inputs. */
export const rnnWalk = ((T, { Wh, b }, h0) => {
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
}) satisfies BeginWalk;

/** An LSTM's gates from inputs + prevH Wh + b, columns in the order i, f, o, g: see `lstmForward`. */
export const lstmWalk = ((T, { Wh, b }, h0, c0) => {
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
}) satisfies BeginWalk;

/**
 * A GRU's gates from inputs and prevH Wh, columns in the order r, z, n, with the bias bh (H) inside
 * the reset: see `gruForward`. The hidden state's part is kept apart, since the reset scales it.
 */
export const gruWalk = ((T, { Wh, b, bh }, h0) => {
  const [N = 0, H = 0] = h0.shape;
  if (!bh) throw new ShapeError('a GRU needs bh (H), the bias inside its reset');
  const hidden = empty(h0.dtype, [T + 1, N, H]);
  const gates = empty(h0.dtype, [T, N, 3 * H]);
  const hn = empty(h0.dtype, [T, N, H]);
  const fromH = empty(h0.dtype, [N, 3 * H]);
  copyInto(hidden.at(0), h0);
  const kernels = kernelsFor(h0);
  return {
    inputs: gates,
    hidden,
    lastC: undefined,
    forward(beforeStep) {
      for (let t = 0; t < T; t++) {
        const prevH = hidden.at(t);
        beforeStep?.(t, prevH);
        matmul(prevH, Wh, { into: fromH });
        kernels.gruCell(gates.at(t), fromH, b, bh, prevH, hn.at(t), hidden.at(t + 1), N, H);
      }
    },
    backward(dh, { afterStep } = {}) {
      const dInputs = empty(gates.dtype, gates.shape);
      const dFromH = empty(gates.dtype, gates.shape);
      const dPrevH = zeros([N, H], gates.dtype);
      for (let t = T - 1; t >= 0; t--) {
        const [a, da, dah] = [gates.at(t), dInputs.at(t), dFromH.at(t)];
        kernels.gruCellBackward(a, hn.at(t), hidden.at(t), dh.at(t), dPrevH, da, dah, N, H);
        matmul(dah, transposed(Wh), { into: dPrevH, accumulate: true });
        afterStep?.(t, da, dPrevH);
      }
      return {
        dInputs,
        dh0: dPrevH,
        dc0: undefined,
        dWh: matmul(transposed(hidden.slice(0, T)), dFromH),
        db: sumRows(dInputs),
        dbh: sumRows(dFromH).slice(2 * H, 3 * H),
      };
    },
  };
}) satisfies BeginWalk;
