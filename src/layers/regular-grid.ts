import type { FloatDType } from '../engine/blas.js';
import { ValueError } from '../errors.js';
import { tensor } from '../tensor/create.js';
import { showShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

/** What -1 and 1 mean to a grid. */
export interface GridOptions {
  /** -1 and 1 are the centres of the corner pixels; otherwise (default) their outer edges. */
  readonly alignCorners?: boolean;
}

/**
 * The coordinates of `count` pixels along an axis: with `alignCorners` evenly from -1 to 1, otherwise
 * the centres of `count` equal parts of it. A lone pixel lies in the middle.
 */
export function pixelCentres(count: number, alignCorners: boolean): number[] {
  return Array.from({ length: count }, (_, i) => {
    if (count === 1) return 0;
    return alignCorners ? (2 * i) / (count - 1) - 1 : (2 * i + 1) / count - 1;
  });
}

/**
 * The places of an output of `extent` [OH, OW] in homogeneous coordinates: (OH OW, 3) of x, y, 1,
 * row-major.
 * @throws ValueError when the extent is not two whole numbers.
 */
export function regularGrid(
  operation: string,
  [OH, OW]: readonly [number, number],
  dtype: FloatDType,
  { alignCorners = false }: GridOptions = {},
): Tensor {
  for (const extent of [OH, OW]) {
    if (!Number.isSafeInteger(extent) || extent < 1) {
      throw new ValueError(
        `${operation}: an output of ${showShape([OH, OW])} has no places: take whole numbers from 1 on`,
      );
    }
  }
  const columns = pixelCentres(OW, alignCorners);
  const places = pixelCentres(OH, alignCorners).flatMap((y) => columns.flatMap((x) => [x, y, 1]));
  return tensor(places, { shape: [OH * OW, 3], dtype });
}
