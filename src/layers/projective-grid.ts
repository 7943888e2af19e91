import { differentiable } from '../autograd/differentiable.js';
import { ShapeError } from '../errors.js';
import { kernelsFor, matmul } from '../tensor/arithmetic.js';
import { tensor } from '../tensor/create.js';
import { checkCotangent, showShape } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import { type GridOptions, regularGrid, throughMaps, throughMapsBackward } from './regular-grid.js';

/** Entries of a plane projective map: 3 x 3 without the last, which is 1. */
const entries = 8;

interface Cache {
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
): { grid: Tensor; cache: Cache } {
  const [N = 0, columns] = theta.shape;
  if (theta.shape.length !== 2 || columns !== entries) {
    throw new ShapeError(
      `projectiveGrid: theta ${showShape(theta.shape)} must be (N, 8), a 3 x 3 map without its last entry for each example`,
    );
  }
  const places = regularGrid('projectiveGrid', extent, theta.float, options);
  const maps = matmul(theta, completion(theta, false), { into: empty(theta.dtype, [N, 3, 3]) });
  const last = tensor([...Array<number>(entries).fill(0), 1], { dtype: theta.dtype });
  kernelsFor(maps).addRow(maps, last, N, entries + 1);
  const moved = throughMaps(places, maps);
  const grid = empty(theta.dtype, [N, ...extent, 2]);
  kernelsFor(moved).perspective(moved, grid, grid.size / 2);
  return { grid, cache: { places, moved, grid } };
}

/** d(a, b) = dgrid / w, dw = -d(a, b) . grid, and from these dTheta as in `affineGridBackward`. */
export function projectiveGridBackward(
  dgrid: Tensor,
  { places, moved, grid }: Cache,
): { dTheta: Tensor } {
  checkCotangent('projectiveGridBackward: dgrid', dgrid, grid);
  const dMoved = empty(moved.dtype, moved.shape);
  kernelsFor(moved).perspectiveBackward(moved, grid, dgrid, dMoved, grid.size / 2);
  const dMaps = throughMapsBackward(dMoved, places);
  const [N = 0] = grid.shape;
  return { dTheta: matmul(dMaps.view(N, entries + 1), completion(grid, true)) };
}

/** `projectiveGridForward` as an op. */
export const projectiveGrid = differentiable(projectiveGridForward, projectiveGridBackward, {
  outputs: ['grid'],
  gradients: ['dTheta'],
});

/** A product with it puts a 0 behind 8 entries, (8, 9); reversed, (9, 8), it drops the ninth. */
function completion({ dtype }: Tensor, reversed: boolean): Tensor {
  const [rows, columns] = reversed ? [entries + 1, entries] : [entries, entries + 1];
  const values = Array.from({ length: rows * columns }, (_, i) =>
    Math.floor(i / columns) === i % columns ? 1 : 0,
  );
  return tensor(values, { shape: [rows, columns], dtype });
}
