import { at, type KernelCase, kernelCase, type Setup } from '@test/engine/conformance.js';

/** What each kernel computes of two elements. */
const operations = {
  broadcastAdd: (x, y, s) => s.round(x + y),
  broadcastSubtract: (x, y, s) => s.round(x - y),
  broadcastMultiply: (x, y, s) => s.round(x * y),
  broadcastDivide: (x, y, s) => s.round(x / y),
  broadcastMaximum: (x, y) => Math.max(x, y),
  broadcastShare: (x, y) => (x > y ? 1 : x === y ? 0.5 : 0),
  broadcastBySign: (x, y) => (y > 0 ? x : y < 0 ? -x : 0),
} as const satisfies Record<string, (x: number, y: number, s: Setup) => number>;

/** How far an array moves along the axes of (A, B, n). */
type Moves = readonly [A: number, B: number, n: number];
const B = 2;
const ways: Record<string, (n: number) => readonly [x: Moves, y: Moves]> = {
  'side by side': (n) => [
    [B * n, n, 1],
    [B * n, n, 1],
  ],
  'y a row': (n) => [
    [B * n, n, 1],
    [0, 0, 1],
  ],
  'x a column, y of its own': (n) => [
    [B, 1, 0],
    [B * n, n, 1],
  ],
  'x a row, y a column': (n) => [
    [0, n, 1],
    [1, 0, 0],
  ],
  'neither along the rows': () => [
    [B, 1, 0],
    [0, 1, 0],
  ],
};

const casesOf = (
  kernel: keyof typeof operations,
  f: (x: number, y: number, s: Setup) => number,
): KernelCase[] =>
  Object.entries(ways).map(([way, movesFor]) =>
    kernelCase({
      variant: way,
      rowCounts: [0, 1, 3],
      arrays: (s) => ({
        x: coarse(s, Math.max(1, s.rows) * B * s.n),
        y: coarse(s, Math.max(1, s.rows) * B * s.n),
        z: s.floats(s.rows * B * s.n),
      }),
      run: (k, on, s) => {
        const [x, y] = movesFor(s.n);
        return k[kernel](on.x, ...x, on.y, ...y, on.z, s.rows, B, s.n);
      },
      reference: ({ x, y, z }, s) => {
        const [movesX, movesY] = movesFor(s.n);
        const place = (moves: Moves, i: number) => {
          const [a, b, j] = [Math.floor(i / s.n / B), Math.floor(i / s.n) % B, i % s.n];
          return a * moves[0] + b * moves[1] + j * moves[2];
        };
        for (let i = 0; i < z.length; i++) {
          z[i] = f(at(x, place(movesX, i)), at(y, place(movesY, i)), s);
        }
      },
    }),
  );

/** Values of which some are equal. */
function coarse(s: Setup, count: number): Float32Array | Float64Array {
  return s.floats(count).map((value, i) => (i % 3 === 0 ? Math.round(value) : value));
}

export const broadcast: Record<string, KernelCase[]> = {
  ...Object.fromEntries(
    (Object.keys(operations) as (keyof typeof operations)[]).map((kernel) => [
      kernel,
      casesOf(kernel, operations[kernel]),
    ]),
  ),
  sumAxis: [1, 7, 300].map((R) =>
    kernelCase({
      variant: `of ${R}`,
      extremes: 'infinite',
      rowCounts: [0, 1, 3],
      // At most 300 values of size 4, added in any order.
      tolerance: { f32: 300 * 4 * 2 ** -24, f64: 300 * 4 * 2 ** -53 },
      arrays: (s) => ({ x: s.floats(s.rows * R * s.n), y: s.floats(s.rows * s.n) }),
      run: (k, on, s) => k.sumAxis(on.x, on.y, s.rows, R, s.n),
      reference: ({ x, y }, s) => {
        for (let i = 0; i < y.length; i++) {
          let sum = 0;
          for (let r = 0; r < R; r++) {
            sum += at(x, (Math.floor(i / s.n) * R + r) * s.n + (i % s.n));
          }
          y[i] = sum;
        }
      },
    }),
  ),
  maxAxis: [1, 7, 300].map((R) =>
    kernelCase({
      variant: `of ${R}`,
      rowCounts: [0, 1, 3],
      arrays: (s) => ({ x: s.floats(s.rows * R * s.n), y: s.floats(s.rows * s.n) }),
      run: (k, on, s) => k.maxAxis(on.x, on.y, s.rows, R, s.n),
      reference: ({ x, y }, s) => {
        for (let i = 0; i < y.length; i++) {
          const along = (r: number) => at(x, (Math.floor(i / s.n) * R + r) * s.n + (i % s.n));
          y[i] = Math.max(...Array.from({ length: R }, (_, r) => along(r)));
        }
      },
    }),
  ),
  // x (n, rows, 19) and y (rows, 19, n), each with room between its rows.
  permute: [
    kernelCase({
      rowCounts: [0, 1, 3],
      arrays: (s) => ({
        x: s.floats(s.n * (s.rows * 20 + 1)),
        y: s.floats(s.rows * 19 * (s.n + 2)),
      }),
      run: (k, on, s) =>
        k.permute(
          ...([on.x, 20, s.rows * 20 + 1, on.y, 19 * (s.n + 2), s.n + 2] as const),
          ...([s.rows, 19, s.n] as const),
        ),
      reference: ({ x, y }, s) => {
        for (let a = 0; a < s.rows; a++) {
          for (let b = 0; b < 19; b++) {
            for (let i = 0; i < s.n; i++) {
              y[a * 19 * (s.n + 2) + b * (s.n + 2) + i] = at(x, a * 20 + b + i * (s.rows * 20 + 1));
            }
          }
        }
      },
    }),
  ],
};
