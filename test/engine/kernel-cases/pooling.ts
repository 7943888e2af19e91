import {
  approximately,
  at,
  type KernelCase,
  kernelCase,
  type Setup,
} from '@test/engine/conformance.js';
import { places, showWindow, taps, type Window, windows } from './windows.js';

const planes = 2;
const H = 4;

/** The extents as the kernels take them, and how many values go in and out. */
function geometry({ KH, KW, SH, SW, PH, PW }: Window, s: Setup) {
  const [OH, OW] = [places(H, KH, SH, PH), places(s.n, KW, SW, PW)];
  const extents = [planes, H, s.n, KH, KW, SH, SW, PH, PW, OH, OW] as const;
  return { extents, OH, OW, inputs: planes * H * s.n, outputs: planes * OH * OW };
}

/** Calls `visit` for each output with the indices of the inputs under its window, row by row. */
function eachPlace(
  window: Window,
  s: Setup,
  visit: (output: number, inputs: number[]) => void,
): void {
  const { OH, OW } = geometry(window, s);
  for (let p = 0; p < planes; p++) {
    const under: number[] = [];
    for (const tap of taps(window, H, s.n)) {
      if (tap.inside) under.push((p * H + tap.h) * s.n + tap.w);
      if (tap.i < window.KH - 1 || tap.j < window.KW - 1) continue;
      visit((p * OH + tap.r) * OW + tap.q, under.splice(0));
    }
  }
}

const forWindow = {
  maxPool: (window: Window) =>
    kernelCase({
      variant: showWindow(window),
      arrays: (s) => {
        const { inputs, outputs } = geometry(window, s);
        return { x: s.floats(inputs), y: s.floats(outputs), scratch: scratch(window, s) };
      },
      run: (k, on, s) => k.maxPool(on.x, on.y, on.scratch, ...geometry(window, s).extents),
      reference: ({ x, y }, s) =>
        eachPlace(window, s, (output, inputs) => {
          y[output] = Math.max(...inputs.map((index) => at(x, index)));
        }),
    }),
  maxPoolBackward: (window: Window) =>
    kernelCase({
      variant: showWindow(window),
      tolerance: approximately,
      extremes: 'infinite',
      arrays: (s) => {
        const { inputs, outputs } = geometry(window, s);
        // Few different values, so that there are ties; no NaN, whose place is left open.
        const x = s.floats(inputs).map((value) => Math.round(value) || 0);
        return { x, dy: s.floats(outputs), dx: s.floats(inputs) };
      },
      run: (k, on, s) => k.maxPoolBackward(on.x, on.dy, on.dx, ...geometry(window, s).extents),
      reference: ({ x, dy, dx }, s) => {
        dx.fill(0);
        eachPlace(window, s, (output, inputs) => {
          const values = inputs.map((index) => at(x, index));
          const winner = inputs[values.indexOf(Math.max(...values))] ?? -1;
          dx[winner] = at(dx, winner) + at(dy, output);
        });
      },
    }),
};

/** Padding after the image that counts: less than before it in one direction, more in the other. */
const [endPH, endPW] = [0, 2];

/** What a mean is divided by: the place of a window tells how much of it is image or counted padding. */
function divisor(
  window: Window,
  s: Setup,
  output: number,
  inputs: number[],
  count: boolean,
): number {
  if (!count) return inputs.length;
  const { OH, OW } = geometry(window, s);
  const top = (Math.floor(output / OW) % OH) * window.SH - window.PH;
  const left = (output % OW) * window.SW - window.PW;
  const height = Math.min(top + window.KH, H + endPH) - top;
  return height * (Math.min(left + window.KW, s.n + endPW) - left);
}

