/** Squared distances between all rows of two sets, block by block, by matrix products. */
import { scope } from '../../engine/engine.js';
import { matmul, transposed } from '../../tensor/arithmetic.js';
import type { Tensor } from '../../tensor/tensor.js';
import { float64Of, matrixOf, readRows, type Samples } from './samples.js';

/** Rows of either side in a block: its distances stay in the processor's cache. */
const MOST_ROWS = 256;
/** Numbers of the rows of one side: 8 MiB. */
const MOST_VALUES = 2 ** 20;

/** The distances between some rows of one set and some of another. */
export interface DistanceBlock {
  /** Numbers of the first rows. */
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  readonly columns: number;
  /**
   * (rows, columns): what each squared distance is at least: |a|² + |b|² - 2 a b in float64, less what
   * rounding may have added; it can be below 0.
   */
  readonly least: Float64Array;
  /** Above `least + doubt` none of them is. */
  readonly doubt: number;
  /** Σ (a - b)² in float64 of row i and column j: 0 between equal rows, and the same both ways. */
  exact(i: number, j: number): number;
}

/** All blocks of distances; `to` rises within equal `from`. Memory is bounded whatever the sets. */
export function* distanceBlocks(a: Samples, b: Samples): Generator<DistanceBlock> {
  const { D } = a;
  const most = Math.max(1, Math.min(MOST_ROWS, Math.floor(MOST_VALUES / D)));
  for (let from = 0; from < a.N; from += most) {
    const left = readRows(a, from, Math.min(most, a.N - from));
    for (let to = 0; to < b.N; to += most) {
      const right = readRows(b, to, Math.min(most, b.N - to));
      yield {
        from,
        to,
        rows: left.length / D,
        columns: right.length / D,
        ...squaredDistances(left, right, D),
        exact: (i, j) => squaredDistance(left, i * D, right, j * D, D),
      };
    }
  }
}

/**
 * Lower bounds by one product, of rows (a, s |a|², 1) and (-2 b, 1, s |b|²). D + 2 terms of 2 (|a|² + |b|²)
 * are added up, D to each square, and D to the exact distance: together these are off by no more than
 * 5 (D + 2) roundings of |a|² + |b|², which s takes off.
 */
function squaredDistances(
  left: Float64Array,
  right: Float64Array,
  D: number,
): Pick<DistanceBlock, 'least' | 'doubt'> {
  using _work = scope();
  const off = 6 * (D + 4) * 2 ** -53;
  const [squaresA, squaresB] = [squaredLengths(left, D), squaredLengths(right, D)];
  const a = lengthened(left, D, 1, (i) => [(1 - off) * (squaresA[i] ?? 0), 1]);
  const b = lengthened(right, D, -2, (i) => [1, (1 - off) * (squaresB[i] ?? 0)]);
  const longest = Math.max(...squaresA) + Math.max(...squaresB);
  return { least: float64Of(matmul(a, transposed(b))), doubt: 2 * off * longest };
}

function squaredLengths(rows: Float64Array, D: number): Float64Array {
  const zero = new Float64Array(D);
  return Float64Array.from({ length: rows.length / D }, (_, i) =>
    squaredDistance(rows, i * D, zero, 0, D),
  );
}

/** Rows times `factor`, each with two numbers behind. */
function lengthened(
  rows: Float64Array,
  D: number,
  factor: number,
  behind: (row: number) => readonly [number, number],
): Tensor {
  const [count, width] = [rows.length / D, D + 2];
  const long = new Float64Array(count * width);
  for (let i = 0; i < count; i++) {
    for (let d = 0; d < D; d++) long[i * width + d] = factor * (rows[i * D + d] ?? 0);
    long.set(behind(i), i * width + D);
  }
  return matrixOf(long, width);
}

function squaredDistance(
  a: Float64Array,
  fromA: number,
  b: Float64Array,
  fromB: number,
  D: number,
): number {
  let sum = 0;
  for (let d = 0; d < D; d++) sum += ((a[fromA + d] ?? 0) - (b[fromB + d] ?? 0)) ** 2;
  return sum;
}
