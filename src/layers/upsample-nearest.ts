import { differentiable } from '../autograd/differentiable.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { tensor } from '../tensor/create.js';
import { checkCotangent, dimensions } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import { outputExtent, type UpsampleOptions } from './upsample-extent.js';

interface Cache {
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
): { y: Tensor; cache: Cache } {
  const { N, C, H, W } = dimensions('upsampleNearest', { x: [x, 'N', 'C', 'H', 'W'] });
  const [OH, OW] = outputExtent('upsampleNearest', [H, W], options);
  const [rows, columns] = [sources(H, OH), sources(W, OW)];
  const y = empty(x.dtype, [N, C, OH, OW]);
  kernelsFor(x).upsampleNearest(x, y, rows, columns, N * C, H, W, OH, OW);
  return { y, cache: { rows, columns, shape: [N, C, H, W] } };
}

/** dx of a pixel is the sum of dy over the places that it was copied to. */
export function upsampleNearestBackward(
  dy: Tensor,
  { rows, columns, shape: [N, C, H, W] }: Cache,
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

function sources(I: number, O: number): Tensor {
  const indices = Array.from({ length: O }, (_, o) => Math.floor((o * I) / O));
  return tensor(indices, { dtype: 'i32' });
}
