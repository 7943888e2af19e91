import { approximately, at, type KernelCase, kernelCase } from '@test/engine/conformance.js';

const rowCounts = [1, 2, 5];

const topRows = (k: number, extremes: 'all' | 'none') =>
  kernelCase({
    variant: `k = ${k}, ${extremes === 'all' ? 'ties' : 'all different'}`,
    rowCounts,
    extremes,
    arrays: (s) => ({
      // Few different values, so that there are ties.
      x: s.floats(s.rows * s.n).map((value) => (extremes === 'all' ? Math.round(value) : value)),
      values: s.floats(s.rows * k),
      places: new Int32Array(s.rows * k).fill(7),
    }),
    run: (kernels, on, s) => kernels.topRows(on.x, on.values, on.places, s.rows, s.n, k),
    reference: ({ x, values, places }, s) => {
      for (let r = 0; r < s.rows; r++) {
        const row = x.subarray(r * s.n, (r + 1) * s.n);
        const order = [...row.keys()]
          .filter((j) => at(row, j) > Number.NEGATIVE_INFINITY)
          .sort((a, b) => (at(row, a) === at(row, b) ? a - b : at(row, a) < at(row, b) ? 1 : -1));
        for (let i = 0; i < k; i++) {
          const place = order[i] ?? -1;
          places[r * k + i] = place;
          values[r * k + i] = place < 0 ? Number.NEGATIVE_INFINITY : at(row, place);
        }
      }
    },
  });

export const decoding: Record<string, KernelCase[]> = {
  logSumExpRows: [
    kernelCase({
      rowCounts,
      tolerance: approximately,
      arrays: (s) => ({ x: s.floats(s.rows * s.n), y: new Float64Array(s.rows) }),
      run: (k, on, s) => k.logSumExpRows(on.x, on.y, s.rows, s.n),
      reference: ({ x, y }, s) => {
        for (let r = 0; r < s.rows; r++) {
          const row = [...x.subarray(r * s.n, (r + 1) * s.n)];
          const largest = Math.max(...row);
          const sum = row.reduce((total, value) => total + Math.exp(value - largest), 0);
          y[r] = Math.log(sum) + largest;
        }
      },
      // A row that has no finite answer may get any that is not finite.
      settle: ({ y }) => {
        for (const [r, value] of y.entries()) if (!Number.isFinite(value)) y[r] = Number.NaN;
      },
    }),
  ],
  topRows: [topRows(1, 'all'), topRows(3, 'all'), topRows(8, 'none'), topRows(40, 'all')],
};
