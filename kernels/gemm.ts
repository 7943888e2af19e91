// C = alpha op(A) op(B) + beta C, row-major, for one thread.
//
// Blocked after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008):
// A and B are packed into narrow panels that the inner tile reads in order, a tile of C stays in
// registers, a panel of A in the first cache, a block of B in the second. Tiles follow a row of C,
// so that hardware prefetches the next one. Products with one thin side do not pay for the packing;
// they go through gemm-thin.
//
// Strides are in bytes; a transpose is nothing but other strides. op(A) is (m, k), op(B) is (k, n).

import { combineRows, dots } from './shared/gemm-thin';
import { lanes } from './shared/simd';

/** Rows of a tile: with two vectors a row, 8 sums, of the 15 registers that the compiler has. */
const TILE_ROWS: usize = 4;
/** Block sizes, by measurement. A block of B is 512 KiB in f32; most second caches hold 1 MiB. */
const DEPTH: usize = 256;
const ROWS: usize = 64;
const COLUMNS: usize = 512;
/** With at most this many rows (or columns) a product is thin. */
const THIN: i32 = 6;
/** Depths packed in one go: the rows of B that they come from stay in the first cache. */
const PACKED_AT_ONCE: usize = 8;

/** Columns of a tile: two vectors. */
function tileColumns<T>(): usize {
  return 2 * lanes<T>();
}

/** Bytes that gemm may use at `scratch`: at most 577 KiB in f32 and 1153 KiB in f64, for any sizes. */
export function gemmScratchBytes<T>(m: i32, n: i32, k: i32): usize {
  const rows = roundUp(min(<usize>m, ROWS), TILE_ROWS);
  const columns = roundUp(min(<usize>n, COLUMNS), tileColumns<T>());
  return (TILE_ROWS * tileColumns<T>() + (rows + columns) * min(<usize>k, DEPTH)) * sizeof<T>();
}

function roundUp(size: usize, multiple: usize): usize {
  return ((size + multiple - 1) / multiple) * multiple;
}

/**
 * C = alpha op(A) op(B) + beta C with op(X) = X or its transpose; op(A) is (m, k), op(B) (k, n),
 * C (m, n). Leading dimensions count elements. Follows BLAS: beta = 0 overwrites C whatever it
 * holds, and alpha = 0 or k = 0 reads neither A nor B. `scratch` needs gemmScratchBytes. How it divides
 * depends on its sizes: see src/engine/divisions.ts.
 */
export function gemm<T>(
  transA: i32, transB: i32, m: i32, n: i32, k: i32,
  alpha: T, a: usize, lda: i32, b: usize, ldb: i32, beta: T, c: usize, ldc: i32,
  scratch: usize,
): void {
  const size = sizeof<T>();
  const aRow = transA ? size : <usize>lda * size;
  const aDepth = transA ? <usize>lda * size : size;
  const bColumn = transB ? <usize>ldb * size : size;
  const bDepth = transB ? size : <usize>ldb * size;
  const cRow = <usize>ldc * size;

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

/** C = beta C, cleared for beta = 0. */
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
      const bBlock = b + j * bColumn + l * bDepth;
      pack<T>(bPanels, bBlock, bColumn, bDepth, columns, depth, tileColumns<T>());
      for (let i: usize = 0; i < m; i += ROWS) {
        const rows = min(m - i, ROWS);
        const aBlock = a + i * aRow + l * aDepth;
        const cBlock = c + i * cRow + j * sizeof<T>();
        pack<T>(aPanels, aBlock, aRow, aDepth, rows, depth, TILE_ROWS);
        multiplyPanels<T>(rows, columns, depth, alpha, aPanels, bPanels, cBlock, cRow, scratch);
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
  const panel = depth * step;
  let first: usize = 0;
  if (lineStride == sizeof<T>()) {
    first = count - (count % width);
    packWhole(to, from, depthStride, first / width, depth, step);
  }
  for (; first < count; first += width) {
    const lines = min(count - first, width);
    const start = to + (first / width) * panel;
    if (lines < width) memory.fill(start, 0, panel);
    let line: usize = 0;
    for (; sizeof<T>() == 4 && depthStride == 4 && line + 4 <= lines; line += 4) {
      packFourLines(start + line * 4, step, from + (first + line) * lineStride, lineStride, depth);
    }
    for (; line < lines; line++) {
      let p = from + (first + line) * lineStride;
      let q = start + line * sizeof<T>();
      for (const end = q + panel; q < end; q += step, p += depthStride) store<T>(q, load<T>(p));
    }
  }
}

/** pack for four contiguous lines of f32: four depths at a time are transposed in registers. */
function packFourLines(to: usize, step: usize, p: usize, lineStride: usize, depth: usize): void {
  const end = p + depth * 4;
  for (; p + 16 <= end; p += 16) {
    const r0 = v128.load(p), r1 = v128.load(p + lineStride);
    const r2 = v128.load(p + 2 * lineStride), r3 = v128.load(p + 3 * lineStride);
    const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
    const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
    const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f64>(low01, low23, 0, 2));
    v128.store(to + step, v128.shuffle<f64>(low01, low23, 1, 3));
    v128.store(to + 2 * step, v128.shuffle<f64>(high01, high23, 0, 2));
    v128.store(to + 3 * step, v128.shuffle<f64>(high01, high23, 1, 3));
    to += 4 * step;
  }
  for (; p < end; p += 4, to += step) {
    for (let i: usize = 0; i < 4; i++) store<f32>(to + i * 4, load<f32>(p + i * lineStride));
  }
}

/** pack for full panels whose lines lie next to each other: whole vectors are copied. */
function packWhole(
  to: usize, from: usize, depthStride: usize, panels: usize, depth: usize, step: usize,
): void {
  for (let l: usize = 0; l < depth; l += PACKED_AT_ONCE) {
    const bytes = min(depth - l, PACKED_AT_ONCE) * step;
    for (let i: usize = 0; i < panels; i++) {
      let p = from + l * depthStride + i * step;
      let q = to + (i * depth + l) * step;
      for (const end = q + bytes; q < end; q += step, p += depthStride) {
        for (let o: usize = 0; o < step; o += 16) v128.store(q + o, v128.load(p + o));
      }
    }
  }
}

/** C += alpha A B for packed panels. */
function multiplyPanels<T>(
  rows: usize, columns: usize, depth: usize, alpha: T, aPanels: usize, bPanels: usize,
  c: usize, cRow: usize, edge: usize,
): void {
  const width = tileColumns<T>();
  const edgeRow = width * sizeof<T>();
  for (let i: usize = 0; i < rows; i += TILE_ROWS) {
    const a = aPanels + i * depth * sizeof<T>();
    for (let j: usize = 0; j < columns; j += width) {
      const b = bPanels + j * depth * sizeof<T>();
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
