/** Where examples come from: all that a task asks of its data. */
import type { Tensor } from '../tensor/tensor.js';
import { firstNotFinite, notFinite } from './formats/notes.js';
import { listed } from './formats/strict-json.js';

/** Examples by their places, as batches B. */
export interface Source<B> {
  /** Number of examples. */
  readonly size: number;
  /**
   * The examples at these places, in this order. Tensors belong to the current scope.
   * @param epoch of training, where examples change a little from epoch to epoch: a pure function of place and
   *   epoch, so that a resumed run gets the same. Without it they are as they are measured on.
   */
  batch(indices: ArrayLike<number>, epoch?: number): B;
  /**
   * Of examples that are read when they are needed: reads those that `batch` is asked for next, of the same
   * epoch. Without it all are at hand. See `batchOf`.
   */
  load?(indices: ArrayLike<number>, epoch?: number): Promise<void>;
  /** Begins to read examples that will be asked for; what goes wrong is told then. */
  expect?(indices: ArrayLike<number>, epoch?: number): void;
}

/** The examples at these places, once they are read. Tensors belong to the scope that is open then. */
export async function batchOf<B>(
  source: Source<B>,
  indices: ArrayLike<number>,
  epoch?: number,
): Promise<B> {
  await source.load?.(indices, epoch);
  return source.batch(indices, epoch);
}

/**
 * Which of some images are not finite, as a sentence; undefined where all are.
 * @param inputs (M, ...)
 * @param names of these M images.
 */
export function imagesNotFinite(inputs: Tensor, names: readonly string[]): string | undefined {
  const values = inputs.dataSync();
  const size = values.length / Math.max(1, names.length);
  const bad = names.flatMap((name, row) => {
    const found = firstNotFinite(values.subarray(row * size, (row + 1) * size), size);
    return found ? [{ name, found }] : [];
  });
  const [first, ...others] = bad;
  if (!first) return undefined;
  const more =
    others.length > 0 ? `, and so are those of ${listed(others.map(({ name }) => name))}` : '';
  return `the inputs of ${first.name} ${notFinite(first.found)}${more}: look at these images, or make their features again`;
}
