import {
  approximately,
  at,
  type KernelCase,
  kernelCase,
  type Setup,
} from '@test/engine/conformance.js';
import { dilated, places, showWindow, taps, type Window, windows } from './windows.js';

const C = 2;
/** Rows of the image, so that even the largest window has places. */
const H = 4;
const rowCounts = [1, 2];

/**
 * The columns hold `rows` rows of the output from `firstRow` on, of as many photos; between two photos
 * there is an element that belongs to neither.
 */
function geometry(window: Window, s: Setup) {
  const OW = places(s.n, window.KW, window.SW, window.PW, window.DW);
  const OH = places(H, window.KH, window.SH, window.PH, window.DH);
  const rows = Math.min(s.rows, OH);
  const firstRow = OH - rows;
  const [photos, apart] = [s.rows, C * H * s.n + 1];
  const size = C * window.KH * window.KW * photos * rows * OW;
  return { OW, rows, firstRow, photos, apart, size };
}

/** Calls `visit` with the index of a column value and, unless it is padding, of its source. */
function eachColumnValue(
  window: Window,
  s: Setup,
  visit: (column: number, source: number | undefined) => void,
): void {
  const { OW, rows, firstRow, photos, apart } = geometry(window, s);
  for (let n = 0; n < photos; n++) {
    for (let c = 0; c < C; c++) {
      for (const { r, q, i, j, h, w, inside } of taps(window, H, s.n)) {
        if (r < firstRow || r >= firstRow + rows) continue;
        const line = (c * window.KH + i) * window.KW + j;
        const column = ((line * photos + n) * rows + r - firstRow) * OW + q;
        visit(column, inside ? n * apart + (c * H + h) * s.n + w : undefined);
      }
    }
  }
}

/** The arguments of the kernels after the arrays. */
function movement(window: Window, s: Setup) {
  const { KH, KW, SH, SW, PH, PW, DH = 1, DW = 1 } = window;
  const { OW, firstRow, rows, photos, apart } = geometry(window, s);
  return [photos, apart, C, H, s.n, KH, KW, SH, SW, PH, PW, DH, DW, OW, firstRow, rows] as const;
}

const arrays = (window: Window) => (s: Setup) => {
  const { photos, apart, size } = geometry(window, s);
  return { x: s.floats(photos * apart), columns: s.floats(size) };
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
  im2col: [...windows, ...dilated].map(im2col),
  col2im: [...windows, ...dilated].map(col2im),
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
