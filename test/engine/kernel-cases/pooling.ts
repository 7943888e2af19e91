import { approximately, at, type KernelCase, kernelCase, type Setup } from '../conformance.js';
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

/** Values under a window, those of the padding included. */
const area = ({ KH, KW }: Window) => KH * KW;

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
  averagePool: (window: Window) =>
    kernelCase({
      variant: showWindow(window),
      extremes: 'infinite',
      tolerance: approximately,
      arrays: (s) => {
        const { inputs, outputs } = geometry(window, s);
        return { x: s.floats(inputs), y: s.floats(outputs) };
      },
      run: (k, on, s) => k.averagePool(on.x, on.y, ...geometry(window, s).extents),
      reference: ({ x, y }, s) =>
        eachPlace(window, s, (output, inputs) => {
          y[output] = inputs.reduce((sum, index) => sum + at(x, index), 0) / area(window);
        }),
    }),
  averagePoolBackward: (window: Window) =>
    kernelCase({
      variant: showWindow(window),
      extremes: 'infinite',
      tolerance: approximately,
      arrays: (s) => {
        const { inputs, outputs } = geometry(window, s);
        return { dy: s.floats(outputs), dx: s.floats(inputs) };
      },
      run: (k, on, s) => k.averagePoolBackward(on.dy, on.dx, ...geometry(window, s).extents),
      reference: ({ dy, dx }, s) => {
        dx.fill(0);
        eachPlace(window, s, (output, inputs) => {
          for (const index of inputs) dx[index] = at(dx, index) + at(dy, output) / area(window);
        });
      },
    }),
};

/** As many bytes as the kernel asks for, in elements. */
function scratch(window: Window, s: Setup): Float32Array | Float64Array {
  const bytes = s.kernels.maxPoolScratchBytes(s.n, window.KW, window.SW, geometry(window, s).OW);
  return s.dtype === 'f32' ? new Float32Array(bytes / 4) : new Float64Array(bytes / 8);
}

const rowCounts = [1, 3];

export const pooling: Record<string, KernelCase[]> = {
  maxPool: windows.map(forWindow.maxPool),
  maxPoolBackward: windows.map(forWindow.maxPoolBackward),
  averagePool: windows.map(forWindow.averagePool),
  averagePoolBackward: windows.map(forWindow.averagePoolBackward),
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
