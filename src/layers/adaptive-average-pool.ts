import { differentiable } from '../autograd/differentiable.js';
import { ShapeError } from '../errors.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { checkCotangent, dimensions, showShape } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import { type Extent2d, pair } from './windows.js';

interface Cache {
  /** (N, C, H, W) */
  shape: readonly [number, number, number, number];
  /** [OH, OW] */
  extent: readonly [number, number];
}

/**
 * The means of an image over a grid of OH x OW windows, whatever its size:
 *
 *     y[n, c, r, q] = mean of x[n, c] over the rows floor(r H / OH) ... ceil((r + 1) H / OH) - 1
 *                     and such columns
 *
 * x (N, C, H, W), extent [OH, OW]; y (N, C, OH, OW). Windows overlap where OH does not divide H.
 * @throws ValueError for an extent that is none; ShapeError when the image has no pixels.
 */
export function adaptiveAveragePoolForward(
  x: Tensor,
  extent: Extent2d,
): { y: Tensor; cache: Cache } {
  const { N, C, H, W } = dimensions('adaptiveAveragePool', { x: [x, 'N', 'C', 'H', 'W'] });
  const [OH, OW] = pair('adaptiveAveragePool', 'extent', extent, 1);
  if (H * W === 0) {
    throw new ShapeError(`adaptiveAveragePool: an image of ${showShape([H, W])} has no mean`);
  }
  const y = empty(x.dtype, [N, C, OH, OW]);
  kernelsFor(x).adaptiveAveragePool(x, y, N * C, H, W, OH, OW);
  return { y, cache: { shape: [N, C, H, W], extent: [OH, OW] } };
}

/** Each cotangent is spread evenly over its window. */
export function adaptiveAveragePoolBackward(
  dy: Tensor,
  { shape: [N, C, H, W], extent: [OH, OW] }: Cache,
): { dx: Tensor } {
  const shape = [N, C, OH, OW];
  checkCotangent('adaptiveAveragePoolBackward: dy', dy, { dtype: dy.dtype, shape });
  const dx = empty(dy.dtype, [N, C, H, W]);
  kernelsFor(dy).adaptiveAveragePoolBackward(dy, dx, N * C, H, W, OH, OW);
  return { dx };
}

/** `adaptiveAveragePoolForward` as an op. */
export const adaptiveAveragePool = differentiable(
  adaptiveAveragePoolForward,
  adaptiveAveragePoolBackward,
  { outputs: ['y'], gradients: ['dx'] },
);
