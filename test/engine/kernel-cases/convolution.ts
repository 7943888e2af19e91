import {
  approximately,
  at,
  type KernelCase,
  kernelCase,
  type Setup,
} from '@test/engine/conformance.js';
import {
  clipTaps,
  dilated,
  overTime,
  places,
  showWindow,
  type Window,
  windows,
} from './windows.js';

const C = 2;
/** Rows of the clip, so that even the largest window has places. */
const H = 4;
/** Its frames: one under a window that does not reach over time. */
const lengthUnder = ({ KT }: Window) => (KT === undefined ? 1 : 3);
const rowCounts = [1, 2];

/**
 * The columns hold `rows` rows of the output from `firstRow` on, of as many frames of as many clips; between
 * two clips there is an element that belongs to neither.
 */
function geometry(window: Window, s: Setup) {
  const { KT = 1, KH, KW, ST = 1, PT = 0, DT = 1 } = window;
  const T = lengthUnder(window);
  const OW = places(s.n, KW, window.SW, window.PW, window.DW);
  const OH = places(H, KH, window.SH, window.PH, window.DH);
  const OT = places(T, KT, ST, PT, DT);
  const [rows, frames] = [Math.min(s.rows, OH), Math.min(s.rows, OT)];
  const [firstRow, firstFrame] = [OH - rows, OT - frames];
  const [clips, apart] = [s.rows, C * T * H * s.n + 1];
  const size = C * KT * KH * KW * clips * frames * rows * OW;
  return { OW, rows, firstRow, frames, firstFrame, clips, apart, size };
}

/** Calls `visit` with the index of a column value and, unless it is padding, of its source. */
function eachColumnValue(
  window: Window,
  s: Setup,
  visit: (column: number, source: number | undefined) => void,
): void {
  const { KT = 1, KH, KW } = window;
  const T = lengthUnder(window);
  const { OW, rows, firstRow, frames, firstFrame, clips, apart } = geometry(window, s);
  for (const { t, r, q, k, i, j, f, h, w, inside } of clipTaps(window, T, H, s.n)) {
    if (r < firstRow || r >= firstRow + rows) continue;
    if (t < firstFrame || t >= firstFrame + frames) continue;
    for (let n = 0; n < clips; n++) {
      for (let c = 0; c < C; c++) {
        const line = ((c * KT + k) * KH + i) * KW + j;
        const map = (line * clips + n) * frames + t - firstFrame;
        const column = (map * rows + r - firstRow) * OW + q;
        visit(column, inside ? n * apart + ((c * T + f) * H + h) * s.n + w : undefined);
      }
    }
  }
}

/** The arguments of the kernels after the arrays. */
function movement(window: Window, s: Setup) {
  const { KT = 1, KH, KW, ST = 1, SH, SW, PT = 0, PH, PW, DT = 1, DH = 1, DW = 1 } = window;
  const { OW, firstRow, rows, firstFrame, frames, clips, apart } = geometry(window, s);
  const moves = [
    lengthUnder(window),
    H,
    s.n,
    KT,
    KH,
    KW,
    ST,
    SH,
    SW,
    PT,
    PH,
    PW,
    DT,
    DH,
    DW,
  ] as const;
  return [clips, apart, C, ...moves, OW, firstFrame, frames, firstRow, rows] as const;
}

const arrays = (window: Window) => (s: Setup) => {
  const { clips, apart, size } = geometry(window, s);
  return { x: s.floats(clips * apart), columns: s.floats(size) };
};

const im2col = (window: Window) =>
  kernelCase({
    variant: showWindow(window),
    rowCounts,
    arrays: arrays(window),
    run: (k, on, s) => k.im2col(on.x, on.columns, ...movement(window, s)),
    reference: ({ x, columns }, s) =>
      eachColumnValue(window, s, (column, source) => {
        columns[column] = source === undefined ? 0 : at(x, source);
      }),
  });

const col2im = (window: Window) =>
  kernelCase({
    variant: showWindow(window),
    rowCounts,
    extremes: 'infinite',
    tolerance: approximately,
    arrays: arrays(window),
    run: (k, on, s) => k.col2im(on.x, on.columns, ...movement(window, s)),
    reference: ({ x, columns }, s) =>
      eachColumnValue(window, s, (column, source) => {
        if (source !== undefined) x[source] = at(x, source) + at(columns, column);
      }),
  });

/** Rows lie one element further apart than they are long. */
const addBias = (floor: number) =>
  kernelCase({
    variant: `floor ${floor}`,
    rowCounts: [1, 3],
    arrays: (s) => ({ y: s.floats(s.rows * (s.n + 1)), b: s.floats(s.rows) }),
    run: (k, on, s) => k.addBias(on.y, on.b, s.rows, s.n, s.n + 1, floor),
    reference: ({ y, b }, s) => {
      for (let c = 0; c < s.rows; c++) {
        for (let p = c * (s.n + 1); p < c * (s.n + 1) + s.n; p++) {
          y[p] = Math.max(floor, s.round(at(y, p) + at(b, c)));
        }
      }
    },
  });

export const convolution: Record<string, KernelCase[]> = {
  im2col: [...windows, ...dilated, ...overTime].map(im2col),
  col2im: [...windows, ...dilated, ...overTime].map(col2im),
  addBias: [addBias(Number.NEGATIVE_INFINITY), addBias(0)],
  addBiasBackward: [
    kernelCase({
      rowCounts: [1, 3],
      extremes: 'infinite',
      tolerance: approximately,
      arrays: (s) => ({ dy: s.floats(s.rows * s.n), db: s.floats(s.rows) }),
      run: (k, on, s) => k.addBiasBackward(on.dy, on.db, s.rows, s.n),
      reference: ({ dy, db }, s) => {
        for (let c = 0; c < s.rows; c++) {
          let sum = at(db, c);
          for (let p = 0; p < s.n; p++) sum += at(dy, c * s.n + p);
          db[c] = sum;
        }
      },
    }),
  ],
};
