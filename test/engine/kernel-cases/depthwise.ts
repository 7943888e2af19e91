import { at, type KernelCase, kernelCase, type Setup } from '@test/engine/conformance.js';
import { dilated, places, showWindow, taps, type Window, windows } from './windows.js';

const [C, H] = [3, 4];
const tolerance = { f32: 1e-5, f64: 1e-13 };

function geometry({ KH, KW, SH, SW, PH, PW, DH = 1, DW = 1 }: Window, s: Setup) {
  const OH = places(H, KH, SH, PH, DH);
  const OW = places(s.n, KW, SW, PW, DW);
  const movement = [H, s.n, KH, KW, SH, SW, PH, PW, DH, DW, OH, OW] as const;
  const bytes = s.kernels.depthwiseScratchBytes(H, s.n, KH, KW, SH, SW, DH, DW, OH, OW);
  // Where no place fits, no layer calls.
  return { OH, OW, movement, taps: KH * KW, fits: OW > 0, scratch: new Uint8Array(bytes) };
}

/** Calls `visit` with the indices of a result, of the filter's value and of the image's under it. */
function eachTerm(window: Window, s: Setup, visit: (y: number, w: number, x: number) => void) {
  const { OH, OW, taps: K } = geometry(window, s);
  for (let c = 0; c < C; c++) {
    for (const { r, q, i, j, h, w, inside } of taps(window, H, s.n)) {
      if (!inside) continue;
      visit((c * OH + r) * OW + q, c * K + i * window.KW + j, (c * H + h) * s.n + w);
    }
  }
}

const forward = (window: Window, floor: number) =>
  kernelCase({
    variant: `${showWindow(window)}, floor ${floor}`,
    extremes: 'none',
    tolerance,
    arrays: (s) => {
      const { OH, OW, taps: K, scratch } = geometry(window, s);
      const [x, filters] = [s.floats(C * H * s.n), s.floats(C * K)];
      return { x, filters, b: s.floats(C), y: s.floats(C * OH * OW), scratch };
    },
    run: (k, on, s) => {
      const { movement, fits } = geometry(window, s);
      if (fits) k.depthwise(on.x, on.filters, on.b, on.y, on.scratch, C, ...movement, floor);
    },
    reference: ({ x, filters, b, y }, s) => {
      const { OH, OW } = geometry(window, s);
      const sums = Array.from(y, (_, i) => at(b, Math.floor(i / (OH * OW))));
      eachTerm(window, s, (to, w, from) => {
        sums[to] = (sums[to] ?? 0) + at(filters, w) * at(x, from);
      });
      for (const [i, sum] of sums.entries()) y[i] = Math.max(floor, sum);
    },
  });

const dx = (window: Window) =>
  kernelCase({
    variant: showWindow(window),
    extremes: 'none',
    tolerance,
    arrays: (s) => {
      const { OH, OW, taps: K, scratch } = geometry(window, s);
      const [dy, filters] = [s.floats(C * OH * OW), s.floats(C * K)];
      return { dy, filters, dx: s.floats(C * H * s.n), scratch };
    },
    run: (k, on, s) => {
      const { movement } = geometry(window, s);
      k.depthwiseDx(on.dy, on.filters, on.dx, on.scratch, C, ...movement);
    },
    reference: ({ dy, filters, dx }, s) => {
      const sums = Array.from(dx, () => 0);
      eachTerm(window, s, (from, w, to) => {
        sums[to] = (sums[to] ?? 0) + at(filters, w) * at(dy, from);
      });
      for (const [i, sum] of sums.entries()) dx[i] = sum;
    },
  });

const dW = (window: Window) =>
  kernelCase({
    variant: showWindow(window),
    extremes: 'none',
    tolerance,
    arrays: (s) => {
      const { OH, OW, taps: K, scratch } = geometry(window, s);
      return { x: s.floats(C * H * s.n), dy: s.floats(C * OH * OW), dW: s.floats(C * K), scratch };
    },
    run: (k, on, s) => {
      const { movement, fits } = geometry(window, s);
      if (fits) k.depthwiseDW(on.x, on.dy, on.dW, on.scratch, C, ...movement);
    },
    reference: ({ x, dy, dW }, s) => {
      const sums = Array.from(dW);
      eachTerm(window, s, (y, to, from) => {
        sums[to] = (sums[to] ?? 0) + at(dy, y) * at(x, from);
      });
      for (const [i, sum] of sums.entries()) dW[i] = sum;
    },
  });

const moving = [...windows, ...dilated];

export const depthwise: Record<string, KernelCase[]> = {
  depthwise: moving.flatMap((window) => [
    forward(window, Number.NEGATIVE_INFINITY),
    forward(window, 0),
  ]),
  depthwiseDx: moving.map(dx),
  depthwiseDW: moving.map(dW),
};