const forMeans = {
  averagePool: (window: Window, count: boolean) =>
    kernelCase({
      variant: `${showWindow(window)}${count ? '' : ' without padding'}`,
      extremes: 'infinite',
      tolerance: approximately,
      arrays: (s) => {
        const { inputs, outputs } = geometry(window, s);
        return { x: s.floats(inputs), y: s.floats(outputs) };
      },
      run: (k, on, s) =>
        k.averagePool(on.x, on.y, ...geometry(window, s).extents, endPH, endPW, Number(count)),
      reference: ({ x, y }, s) =>
        eachPlace(window, s, (output, inputs) => {
          const sum = inputs.reduce((total, index) => total + at(x, index), 0);
          y[output] = sum / divisor(window, s, output, inputs, count);
        }),
    }),
  averagePoolBackward: (window: Window, count: boolean) =>
    kernelCase({
      variant: `${showWindow(window)}${count ? '' : ' without padding'}`,
      extremes: 'infinite',
      tolerance: approximately,
      arrays: (s) => {
        const { inputs, outputs } = geometry(window, s);
        return { dy: s.floats(outputs), dx: s.floats(inputs) };
      },
      run: (k, on, s) => {
        const { extents } = geometry(window, s);
        k.averagePoolBackward(on.dy, on.dx, ...extents, endPH, endPW, Number(count));
      },
      reference: ({ dy, dx }, s) => {
        dx.fill(0);
        eachPlace(window, s, (output, inputs) => {
          const share = at(dy, output) / divisor(window, s, output, inputs, count);
          for (const index of inputs) dx[index] = at(dx, index) + share;
        });
      },
    }),
};

/** Every window, with the padding counted and not. */
const counting = (make: (window: Window, count: boolean) => KernelCase) =>
  windows.flatMap((window) => [make(window, true), make(window, false)]);

/** Calls `visit` for each output of an adaptive pool with the indices of the inputs that it is over. */
function eachAdaptive(
  [OH, OW]: readonly [number, number],
  W: number,
  visit: (output: number, inputs: number[]) => void,
): void {
  const between = (i: number, count: number, extent: number) => {
    const first = Math.floor((i * extent) / count);
    const length = Math.ceil(((i + 1) * extent) / count) - first;
    return Array.from({ length }, (_, k) => first + k);
  };
  for (let output = 0; output < planes * OH * OW; output++) {
    const p = Math.floor(output / (OH * OW));
    const rows = between(Math.floor(output / OW) % OH, OH, H);
    const columns = between(output % OW, OW, W);
    visit(
      output,
      rows.flatMap((h) => columns.map((w) => (p * H + h) * W + w)),
    );
  }
}

const adaptive = ([OH, OW]: readonly [number, number]) =>
  kernelCase({
    variant: `${OH}x${OW}`,
    extremes: 'infinite',
    tolerance: approximately,
    arrays: (s) => ({ x: s.floats(planes * H * s.n), y: s.floats(planes * OH * OW) }),
    run: (k, on, s) => k.adaptiveAveragePool(on.x, on.y, planes, H, s.n, OH, OW),
    reference: ({ x, y }, s) =>
      eachAdaptive([OH, OW], s.n, (output, inputs) => {
        y[output] = inputs.reduce((sum, index) => sum + at(x, index), 0) / inputs.length;
      }),
  });

const adaptiveBackward = ([OH, OW]: readonly [number, number]) =>
  kernelCase({
    variant: `${OH}x${OW}`,
    extremes: 'infinite',
    tolerance: approximately,
    arrays: (s) => ({ dy: s.floats(planes * OH * OW), dx: s.floats(planes * H * s.n) }),
    run: (k, on, s) => k.adaptiveAveragePoolBackward(on.dy, on.dx, planes, H, s.n, OH, OW),
    reference: ({ dy, dx }, s) => {
      dx.fill(0);
      eachAdaptive([OH, OW], s.n, (output, inputs) => {
        for (const index of inputs) dx[index] = at(dx, index) + at(dy, output) / inputs.length;
      });
    },
  });

/** A part, all and more of the rows and columns of the image. */
const extents = [
  [3, 2],
  [4, 5],
  [1, 1],
  [7, 3],
] as const;

/** As many bytes as the kernel asks for, in elements. */
function scratch(window: Window, s: Setup): Float32Array | Float64Array {
  const bytes = s.kernels.maxPoolScratchBytes(s.n, window.KW, window.SW, geometry(window, s).OW);
  return s.dtype === 'f32' ? new Float32Array(bytes / 4) : new Float64Array(bytes / 8);
}

const rowCounts = [1, 3];

export const pooling: Record<string, KernelCase[]> = {
  maxPool: windows.map(forWindow.maxPool),
  maxPoolBackward: windows.map(forWindow.maxPoolBackward),
  averagePool: counting(forMeans.averagePool),
  averagePoolBackward: counting(forMeans.averagePoolBackward),
  adaptiveAveragePool: extents.map(adaptive),
  adaptiveAveragePoolBackward: extents.map(adaptiveBackward),
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
