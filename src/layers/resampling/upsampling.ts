/** Upsampling: an image in another size, by repeated pixels or between four of them. */
import { differentiable } from '../../autograd/differentiable.js';
import type { FloatDType } from '../../engine/blas.js';
import { ShapeError } from '../../errors.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { tensor } from '../../tensor/create.js';
import { checkCotangent, dimensions, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { type Extent2d, pair } from '../windows.js';
import type { GridOptions } from './grids.js';

/** The size that an image is brought to: smaller ones are welcome too. */
export type UpsampleOptions =
  | {
      /** [OH, OW]: rows and columns of the result. */
      readonly extent: readonly [rows: number, columns: number];
    }
  | {
      /** How many times as large the result is, a whole number for each direction. */
      readonly factor: Extent2d;
    };

interface NearestCache {
  /** (OH) and (OW), i32: where each row and column of y comes from. */
  rows: Tensor;
  columns: Tensor;
  shape: readonly [N: number, C: number, H: number, W: number];
}

/**
 * An image in another size by repeating pixels, or leaving some out:
 *
 *     y[n, c, r, q] = x[n, c, floor(r H / OH), floor(q W / OW)]
 *
 * x (N, C, H, W); y (N, C, OH, OW). As PyTorch's `interpolate` of mode `nearest` with a `size`.
 * @throws ValueError for an extent or factor that is none; ShapeError when x has other axes or no
 *   pixels.
 */
export function upsampleNearestForward(
  x: Tensor,
  options: UpsampleOptions,
): { y: Tensor; cache: NearestCache } {
  const { N, C, H, W } = dimensions('upsampleNearest', { x: [x, 'N', 'C', 'H', 'W'] });
  const [OH, OW] = outputExtent('upsampleNearest', [H, W], options);
  const [rows, columns] = [nearestSources(H, OH), nearestSources(W, OW)];
  const y = empty(x.dtype, [N, C, OH, OW]);
  kernelsFor(x).upsampleNearest(x, y, rows, columns, N * C, H, W, OH, OW);
  return { y, cache: { rows, columns, shape: [N, C, H, W] } };
}

/** dx of a pixel is the sum of dy over the places that it was copied to. */
export function upsampleNearestBackward(
  dy: Tensor,
  { rows, columns, shape: [N, C, H, W] }: NearestCache,
): { dx: Tensor } {
  const [OH, OW] = [rows.size, columns.size];
  checkCotangent('upsampleNearestBackward: dy', dy, { dtype: dy.dtype, shape: [N, C, OH, OW] });
  const dx = empty(dy.dtype, [N, C, H, W]);
  kernelsFor(dy).upsampleNearestBackward(dy, dx, rows, columns, N * C, H, W, OH, OW);
  return { dx };
}

/** `upsampleNearestForward` as an op. */
export const upsampleNearest = differentiable(upsampleNearestForward, upsampleNearestBackward, {
  outputs: ['y'],
  gradients: ['dx'],
});

function nearestSources(I: number, O: number): Tensor {
  const indices = Array.from({ length: O }, (_, o) => Math.floor((o * I) / O));
  return tensor(indices, { dtype: 'i32' });
}

/** For each row (or column) of the result, the one it lies behind, and the next one's share of it. */
interface Sources {
  /** i32 */
  readonly indices: Tensor;
  readonly shares: Tensor;
}

interface BilinearCache {
  rows: Sources;
  columns: Sources;
  shape: readonly [N: number, C: number, H: number, W: number];
}

/**
 * An image in another size, each place of it between four pixels:
 *
 *     y[n, c, r, q] = Σ over rows i, i + 1 and columns j, j + 1 of their shares times x[n, c]
 *
 * where row r lies at (r + 1/2) H / OH - 1/2, or with `alignCorners` at r (H - 1) / (OH - 1), i is that
 * rounded down, and the share of i + 1 what is left; places before the first pixel or behind the last
 * are that one.
 *
 * x (N, C, H, W); y (N, C, OH, OW). As PyTorch's `interpolate` of mode `bilinear` with a `size`: where
 * the result is smaller, pixels are left out, not averaged.
 * @throws ValueError for an extent or factor that is none; ShapeError when x has other axes or no
 *   pixels.
 */
export function upsampleBilinearForward(
  x: Tensor,
  options: UpsampleOptions & GridOptions,
): { y: Tensor; cache: BilinearCache } {
  const { N, C, H, W } = dimensions('upsampleBilinear', { x: [x, 'N', 'C', 'H', 'W'] });
  const [OH, OW] = outputExtent('upsampleBilinear', [H, W], options);
  const { alignCorners = false } = options;
  const rows = bilinearSources(H, OH, alignCorners, x.float);
  const columns = bilinearSources(W, OW, alignCorners, x.float);
  const y = empty(x.dtype, [N, C, OH, OW]);
  kernelsFor(x).upsampleBilinear(x, y, ...tables(rows, columns), N * C, H, W, OH, OW);
  return { y, cache: { rows, columns, shape: [N, C, H, W] } };
}

/** Every cotangent goes back to its four pixels by their shares. */
export function upsampleBilinearBackward(
  dy: Tensor,
  { rows, columns, shape: [N, C, H, W] }: BilinearCache,
): { dx: Tensor } {
  const [OH, OW] = [rows.indices.size, columns.indices.size];
  const { dtype } = rows.shares;
  checkCotangent('upsampleBilinearBackward: dy', dy, { dtype, shape: [N, C, OH, OW] });
  const dx = empty(dtype, [N, C, H, W]);
  kernelsFor(dy).upsampleBilinearBackward(dy, dx, ...tables(rows, columns), N * C, H, W, OH, OW);
  return { dx };
}

/** `upsampleBilinearForward` as an op. */
export const upsampleBilinear = differentiable(upsampleBilinearForward, upsampleBilinearBackward, {
  outputs: ['y'],
  gradients: ['dx'],
});

function bilinearSources(I: number, O: number, alignCorners: boolean, dtype: FloatDType): Sources {
  const positions = Array.from({ length: O }, (_, o) => {
    if (alignCorners) return O === 1 ? 0 : (o * (I - 1)) / (O - 1);
    return Math.min(Math.max(0, ((o + 0.5) * I) / O - 0.5), I - 1);
  });
  const indices = positions.map(Math.floor);
  const shares = positions.map((position, o) => position - (indices[o] ?? 0));
  return { indices: tensor(indices, { dtype: 'i32' }), shares: tensor(shares, { dtype }) };
}

function tables(rows: Sources, columns: Sources) {
  return [rows.indices, rows.shares, columns.indices, columns.shares] as const;
}

/**
 * [OH, OW] for an image (H, W).
 * @throws ValueError for an extent or factor that is none; ShapeError when the image has no pixels.
 */
function outputExtent(
  operation: string,
  [H, W]: readonly [number, number],
  options: UpsampleOptions,
): [OH: number, OW: number] {
  if (H * W === 0) {
    throw new ShapeError(`${operation}: an image of ${showShape([H, W])} has no pixels to read`);
  }
  if ('extent' in options) return pair(operation, 'extent', options.extent, 1);
  const [vertical, horizontal] = pair(operation, 'factor', options.factor, 1);
  return [H * vertical, W * horizontal];
}
