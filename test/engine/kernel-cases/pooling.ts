import {
  approximately,
  at,
  type KernelCase,
  kernelCase,
  type Setup,
} from '@test/engine/conformance.js';
import { places, showWindow, type Window, windows } from './windows.js';

const planes = 2;
const [D, H] = [3, 4];

/** A window over clips: that over each frame, and how it moves in time. */
interface ClipWindow extends Window {
  readonly KD: number;
  readonly SD: number;
  readonly PD: number;
}

/** Every window over single frames, and in time apart, side by side, overlapping and padded. */
const clipWindows: readonly ClipWindow[] = [
  ...windows.map((window) => ({ ...window, KD: 1, SD: 1, PD: 0 })),
  { KH: 2, KW: 2, SH: 2, SW: 2, PH: 0, PW: 0, KD: 2, SD: 2, PD: 1 },
  { KH: 3, KW: 3, SH: 1, SW: 1, PH: 1, PW: 1, KD: 3, SD: 1, PD: 1 },
  { KH: 1, KW: 3, SH: 2, SW: 2, PH: 0, PW: 1, KD: 2, SD: 1, PD: 0 },
];

const show = (window: ClipWindow) =>
  `${showWindow(window)}, in time ${window.KD} / ${window.SD} + ${window.PD}`;

/** A window along one axis: where it begins and ends (exclusive), and how many places count. */
type Stretch = readonly [begin: number, end: number, count: number];

/** The stretches of a moving window along an axis; `more` places of the padding behind it count. */
function along(I: number, K: number, S: number, P: number, more?: number): Stretch[] {
  return Array.from({ length: places(I, K, S, P) }, (_, o) => {
    const [start, end] = [o * S - P, Math.min(o * S - P + K, I)];
    const inside = end - Math.max(start, 0);
    const count = more === undefined ? inside : Math.min(start + K, I + more) - start;
    return [Math.max(start, 0), end, count];
  });
}

/** Along frames, rows and columns. With `more` the padding counts: behind the clip so much of it. */
function stretches(w: ClipWindow, s: Setup, more?: readonly [number, number, number]) {
  return [
    along(D, w.KD, w.SD, w.PD, more?.[0]),
    along(H, w.KH, w.SH, w.PH, more?.[1]),
    along(s.n, w.KW, w.SW, w.PW, more?.[2]),
  ] as const;
}
type Stretches = ReturnType<typeof stretches>;

const inputs = (s: Setup) => planes * D * H * s.n;
const outputs = (axes: Stretches) => axes.reduce((count, axis) => count * axis.length, planes);

/** Calls `visit` for each output with the indices of the inputs under its window, and what counts. */
function eachPlace(
  [frames, rows, columns]: Stretches,
  s: Setup,
  visit: (output: number, inputs: number[], count: number) => void,
): void {
  const between = ([begin, end]: Stretch) =>
    Array.from({ length: end - begin }, (_, i) => begin + i);
  let output = 0;
  for (let p = 0; p < planes; p++) {
    for (const f of frames) {
      for (const r of rows) {
        for (const q of columns) {
          const under = between(f).flatMap((d) =>
            between(r).flatMap((h) => between(q).map((w) => ((p * D + d) * H + h) * s.n + w)),
          );
          visit(output++, under, f[2] * r[2] * q[2]);
        }
      }
    }
  }
}

/** The extents as the kernels of maxima take them. */
function movement(w: ClipWindow, s: Setup) {
  const [OD, OH, OW] = stretches(w, s).map((axis) => axis.length) as [number, number, number];
  const window = [w.KD, w.KH, w.KW, w.SD, w.SH, w.SW, w.PD, w.PH, w.PW] as const;
  return [planes, D, H, s.n, ...window, OD, OH, OW] as const;
}

/** Values and their maxima: few different ones, so that there are ties; no NaN, whose place is left open. */
function maxima(window: ClipWindow, s: Setup) {
  const x = s.floats(inputs(s)).map((value) => Math.round(value) || 0);
  const y = s.floats(outputs(stretches(window, s)));
  eachPlace(stretches(window, s), s, (output, under) => {
    y[output] = Math.max(...under.map((index) => at(x, index)));
  });
  return { x, y };
}

const forMaxima = {
  maxPool: (window: ClipWindow) =>
    kernelCase({
      variant: show(window),
      arrays: (s) => {
        const bytes = s.kernels.maxPoolScratchBytes(
          s.n,
          window.KW,
          window.SW,
          stretches(window, s)[2].length,
        );
        const y = s.floats(outputs(stretches(window, s)));
        return { x: s.floats(inputs(s)), y, scratch: scratch(bytes, s) };
      },
      run: (k, on, s) => k.maxPool(on.x, on.y, on.scratch, ...movement(window, s)),
      reference: ({ x, y }, s) =>
        eachPlace(stretches(window, s), s, (output, under) => {
          y[output] = Math.max(...under.map((index) => at(x, index)));
        }),
    }),
  maxPoolBackward: (window: ClipWindow) =>
    kernelCase({
      variant: show(window),
      tolerance: approximately,
      extremes: 'infinite',
      arrays: (s) => {
        const { x, y } = maxima(window, s);
        return { x, y, dy: s.floats(y.length), dx: s.floats(inputs(s)) };
      },
      run: (k, on, s) => k.maxPoolBackward(on.x, on.y, on.dy, on.dx, ...movement(window, s)),
      reference: ({ x, dy, dx }, s) => {
        dx.fill(0);
        eachPlace(stretches(window, s), s, (output, under) => {
          const values = under.map((index) => at(x, index));
          const winner = under[values.indexOf(Math.max(...values))] ?? -1;
          dx[winner] = at(dx, winner) + at(dy, output);
        });
      },
    }),
  maxPoolTangent: (window: ClipWindow) =>
    kernelCase({
      variant: show(window),
      extremes: 'infinite',
      arrays: (s) => {
        const { x, y } = maxima(window, s);
        return { x, y, t: s.floats(inputs(s)), dy: s.floats(y.length) };
      },
      run: (k, on, s) => k.maxPoolTangent(on.x, on.y, on.t, on.dy, ...movement(window, s)),
      reference: ({ x, t, dy }, s) =>
        eachPlace(stretches(window, s), s, (output, under) => {
          const values = under.map((index) => at(x, index));
          const largest = Math.max(...values);
          const winner = under[values.indexOf(largest)];
          dy[output] = Number.isNaN(largest) || winner === undefined ? Number.NaN : at(t, winner);
        }),
    }),
};

