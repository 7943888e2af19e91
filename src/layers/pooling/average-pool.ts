/** Average pooling: the mean of every window, of a grid of windows, or of all, in an image or a clip. */
import { differentiable } from '../../autograd/differentiable.js';
import { engine } from '../../engine/engine.js';
import { ShapeError } from '../../errors.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { tensor } from '../../tensor/create.js';
import { checkCotangent, dimensions, elementCount, showShape } from '../../tensor/shape.js';
import { type DType, empty, type Tensor } from '../../tensor/tensor.js';
import { type Extent2d, type Extent3d, pair, triple } from '../windows.js';
import {
  checkExtent,
  type Pooling,
  type PoolOptions,
  type PoolOptions3d,
  poolingOf,
  poolingOf3d,
} from './pool-windows.js';

/** The window of an average pooling layer. */
export interface AveragePoolOptions extends PoolOptions {
  /** Whether padding counts as zeros (default), or the mean is over the image alone. */
  readonly countPadding?: boolean;
}

/** The window of an average pooling layer over clips. */
export interface AveragePoolOptions3d extends PoolOptions3d {
  /** Whether padding counts as zeros (default), or the mean is over the clip alone. */
  readonly countPadding?: boolean;
}

/** A window along one axis: where it begins and ends (exclusive), and how many places count. */
type Stretch = readonly [begin: number, end: number, count: number];

/** Means over all combinations of windows along each axis. */
interface Cache {
  readonly dtype: DType;
  /** Of x. */
  readonly from: readonly number[];
  /** Of y. */
  readonly to: readonly number[];
  /** i32: the stretches of the frames, of the rows and of the columns. */
  readonly windows: Tensor;
  /** N C, T, H, W, OT, OH, OW. */
  readonly extents: readonly [number, number, number, number, number, number, number];
}

/**
 * The mean of every window. Padding counts as zeros unless `countPadding` is false; what `ceilMode`
 * adds beyond it is never counted (PyTorch's rules).
 *
 * x (N, C, H, W); y (N, C, OH, OW).
 * @throws ShapeError when no window fits; ValueError for bad options or a padding of more than
 *   half the kernel, where a window could lie wholly outside.
 */
export function averagePoolForward(
  x: Tensor,
  options: AveragePoolOptions,
): { y: Tensor; cache: Cache } {
  return moving(x, poolingOf('averagePool', x, options), options.countPadding);
}

/** Each cotangent is spread evenly over its window. */
export function averagePoolBackward(
  dy: Tensor,
  { dtype, from, to, windows, extents }: Cache,
): { dx: Tensor } {
  checkCotangent('averagePoolBackward: dy', dy, { dtype, shape: to });
  const dx = empty(dtype, from);
  const kernels = kernelsFor(dx);
  const row = engine().allocate(kernels.averagePoolScratchBytes(extents[3]));
  kernels.averagePoolBackward(dy, dx, windows, row, ...extents);
  engine().free(row);
  return { dx };
}

/** `averagePoolForward` as an op. */
export const averagePool = differentiable(averagePoolForward, averagePoolBackward, {
  outputs: ['y'],
  gradients: ['dx'],
});

/**
 * The mean of every window of clips: x (N, C, T, H, W); y (N, C, OT, OH, OW). Padding as in
 * `averagePoolForward`. @throws as `averagePoolForward`.
 */
export function averagePool3dForward(
  x: Tensor,
  options: AveragePoolOptions3d,
): { y: Tensor; cache: Cache } {
  return moving(x, poolingOf3d('averagePool3d', x, options), options.countPadding);
}

/** As `averagePoolBackward`. */
export const averagePool3dBackward = averagePoolBackward;

/** `averagePool3dForward` as an op. */
export const averagePool3d = differentiable(averagePool3dForward, averagePool3dBackward, {
  outputs: ['y'],
  gradients: ['dx'],
});

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
  checkExtent('adaptiveAveragePool', 'an image', [H, W]);
  return averaged(x, [N, C, OH, OW], [even(1, 1), even(H, OH), even(W, OW)]);
}

/** As `averagePoolBackward`. */
export const adaptiveAveragePoolBackward = averagePoolBackward;

/** `adaptiveAveragePoolForward` as an op. */
export const adaptiveAveragePool = differentiable(
  adaptiveAveragePoolForward,
  adaptiveAveragePoolBackward,
  { outputs: ['y'], gradients: ['dx'] },
);

/**
 * The means of a clip over a grid of OT x OH x OW windows, in time as `adaptiveAveragePoolForward` has
 * them over images: x (N, C, T, H, W), extent [OT, OH, OW]; y (N, C, OT, OH, OW).
 * @throws ValueError for an extent that is none; ShapeError when the clip has no pixels.
 */
