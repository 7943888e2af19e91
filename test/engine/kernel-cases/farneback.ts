import {
  at,
  type KernelCase,
  kernelCase,
  type Setup,
  type Values,
} from '@test/engine/conformance.js';
import {
  clamped,
  flowAt,
  flowOf,
  images,
  type List,
  linesOf,
  lists,
  rowsOf,
  settleRows,
  strideOf,
} from './flow.js';

const margin = 2;
const heights = [1, 5];

/** The rows that are named, and the extents. */
const sizes = (s: Setup, list: List) =>
  [linesOf(list, s.rows).length, s.rows, s.n, strideOf(s.n)] as const;

const scratch = (s: Setup) =>
  new Uint8Array(s.kernels.farnebackScratchBytes(strideOf(s.n), margin));

/** Sums over windows of products of products, some of them of flow far outside. */
const tolerance = { f32: 1e-4, f64: 1e-12 };

/** Equations that a pixel's neighbours agree on: squares on the diagonal, so that determinants are not small. */
function equationsOf(s: Setup) {
  const values = s.floats(images * s.rows * 5 * strideOf(s.n));
  const stride = strideOf(s.n);
  return values.map((value, i) => {
    const term = Math.floor(i / stride) % 5;
    return term === 0 || term === 2 ? 1 + value * value : 0.3 * value;
  });
}

/** The flow where each pixel's neighbour (i, j) counts weight(i, j). */
function solved(
  { equations, flow, lines }: Record<'equations' | 'flow' | 'lines', Values>,
  s: Setup,
  weight: (i: number, j: number) => number,
): void {
  const [H, W, stride] = [s.rows, s.n, strideOf(s.n)];
  for (const { image, y } of rowsOf(lines, H)) {
    for (let x = 0; x < stride; x++) {
      const sums = [0, 0, 0, 0, 0].map((_, term) => {
        let sum = 0;
        for (let j = -margin; j <= margin; j++) {
          for (let i = -margin; i <= margin; i++) {
            const line = (image * H + clamped(y + j, H)) * 5 + term;
            sum += weight(i, j) * at(equations, line * stride + clamped(x + i, W));
          }
        }
        return sum;
      });
      const [xx = 0, xy = 0, yy = 0, hx = 0, hy = 0] = sums;
      const determinant = xx * yy - xy * xy + 1e-3;
      const place = (2 * image * H + y) * stride + x;
      flow[place] = (yy * hx - xy * hy) / determinant;
      flow[place + H * stride] = (xx * hy - xy * hx) / determinant;
    }
  }
}