/** What the means are over: windows that move, with their padding counted and not, and even ones. */
const meansOver: readonly { readonly variant: string; readonly of: (s: Setup) => Stretches }[] = [
  ...clipWindows.flatMap((window) => [
    // Padding that counts: as much as before the clip, less, or more.
    { variant: show(window), of: (s: Setup) => stretches(window, s, [1, 0, 2]) },
    { variant: `${show(window)}, without padding`, of: (s: Setup) => stretches(window, s) },
  ]),
  // A part, all and more of the frames, rows and columns.
  ...(
    [
      [1, 3, 2],
      [3, 4, 5],
      [1, 1, 1],
      [4, 7, 3],
    ] as const
  ).map((extent) => ({
    variant: extent.join('x'),
    of: (s: Setup) => {
      const even = (I: number, O: number) =>
        Array.from({ length: O }, (_, o): Stretch => {
          const [begin, end] = [Math.floor((o * I) / O), Math.ceil(((o + 1) * I) / O)];
          return [begin, end, end - begin];
        });
      return [even(D, extent[0]), even(H, extent[1]), even(s.n, extent[2])] as const;
    },
  })),
];

/** The table of windows and the extents, as the kernels of means take them. */
const table = (axes: Stretches) => Int32Array.from(axes.flat(2));
const extents = ([frames, rows, columns]: Stretches, s: Setup) =>
  [planes, D, H, s.n, frames.length, rows.length, columns.length] as const;
const rowScratch = (s: Setup) => scratch(s.kernels.averagePoolScratchBytes(s.n), s);

const means = meansOver.map(({ variant, of }) =>
  kernelCase({
    variant,
    extremes: 'infinite',
    tolerance: approximately,
    arrays: (s) => ({
      x: s.floats(inputs(s)),
      y: s.floats(outputs(of(s))),
      windows: table(of(s)),
      scratch: rowScratch(s),
    }),
    run: (k, on, s) => k.averagePool(on.x, on.y, on.windows, on.scratch, ...extents(of(s), s)),
    reference: ({ x, y }, s) =>
      eachPlace(of(s), s, (output, under, count) => {
        y[output] = under.reduce((total, index) => total + at(x, index), 0) / count;
      }),
  }),
);

const meansBackward = meansOver.map(({ variant, of }) =>
  kernelCase({
    variant,
    extremes: 'infinite',
    tolerance: approximately,
    arrays: (s) => ({
      dy: s.floats(outputs(of(s))),
      dx: s.floats(inputs(s)),
      windows: table(of(s)),
      scratch: rowScratch(s),
    }),
    run: (k, on, s) =>
      k.averagePoolBackward(on.dy, on.dx, on.windows, on.scratch, ...extents(of(s), s)),
    reference: ({ dy, dx }, s) => {
      dx.fill(0);
      eachPlace(of(s), s, (output, under, count) => {
        for (const index of under) dx[index] = at(dx, index) + at(dy, output) / count;
      });
    },
  }),
);

/** As many bytes as a kernel asks for, in elements. */
function scratch(bytes: number, s: Setup): Float32Array | Float64Array {
  return s.dtype === 'f32' ? new Float32Array(bytes / 4) : new Float64Array(bytes / 8);
}

const rowCounts = [1, 3];

export const pooling: Record<string, KernelCase[]> = {
  maxPool: clipWindows.map(forMaxima.maxPool),
  maxPoolBackward: clipWindows.map(forMaxima.maxPoolBackward),
  maxPoolTangent: clipWindows.map(forMaxima.maxPoolTangent),
  averagePool: means,
  averagePoolBackward: meansBackward,
  meanPlanes: [
    kernelCase({
      rowCounts,
      extremes: 'infinite',
      tolerance: approximately,
      arrays: (s) => ({ x: s.floats(s.rows * s.n), y: s.floats(s.rows) }),
      run: (k, on, s) => k.meanPlanes(on.x, on.y, s.rows, s.n),
      reference: ({ x, y }, s) => {
        for (let p = 0; p < s.rows; p++) {
          const plane = [...x.subarray(p * s.n, (p + 1) * s.n)];
          y[p] = plane.reduce((sum, value) => sum + value, 0) / s.n;
        }
      },
    }),
  ],
  meanPlanesBackward: [
    kernelCase({
      rowCounts,
      arrays: (s) => ({ dy: s.floats(s.rows), dx: s.floats(s.rows * s.n) }),
      run: (k, on, s) => k.meanPlanesBackward(on.dy, on.dx, s.rows, s.n),
      reference: ({ dy, dx }, s) => {
        for (let i = 0; i < dx.length; i++) dx[i] = at(dy, Math.floor(i / s.n)) / s.n;
      },
    }),
  ],
};
