import {
  at,
  type KernelCase,
  kernelCase,
  type Setup,
  type Values,
} from '@test/engine/conformance.js';

/** Lavin and Gray 2016, F(4x4, 3x3): y = A^T [(G g G^T) . (B^T d B)] A. */
const [a, b] = [5 / 8, 3 / 2];
const points = [0, a, -a, b, -b];

/** The coefficients of the product of (x - p). */
function polynomial(zeros: readonly number[]): number[] {
  let c = [1];
  for (const p of zeros) c = [0, ...c].map((above, i) => above - p * (c[i] ?? 0));
  return c;
}
const without = (p: number) => points.filter((other) => other !== p);
const powers = (p: number, count: number) => Array.from({ length: count }, (_, i) => p ** i);

/** Toom and Cook's interpolation at these points and at infinity. */
const BT = [...points.map((p) => [...polynomial(without(p)), 0]), polynomial(points)];
const G = [
  ...points.map((p) => {
    const distances = without(p).reduce((product, other) => product * (p - other), 1);
    return powers(p, 3).map((power) => power / distances);
  }),
  [0, 0, 1],
];
const AT = [0, 1, 2, 3].map((i) => [...points.map((p) => p ** i), Number(i === 3)]);

type Matrix = readonly (readonly number[])[];

const transpose = (m: Matrix): Matrix => (m[0] ?? []).map((_, j) => m.map((row) => row[j] ?? 0));

/** M x M^T, row by row, of x given by its elements. */
function around(M: Matrix, x: (i: number, j: number) => number): number[] {
  const result: number[] = [];
  for (const left of M) {
    for (const right of M) {
      let sum = 0;
      for (const [i, a] of left.entries()) {
        for (const [j, b] of right.entries()) sum += a * b * x(i, j);
      }
      result.push(sum);
    }
  }
  return result;
}

const tolerance = { f32: 2e-5, f64: 1e-13 };
const [C, H, PH, PW] = [3, 5, 1, 1];

/** Maps as large as the images; the last `rows` of two tile rows. */
function geometry({ dtype, n, rows }: Setup) {
  const across = Math.max(dtype === 'f32' ? 4 : 2, Math.ceil(n / 4));
  const ld = rows * across + 3;
  return { across, first: 2 - rows, ld, plane: C * ld + 5 };
}

/** Elements from one image or map to the next: two belong to neither. */
const apart = (W: number) => H * W + 2;

/** An image's element, 0 outside. */
const inside = (x: Values, W: number, c: number, h: number, w: number) =>
  h < 0 || h >= H || w < 0 || w >= W ? 0 : at(x, c * apart(W) + h * W + w);

/** Every tile's channel, its place among the columns of a plane, and its first output. */
function* tiles(s: Setup) {
  const { across, first, ld } = geometry(s);
  for (let c = 0; c < C; c++) {
    for (let r = 0; r < s.rows; r++) {
      for (let q = 0; q < across; q++) {
        yield { c, place: c * ld + r * across + q, h: 4 * (first + r), w: 4 * q };
      }
    }
  }
}

const scratch = (s: Setup) =>
  new Uint8Array(s.kernels.winogradScratchBytes(s.rows, geometry(s).across));

