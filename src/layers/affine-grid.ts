import { differentiable } from '../autograd/differentiable.js';
import { ShapeError } from '../errors.js';
import { checkCotangent, showShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { type GridOptions, regularGrid, throughMaps, throughMapsBackward } from './regular-grid.js';

interface Cache {
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
): { grid: Tensor; cache: Cache } {
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
export function affineGridBackward(dgrid: Tensor, { places, grid }: Cache): { dTheta: Tensor } {
  checkCotangent('affineGridBackward: dgrid', dgrid, grid);
  const [N = 0, OH = 0, OW = 0] = grid.shape;
  return { dTheta: throughMapsBackward(dgrid.view(N, OH * OW, 2), places) };
}

/** `affineGridForward` as an op. */
export const affineGrid = differentiable(affineGridForward, affineGridBackward, {
  outputs: ['grid'],
  gradients: ['dTheta'],
});
