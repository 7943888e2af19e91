import type { FloatDType } from '../engine/blas.js';
import { ValueError } from '../errors.js';
import { matmul, swapLeadingAxes, transposed } from '../tensor/arithmetic.js';
import { tensor } from '../tensor/create.js';
import { showShape } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

/** What -1 and 1 mean to a grid. */
export interface GridOptions {
  /** -1 and 1 are the centres of the corner pixels; otherwise (default) their outer edges. */
  readonly alignCorners?: boolean;
}

/**
 * The coordinates of `count` pixels along an axis: with `alignCorners` evenly from -1 to 1, otherwise
 * the centres of `count` equal parts of it. A lone pixel lies in the middle.
 */
function pixelCentres(count: number, alignCorners: boolean): number[] {
  return Array.from({ length: count }, (_, i) => {
    if (count === 1) return 0;
    return alignCorners ? (2 * i) / (count - 1) - 1 : (2 * i + 1) / count - 1;
  });
}

/**
 * The places of an output of `extent` [OH, OW], row by row, each as [x, y].
 * @throws ValueError when the extent is not two whole numbers from 1 on.
 */
export function regularPlaces(
  operation: string,
  extent: readonly [number, number],
  { alignCorners = false }: GridOptions = {},
): [x: number, y: number][] {
  if (!extent.every((count) => Number.isSafeInteger(count) && count >= 1)) {
    throw new ValueError(
      `${operation}: an output of ${showShape(extent)} has no places: take whole numbers from 1 on`,
    );
  }
  const [rows, columns] = extent;
  const xs = pixelCentres(columns, alignCorners);
  return pixelCentres(rows, alignCorners).flatMap((y) => xs.map((x): [number, number] => [x, y]));
}

/** The same places in homogeneous coordinates: (OH OW, 3) of x, y, 1. */
export function regularGrid(
  operation: string,
  extent: readonly [number, number],
  dtype: FloatDType,
  options: GridOptions = {},
): Tensor {
  const places = regularPlaces(operation, extent, options);
  const homogeneous = places.flatMap(([x, y]) => [x, y, 1]);
  return tensor(homogeneous, { shape: [places.length, 3], dtype });
}

/**
 * Every place through every map: places (P, 3), maps (N, R, 3); (N, P, R). One product for all maps,
 * since the places are the same for each.
 */
export function throughMaps(places: Tensor, maps: Tensor): Tensor {
  const [N = 0, R = 0] = maps.shape;
  const [P = 0] = places.shape;
  const moved = empty(maps.dtype, [P, N, R]);
  matmul(places, transposed(maps), { into: moved });
  return swapLeadingAxes(moved);
}

/** The gradient of the maps: dMaps[n] = Σ over places of dMoved[n, p] places[p]ᵀ, (N, R, 3). */
export function throughMapsBackward(dMoved: Tensor, places: Tensor): Tensor {
  const [N = 0, , R = 0] = dMoved.shape;
  const byPlace = swapLeadingAxes(dMoved).view(places.shape[0] ?? 0, N * R);
  return matmul(transposed(byPlace), places, { into: empty(places.dtype, [N, R, 3]) });
}