export const farneback: Record<string, KernelCase[]> = {
  polynomials: lists.map((list) =>
    kernelCase({
      variant: list,
      extremes: 'none',
      tolerance,
      rowCounts: heights,
      arrays: (s) => ({
        x: s.floats(images * s.rows * strideOf(s.n)),
        fit: s.floats(3 * (margin + 1) + 4),
        lines: linesOf(list, s.rows),
        coefficients: s.floats(linesOf(list, s.rows).length * s.n * 5),
        scratch: scratch(s),
      }),
      run: (k, { x, fit, coefficients, lines, scratch }, s) =>
        k.polynomials(x, fit, coefficients, lines, ...sizes(s, list), margin, scratch),
      reference: ({ x, fit, coefficients, lines }, s) => {
        const [H, W, stride] = [s.rows, s.n, strideOf(s.n)];
        /** The weight of a distance times its power, with its sign. */
        const g = (power: number, k: number) =>
          at(fit, power * (margin + 1) + Math.abs(k)) * (power === 1 && k < 0 ? -1 : 1);
        const [linear = 0, ofMean = 0, square = 0, mixed = 0] = fit.slice(-4);
        for (const { r, image, y } of rowsOf(lines, H)) {
          for (let column = 0; column < W; column++) {
            /** The sum of pixels times powers of their distances in x and y. */
            const moment = (inX: number, inY: number) => {
              let sum = 0;
              for (let j = -margin; j <= margin; j++) {
                for (let i = -margin; i <= margin; i++) {
                  // The middle has no first or second moment: the kernel does not even read it.
                  if ((inX > 0 && i === 0) || (inY > 0 && j === 0)) continue;
                  const row = image * H + clamped(y + j, H);
                  const pixel = at(x, row * stride + clamped(column + i, W));
                  sum += g(inX, i) * g(inY, j) * pixel;
                }
              }
              return sum;
            };
            const mean = ofMean * moment(0, 0);
            const found = [
              linear * moment(1, 0),
              linear * moment(0, 1),
              mean + square * moment(2, 0),
              mean + square * moment(0, 2),
              mixed * moment(1, 1),
            ];
            for (const [c, value] of found.entries()) {
              coefficients[(r * W + column) * 5 + c] = value;
            }
          }
        }
      },
    }),
  ),
  flowEquations: lists.map((list) =>
    kernelCase({
      variant: list,
      extremes: 'none',
      tolerance,
      rowCounts: heights,
      arrays: (s) => ({
        previous: s.floats(linesOf(list, s.rows).length * s.n * 5),
        next: s.floats(images * s.rows * s.n * 5),
        flow: flowOf(s, s.rows),
        trustX: s.floats(strideOf(s.n)),
        trustY: s.floats(s.rows),
        equations: s.floats(linesOf(list, s.rows).length * 5 * strideOf(s.n)),
        lines: linesOf(list, s.rows),
      }),
      run: (k, { previous, next, flow, trustX, trustY, equations, lines }, s) =>
        k.flowEquations(previous, next, flow, trustX, trustY, equations, lines, ...sizes(s, list)),
      reference: ({ previous, next, flow, trustX, trustY, equations, lines }, s) => {
        const [H, W, stride] = [s.rows, s.n, strideOf(s.n)];
        for (const row of rowsOf(lines, H)) {
          const { r, image, y } = row;
          for (let x = 0; x < W; x++) {
            const [dx, dy] = flowAt(flow, s, H, row, x);
            const [u, v] = [s.round(x + dx), s.round(y + dy)];
            const inside = u >= 0 && u < W - 1 && v >= 0 && v < H - 1;
            const [i, j] = [Math.floor(u), Math.floor(v)];
            const seen = [0, 1, 2, 3, 4].map((c) => {
              if (!inside) return 0;
              const pixel = (p: number, q: number) => at(next, ((image * H + q) * W + p) * 5 + c);
              const upper = (1 - (u - i)) * pixel(i, j) + (u - i) * pixel(i + 1, j);
              const lower = (1 - (u - i)) * pixel(i, j + 1) + (u - i) * pixel(i + 1, j + 1);
              return (1 - (v - j)) * upper + (v - j) * lower;
            });
            const own = [0, 1, 2, 3, 4].map((c) => at(previous, (r * W + x) * 5 + c));
            const [bx = 0, by = 0] = own.map((value, c) => (value - (seen[c] ?? 0)) / 2);
            const [, , xx = 0, yy = 0, twice = 0] = own.map((value, c) =>
              inside ? (value + (seen[c] ?? 0)) / 2 : value,
            );
            const xy = twice / 2;
            const trust = at(trustX, x) * at(trustY, y);
            const [p, q] = [bx + xx * dx + xy * dy, by + xy * dx + yy * dy];
            const found = [
              xx * xx + xy * xy,
              (xx + yy) * xy,
              yy * yy + xy * xy,
              xx * p + xy * q,
              xy * p + yy * q,
            ];
            for (const [term, value] of found.entries()) {
              equations[(r * 5 + term) * stride + x] = value * trust * trust;
            }
          }
        }
      },
      settle: ({ equations }, s) => settleRows(equations, s.n),
    }),
  ),
  flowOfBox: lists.map((list) =>
    kernelCase({
      variant: list,
      extremes: 'none',
      tolerance,
      // More rows than are summed up without a new beginning.
      rowCounts: [1, 5, 19],
      arrays: (s) => ({
        equations: equationsOf(s),
        flow: s.floats(images * 2 * s.rows * strideOf(s.n)),
        lines: linesOf(list, s.rows),
        scratch: scratch(s),
      }),
      run: (k, { equations, flow, lines, scratch }, s) =>
        k.flowOfBox(equations, flow, lines, ...sizes(s, list), margin, 0.05, scratch),
      reference: (on, s) => solved(on, s, () => s.round(0.05)),
    }),
  ),
  flowOfWeighted: lists.map((list) =>
    kernelCase({
      variant: list,
      extremes: 'none',
      tolerance,
      rowCounts: heights,
      arrays: (s) => ({
        equations: equationsOf(s),
        weights: s.floats(margin + 1).map((value) => 0.1 + Math.abs(value)),
        flow: s.floats(images * 2 * s.rows * strideOf(s.n)),
        lines: linesOf(list, s.rows),
        scratch: scratch(s),
      }),
      run: (k, { equations, weights, flow, lines, scratch }, s) =>
        k.flowOfWeighted(equations, weights, flow, lines, ...sizes(s, list), margin, scratch),
      reference: ({ weights, ...on }, s) =>
        solved(on, s, (i, j) => at(weights, Math.abs(i)) * at(weights, Math.abs(j))),
    }),
  ),
};
