import { approximately, at, type KernelCase, kernelCase, type Setup } from '../conformance.js';
import { dilated, places, showWindow, taps, type Window, windows } from './windows.js';

const C = 2;
/** Rows of the image, so that even the largest window has places. */
const H = 4;
const rowCounts = [1, 2];

/** The columns hold `rows` rows of the output from `firstRow` on, in lines with room for one value more. */
function geometry(window: Window, s: Setup) {
  const OW = places(s.n, window.KW, window.SW, window.PW, window.DW);
  const OH = places(H, window.KH, window.SH, window.PH, window.DH);
  const rows = Math.min(s.rows, OH);
  const firstRow = OH - rows;
  const line = rows * OW + 1;
  return { OW, rows, firstRow, line, size: C * window.KH * window.KW * line };
}

/** Calls `visit` with the index of a column value and, unless it is padding, of its source. */
function eachColumnValue(
  window: Window,
  s: Setup,
  visit: (column: number, source: number | undefined) => void,
): void {
  const { OW, rows, firstRow, line: length } = geometry(window, s);
  for (let c = 0; c < C; c++) {
    for (const { r, q, i, j, h, w, inside } of taps(window, H, s.n)) {
      if (r < firstRow || r >= firstRow + rows) continue;
      const line = (c * window.KH + i) * window.KW + j;
      const column = line * length + (r - firstRow) * OW + q;
      visit(column, inside ? (c * H + h) * s.n + w : undefined);
    }
  }
}

const im2col = (window: Window) =>
  kernelCase({
    variant: showWindow(window),
    rowCounts,
    arrays: (s) => ({ x: s.floats(C * H * s.n), columns: s.floats(geometry(window, s).size) }),
    run: (k, on, s) => {
      const { KH, KW, SH, SW, PH, PW, DH = 1, DW = 1 } = window;
      const { OW, firstRow, rows, line } = geometry(window, s);
      k.im2col(
        on.x,
        on.columns,
        line,
        C,
        H,
        s.n,
        KH,
        KW,
        SH,
        SW,
        PH,
        PW,
        DH,
        DW,
        OW,
        firstRow,
        rows,
      );
    },
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
    arrays: (s) => ({ columns: s.floats(geometry(window, s).size), dx: s.floats(C * H * s.n) }),
    run: (k, on, s) => {
      const { KH, KW, SH, SW, PH, PW, DH = 1, DW = 1 } = window;
      const { OW, firstRow, rows, line } = geometry(window, s);
      k.col2im(
        on.columns,
        line,
        on.dx,
        C,
        H,
        s.n,
        KH,
        KW,
        SH,
        SW,
        PH,
        PW,
        DH,
        DW,
        OW,
        firstRow,
        rows,
      );
    },
    reference: ({ columns, dx }, s) =>
      eachColumnValue(window, s, (column, source) => {
        if (source !== undefined) dx[source] = at(dx, source) + at(columns, column);
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
