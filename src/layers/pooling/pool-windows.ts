/** The windows of a pooling layer, over an image or a clip. */
import { ShapeError, ValueError } from '../../errors.js';
import { dimensions, showShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import {
  type Extent2d,
  type Extent3d,
  overOneFrame,
  showPadding,
  type WindowOptions,
  type WindowOptions3d,
  type Windows3d,
  windowsOver,
  windowsOver3d,
} from '../windows.js';

/** The window of a pooling layer. */
export interface PoolOptions extends Omit<WindowOptions, 'dilation'> {
  /** Extent of the window. */
  readonly kernel: Extent2d;
  /** Steps between neighbouring windows (default: the kernel, so that windows do not overlap). */
  readonly stride?: Extent2d;
  /** Keep a last window that reaches beyond the image (default: drop it). */
  readonly ceilMode?: boolean;
}

/** The window of a pooling layer over clips. */
export interface PoolOptions3d extends Omit<WindowOptions3d, 'dilation'> {
  /** Extent of the window, in time and over each frame. */
  readonly kernel: Extent3d;
  /** Steps between neighbouring windows (default: the kernel, so that windows do not overlap). */
  readonly stride?: Extent3d;
  /** Keep a last window that reaches beyond the clip (default: drop it). */
  readonly ceilMode?: boolean;
}

/** The windows of a pooling layer, as over a clip, and the shape of what it makes. */
export interface Pooling {
  readonly windows: Windows3d;
  /** N C. */
  readonly planes: number;
  readonly shape: readonly number[];
}

/**
 * Windows over images x (N, C, H, W).
 * @throws ShapeError when no window fits; ValueError for bad options or a padding of more than half the
 *   kernel, where a window could lie wholly outside.
 */
export function poolingOf(operation: string, x: Tensor, options: PoolOptions): Pooling {
  const { N, C, H, W } = dimensions(operation, { x: [x, 'N', 'C', 'H', 'W'] });
  checkExtent(operation, 'an image', [H, W]);
  const { kernel, stride = kernel, padding = 0, ceilMode = false } = options;
  const windows = windowsOver(operation, [H, W], kernel, { stride, padding }, ceilMode);
  const { KH, KW, PH, PW, endPH, endPW, OH, OW } = windows;
  if (2 * Math.max(PH, endPH) > KH || 2 * Math.max(PW, endPW) > KW) {
    throw tooMuchPadding(operation, showPadding(windows), [KH, KW]);
  }
  return { windows: overOneFrame(windows), planes: N * C, shape: [N, C, OH, OW] };
}

/** Windows over clips x (N, C, T, H, W). @throws as `poolingOf`. */
export function poolingOf3d(operation: string, x: Tensor, options: PoolOptions3d): Pooling {
  const { N, C, T, H, W } = dimensions(operation, { x: [x, 'N', 'C', 'T', 'H', 'W'] });
  checkExtent(operation, 'a clip', [T, H, W]);
  const { kernel, stride = kernel, padding = 0, ceilMode = false } = options;
  const windows = windowsOver3d(operation, [T, H, W], kernel, { stride, padding }, ceilMode);
  const { KT, KH, KW, PT, PH, PW, endPT, endPH, endPW, OT, OH, OW } = windows;
  const [time, rows, columns] = [Math.max(PT, endPT), Math.max(PH, endPH), Math.max(PW, endPW)];
  if (2 * time > KT || 2 * rows > KH || 2 * columns > KW) {
    throw tooMuchPadding(operation, showPadding(windows), [KT, KH, KW]);
  }
  return { windows, planes: N * C, shape: [N, C, OT, OH, OW] };
}

/** @throws ShapeError when there is nothing to pool: of no values there is neither maximum nor mean. */
export function checkExtent(operation: string, what: string, extent: readonly number[]): void {
  if (extent.includes(0)) {
    throw new ShapeError(`${operation}: ${what} of ${showShape(extent)} has no values`);
  }
}

function tooMuchPadding(operation: string, padding: string, kernel: readonly number[]) {
  return new ValueError(
    `${operation}: padding ${padding} is more than half the kernel ${showShape(kernel)}`,
  );
}
