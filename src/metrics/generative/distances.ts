/** Squared distances between all rows of two sets, block by block, by matrix products. */
import { scope } from '../../engine/engine.js';
import { matmul, transposed } from '../../tensor/arithmetic.js';
import { matrixOf, readRows, type Samples } from './samples.js';

/** Rows of either side in a block: products of that size are fast, and its distances take 32 MiB. */
const MOST_ROWS = 2048;
/** Numbers of the rows of one side, 32 MiB as well. */
const MOST_VALUES = 2 ** 22;

/** The distances between some rows of one set and some of another. */
export interface DistanceBlock {
  /** Numbers of the first rows. */
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  readonly columns: number;
  /**
   * (rows, columns): what each squared distance is at least: |a|² + |b|² - 2 a b in float64, less what
   * rounding may have added. May be below 0.
   */
  readonly least: Float64Array;
  /** Σ (a - b)² of row i and column j: 0 between equal rows, and the same both ways. */
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
        least: leastSquares(left, right, D),
        exact: (i, j) => squaredDistance(left, i * D, right, j * D, D),
      };
    }
  }
}

function leastSquares(left: Float64Array, right: Float64Array, D: number): Float64Array {
  using _work = scope();
  const product = matmul(matrixOf(left, D), transposed(matrixOf(right, D)));
  const least = new Float64Array(product.dataSync());
  // An inner product of D terms is off by no more than D roundings of |a| |b| <= (|a|² + |b|²) / 2.
  const sure = 1 - 4 * (D + 2) * 2 ** -53;
  const [rows, columns] = [squaredLengths(left, D), squaredLengths(right, D)];
  let place = 0;
  for (const row of rows) {
    for (let j = 0; j < columns.length; j++, place++) {
      least[place] = sure * (row + (columns[j] ?? 0)) - 2 * (least[place] ?? 0);
    }
  }
  return least;
}

function squaredLengths(rows: Float64Array, D: number): Float64Array {
  const zero = new Float64Array(D);
  return Float64Array.from({ length: rows.length / D }, (_, i) =>
    squaredDistance(rows, i * D, zero, 0, D),
  );
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
