// C = alpha op(A) op(B) + beta C, row-major, for one thread.
//
// Blocked after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008):
// panels of A and B are packed so that the inner tile reads both in order, a tile of C stays in
// registers, a panel of B in the first cache, a block of A in the second. Products with one thin
// side do not pay for the packing; they stream the large matrix once, as it lies.
//
// Strides are in bytes throughout; a transpose is nothing but swapped strides.

import { lanes, sumLanes } from './simd';

/** Rows of a tile: with two vectors a row, 8 sums of the 15 registers that the compiler has. */
const TILE_ROWS: usize = 4;
/** Block sizes, by measurement: depth, rows of A, columns of B. */
const DEPTH: usize = 256;
const ROWS: usize = 192;
const COLUMNS: usize = 1024;
/** With at most this many rows or columns a product is thin. */
const THIN: usize = 4;

export function gemm_f32(
  transA: i32, transB: i32, m: i32, n: i32, k: i32,
  alpha: f32, a: usize, lda: i32, b: usize, ldb: i32, beta: f32, c: usize, ldc: i32,
  scratch: usize,
): void {
  gemm<f32>(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, scratch);
}

export function gemm_f64(
  transA: i32, transB: i32, m: i32, n: i32, k: i32,
  alpha: f64, a: usize, lda: i32, b: usize, ldb: i32, beta: f64, c: usize, ldc: i32,
  scratch: usize,
): void {
  gemm<f64>(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, scratch);
}

/** Bytes that gemm_f32 may use at `scratch`: below 1.3 MiB for any sizes. */
export function gemmScratchBytes_f32(m: i32, n: i32, k: i32): usize {
  return scratchBytes<f32>(m, n, k);
}

/** Bytes that gemm_f64 may use at `scratch`: below 2.5 MiB for any sizes. */
export function gemmScratchBytes_f64(m: i32, n: i32, k: i32): usize {
  return scratchBytes<f64>(m, n, k);
}

function tileColumns<T>(): usize {
  return 2 * lanes<T>();
}

function scratchBytes<T>(m: usize, n: usize, k: usize): usize {
  const rows = roundUp(min(m, ROWS), TILE_ROWS);
  const columns = roundUp(min(n, COLUMNS), tileColumns<T>());
  return (TILE_ROWS * tileColumns<T>() + (rows + columns) * min(k, DEPTH)) * sizeof<T>();
}

function roundUp(size: usize, multiple: usize): usize {
  return ((size + multiple - 1) / multiple) * multiple;
}

function gemm<T>(
  transA: i32, transB: i32, m: usize, n: usize, k: usize,
  alpha: T, a: usize, lda: usize, b: usize, ldb: usize, beta: T, c: usize, ldc: usize,
  scratch: usize,
): void {
  const size = sizeof<T>();
  const aRow = transA ? size : lda * size;
  const aDepth = transA ? lda * size : size;
  const bColumn = transB ? ldb * size : size;
  const bDepth = transB ? size : ldb * size;
  const cRow = ldc * size;

  scale<T>(m, n, beta, c, cRow);
  if (k == 0 || alpha == 0) return;
  if (aDepth == size && bDepth == size && min(m, n) <= THIN) {
    if (m <= n) dots<T>(m, n, k, alpha, a, aRow, b, bColumn, c, cRow, size);
    else dots<T>(n, m, k, alpha, b, bColumn, a, aRow, c, size, cRow);
  } else if (m <= THIN && bColumn == size) {
    combineRows<T>(m, n, k, alpha, a, aRow, aDepth, b, bDepth, c, cRow);
  } else if (n == 1 && aRow == size && cRow == size) {
    combineRows<T>(1, m, k, alpha, b, 0, bDepth, a, aDepth, c, 0);
  } else {
    blocked<T>(m, n, k, alpha, a, aRow, aDepth, b, bDepth, bColumn, c, cRow, scratch);
  }
}

/** C = beta C; beta = 0 clears C whatever it holds. */
function scale<T>(m: usize, n: usize, beta: T, c: usize, cRow: usize): void {
  if (beta == 1) return;
  for (let i: usize = 0; i < m; i++, c += cRow) {
    if (beta == 0) memory.fill(c, 0, n * sizeof<T>());
    else for (let p = c, end = c + n * sizeof<T>(); p < end; p += sizeof<T>()) {
      store<T>(p, beta * load<T>(p));
    }
  }
}

