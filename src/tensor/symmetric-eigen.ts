/** Eigenvalues and eigenvectors of symmetric matrices, in float64. */
import { ShapeError, ValueError } from '../errors.js';
import { tensor } from './create.js';
import { showShape } from './shape.js';
import type { Tensor } from './tensor.js';

const EPSILON = 2 ** -52;
/** Rotations that one eigenvalue may take; two or three times is usual. */
const MOST_TURNS = 60;

/** A symmetric matrix as Vᵀ diag(values) V. */
export interface SymmetricEigen {
  /** (n), falling. */
  readonly values: Float64Array;
  /** V (n, n) f64: row i is the eigenvector, of length 1, that belongs to value i. */
  readonly vectors: Tensor;
}

/**
 * The eigenvalues and eigenvectors of a symmetric matrix (n, n): A = Vᵀ diag(values) V.
 *
 * Householder reflections make A tridiagonal, implicit QL steps with Wilkinson's shift make that
 * diagonal. Every value is off by no more than a few n epsilon times the largest one, whatever the rank
 * of A: what is 0 comes out as a number of that size, of either sign.
 * Source: Golub and Van Loan 2013, Matrix Computations, 8.3.
 * @throws ShapeError when it is not square; ValueError when it is not symmetric, or not finite.
 */
export function symmetricEigen(matrix: Tensor): SymmetricEigen {
  const n = matrix.shape[0] ?? 0;
  const { values, vectors } = decompose(matrix, true);
  const order = falling(values);
  const sorted = new Float64Array(n * n);
  for (const [to, from] of order.entries()) {
    sorted.set(vectors.subarray(from * n, (from + 1) * n), to * n);
  }
  return {
    values: Float64Array.from(order, (i) => values[i] ?? 0),
    vectors: tensor(sorted, { shape: [n, n], dtype: 'f64' }),
  };
}

/** The values of `symmetricEigen` alone, falling, in a fraction of the time. */
export function symmetricEigenvalues(matrix: Tensor): Float64Array {
  return decompose(matrix, false).values.sort().reverse();
}

function falling(values: Float64Array): number[] {
  return Array.from(values.keys()).sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
}

function decompose(
  matrix: Tensor,
  wanted: boolean,
): { values: Float64Array; vectors: Float64Array } {
  const { n, scale, a } = symmetricPart(matrix);
  const { diagonal, beside, reflectors } = tridiagonalise(a, n);
  const vectors = wanted ? productOf(a, reflectors, n) : new Float64Array(0);
  diagonalise(diagonal, beside, vectors);
  return { values: diagonal.map((value) => value * scale), vectors };
}

/** (A + Aᵀ) / 2, divided by its largest element, so that no square overflows. */
function symmetricPart(matrix: Tensor): { n: number; scale: number; a: Float64Array } {
  const [n = 0, columns] = matrix.shape;
  if (matrix.shape.length !== 2 || n !== columns || n === 0) {
    throw new ShapeError(
      `a symmetric matrix has as many rows as columns, not ${showShape(matrix.shape)}`,
    );
  }
  const values = matrix.dataSync();
  let scale = 0;
  for (const [i, value] of values.entries()) {
    if (!Number.isFinite(value)) {
      throw new ValueError(
        `the matrix has ${value} in row ${Math.floor(i / n)}, column ${i % n}: it must be finite`,
      );
    }
    scale = Math.max(scale, Math.abs(value));
  }
  const a = new Float64Array(n * n);
  if (scale === 0) return { n, scale, a };
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const [below, above] = [(values[i * n + j] ?? 0) / scale, (values[j * n + i] ?? 0) / scale];
      if (Math.abs(below - above) > 1e-6) {
        throw new ValueError(
          `the matrix is not symmetric: (${i}, ${j}) is ${below * scale}, (${j}, ${i}) is ${above * scale}`,
        );
      }
      a[i * n + j] = a[j * n + i] = (below + above) / 2;
    }
  }
  return { n, scale, a };
}

/**
 * A = Q T Qᵀ with T tridiagonal. Q is the product of reflections 1 - factor v vᵀ; the v of step k stands in
 * row k of `a` afterwards, behind the diagonal.
 */
