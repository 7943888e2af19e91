import { approximately, at, type KernelCase, kernelCase } from '@test/engine/conformance.js';

const rowCounts = [1, 3];
const logistic = (x: number) => 1 / (1 + Math.exp(-x));
/** What the gates hold after their nonlinearities: all in (0, 1), which serves a tanh as well. */
export const squashed = (values: Float32Array | Float64Array) => values.map((x) => logistic(x));

export const recurrent: Record<string, KernelCase[]> = {
  rnnCell: [
    kernelCase({
      rowCounts,
      tolerance: approximately,
      arrays: (s) => ({ a: s.floats(s.rows * s.n), b: s.floats(s.n) }),
      run: (k, on, s) => k.rnnCell(on.a, on.b, s.rows, s.n),
      reference: ({ a, b }, s) => {
        for (let i = 0; i < a.length; i++) a[i] = Math.tanh(s.round(at(a, i) + at(b, i % s.n)));
      },
    }),
  ],
  rnnCellBackward: [
    kernelCase({
      arrays: (s) => ({
        h: s.floats(s.n),
        dh: s.floats(s.n),
        dhLater: s.floats(s.n),
        da: s.floats(s.n),
      }),
      run: (k, on, s) => k.rnnCellBackward(on.h, on.dh, on.dhLater, on.da, s.n),
      reference: ({ h, dh, dhLater, da }, { n, round }) => {
        for (let i = 0; i < n; i++) {
          const slope = round(1 - round(at(h, i) * at(h, i)));
          da[i] = round(at(dh, i) + at(dhLater, i)) * slope;
        }
      },
    }),
  ],
  lstmCell: [
    kernelCase({
      rowCounts,
      tolerance: approximately,
      arrays: (s) => ({
        a: s.floats(s.rows * 4 * s.n),
        b: s.floats(4 * s.n),
        // No cell of finite gates gets far: what a closed gate makes of 1e30 is left open.
        prevC: s.floats(s.rows * s.n).map((x) => Math.min(Math.max(x, -50), 50)),
        c: s.floats(s.rows * s.n),
        tanhC: s.floats(s.rows * s.n),
        h: s.floats(s.rows * s.n),
      }),
      run: (k, on, s) => k.lstmCell(on.a, on.b, on.prevC, on.c, on.tanhC, on.h, s.rows, s.n),
      reference: ({ a, b, prevC, c, tanhC, h }, s) => {
        // Exponentials beyond the element type are infinite, which makes the gate zero.
        const sigmoid = (x: number) => 1 / (1 + s.round(Math.exp(-x)));
        for (let r = 0; r < s.rows; r++) {
          for (let j = 0; j < s.n; j++) {
            const gate = (which: number, f: (x: number) => number) => {
              const index = r * 4 * s.n + which * s.n + j;
              const value = f(s.round(at(a, index) + at(b, which * s.n + j)));
              a[index] = value;
              return value;
            };
            const [i, f] = [gate(0, sigmoid), gate(1, sigmoid)];
            const [o, g] = [gate(2, sigmoid), gate(3, Math.tanh)];
            const at1 = r * s.n + j;
            c[at1] = f * at(prevC, at1) + i * g;
            tanhC[at1] = Math.tanh(at(c, at1));
            h[at1] = o * at(tanhC, at1);
          }
        }
      },
    }),
  ],
  lstmCellBackward: [
    kernelCase({
      rowCounts,
      extremes: 'none',
      tolerance: approximately,
      arrays: (s) => ({
        gates: squashed(s.floats(s.rows * 4 * s.n)),
        prevC: s.floats(s.rows * s.n),
        tanhC: s.floats(s.rows * s.n).map(Math.tanh),
        dh: s.floats(s.rows * s.n),
        dhLater: s.floats(s.rows * s.n),
        dc: s.floats(s.rows * s.n),
        da: s.floats(s.rows * 4 * s.n),
      }),
      run: (k, on, s) =>
        k.lstmCellBackward(
          on.gates,
          on.prevC,
          on.tanhC,
          on.dh,
          on.dhLater,
          on.dc,
          on.da,
          s.rows,
          s.n,
        ),
      reference: ({ gates, prevC, tanhC, dh, dhLater, dc, da }, { rows, n }) => {
        for (let r = 0; r < rows; r++) {
          for (let j = 0; j < n; j++) {
            const row = r * 4 * n + j;
            const [i, f, o, g] = [0, 1, 2, 3].map((which) => at(gates, row + which * n)) as Four;
            const cell = r * n + j;
            const d = at(dh, cell) + at(dhLater, cell);
            const t = at(tanhC, cell);
            const dCell = at(dc, cell) + d * o * (1 - t ** 2);
            da[row] = dCell * g * i * (1 - i);
            da[row + n] = dCell * at(prevC, cell) * f * (1 - f);
            da[row + 2 * n] = d * t * o * (1 - o);
            da[row + 3 * n] = dCell * i * (1 - g ** 2);
            dc[cell] = dCell * f;
          }
        }
      },
    }),
  ],
};

type Four = [number, number, number, number];
