import {
  approximately,
  at,
  type KernelCase,
  kernelCase,
  type Setup,
} from '@test/engine/conformance.js';

const N = 2;
const H = 3;
const W = 4;

/** Layout, padding and what -1 and 1 mean: 0 or 1 each, as the kernels take them. */
interface Mode {
  readonly last: number;
  readonly border: number;
  readonly corners: number;
}

const modes: readonly Mode[] = [0, 1].flatMap((last) =>
  [0, 1].flatMap((border) => [0, 1].map((corners) => ({ last, border, corners }))),
);

const show = ({ last, border, corners }: Mode) =>
  [
    last ? 'channels last' : 'planes',
    border ? 'border' : 'zeros',
    corners ? 'corners' : 'edges',
  ].join(', ');

const extents = (s: Setup, { last, border, corners }: Mode) =>
  [N, s.n, H, W, s.rows, last, border, corners] as const;

/** A pixel that a point sees: its place, the weight, and how that changes with u and with v. */
interface Sight {
  readonly h: number;
  readonly w: number;
  readonly weight: number;
  readonly alongU: number;
  readonly alongV: number;
}

/** One point in one channel of one image: where its result lies, and what it sees. */
interface Point {
  readonly out: number;
  readonly grid: number;
  readonly seen: readonly (Sight & { readonly x: number })[];
}

/**
 * Coordinates are rounded as the kernel rounds them, so that both see the same pixels; what is far
 * outside sees none.
 */
function sights(s: Setup, mode: Mode, gx: number, gy: number): Sight[] {
  const locate = (g: number, extent: number) => {
    const { round } = s;
    const near = Math.min(Math.max(g, -8), 8);
    const plain = mode.corners
      ? round(round(near + 1) * round((extent - 1) / 2))
      : round(round(round(near + 1) * round(extent / 2)) - 0.5);
    const u = mode.border ? Math.min(Math.max(plain, 0), extent - 1) : plain;
    const held = mode.border === 1 && (u <= 0 || u >= extent - 1);
    const slope = held ? 0 : (mode.corners ? extent - 1 : extent) / 2;
    // Neighbours in order: their index, the weight, d weight / d g.
    const low = Number.isNaN(u) ? 0 : Math.floor(u);
    const part = u - Math.floor(u);
    const neighbours = [
      { i: low, weight: 1 - part, along: -slope },
      { i: low + 1, weight: part, along: slope },
    ];
    return neighbours.filter(({ i }) => i >= 0 && i < extent);
  };
  const columns = locate(gx, W);
  return locate(gy, H).flatMap((row) =>
    columns.map((column) => ({
      h: row.i,
      w: column.i,
      weight: row.weight * column.weight,
      alongU: row.weight * column.along,
      alongV: row.along * column.weight,
    })),
  );
}

function eachPoint(
  s: Setup,
  mode: Mode,
  grid: ArrayLike<number>,
  visit: (point: Point) => void,
): void {
  const [C, P] = [s.n, s.rows];
  for (let n = 0; n < N; n++) {
    for (let p = 0; p < P; p++) {
      const place = n * P + p;
      const seen = sights(s, mode, Number(grid[2 * place]), Number(grid[2 * place + 1]));
      for (let c = 0; c < C; c++) {
        const out = mode.last ? place * C + c : (n * C + c) * P + p;
        const index = ({ h, w }: Sight) =>
          mode.last ? ((n * H + h) * W + w) * C + c : ((n * C + c) * H + h) * W + w;
        visit({ out, grid: 2 * place, seen: seen.map((one) => ({ ...one, x: index(one) })) });
      }
    }
  }
}

/** Only the grid's values are extreme: sums of infinities would depend on their order. */
const everyday = (s: Setup, count: number) => {
  const values = Array.from({ length: count }, () => s.random.normal());
  return s.dtype === 'f32' ? Float32Array.from(values) : Float64Array.from(values);
};

/** Sums over the channels and over points on the same pixel, of slopes up to 2. */
const tolerance = { f32: 2e-5, f64: 1e-13 };
const rowCounts = [1, 5];

export const sampler: Record<string, KernelCase[]> = {
  bilinearSample: modes.map((mode) =>
    kernelCase({
      variant: show(mode),
      rowCounts,
      tolerance: approximately,
      arrays: (s) => ({
        x: everyday(s, N * s.n * H * W),
        grid: s.floats(N * s.rows * 2),
        out: everyday(s, N * s.n * s.rows),
      }),
      run: (k, on, s) => k.bilinearSample(on.x, on.grid, on.out, ...extents(s, mode)),
      reference: ({ x, grid, out }, s) =>
        eachPoint(s, mode, grid, (point) => {
          out[point.out] = point.seen.reduce((sum, one) => sum + one.weight * at(x, one.x), 0);
        }),
    }),
  ),
  bilinearSampleDx: modes.map((mode) =>
    kernelCase({
      variant: show(mode),
      rowCounts,
      tolerance,
      arrays: (s) => ({
        grid: s.floats(N * s.rows * 2),
        dout: everyday(s, N * s.n * s.rows),
        dx: everyday(s, N * s.n * H * W),
      }),
      run: (k, on, s) => k.bilinearSampleDx(on.grid, on.dout, on.dx, ...extents(s, mode)),
      reference: ({ grid, dout, dx }, s) => {
        dx.fill(0);
        eachPoint(s, mode, grid, ({ out, seen }) => {
          for (const one of seen) dx[one.x] = at(dx, one.x) + one.weight * at(dout, out);
        });
      },
    }),
  ),
  bilinearSampleDGrid: modes.map((mode) =>
    kernelCase({
      variant: show(mode),
      rowCounts,
      tolerance,
      arrays: (s) => ({
        x: everyday(s, N * s.n * H * W),
        grid: s.floats(N * s.rows * 2),
        dout: everyday(s, N * s.n * s.rows),
        dgrid: everyday(s, N * s.rows * 2),
      }),
      run: (k, on, s) =>
        k.bilinearSampleDGrid(on.x, on.grid, on.dout, on.dgrid, ...extents(s, mode)),
      reference: ({ x, grid, dout, dgrid }, s) => {
        // In doubles: an f32 array would round after each channel.
        const sums = new Float64Array(dgrid.length);
        eachPoint(s, mode, grid, (point) => {
          for (const { x: index, alongU, alongV } of point.seen) {
            const along = at(dout, point.out) * at(x, index);
            sums[point.grid] = at(sums, point.grid) + along * alongU;
            sums[point.grid + 1] = at(sums, point.grid + 1) + along * alongV;
          }
        });
        dgrid.set(sums);
      },
    }),
  ),
};
