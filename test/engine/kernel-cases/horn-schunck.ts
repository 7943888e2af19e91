import {
  at,
  type KernelCase,
  kernelCase,
  type Setup,
  type Values,
} from '@test/engine/conformance.js';
import { flowAt, flowOf, images, linesOf, lists, rowsOf, strideOf } from './flow.js';

const heights = [1, 5];
const alpha = 1.5;
const step = 1.5;
const sweeps = 3;

/** Elements of half a row, filled up. */
const halfOf = (W: number) => 4 * Math.ceil(W / 8);

/** Where a term of a pixel of row r lies. */
const termPlace = (s: Setup, r: number, x: number, term: number) =>
  ((2 * r + (x % 2)) * 4 + term) * halfOf(s.n) + Math.floor(x / 2);

/** Pixels beside, above and below. */
function neighboursOf(x: number, y: number, W: number, H: number) {
  const around = [
    [x - 1, y],
    [x + 1, y],
    [x, y - 1],
    [x, y + 1],
  ] as const;
  return around.filter(([p, q]) => p >= 0 && p < W && q >= 0 && q < H);
}

/** Weights of four pixels at t between the second and the third, and how they change with t. */
function cubic(t: number) {
  const weights = [
    (-(t ** 3) + 2 * t ** 2 - t) / 2,
    (3 * t ** 3 - 5 * t ** 2 + 2) / 2,
    (-3 * t ** 3 + 4 * t ** 2 + t) / 2,
    (t ** 3 - t ** 2) / 2,
  ];
  const slopes = [
    (-3 * t ** 2 + 4 * t - 1) / 2,
    (9 * t ** 2 - 10 * t) / 2,
    (-9 * t ** 2 + 8 * t + 1) / 2,
    (3 * t ** 2 - 2 * t) / 2,
  ];
  return { weights, slopes };
}

/** Brightness and its slopes in x and y between the pixels of `next` with its margin. */
function surface(next: Values, s: Setup, image: number, u: number, v: number) {
  const [H, W] = [s.rows, s.n];
  const [i, j] = [Math.floor(u), Math.floor(v)];
  const [across, down] = [cubic(u - i), cubic(v - j)];
  const sum = (inX: readonly number[], inY: readonly number[]) => {
    let total = 0;
    for (const [q, b] of inY.entries()) {
      for (const [p, a] of inX.entries()) {
        total += a * b * at(next, (image * (H + 3) + j + q) * (W + 3) + i + p);
      }
    }
    return total;
  };
  return [
    sum(across.weights, down.weights),
    sum(across.slopes, down.weights),
    sum(across.weights, down.slopes),
  ] as const;
}

export const hornSchunck: Record<string, KernelCase[]> = {
  hornSchunckTerms: lists.map((list) =>
    kernelCase({
      variant: list,
      extremes: 'none',
      tolerance: { f32: 2e-5, f64: 1e-12 },
      rowCounts: heights,
      arrays: (s) => ({
        previous: s.floats(linesOf(list, s.rows).length * strideOf(s.n)),
        next: s.floats(images * (s.rows + 3) * (s.n + 3)),
        flow: flowOf(s, s.rows),
        terms: s.floats(linesOf(list, s.rows).length * 8 * halfOf(s.n)),
        lines: linesOf(list, s.rows),
      }),
      run: (k, { previous, next, flow, terms, lines }, s) => {
        const rows = linesOf(list, s.rows).length;
        const sizes = [rows, s.rows, s.n, strideOf(s.n), halfOf(s.n)] as const;
        k.hornSchunckTerms(previous, next, flow, terms, lines, ...sizes, alpha);
      },
      reference: ({ previous, next, flow, terms, lines }, s) => {
        const [H, W] = [s.rows, s.n];
        terms.fill(0);
        for (const row of rowsOf(lines, H)) {
          const { r, image, y } = row;
          for (let x = 0; x < W; x++) {
            const [dx, dy] = flowAt(flow, s, H, row, x);
            const [u, v] = [s.round(x + dx), s.round(y + dy)];
            let [ix, iy, c] = [0, 0, 0];
            if (u >= 0 && u <= W - 1 && v >= 0 && v <= H - 1) {
              const [brightness, slopeX, slopeY] = surface(next, s, image, u, v);
              [ix, iy] = [slopeX, slopeY];
              c = brightness - at(previous, r * strideOf(W) + x) - ix * dx - iy * dy;
            }
            const n = neighboursOf(x, y, W, H).length;
            const inverse = n > 0 ? 1 / (n * alpha ** 2 + ix ** 2 + iy ** 2) : 0;
            for (const [term, value] of [ix, iy, c, inverse].entries()) {
              terms[termPlace(s, r, x, term)] = value;
            }
          }
        }
      },
    }),
  ),
  hornSchunckSweeps: [
    kernelCase({
      extremes: 'none',
      tolerance: { f32: 2e-5, f64: 1e-12 },
      rowCounts: heights,
      arrays: (s) => {
        const half = halfOf(s.n);
        // As the kernel before leaves them: zeros where a half is filled up.
        const terms = s.floats(images * s.rows * 8 * half).map((value, i) => {
          const [line, place] = [Math.floor(i / half), i % half];
          const x = 2 * place + (Math.floor(line / 4) % 2);
          if (x >= s.n) return 0;
          return line % 4 === 3 ? 0.1 * Math.abs(Math.sin(value)) : value;
        });
        return {
          terms,
          flow: s.floats(images * 2 * s.rows * strideOf(s.n)),
          scratch: new Uint8Array(s.kernels.hornSchunckScratchBytes(s.rows, half)),
        };
      },
      run: (k, { terms, flow, scratch }, s) => {
        const sizes = [images, s.rows, s.n, strideOf(s.n), halfOf(s.n)] as const;
        k.hornSchunckSweeps(terms, flow, ...sizes, step, sweeps, scratch);
      },
      reference: ({ terms, flow }, s) => {
        const [H, W, stride] = [s.rows, s.n, strideOf(s.n)];
        const place = (image: number, plane: number, x: number, y: number) =>
          ((2 * image + plane) * H + y) * stride + x;
        for (let half = 0; half < 2 * sweeps * images * H * W; half++) {
          // Sweep by sweep, one colour of the chessboard after the other.
          const [pixel, turn] = [half % (images * H * W), Math.floor(half / (images * H * W))];
          const [x, y] = [pixel % W, Math.floor(pixel / W) % H];
          const image = Math.floor(pixel / (H * W));
          if ((x + y + turn) % 2 !== 0) continue;
          const around = neighboursOf(x, y, W, H);
          const mean = (plane: number) =>
            around.reduce((sum, [p, q]) => sum + at(flow, place(image, plane, p, q)), 0) /
            Math.max(1, around.length);
          const [ix = 0, iy = 0, c = 0, inverse = 0] = [0, 1, 2, 3].map((term) =>
            at(terms, termPlace(s, image * H + y, x, term)),
          );
          const [mu, mv] = [mean(0), mean(1)];
          const off = (ix * mu + iy * mv + c) * inverse;
          for (const [plane, target] of [mu - ix * off, mv - iy * off].entries()) {
            const i = place(image, plane, x, y);
            flow[i] = at(flow, i) + step * (target - at(flow, i));
          }
        }
      },
    }),
  ],
};
