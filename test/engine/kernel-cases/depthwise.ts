import { at, type KernelCase, kernelCase, type Setup } from '@test/engine/conformance.js';
import {
  clipTaps,
  dilated,
  overTime,
  places,
  showWindow,
  type Window,
  windows,
} from './windows.js';

/** Units, filters of each, and rows of the frames; between units an element belongs to neither. */
const [units, m, H] = [3, 2, 4];
const tolerance = { f32: 1e-5, f64: 1e-13 };
/** Of sums over all places of a clip: more terms than a filter has. */
const toleranceOfSums = { f32: 5e-5, f64: 1e-12 };

function geometry(window: Window, s: Setup) {
  const { KT = 1, KH, KW, ST = 1, SH, SW, PT = 0, PH, PW, DT = 1, DH = 1, DW = 1 } = window;
  const T = window.KT === undefined ? 1 : 3;
  const OT = places(T, KT, ST, PT, DT);
  const OH = places(H, KH, SH, PH, DH);
  const OW = places(s.n, KW, SW, PW, DW);
  const moves = [m, T, H, s.n, KT, KH, KW, ST, SH, SW, PT, PH, PW, DT, DH, DW, OT, OH, OW] as const;
  const extents = [m, H, s.n, KT, KH, KW, SH, SW, DT, DH, DW, OH, OW] as const;
  const scratch = () => new Uint8Array(s.kernels.depthwiseScratchBytes(...extents));
  const taps = KT * KH * KW;
  const [x, filters, y] = [T * H * s.n + 1, m * taps + 1, m * OT * OH * OW + 1];
  // Where no place fits, no layer calls.
  return { T, OT, OH, OW, moves, scratch, taps, x, filters, y, fits: OW > 0 };
}

/** Calls `visit` with the indices of a result, of the filter's value and of the clip's under it. */
function eachTerm(window: Window, s: Setup, visit: (y: number, w: number, x: number) => void) {
  const { T, OT, OH, OW, taps, x, filters, y } = geometry(window, s);
  const { KH, KW } = window;
  for (const { t, r, q, k, i, j, f, h, w, inside } of clipTaps(window, T, H, s.n)) {
    if (!inside) continue;
    const [from, tap, to] = [(f * H + h) * s.n + w, (k * KH + i) * KW + j, (t * OH + r) * OW + q];
    for (let u = 0; u < units; u++) {
      for (let g = 0; g < m; g++) {
        visit(u * y + g * OT * OH * OW + to, u * filters + g * taps + tap, u * x + from);
      }
    }
  }
}

const forward = (window: Window, floor: number) =>
  kernelCase({
    variant: `${showWindow(window)}, floor ${floor}`,
    extremes: 'none',
    tolerance,
    arrays: (s) => {
      const { x, filters, y, scratch } = geometry(window, s);
      const [clips, b, maps] = [s.floats(units * x), s.floats(units * m), s.floats(units * y)];
      return { x: clips, filters: s.floats(units * filters), b, y: maps, scratch: scratch() };
    },
    run: (k, on, s) => {
      const { moves, fits, ...apart } = geometry(window, s);
      const aparts = [apart.x, apart.filters, m, apart.y] as const;
      if (fits)
        k.depthwise(on.x, on.filters, on.b, on.y, on.scratch, units, ...aparts, ...moves, floor);
    },
    reference: ({ x, filters, b, y }, s) => {
      const { OT, OH, OW, y: apart, fits } = geometry(window, s);
      if (!fits) return;
      const sums = Array.from(y, (_, i) => {
        const g = Math.floor((i % apart) / (OT * OH * OW));
        return g < m ? at(b, Math.floor(i / apart) * m + g) : Number.NaN;
      });
      eachTerm(window, s, (to, w, from) => {
        sums[to] = (sums[to] ?? 0) + at(filters, w) * at(x, from);
      });
      for (const [i, sum] of sums.entries()) {
        if (!Number.isNaN(sum)) y[i] = Math.max(floor, sum);
      }
    },
  });

const dx = (window: Window) =>
  kernelCase({
    variant: showWindow(window),
    extremes: 'none',
    tolerance,
    arrays: (s) => {
      const { x, filters, y, scratch } = geometry(window, s);
      const [dy, own, dx] = [s.floats(units * y), s.floats(units * filters), s.floats(units * x)];
      return { dy, filters: own, dx, scratch: scratch() };
    },
    run: (k, on, s) => {
      const { moves, ...apart } = geometry(window, s);
      const aparts = [apart.x, apart.filters, apart.y] as const;
      k.depthwiseDx(on.dy, on.filters, on.dx, on.scratch, units, ...aparts, ...moves);
    },
    reference: ({ dy, filters, dx }, s) => {
      const { x: apart } = geometry(window, s);
      const sums = Array.from(dx, () => 0);
      eachTerm(window, s, (from, w, to) => {
        sums[to] = (sums[to] ?? 0) + at(filters, w) * at(dy, from);
      });
      for (const [i, sum] of sums.entries()) if ((i + 1) % apart !== 0) dx[i] = sum;
    },
  });

const dW = (window: Window) =>
  kernelCase({
    variant: showWindow(window),
    extremes: 'none',
    tolerance: toleranceOfSums,
    arrays: (s) => {
      const { x, filters, y, scratch } = geometry(window, s);
      const [clips, dy, dW] = [s.floats(units * x), s.floats(units * y), s.floats(units * filters)];
      return { x: clips, dy, dW, scratch: scratch() };
    },
    run: (k, on, s) => {
      const { moves, fits, ...apart } = geometry(window, s);
      const aparts = [apart.x, apart.filters, apart.y] as const;
      if (fits) k.depthwiseDW(on.x, on.dy, on.dW, on.scratch, units, ...aparts, ...moves);
    },
    reference: ({ x, dy, dW }, s) => {
      const sums = Array.from(dW);
      eachTerm(window, s, (y, to, from) => {
        sums[to] = (sums[to] ?? 0) + at(dy, y) * at(x, from);
      });
      for (const [i, sum] of sums.entries()) dW[i] = sum;
    },
  });

const moving = [...windows, ...dilated, ...overTime];

export const depthwise: Record<string, KernelCase[]> = {
  depthwise: moving.flatMap((window) => [
    forward(window, Number.NEGATIVE_INFINITY),
    forward(window, 0),
  ]),
  depthwiseDx: moving.map(dx),
  depthwiseDW: moving.map(dW),
};
