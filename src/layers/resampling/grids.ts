/** Grids of places: regular ones, and where affine and projective maps send them. */
import { differentiable } from '../../autograd/differentiable.js';
import type { FloatDType } from '../../engine/blas.js';
import { ShapeError, ValueError } from '../../errors.js';
import { kernelsFor, matmul, swapLeadingAxes, transposed } from '../../tensor/arithmetic.js';
import { full, tensor } from '../../tensor/create.js';
import { checkCotangent, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { concatForward, sliceForward } from '../indexing/pieces.js';

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

interface AffineCache {
  /** (P, 3): x, y and 1 of every output place. */
  places: Tensor;
  grid: Tensor;
}

/**
 * Where an affine map sends every place of an output of `extent` [OH, OW]:
 *
 *     grid[n, r, q] = theta[n] (x_q, y_r, 1)ᵀ
 *
 * theta (N, 2, 3), from output to input coordinates, both x, y in [-1, 1]; grid (N, OH, OW, 2), x before
 * y. Conventions of `torch.nn.functional.affine_grid`: without `alignCorners` (default) -1 and 1 are
 * the outer edges of the corner pixels, with it their centres.
 * Source: Jaderberg et al. 2015, equation 1.
 * @throws ShapeError, ValueError when theta or the extent is not such.
 */
export function affineGridForward(
  theta: Tensor,
  extent: readonly [number, number],
  options: GridOptions = {},
): { grid: Tensor; cache: AffineCache } {
  const [N = 0, rows, columns] = theta.shape;
  if (theta.shape.length !== 3 || rows !== 2 || columns !== 3) {
    throw new ShapeError(
      `affineGrid: theta ${showShape(theta.shape)} must be (N, 2, 3), an affine map for each example`,
    );
  }
  const places = regularGrid('affineGrid', extent, theta.float, options);
  const grid = throughMaps(places, theta).view(N, ...extent, 2);
  return { grid, cache: { places, grid } };
}

/** dTheta[n] = Σ over places of dgrid (x, y, 1). */
export function affineGridBackward(
  dgrid: Tensor,
  { places, grid }: AffineCache,
): { dTheta: Tensor } {
  checkCotangent('affineGridBackward: dgrid', dgrid, grid);
  const [N = 0, OH = 0, OW = 0] = grid.shape;
  return { dTheta: throughMapsBackward(dgrid.view(N, OH * OW, 2), places) };
}

/** `affineGridForward` as an op. */
export const affineGrid = differentiable(affineGridForward, affineGridBackward, {
  outputs: ['grid'],
  gradients: ['dTheta'],
});

/** Entries of a plane projective map: 3 x 3 without the last, which is 1. */
const entries = 8;

interface ProjectiveCache {
  /** (P, 3): x, y and 1 of every output place. */
  places: Tensor;
  /** (N, P, 3): the places in homogeneous input coordinates. */
  moved: Tensor;
  grid: Tensor;
}

/**
 * Where a plane projective map sends every place of an output of `extent` [OH, OW]:
 *
 *     (a, b, w)ᵀ = [theta[n], 1] (x_q, y_r, 1)ᵀ,   grid[n, r, q] = (a, b) / w
 *
 * theta (N, 8), the 3 x 3 map row by row without its last entry, which is 1; grid (N, OH, OW, 2) with the
 * conventions of `affineGrid`. The identity is (1, 0, 0, 0, 1, 0, 0, 0). Places whose |w| is below
 * 1e-6 lie on the horizon, and are sent as far as that.
 * Source: Jaderberg et al. 2015, section 3.2 (a plane projective transformation of 8 parameters).
 * @throws ShapeError, ValueError when theta or the extent is not such.
 */
export function projectiveGridForward(
  theta: Tensor,
  extent: readonly [number, number],
  options: GridOptions = {},
): { grid: Tensor; cache: ProjectiveCache } {
  const [N = 0, columns] = theta.shape;
  if (theta.shape.length !== 2 || columns !== entries) {
    throw new ShapeError(
      `projectiveGrid: theta ${showShape(theta.shape)} must be (N, 8), a 3 x 3 map without its last entry for each example`,
    );
  }
  const places = regularGrid('projectiveGrid', extent, theta.float, options);
  const maps = concatForward([theta, full([N, 1], 1, theta.float)], 1).out.view(N, 3, 3);
  const moved = throughMaps(places, maps);
  const grid = empty(theta.dtype, [N, ...extent, 2]);
  kernelsFor(moved).perspective(moved, grid, grid.size / 2);
  return { grid, cache: { places, moved, grid } };
}

/** d(a, b) = dgrid / w, dw = -d(a, b) . grid, and from these dTheta as in `affineGridBackward`. */
export function projectiveGridBackward(
  dgrid: Tensor,
  { places, moved, grid }: ProjectiveCache,
): { dTheta: Tensor } {
  checkCotangent('projectiveGridBackward: dgrid', dgrid, grid);
  const dMoved = empty(moved.dtype, moved.shape);
  kernelsFor(moved).perspectiveBackward(moved, grid, dgrid, dMoved, grid.size / 2);
  const dMaps = throughMapsBackward(dMoved, places);
  const [N = 0] = grid.shape;
  return { dTheta: sliceForward(dMaps.view(N, entries + 1), 1, 0, entries).out };
}

/** `projectiveGridForward` as an op. */
export const projectiveGrid = differentiable(projectiveGridForward, projectiveGridBackward, {
  outputs: ['grid'],
  gradients: ['dTheta'],
});

/**
 * The inverse of a small dense matrix, such as a map, by Gauss-Jordan elimination with the largest pivot of each
 * column. The matrix must have one: what comes of another is not finite.
 */
export function inverse(matrix: readonly (readonly number[])[]): number[][] {
  const n = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let column = 0; column < n; column++) {
    const size = (row: readonly number[]) => Math.abs(row[column] ?? 0);
    const [pivot = []] = rows.slice(column).sort((a, b) => size(b) - size(a));
    rows.splice(rows.indexOf(pivot), 1);
    const scale = pivot[column] ?? 0;
    const unit = pivot.map((value) => value / scale);
    for (const [i, row] of rows.entries()) {
      const factor = row[column] ?? 0;
      rows[i] = row.map((value, j) => value - factor * (unit[j] ?? 0));
    }
    rows.splice(column, 0, unit);
  }
  return rows.map((row) => row.slice(n));
}
