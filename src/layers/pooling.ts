/** Pooling: the largest value, or the mean, of every window of an image. */
import { differentiable } from '../autograd/differentiable.js';
import { engine } from '../engine/engine.js';
import { ShapeError, ValueError } from '../errors.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { checkCotangent, dimensions, showShape } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import {
  type Extent2d,
  pair,
  showPadding,
  type WindowOptions,
  type Windows,
  windowsOver,
} from './windows.js';

/** The window of a pooling layer. */
export interface PoolOptions extends Omit<WindowOptions, 'dilation'> {
  /** Extent of the window. */
  readonly kernel: Extent2d;
  /** Steps between neighbouring windows (default: the kernel, so that windows do not overlap). */
  readonly stride?: Extent2d;
  /** Keep a last window that reaches beyond the image (default: drop it). */
  readonly ceilMode?: boolean;
}

/** The window of an average pooling layer. */
export interface AveragePoolOptions extends PoolOptions {
  /** Whether padding counts as zeros (default), or the mean is over the image alone. */
  readonly countPadding?: boolean;
}

interface Cache {
  x: Tensor;
  windows: Windows;
}

interface AverageCache extends Cache {
  countPadding: boolean;
}

/**
 * The largest value of every window: y[n, c, r, q] = max of x[n, c] under window (r, q).
 *
 * x (N, C, H, W); y (N, C, OH, OW). Padding never wins; NaN always does.
 * @throws ShapeError when no window fits; ValueError for bad options or a padding of more than
 *   half the kernel, where a window could lie wholly outside.
 */
export function maxPoolForward(x: Tensor, options: PoolOptions): { y: Tensor; cache: Cache } {
  const { planes, windows, y } = prepare('maxPool', x, options);
  const kernels = kernelsFor(x);
  const { W, KW, SW, OW } = windows;
  const row = engine().allocate(kernels.maxPoolScratchBytes(W, KW, SW, OW));
  kernels.maxPool(x, y, row, planes, ...movement(windows));
  engine().free(row);
  return { y, cache: { x, windows } };
}

/** Each cotangent goes to where its maximum was found: of equal values, to the first. */
export function maxPoolBackward(dy: Tensor, { x, windows }: Cache): { dx: Tensor } {
  const dx = cotangentOfWindows('maxPoolBackward', dy, x, windows);
  kernelsFor(x).maxPoolBackward(x, dy, dx, planesOf(x), ...movement(windows));
  return { dx };
}

/** `maxPoolForward` as an op. */
export const maxPool = differentiable(maxPoolForward, maxPoolBackward, {
  outputs: ['y'],
  gradients: ['dx'],
});

/**
 * The mean of every window. Padding counts as zeros unless `countPadding` is false; what `ceilMode`
 * adds beyond it is never counted (PyTorch's rules).
 *
 * x (N, C, H, W); y (N, C, OH, OW).
 * @throws ShapeError, ValueError as `maxPoolForward`.
 */
export function averagePoolForward(
  x: Tensor,
  options: AveragePoolOptions,
): { y: Tensor; cache: AverageCache } {
  const { planes, windows, y } = prepare('averagePool', x, options);
  const { countPadding = true } = options;
  kernelsFor(x).averagePool(x, y, planes, ...movement(windows), ...counted(windows, countPadding));
  return { y, cache: { x, windows, countPadding } };
}

/** Each cotangent is spread evenly over its window. */
export function averagePoolBackward(
  dy: Tensor,
  { x, windows, countPadding }: AverageCache,
): { dx: Tensor } {
  const dx = cotangentOfWindows('averagePoolBackward', dy, x, windows);
  const count = counted(windows, countPadding);
  kernelsFor(x).averagePoolBackward(dy, dx, planesOf(x), ...movement(windows), ...count);
  return { dx };
}

/** `averagePoolForward` as an op. */
export const averagePool = differentiable(averagePoolForward, averagePoolBackward, {
  outputs: ['y'],
  gradients: ['dx'],
});

/**
 * The mean over the whole image: x (N, C, H, W); y (N, C).
 * @throws ShapeError when the image has no pixels.
 */
export function globalAveragePoolForward(x: Tensor): { y: Tensor; cache: { x: Tensor } } {
  const { N, C, H, W } = dimensions('globalAveragePool', { x: [x, 'N', 'C', 'H', 'W'] });
  if (H * W === 0) {
    throw new ShapeError(`globalAveragePool: an image of ${showShape([H, W])} has no mean`);
  }
  const y = empty(x.dtype, [N, C]);
  kernelsFor(x).meanPlanes(x, y, N * C, H * W);
  return { y, cache: { x } };
}

/** dx = dy / (H W) at every place. */
export function globalAveragePoolBackward(dy: Tensor, { x }: { x: Tensor }): { dx: Tensor } {
  checkCotangent('globalAveragePoolBackward: dy', dy, {
    dtype: x.dtype,
    shape: x.shape.slice(0, 2),
  });
  const dx = empty(x.dtype, x.shape);
  const planes = planesOf(x);
  kernelsFor(x).meanPlanesBackward(dy, dx, planes, planes === 0 ? 0 : x.size / planes);
  return { dx };
}

/** `globalAveragePoolForward` as an op. */
export const globalAveragePool = differentiable(
  globalAveragePoolForward,
  globalAveragePoolBackward,
  { outputs: ['y'], gradients: ['dx'] },
);

interface AdaptiveCache {
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
): { y: Tensor; cache: AdaptiveCache } {
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
  { shape: [N, C, H, W], extent: [OH, OW] }: AdaptiveCache,
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

function prepare(operation: string, x: Tensor, options: PoolOptions) {
  const { N, C, H, W } = dimensions(operation, { x: [x, 'N', 'C', 'H', 'W'] });
  if (H * W === 0) {
    throw new ShapeError(`${operation}: an image of ${showShape([H, W])} has no values`);
  }
  const { kernel, stride = kernel, padding = 0, ceilMode = false } = options;
  const windows = windowsOver(operation, [H, W], kernel, { stride, padding }, ceilMode);
  const { KH, KW, PH, PW, endPH, endPW, OH, OW } = windows;
  if (2 * Math.max(PH, endPH) > KH || 2 * Math.max(PW, endPW) > KW) {
    throw new ValueError(
      `${operation}: padding ${showPadding(windows)} is more than half the kernel ${showShape([KH, KW])}`,
    );
  }
  return { planes: N * C, windows, y: empty(x.dtype, [N, C, OH, OW]) };
}

/** Memory for dx, after a look at dy. */
function cotangentOfWindows(operation: string, dy: Tensor, x: Tensor, { OH, OW }: Windows): Tensor {
  const [N = 0, C = 0] = x.shape;
  checkCotangent(`${operation}: dy`, dy, { dtype: x.dtype, shape: [N, C, OH, OW] });
  return empty(x.dtype, x.shape);
}

function planesOf({ shape: [N = 0, C = 0] }: Tensor): number {
  return N * C;
}

/** The arguments of the kernels that say how the window moves. */
function movement({ H, W, KH, KW, SH, SW, PH, PW, OH, OW }: Windows) {
  return [H, W, KH, KW, SH, SW, PH, PW, OH, OW] as const;
}

/** The arguments of the kernels that say what a mean is over. */
function counted({ endPH, endPW }: Windows, countPadding: boolean) {
  return [endPH, endPW, Number(countPadding)] as const;
}