export function adaptiveAveragePool3dForward(
  x: Tensor,
  extent: Extent3d,
): { y: Tensor; cache: Cache } {
  const { N, C, T, H, W } = dimensions('adaptiveAveragePool3d', {
    x: [x, 'N', 'C', 'T', 'H', 'W'],
  });
  const [OT, OH, OW] = triple('adaptiveAveragePool3d', 'extent', extent, 1);
  checkExtent('adaptiveAveragePool3d', 'a clip', [T, H, W]);
  return averaged(x, [N, C, OT, OH, OW], [even(T, OT), even(H, OH), even(W, OW)]);
}

/** As `averagePoolBackward`. */
export const adaptiveAveragePool3dBackward = averagePoolBackward;

/** `adaptiveAveragePool3dForward` as an op. */
export const adaptiveAveragePool3d = differentiable(
  adaptiveAveragePool3dForward,
  adaptiveAveragePool3dBackward,
  { outputs: ['y'], gradients: ['dx'] },
);

interface GlobalCache {
  x: Tensor;
  y: Tensor;
}

/**
 * The mean over the whole image or clip: x (N, C, H, W) or (N, C, T, H, W); y (N, C).
 * @throws ShapeError for other axes, and when x has no pixels.
 */
export function globalAveragePoolForward(x: Tensor): { y: Tensor; cache: GlobalCache } {
  const [N = 0, C = 0, ...extent] = x.shape;
  if (extent.length < 2 || extent.length > 3) {
    throw new ShapeError(
      `globalAveragePool: x ${showShape(x.shape)} must have the axes (N, C, H, W) or (N, C, T, H, W)`,
    );
  }
  checkExtent('globalAveragePool', extent.length === 2 ? 'an image' : 'a clip', extent);
  const y = empty(x.dtype, [N, C]);
  kernelsFor(x).meanPlanes(x, y, N * C, elementCount(extent));
  return { y, cache: { x, y } };
}

/** dx = dy / (H W), or dy / (T H W), at every place. */
export function globalAveragePoolBackward(dy: Tensor, { x, y }: GlobalCache): { dx: Tensor } {
  checkCotangent('globalAveragePoolBackward: dy', dy, y);
  const dx = empty(x.dtype, x.shape);
  kernelsFor(x).meanPlanesBackward(dy, dx, y.size, elementCount(x.shape.slice(2)));
  return { dx };
}

/** `globalAveragePoolForward` as an op. */
export const globalAveragePool = differentiable(
  globalAveragePoolForward,
  globalAveragePoolBackward,
  { outputs: ['y'], gradients: ['dx'] },
);

/** Means over windows that move. */
function moving(x: Tensor, { windows, shape }: Pooling, countPadding = true) {
  const { T, H, W, KT, KH, KW, ST, SH, SW, PT, PH, PW, endPT, endPH, endPW, OT, OH, OW } = windows;
  const along = (O: number, I: number, K: number, S: number, P: number, endP: number): Stretch[] =>
    Array.from({ length: O }, (_, o) => {
      const start = o * S - P;
      const [begin, end] = [Math.max(start, 0), Math.min(start + K, I)];
      return [begin, end, countPadding ? Math.min(start + K, I + endP) - start : end - begin];
    });
  return averaged(x, shape, [
    along(OT, T, KT, ST, PT, endPT),
    along(OH, H, KH, SH, PH, endPH),
    along(OW, W, KW, SW, PW, endPW),
  ]);
}

/** O windows over I places, as even as they can be. */
function even(I: number, O: number): Stretch[] {
  return Array.from({ length: O }, (_, o) => {
    const [begin, end] = [Math.floor((o * I) / O), Math.ceil(((o + 1) * I) / O)];
    return [begin, end, end - begin];
  });
}

/** The means of x over windows along the last three axes; an image is a clip of one frame. */
function averaged(
  x: Tensor,
  to: readonly number[],
  stretches: readonly [frames: Stretch[], rows: Stretch[], columns: Stretch[]],
): { y: Tensor; cache: Cache } {
  const [N = 0, C = 0, ...extent] = x.shape;
  const [W = 1, H = 1, T = 1] = extent.reverse();
  const [OT, OH, OW] = stretches.map((along) => along.length) as [number, number, number];
  const extents = [N * C, T, H, W, OT, OH, OW] as const;
  const table = stretches.flat(2);
  const windows = tensor(table, { shape: [table.length], dtype: 'i32' });
  const y = empty(x.dtype, to);
  const kernels = kernelsFor(x);
  const row = engine().allocate(kernels.averagePoolScratchBytes(W));
  kernels.averagePool(x, y, windows, row, ...extents);
  engine().free(row);
  return { y, cache: { dtype: x.dtype, from: x.shape, to, windows, extents } };
}
