import {
  approximately,
  at,
  type KernelCase,
  kernelCase,
  type Setup,
} from '@test/engine/conformance.js';

const planes = 2;
const [H, OH] = [5, 4];

/** Where windows of K begin among `extent`, in any order. */
const starts = (s: Setup, count: number, extent: number, K: number) =>
  Int32Array.from({ length: count }, () => s.random.integer(extent - K + 1));

const outputWidth = (s: Setup) => s.n + 3;

/** One weight, some, and as many as a side has. */
const widths = [1, 3, H];

export const filter: Record<string, KernelCase[]> = {
  filterRows: widths.map((K) =>
    kernelCase({
      variant: `${K} rows`,
      extremes: 'none',
      tolerance: approximately,
      arrays: (s) => ({
        x: s.floats(planes * H * s.n),
        starts: starts(s, OH, H, K),
        weights: s.floats(OH * K),
        y: s.floats(planes * OH * s.n),
      }),
      run: (k, { x, y, starts, weights }, s) =>
        k.filterRows(x, y, starts, weights, planes, H, s.n, OH, K),
      reference: ({ x, y, starts, weights }, s) => {
        for (let i = 0; i < y.length; i++) {
          const [line, column] = [Math.floor(i / s.n), i % s.n];
          const [p, r] = [Math.floor(line / OH), line % OH];
          let sum = 0;
          for (let k = 0; k < K; k++) {
            sum += at(weights, r * K + k) * at(x, (p * H + at(starts, r) + k) * s.n + column);
          }
          y[i] = sum;
        }
      },
    }),
  ),
  filterColumns: [1, 3].map((most) =>
    kernelCase({
      variant: `up to ${most} columns`,
      extremes: 'none',
      tolerance: approximately,
      rowCounts: [1, 4],
      arrays: (s) => {
        const [K, OW] = [Math.min(most, s.n), outputWidth(s)];
        return {
          x: s.floats(s.rows * s.n),
          starts: starts(s, OW, s.n, K),
          weights: s.floats(OW * K),
          y: s.floats(s.rows * OW),
        };
      },
      run: (k, { x, y, starts, weights }, s) =>
        k.filterColumns(x, y, starts, weights, s.rows, s.n, outputWidth(s), Math.min(most, s.n)),
      reference: ({ x, y, starts, weights }, s) => {
        const [K, OW] = [Math.min(most, s.n), outputWidth(s)];
        for (let i = 0; i < y.length; i++) {
          const [r, q] = [Math.floor(i / OW), i % OW];
          let sum = 0;
          for (let k = 0; k < K; k++) {
            sum += at(weights, q * K + k) * at(x, r * s.n + at(starts, q) + k);
          }
          y[i] = sum;
        }
      },
    }),
  ),
};
