/** Max pooling: the largest value of every window of an image or a clip. */
import { differentiable } from '../../autograd/differentiable.js';
import { engine } from '../../engine/engine.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { checkCotangent } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import type { Windows3d } from '../windows.js';
import {
  type Pooling,
  type PoolOptions,
  type PoolOptions3d,
  poolingOf,
  poolingOf3d,
} from './pool-windows.js';

interface Cache extends Pooling {
  x: Tensor;
  y: Tensor;
}

/**
 * The largest value of every window: y[n, c, r, q] = max of x[n, c] under window (r, q).
 *
 * x (N, C, H, W); y (N, C, OH, OW). Padding never wins; NaN always does.
 * @throws ShapeError when no window fits; ValueError for bad options or a padding of more than
 *   half the kernel, where a window could lie wholly outside.
 */
export function maxPoolForward(x: Tensor, options: PoolOptions): { y: Tensor; cache: Cache } {
  return pooled(x, poolingOf('maxPool', x, options));
}

/** Each cotangent goes to where its maximum was found: of equal values, to the first. */
export function maxPoolBackward(dy: Tensor, { x, y, windows, planes }: Cache): { dx: Tensor } {
  checkCotangent('maxPoolBackward: dy', dy, y);
  const dx = empty(x.dtype, x.shape);
  kernelsFor(x).maxPoolBackward(x, y, dy, dx, planes, ...movement(windows));
  return { dx };
}

/**
 * How a change of x changes y: t of the shape of x, read where each maximum was found. Its own gradient is
 * `maxPoolBackward`, with the places as constants.
 */
export const maxPoolTangent = differentiable(
  (t: Tensor, cache: Cache): { out: Tensor; cache: Cache } => {
    const { x, y, windows, planes } = cache;
    const out = empty(x.dtype, y.shape);
    kernelsFor(x).maxPoolTangent(x, y, t, out, planes, ...movement(windows));
    return { out, cache };
  },
  maxPoolBackward,
  { outputs: ['out'], gradients: ['dx', null] },
);

/** `maxPoolForward` as an op. */
export const maxPool = differentiable(maxPoolForward, maxPoolBackward, {
  outputs: ['y'],
  gradients: ['dx'],
});

/**
 * The largest value of every window of clips: x (N, C, T, H, W); y (N, C, OT, OH, OW).
 * @throws as `maxPoolForward`.
 */
export function maxPool3dForward(x: Tensor, options: PoolOptions3d): { y: Tensor; cache: Cache } {
  return pooled(x, poolingOf3d('maxPool3d', x, options));
}

/** As `maxPoolBackward`: of equal values, the first is the one in the earliest frame. */
export const maxPool3dBackward = maxPoolBackward;

/** `maxPool3dForward` as an op. */
export const maxPool3d = differentiable(maxPool3dForward, maxPool3dBackward, {
  outputs: ['y'],
  gradients: ['dx'],
});

function pooled(x: Tensor, pooling: Pooling): { y: Tensor; cache: Cache } {
  const { windows, planes, shape } = pooling;
  const y = empty(x.dtype, shape);
  const kernels = kernelsFor(x);
  const { W, KW, SW, OW } = windows;
  const row = engine().allocate(kernels.maxPoolScratchBytes(W, KW, SW, OW));
  kernels.maxPool(x, y, row, planes, ...movement(windows));
  engine().free(row);
  return { y, cache: { x, y, ...pooling } };
}

/** The arguments of the kernels that say how the window moves. */
function movement(windows: Windows3d) {
  const { T, H, W, KT, KH, KW, ST, SH, SW, PT, PH, PW, OT, OH, OW } = windows;
  return [T, H, W, KT, KH, KW, ST, SH, SW, PT, PH, PW, OT, OH, OW] as const;
}
