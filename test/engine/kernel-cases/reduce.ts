import {
  approximately,
  at,
  type KernelCase,
  kernelCase,
  type Setup,
} from '@test/engine/conformance.js';

const rowCounts = [1, 2, 3, 4, 5, 9];

/** Word indices below `words`, with repetitions. */
function indices(s: Setup, count: number, words: number): Int32Array {
  return Int32Array.from({ length: count }, () => s.random.integer(words));
}

/** Of two tables of 4 rows each. */
const gather = (bad: number | undefined) =>
  kernelCase({
    variant: bad === undefined ? 'valid indices' : `the index ${bad}`,
    rowCounts,
    arrays: (s) => {
      const x = indices(s, s.rows, 4);
      if (bad !== undefined) x[s.rows - 1] = bad;
      return { x, W: s.floats(2 * 4 * s.n), out: s.floats(2 * s.rows * s.n) };
    },
    run: (k, on, s) => k.gather(on.x, on.W, on.out, 2, s.rows, 4, s.n),
    reference: ({ x, W, out }, s) => {
      const strange = x.findIndex((word) => word < 0 || word > 3);
      if (strange >= 0) return strange;
      for (let i = 0; i < out.length; i++) {
        const [table, r] = [Math.floor(i / s.n / s.rows), Math.floor(i / s.n) % s.rows];
        out[i] = at(W, (table * 4 + at(x, r)) * s.n + (i % s.n));
      }
      return -1;
    },
  });

export const reduce: Record<string, KernelCase[]> = {
  gather: [gather(undefined), gather(4), gather(-1), gather(-(2 ** 31))],
  scatterAdd: [
    kernelCase({
      rowCounts,
      arrays: (s) => ({
        x: indices(s, s.rows, 3),
        dout: s.floats(2 * s.rows * s.n),
        dW: s.floats(2 * 3 * s.n),
      }),
      run: (k, on, s) => k.scatterAdd(on.x, on.dout, on.dW, 2, s.rows, 3, s.n),
      reference: ({ x, dout, dW }, s) => {
        for (let i = 0; i < dout.length; i++) {
          const [table, r] = [Math.floor(i / s.n / s.rows), Math.floor(i / s.n) % s.rows];
          const to = (table * 3 + at(x, r)) * s.n + (i % s.n);
          dW[to] = s.round(at(dW, to) + at(dout, i));
        }
      },
    }),
  ],
  sum: [
    kernelCase({
      extremes: 'infinite',
      returnTolerance: { f32: 1e-13, f64: 1e-13 },
      arrays: (s) => ({ x: s.floats(s.n) }),
      run: (k, on, s) => k.sum(on.x, s.n),
      reference: ({ x }) => [...x].reduce((total, value) => total + value, 0),
    }),
  ],
  sumSquares: [
    kernelCase({
      returnTolerance: { f32: 1e-13, f64: 1e-13 },
      arrays: (s) => ({ x: s.floats(s.n) }),
      run: (k, on, s) => k.sumSquares(on.x, s.n),
      reference: ({ x }) => [...x].reduce((total, value) => total + value * value, 0),
    }),
  ],
  sumRows: [
    kernelCase({
      extremes: 'infinite',
      rowCounts: [0, ...rowCounts],
      tolerance: approximately,
      arrays: (s) => ({ x: s.floats(s.rows * s.n), y: s.floats(s.n) }),
      run: (k, on, s) => k.sumRows(on.x, on.y, s.rows, s.n),
      reference: ({ x, y }, s) => {
        y.fill(0);
        for (let i = 0; i < s.rows * s.n; i++) y[i % s.n] = at(y, i % s.n) + at(x, i);
      },
    }),
  ],
  argmaxRows: [
    kernelCase({
      rowCounts,
      // Few different values, so that there are ties.
      arrays: (s) => ({
        x: s.floats(s.rows * s.n).map((value) => Math.round(value)),
        y: new Int32Array(s.rows),
      }),
      run: (k, on, s) => k.argmaxRows(on.x, on.y, s.rows, s.n),
      reference: ({ x, y }, s) => {
        for (let r = 0; r < s.rows; r++) {
          const row = [...x.subarray(r * s.n, (r + 1) * s.n)];
          const largest = Math.max(...row.filter((value) => !Number.isNaN(value)));
          y[r] = Math.max(0, row.indexOf(largest));
        }
      },
    }),
  ],
};
