import { differentiable } from '../autograd/differentiable.js';
import { ShapeError } from '../errors.js';
import { matmul, swapLeadingAxes, transposed } from '../tensor/arithmetic.js';
import { checkCotangent, dimensions, showShape } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import { type GridOptions, regularGrid } from './regular-grid.js';

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
  const [OH, OW] = extent;
  const places = regularGrid('affineGrid', extent, theta.float, options);
  const maps = mapsOf(theta);
  const [N = 0] = theta.shape;
  // One product for all maps, (P, 2 N): the places are the same for each.
  const moved = matmul(places, transposed(maps), { into: empty(theta.dtype, [OH * OW, N, 2]) });
  const grid = swapLeadingAxes(moved).view(N, OH, OW, 2);
  return { grid, cache: { places, grid } };
}

/** dTheta[n] = Σ over places of dgrid (x, y, 1). */
export function affineGridBackward(dgrid: Tensor, { places, grid }: Cache): { dTheta: Tensor } {
  checkCotangent('affineGridBackward: dgrid', dgrid, grid);
  const [N = 0, OH = 0, OW = 0] = grid.shape;
  const moved = swapLeadingAxes(dgrid.view(N, OH * OW, 2)).view(OH * OW, 2 * N);
  return { dTheta: matmul(transposed(moved), places, { into: empty(grid.dtype, [N, 2, 3]) }) };
}

/** `affineGridForward` as an op. */
export const affineGrid = differentiable(affineGridForward, affineGridBackward, {
  outputs: ['grid'],
  gradients: ['dTheta'],
});

/** The rows of all maps below each other: (2 N, 3). */
function mapsOf(theta: Tensor): Tensor {
  const [N = 0, rows = 0, columns = 0] = theta.shape;
  dimensions('affineGrid', { theta: [theta, 'N', 'rows', 'columns'] });
  if (rows !== 2 || columns !== 3) {
    throw new ShapeError(
      `affineGrid: theta ${showShape(theta.shape)} must be (N, 2, 3), an affine map for each example`,
    );
  }
  return theta.view(2 * N, 3);
}