/** C += alpha A B by blocks that fit the caches. */
function blocked<T>(
  m: usize, n: usize, k: usize, alpha: T,
  a: usize, aRow: usize, aDepth: usize, b: usize, bDepth: usize, bColumn: usize,
  c: usize, cRow: usize, scratch: usize,
): void {
  const aPanels = scratch + TILE_ROWS * tileColumns<T>() * sizeof<T>();
  const bPanels = aPanels + roundUp(min(m, ROWS), TILE_ROWS) * min(k, DEPTH) * sizeof<T>();
  for (let j: usize = 0; j < n; j += COLUMNS) {
    const columns = min(n - j, COLUMNS);
    for (let l: usize = 0; l < k; l += DEPTH) {
      const depth = min(k - l, DEPTH);
      pack<T>(bPanels, b + j * bColumn + l * bDepth, bColumn, bDepth, columns, depth, tileColumns<T>());
      for (let i: usize = 0; i < m; i += ROWS) {
        const rows = min(m - i, ROWS);
        pack<T>(aPanels, a + i * aRow + l * aDepth, aRow, aDepth, rows, depth, TILE_ROWS);
        const block = c + i * cRow + j * sizeof<T>();
        multiplyPanels<T>(rows, columns, depth, alpha, aPanels, bPanels, block, cRow, scratch);
      }
    }
  }
}

/**
 * Copies `count` lines of `depth` elements into panels of `width` lines, in which the elements of
 * one depth lie next to each other. The last panel is filled up with zeros.
 */
function pack<T>(
  to: usize, from: usize, lineStride: usize, depthStride: usize,
  count: usize, depth: usize, width: usize,
): void {
  const step = width * sizeof<T>();
  for (let first: usize = 0; first < count; first += width) {
    const lines = min(count - first, width);
    const end = to + depth * step;
    if (lines == width && lineStride == sizeof<T>()) {
      for (let q = to, p = from; q < end; q += step, p += depthStride) {
        for (let o: usize = 0; o < step; o += 16) v128.store(q + o, v128.load(p + o));
      }
    } else {
      if (lines < width) memory.fill(to, 0, depth * step);
      for (let line: usize = 0; line < lines; line++) {
        let p = from + line * lineStride;
        for (let q = to + line * sizeof<T>(); q < end; q += step, p += depthStride) {
          store<T>(q, load<T>(p));
        }
      }
    }
    from += width * lineStride;
    to = end;
  }
}

/** C += alpha A B for packed panels. */
function multiplyPanels<T>(
  rows: usize, columns: usize, depth: usize, alpha: T, aPanels: usize, bPanels: usize,
  c: usize, cRow: usize, edge: usize,
): void {
  const width = tileColumns<T>();
  const edgeRow = width * sizeof<T>();
  for (let j: usize = 0; j < columns; j += width) {
    const b = bPanels + j * depth * sizeof<T>();
    for (let i: usize = 0; i < rows; i += TILE_ROWS) {
      const a = aPanels + i * depth * sizeof<T>();
      const tile = c + i * cRow + j * sizeof<T>();
      if (i + TILE_ROWS <= rows && j + width <= columns) {
        multiplyTile<T>(depth, alpha, a, b, tile, cRow);
      } else {
        const tileRows = min(rows - i, TILE_ROWS);
        const rowBytes = min(columns - j, width) * sizeof<T>();
        copyRows(edge, edgeRow, tile, cRow, tileRows, rowBytes);
        multiplyTile<T>(depth, alpha, a, b, edge, edgeRow);
        copyRows(tile, cRow, edge, edgeRow, tileRows, rowBytes);
      }
    }
  }
}

function copyRows(
  to: usize, toStride: usize, from: usize, fromStride: usize, rows: usize, bytes: usize,
): void {
  for (let i: usize = 0; i < rows; i++, to += toStride, from += fromStride) {
    memory.copy(to, from, bytes);
  }
}

/** One tile: C += alpha times the sum over depth of (4 elements of A) x (two vectors of B). */
function multiplyTile<T>(depth: usize, alpha: T, a: usize, b: usize, c: usize, cRow: usize): void {
  let c00 = v128.splat<T>(0), c01 = v128.splat<T>(0);
  let c10 = v128.splat<T>(0), c11 = v128.splat<T>(0);
  let c20 = v128.splat<T>(0), c21 = v128.splat<T>(0);
  let c30 = v128.splat<T>(0), c31 = v128.splat<T>(0);
  const end = b + depth * 32;
  for (; b < end; a += TILE_ROWS * sizeof<T>(), b += 32) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load_splat<T>(a);
    c00 = v128.add<T>(c00, v128.mul<T>(x, b0));
    c01 = v128.add<T>(c01, v128.mul<T>(x, b1));
    x = v128.load_splat<T>(a, sizeof<T>());
    c10 = v128.add<T>(c10, v128.mul<T>(x, b0));
    c11 = v128.add<T>(c11, v128.mul<T>(x, b1));
    x = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = v128.add<T>(c20, v128.mul<T>(x, b0));
    c21 = v128.add<T>(c21, v128.mul<T>(x, b1));
    x = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = v128.add<T>(c30, v128.mul<T>(x, b0));
    c31 = v128.add<T>(c31, v128.mul<T>(x, b1));
  }
  addScaled<T>(c, alpha, c00, c01);
  addScaled<T>(c + cRow, alpha, c10, c11);
  addScaled<T>(c + 2 * cRow, alpha, c20, c21);
  addScaled<T>(c + 3 * cRow, alpha, c30, c31);
}

