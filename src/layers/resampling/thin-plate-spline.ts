/** The grid of a thin-plate spline: the smoothest map that moves control points to given places. */
import { differentiable } from '../../autograd/differentiable.js';
import type { FloatDType } from '../../engine/blas.js';
import { ShapeError } from '../../errors.js';
import { matmul, swapLeadingAxes, transposed } from '../../tensor/arithmetic.js';
import { tensor } from '../../tensor/create.js';
import { checkCotangent, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { type GridOptions, inverse, regularPlaces } from './grids.js';

interface Cache {
  /** (P, K): how much of each control point every output place takes. */
  weights: Tensor;
  points: Tensor;
  grid: Tensor;
}

/**
 * The smoothest map that sends the regular KH x KW control points of an output of `extent` [OH, OW]
 * to `points`:
 *
 *     grid(p) = a (1, p) + Σ_k w_k U(|p - c_k|),   U(r) = r² log r²,   Σ_k w_k = Σ_k w_k c_k = 0
 *
 * points (N, KH, KW, 2), x before y: where in the input each control point c_k lies; the c_k
 * themselves go evenly from -1 to 1 in rows and columns, so that points equal to them are the identity
 * (`controlPoints`). grid (N, OH, OW, 2) with the conventions of `affineGrid`. The weights are linear
 * in the points: grid[n] = M points[n], with one M for all examples.
 * Source: Bookstein 1989; Jaderberg et al. 2015, section 3.2 (a 16-point spline).
 * @throws ShapeError when there are fewer than 2 x 2 points; ValueError for a bad extent.
 */
export function thinPlateSplineGridForward(
  points: Tensor,
  extent: readonly [number, number],
  options: GridOptions = {},
): { grid: Tensor; cache: Cache } {
  const [N = 0, KH = 0, KW = 0, XY] = points.shape;
  if (points.shape.length !== 4 || KH < 2 || KW < 2 || XY !== 2) {
    throw new ShapeError(
      `thinPlateSplineGrid: points ${showShape(points.shape)} must be (N, KH, KW, 2), x and y of 2 x 2 control points or more`,
    );
  }
  const places = regularPlaces('thinPlateSplineGrid', extent, options);
  const weights = splineWeights(places, controls(KH, KW), points.float);
  const byPoint = swapLeadingAxes(points.view(N, KH * KW, 2)).view(KH * KW, N * 2);
  const moved = empty(points.dtype, [places.length, N, 2]);
  matmul(weights, byPoint, { into: moved });
  const grid = swapLeadingAxes(moved).view(N, ...extent, 2);
  return { grid, cache: { weights, points, grid } };
}

/** dPoints[n] = Mᵀ dgrid[n]. */
export function thinPlateSplineGridBackward(
  dgrid: Tensor,
  { weights, points, grid }: Cache,
): { dPoints: Tensor } {
  checkCotangent('thinPlateSplineGridBackward: dgrid', dgrid, grid);
  const [N = 0] = grid.shape;
  const [P = 0, K = 0] = weights.shape;
  const byPlace = swapLeadingAxes(dgrid.view(N, P, 2)).view(P, N * 2);
  const byPoint = empty(grid.dtype, [K, N, 2]);
  matmul(transposed(weights), byPlace, { into: byPoint });
  return { dPoints: swapLeadingAxes(byPoint).view(...points.shape) };
}

/** `thinPlateSplineGridForward` as an op. */
export const thinPlateSplineGrid = differentiable(
  thinPlateSplineGridForward,
  thinPlateSplineGridBackward,
  { outputs: ['grid'], gradients: ['dPoints'] },
);

/** The KH x KW control points where they are without any warp: (N, KH, KW, 2), all examples alike. */
export function controlPoints(
  [N, KH, KW]: readonly [number, number, number],
  dtype: FloatDType = 'f32',
): Tensor {
  const one = controls(KH, KW).flat();
  return tensor(Array<number[]>(N).fill(one).flat(), { shape: [N, KH, KW, 2], dtype });
}

function controls(KH: number, KW: number): [x: number, y: number][] {
  return regularPlaces('thinPlateSplineGrid', [KH, KW], { alignCorners: true });
}

/**
 * M = [U(|p - c|), 1, p] L⁻¹ without its last three columns, where L = ([U(|c - c|), 1, c], [1, c]ᵀ 0)
 * states the conditions on w and a. In float64: L is ill-conditioned with many points.
 */
function splineWeights(
  places: readonly [number, number][],
  controls: readonly [number, number][],
  dtype: FloatDType,
): Tensor {
  const K = controls.length;
  const conditions = bendingRows(controls, controls);
  const affine = [0, 1, 2].map((i) => [...conditions.map((row) => row[K + i] ?? 0), 0, 0, 0]);
  const solution = inverse([...conditions.map((row) => [...row]), ...affine]);
  const rows = new Float64Array(places.length * (K + 3));
  for (const [i, row] of bendingRows(places, controls).entries()) rows.set(row, i * (K + 3));
  const weights = matmul(
    tensor(rows, { shape: [places.length, K + 3], dtype: 'f64' }),
    tensor(
      solution.map((row) => row.slice(0, K)),
      { dtype: 'f64' },
    ),
  );
  return dtype === 'f64' ? weights : tensor(weights.dataSync(), { shape: weights.shape, dtype });
}

/** [U(|p - c|) for all controls c, 1, p] for each place p. */
function bendingRows(
  places: readonly [number, number][],
  controls: readonly [number, number][],
): Float64Array[] {
  const K = controls.length;
  return places.map(([x, y]) => {
    const row = new Float64Array(K + 3);
    for (const [k, [cx, cy]] of controls.entries()) row[k] = bending((x - cx) ** 2 + (y - cy) ** 2);
    row.set([1, x, y], K);
    return row;
  });
}

/** U of the squared distance. */
function bending(squared: number): number {
  return squared === 0 ? 0 : squared * Math.log(squared);
}