function tridiagonalise(a: Float64Array, n: number) {
  const [diagonal, beside] = [new Float64Array(n), new Float64Array(n)];
  const [reflectors, w] = [new Float64Array(n), new Float64Array(n)];
  for (let k = 0; k < n; k++) {
    const row = a.subarray(k * n, (k + 1) * n);
    diagonal[k] = row[k] ?? 0;
    if (k === n - 1) break;
    const first = row[k + 1] ?? 0;
    const norm = Math.sqrt(dot(row, row, k + 1, n));
    if (k === n - 2 || norm === Math.abs(first)) {
      // There is nothing to reflect away.
      beside[k] = first;
      continue;
    }
    const reflected = first > 0 ? -norm : norm;
    beside[k] = reflected;
    row[k + 1] = first - reflected;
    const factor = 2 / dot(row, row, k + 1, n);
    reflectors[k] = factor;
    for (let i = k + 1; i < n; i++) {
      w[i] = factor * dot(a.subarray(i * n, (i + 1) * n), row, k + 1, n);
    }
    const along = (factor / 2) * dot(row, w, k + 1, n);
    for (let i = k + 1; i < n; i++) w[i] = (w[i] ?? 0) - along * (row[i] ?? 0);
    for (let i = k + 1; i < n; i++) {
      const [vi, wi] = [row[i] ?? 0, w[i] ?? 0];
      const other = a.subarray(i * n, (i + 1) * n);
      for (let j = k + 1; j < n; j++) {
        other[j] = (other[j] ?? 0) - vi * (w[j] ?? 0) - wi * (row[j] ?? 0);
      }
    }
  }
  return { diagonal, beside, reflectors };
}

/** Qᵀ, row by row: from the last reflection to the first one, each changes more of the identity. */
function productOf(a: Float64Array, reflectors: Float64Array, n: number): Float64Array {
  const product = new Float64Array(n * n);
  for (let i = 0; i < n; i++) product[i * n + i] = 1;
  for (let k = n - 3; k >= 0; k--) {
    const v = a.subarray(k * n, (k + 1) * n);
    const factor = reflectors[k] ?? 0;
    if (factor === 0) continue;
    for (let i = k + 1; i < n; i++) {
      const row = product.subarray(i * n, (i + 1) * n);
      const along = factor * dot(row, v, k + 1, n);
      for (let j = k + 1; j < n; j++) row[j] = (row[j] ?? 0) - along * (v[j] ?? 0);
    }
  }
  return product;
}

/**
 * Turns a tridiagonal matrix (its diagonal, and what stands beside it) into its eigenvalues, in place; the
 * rows of `vectors` are turned along, if there are any.
 */
function diagonalise(d: Float64Array, e: Float64Array, vectors: Float64Array): void {
  const n = d.length;
  const largest = Math.max(1e-300, ...d.map(Math.abs), ...e.map(Math.abs));
  for (let l = 0; l < n; l++) {
    for (let turn = 0; ; turn++) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m] ?? 0) > EPSILON * largest) m++;
      if (m === l) break;
      if (turn === MOST_TURNS) {
        throw new ValueError(`no eigenvalue ${l} of ${n} after ${turn} steps: is A symmetric?`);
      }
      qlStep(d, e, vectors, l, m);
    }
  }
}

/** One implicit QL step on rows l to m of a tridiagonal matrix. */
function qlStep(
  d: Float64Array,
  e: Float64Array,
  vectors: Float64Array,
  l: number,
  m: number,
): void {
  const [dl = 0, next = 0, el = 0] = [d[l], d[l + 1], e[l]];
  const half = (next - dl) / (2 * el);
  let g = (d[m] ?? 0) - dl + el / (half + Math.sign(half || 1) * Math.sqrt(half * half + 1));
  let [sine, cosine, p] = [1, 1, 0];
  for (let i = m - 1; i >= l; i--) {
    const ei = e[i] ?? 0;
    const [f, b] = [sine * ei, cosine * ei];
    const r = Math.sqrt(f * f + g * g);
    e[i + 1] = r;
    if (r === 0) {
      // The matrix has fallen apart here: go on with its parts.
      d[i + 1] = (d[i + 1] ?? 0) - p;
      e[m] = 0;
      return;
    }
    [sine, cosine] = [f / r, g / r];
    const before = (d[i + 1] ?? 0) - p;
    const t = ((d[i] ?? 0) - before) * sine + 2 * cosine * b;
    p = sine * t;
    d[i + 1] = before + p;
    g = cosine * t - b;
    if (vectors.length > 0) turnRows(vectors, d.length, i, sine, cosine);
  }
  d[l] = dl - p;
  e[l] = g;
  e[m] = 0;
}

/** Turns rows i and i + 1 in their plane. */
function turnRows(rows: Float64Array, n: number, i: number, sine: number, cosine: number): void {
  const one = rows.subarray(i * n, (i + 1) * n);
  const other = rows.subarray((i + 1) * n, (i + 2) * n);
  for (let k = 0; k < n; k++) {
    const [x, y] = [one[k] ?? 0, other[k] ?? 0];
    other[k] = sine * x + cosine * y;
    one[k] = cosine * x - sine * y;
  }
}

function dot(a: Float64Array, b: Float64Array, begin: number, end: number): number {
  let sum = 0;
  for (let i = begin; i < end; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