export const winograd: Record<string, KernelCase[]> = {
  winogradTiles: [
    kernelCase({
      rowCounts: [1, 2],
      extremes: 'none',
      tolerance,
      arrays: (s) => ({
        x: s.floats(C * apart(s.n)),
        V: s.floats(36 * geometry(s).plane),
        scratch: scratch(s),
      }),
      run: (k, on, s) => {
        const { across, first, ld, plane } = geometry(s);
        const { x, V } = on;
        const [image, tiles] = [
          [apart(s.n), H, s.n, PH, PW],
          [first, s.rows, across, ld, plane],
        ] as const;
        k.winogradTiles(x, V, on.scratch, C, ...image, ...tiles);
      },
      reference: ({ x, V }, s) => {
        const { plane } = geometry(s);
        for (const { c, place, h, w } of tiles(s)) {
          const t = around(BT, (i, j) => inside(x, s.n, c, h - PH + i, w - PW + j));
          for (const [i, value] of t.entries()) V[i * plane + place] = value;
        }
      },
    }),
  ],
  winogradCotangents: [
    kernelCase({
      rowCounts: [1, 2],
      extremes: 'none',
      tolerance,
      arrays: (s) => ({
        dy: s.floats(C * apart(s.n)),
        D: s.floats(36 * geometry(s).plane),
        scratch: scratch(s),
      }),
      run: (k, on, s) => {
        const { across, first, ld, plane } = geometry(s);
        const [map, tiles] = [
          [apart(s.n), H, s.n],
          [first, s.rows, across, ld, plane],
        ] as const;
        k.winogradCotangents(on.dy, on.D, on.scratch, C, ...map, ...tiles);
      },
      reference: ({ dy, D }, s) => {
        const { plane } = geometry(s);
        for (const { c, place, h, w } of tiles(s)) {
          const t = around(transpose(AT), (i, j) => inside(dy, s.n, c, h + i, w + j));
          for (const [i, value] of t.entries()) D[i * plane + place] = value;
        }
      },
    }),
  ],
  winogradMaps: [Number.NEGATIVE_INFINITY, 0].map((floor) =>
    kernelCase({
      variant: `floor ${floor}`,
      rowCounts: [1, 2],
      extremes: 'none',
      tolerance,
      arrays: (s) => ({
        M: s.floats(36 * geometry(s).plane),
        b: s.floats(C),
        y: s.floats(C * apart(s.n)),
        scratch: scratch(s),
      }),
      run: (k, on, s) => {
        const { across, first, ld, plane } = geometry(s);
        const { M, b, y } = on;
        const [map, tiles] = [
          [apart(s.n), H, s.n],
          [first, s.rows, across, ld, plane],
        ] as const;
        k.winogradMaps(M, b, y, on.scratch, C, ...map, ...tiles, floor);
      },
      reference: ({ M, b, y }, s) => {
        const { plane } = geometry(s);
        for (const { c, place, h, w } of tiles(s)) {
          const t = around(AT, (i, j) => at(M, (i * 6 + j) * plane + place));
          for (const [i, value] of t.entries()) {
            const [row, column] = [h + Math.floor(i / 4), w + (i % 4)];
            if (row >= H || column >= s.n) continue;
            y[c * apart(s.n) + row * s.n + column] = Math.max(floor, value + at(b, c));
          }
        }
      },
    }),
  ),
  winogradFilters: [0, 1].map((turned) =>
    kernelCase({
      variant: turned ? 'turned about' : 'as they are',
      rowCounts: [1, 3],
      extremes: 'none',
      tolerance,
      arrays: (s) => ({
        W: s.floats(s.rows * s.n * 9),
        U: s.floats(36 * (s.rows * (s.n + 2) + 3)),
        scratch: new Uint8Array(s.kernels.winogradFiltersScratchBytes()),
      }),
      // Turned about, W (n, rows, 3, 3) is read as (rows, n, 3, 3).
      run: (k, on, s) => {
        const [rowStride, columnStride] = turned ? [9, 9 * s.rows] : [9 * s.n, 9];
        const [ld, plane] = [s.n + 2, s.rows * (s.n + 2) + 3];
        const { W, U } = on;
        k.winogradFilters(
          W,
          U,
          on.scratch,
          s.rows,
          s.n,
          rowStride,
          columnStride,
          turned,
          ld,
          plane,
        );
      },
      reference: ({ W, U }, s) => {
        for (let r = 0; r < s.rows; r++) {
          for (let k = 0; k < s.n; k++) {
            const filter = turned ? k * s.rows + r : r * s.n + k;
            const t = around(G, (i, j) => at(W, filter * 9 + (turned ? 8 - i * 3 - j : i * 3 + j)));
            const [ld, plane] = [s.n + 2, s.rows * (s.n + 2) + 3];
            for (const [i, value] of t.entries()) U[i * plane + r * ld + k] = value;
          }
        }
      },
    }),
  ),
  // Filters of another set lie between those of this one.
  winogradFiltersBackward: [
    kernelCase({
      rowCounts: [1, 3],
      extremes: 'none',
      tolerance,
      arrays: (s) => ({
        dU: s.floats(36 * (s.rows * (s.n + 1) + 3)),
        dW: s.floats(s.rows * s.n * 18),
        scratch: new Uint8Array(s.kernels.winogradFiltersScratchBytes()),
      }),
      run: (k, on, s) => {
        const [ld, plane] = [s.n + 1, s.rows * (s.n + 1) + 3];
        k.winogradFiltersBackward(on.dU, on.dW, on.scratch, s.rows, s.n, s.n * 18, 18, ld, plane);
      },
      reference: ({ dU, dW }, s) => {
        const [ld, plane] = [s.n + 1, s.rows * (s.n + 1) + 3];
        for (let r = 0; r < s.rows; r++) {
          for (let k = 0; k < s.n; k++) {
            const to = (r * s.n + k) * 18;
            const t = around(transpose(G), (i, j) => at(dU, (i * 6 + j) * plane + r * ld + k));
            for (const [i, value] of t.entries()) dW[to + i] = at(dW, to + i) + value;
          }
        }
      },
    }),
  ],
};