function addScaled<T>(c: usize, alpha: T, sum0: v128, sum1: v128): void {
  const factor = v128.splat<T>(alpha);
  v128.store(c, v128.add<T>(v128.load(c), v128.mul<T>(factor, sum0)));
  v128.store(c, v128.add<T>(v128.load(c, 16), v128.mul<T>(factor, sum1)), 16);
}

/** C += alpha A B^T when both have contiguous rows and A has few: one dot product an element. */
function dots<T>(
  m: usize, n: usize, k: usize, alpha: T, a: usize, aRow: usize, b: usize, bRow: usize,
  c: usize, cRow: usize, cColumn: usize,
): void {
  for (let j: usize = 0; j < n; j++) {
    for (let i: usize = 0; i < m; i++) {
      const p = c + i * cRow + j * cColumn;
      store<T>(p, load<T>(p) + alpha * dot<T>(k, a + i * aRow, b + j * bRow));
    }
  }
}

function dot<T>(k: usize, x: usize, y: usize): T {
  let s0 = v128.splat<T>(0), s1 = v128.splat<T>(0), s2 = v128.splat<T>(0), s3 = v128.splat<T>(0);
  const end = x + k * sizeof<T>();
  for (; x + 64 <= end; x += 64, y += 64) {
    s0 = v128.add<T>(s0, v128.mul<T>(v128.load(x), v128.load(y)));
    s1 = v128.add<T>(s1, v128.mul<T>(v128.load(x, 16), v128.load(y, 16)));
    s2 = v128.add<T>(s2, v128.mul<T>(v128.load(x, 32), v128.load(y, 32)));
    s3 = v128.add<T>(s3, v128.mul<T>(v128.load(x, 48), v128.load(y, 48)));
  }
  let sum = sumLanes<T>(v128.add<T>(v128.add<T>(s0, s1), v128.add<T>(s2, s3)));
  for (; x < end; x += sizeof<T>(), y += sizeof<T>()) sum += load<T>(x) * load<T>(y);
  return sum;
}

/** C += alpha A B when A has few rows: a row of C is a combination of the rows of B. */
function combineRows<T>(
  m: usize, n: usize, k: usize, alpha: T, a: usize, aRow: usize, aDepth: usize,
  b: usize, bRow: usize, c: usize, cRow: usize,
): void {
  let l: usize = 0;
  for (; l + 4 <= k; l += 4) {
    for (let i: usize = 0; i < m; i++) {
      const x = a + i * aRow + l * aDepth;
      addFourRows<T>(
        n, alpha * load<T>(x), alpha * load<T>(x + aDepth), alpha * load<T>(x + 2 * aDepth),
        alpha * load<T>(x + 3 * aDepth), b + l * bRow, bRow, c + i * cRow,
      );
    }
  }
  for (; l < k; l++) {
    for (let i: usize = 0; i < m; i++) {
      addRow<T>(n, alpha * load<T>(a + i * aRow + l * aDepth), b + l * bRow, c + i * cRow);
    }
  }
}

/** c += x0 b0 + x1 b1 + x2 b2 + x3 b3 for four rows of B. */
function addFourRows<T>(
  n: usize, x0: T, x1: T, x2: T, x3: T, b0: usize, bRow: usize, c: usize,
): void {
  let b1 = b0 + bRow, b2 = b1 + bRow, b3 = b2 + bRow;
  const v0 = v128.splat<T>(x0), v1 = v128.splat<T>(x1);
  const v2 = v128.splat<T>(x2), v3 = v128.splat<T>(x3);
  const end = c + n * sizeof<T>();
  for (; c + 16 <= end; c += 16, b0 += 16, b1 += 16, b2 += 16, b3 += 16) {
    const s = v128.add<T>(v128.mul<T>(v0, v128.load(b0)), v128.mul<T>(v1, v128.load(b1)));
    const t = v128.add<T>(v128.mul<T>(v2, v128.load(b2)), v128.mul<T>(v3, v128.load(b3)));
    v128.store(c, v128.add<T>(v128.load(c), v128.add<T>(s, t)));
  }
  for (; c < end; c += sizeof<T>(), b0 += sizeof<T>(), b1 += sizeof<T>(), b2 += sizeof<T>(), b3 += sizeof<T>()) {
    store<T>(c, load<T>(c) + (x0 * load<T>(b0) + x1 * load<T>(b1) + (x2 * load<T>(b2) + x3 * load<T>(b3))));
  }
}

/** c += x b. */
function addRow<T>(n: usize, x: T, b: usize, c: usize): void {
  const end = c + n * sizeof<T>();
  for (; c + 16 <= end; c += 16, b += 16) {
    v128.store(c, v128.add<T>(v128.load(c), v128.mul<T>(v128.splat<T>(x), v128.load(b))));
  }
  for (; c < end; c += sizeof<T>(), b += sizeof<T>()) store<T>(c, load<T>(c) + x * load<T>(b));
}
