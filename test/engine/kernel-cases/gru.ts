import {
  approximately,
  at,
  type KernelCase,
  kernelCase,
  type Setup,
} from '@test/engine/conformance.js';
import { squashed } from './recurrent.js';

const rowCounts = [1, 3];
const tolerance = approximately;

/** Rows of H values, or of some multiple of it. */
const state = (s: Setup, times = 1) => s.floats(s.rows * times * s.n);
/** A state that a cell of finite gates can be in: what a closed gate makes of 1e30 is left open. */
const bounded = (s: Setup) => state(s).map((x) => Math.min(Math.max(x, -50), 50));

export const gru: Record<string, KernelCase[]> = {
  gruCell: [
    kernelCase({
      rowCounts,
      tolerance,
      extremes: 'infinite',
      arrays: (s) => ({
        a: state(s, 3),
        ah: state(s, 3),
        b: s.floats(3 * s.n),
        bh: s.floats(s.n),
        prevH: bounded(s),
        hn: state(s),
        h: state(s),
      }),
      run: (k, on, s) => k.gruCell(on.a, on.ah, on.b, on.bh, on.prevH, on.hn, on.h, s.rows, s.n),
      reference: ({ a, ah, b, bh, prevH, hn, h }, { rows, n }) => {
        const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
        for (let r = 0; r < rows; r++) {
          for (let j = 0; j < n; j++) {
            const [row, cell] = [r * 3 * n + j, r * n + j];
            const reset = sigmoid(at(a, row) + at(b, j) + at(ah, row));
            const update = sigmoid(at(a, row + n) + at(b, n + j) + at(ah, row + n));
            hn[cell] = at(ah, row + 2 * n) + at(bh, j);
            const fresh = Math.tanh(at(a, row + 2 * n) + at(b, 2 * n + j) + reset * at(hn, cell));
            a[row] = reset;
            a[row + n] = update;
            a[row + 2 * n] = fresh;
            h[cell] = (1 - update) * fresh + update * at(prevH, cell);
          }
        }
      },
    }),
  ],
  gruCellBackward: [
    kernelCase({
      rowCounts,
      tolerance,
      extremes: 'none',
      arrays: (s) => ({
        gates: squashed(state(s, 3)),
        hn: state(s),
        prevH: state(s),
        dh: state(s),
        dhLater: state(s),
        da: state(s, 3),
        dah: state(s, 3),
      }),
      run: (k, on, s) =>
        k.gruCellBackward(on.gates, on.hn, on.prevH, on.dh, on.dhLater, on.da, on.dah, s.rows, s.n),
      reference: ({ gates, hn, prevH, dh, dhLater, da, dah }, { rows, n }) => {
        for (let r = 0; r < rows; r++) {
          for (let j = 0; j < n; j++) {
            const [row, cell] = [r * 3 * n + j, r * n + j];
            const reset = at(gates, row);
            const update = at(gates, row + n);
            const fresh = at(gates, row + 2 * n);
            const d = at(dh, cell) + at(dhLater, cell);
            const dFresh = d * (1 - update) * (1 - fresh ** 2);
            da[row] = dFresh * at(hn, cell) * reset * (1 - reset);
            da[row + n] = d * (at(prevH, cell) - fresh) * update * (1 - update);
            da[row + 2 * n] = dFresh;
            dah[row] = at(da, row);
            dah[row + n] = at(da, row + n);
            dah[row + 2 * n] = dFresh * reset;
            dhLater[cell] = d * update;
          }
        }
      },
    }),
  ],
};
