/** Samples as measures take them: what is checked of them, and how they are read as float64. */
import { ShapeError, ValueError } from '../../errors.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { tensor } from '../../tensor/create.js';
import { showShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';

/** Rows of one length, checked: a (N, D) view of samples whose axes after the first are read as one. */
export interface Samples {
  /** What an error calls them: `generated`. */
  readonly name: string;
  readonly rows: Tensor;
  readonly N: number;
  readonly D: number;
}

/**
 * Samples (N, ...) f32 or f64 as N rows.
 * @param least how many samples the measure needs.
 * @throws DTypeError when they are no numbers with a point; ShapeError without a second axis, or when a
 *   row is empty; ValueError when there are too few, or one has a value that is not finite, or whose
 *   square is not.
 */
export function samplesOf(name: string, x: Tensor, least = 1): Samples {
  const [N = 0, ...rest] = x.shape;
  const D = rest.reduce((product, extent) => product * extent, 1);
  if (rest.length === 0 || D === 0) {
    throw new ShapeError(`${name} ${showShape(x.shape)} must be (N, D): a row of numbers a sample`);
  }
  if (N < least) {
    throw new ValueError(`${name}: ${N} samples are too few, this measure needs ${least} or more`);
  }
  const samples = { name, rows: x.view(N, D), N, D };
  if (!Number.isFinite(kernelsFor(x).sumSquares(x, x.size))) refuseNotFinite(samples);
  return samples;
}

function refuseNotFinite({ name, rows, D }: Samples): void {
  const place = rows.dataSync().findIndex((value) => !Number.isFinite(value));
  if (place < 0) {
    throw new ValueError(`${name}: the squares of its values add up to infinity: scale them down`);
  }
  throw new ValueError(
    `${name}: sample ${Math.floor(place / D)} has ${rows.dataSync()[place]} at place ${place % D}; leave it out, or look at what made it`,
  );
}

/** @throws ShapeError when rows of two sets differ in length. */
export function checkSameLength(a: Samples, b: Samples): void {
  if (a.D === b.D) return;
  throw new ShapeError(
    `${a.name} has ${a.D} values a sample, but ${b.name} has ${b.D}: both must come from one network`,
  );
}

/** Rows from number `first` on as float64, on the host. */
export function readRows({ rows }: Samples, first: number, count: number): Float64Array {
  return float64Of(rows.slice(first, first + count));
}

/** The elements of a tensor as float64, on the host. */
export function float64Of(x: Tensor): Float64Array {
  const values = x.dataSync();
  return values instanceof Float64Array ? values : new Float64Array(values);
}

/** Numbers of the host as a float64 matrix. */
export function matrixOf(values: Float64Array, columns: number): Tensor {
  return tensor(values, { shape: [values.length / columns, columns], dtype: 'f64' });
}

/** Parts of `count` things, so large that a part times `width` numbers is about 32 MiB of float64. */
export function* partsOf(
  count: number,
  width: number,
): Generator<{ readonly first: number; readonly size: number }> {
  const most = Math.max(1, Math.floor(2 ** 22 / width));
  for (let first = 0; first < count; first += most) {
    yield { first, size: Math.min(most, count - first) };
  }
}
