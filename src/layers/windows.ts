/** How a window moves over an image or a clip: for convolution, pooling and resampling. */
import { ShapeError, ValueError } from '../errors.js';
import { showShape } from '../tensor/shape.js';

/** One number for both directions, or a vertical and a horizontal one. */
export type Extent2d = number | readonly [vertical: number, horizontal: number];

/** One number for all directions, or one in time, a vertical and a horizontal one. */
export type Extent3d = number | readonly [time: number, vertical: number, horizontal: number];

/** Rows and columns around an image, side by side; a side left out is 0. */
interface Sides2d {
  readonly top?: number;
  readonly bottom?: number;
  readonly left?: number;
  readonly right?: number;
}

/** The same around a clip: frames before it and after it, too. */
interface Sides3d extends Sides2d {
  readonly before?: number;
  readonly after?: number;
}

/** Rows and columns around an image, side by side where the sides differ. */
export type Padding2d = Extent2d | Sides2d;

/** Frames, rows and columns around a clip, side by side where the sides differ. */
export type Padding3d = Extent3d | Sides3d;

/** How a filter or a pooling window moves over an image. */
export interface WindowOptions {
  /** Steps between neighbouring windows (default 1). */
  readonly stride?: Extent2d;
  /** Rows and columns added around the image (default 0). */
  readonly padding?: Padding2d;
  /** Steps between neighbouring values of one window: 2 leaves every other out (default 1). */
  readonly dilation?: Extent2d;
}

/** How a filter or a pooling window moves over a clip, in time and over its frames. */
export interface WindowOptions3d {
  /** Steps between neighbouring windows (default 1). */
  readonly stride?: Extent3d;
  /** Frames, rows and columns added around the clip (default 0). */
  readonly padding?: Padding3d;
  /** Steps between neighbouring values of one window: 2 leaves every other out (default 1). */
  readonly dilation?: Extent3d;
}

/** Windows over an image (H, W), by direction: vertical first. OH x OW of them. */
export interface Windows {
  readonly H: number;
  readonly W: number;
  readonly KH: number;
  readonly KW: number;
  readonly SH: number;
  readonly SW: number;
  /** Padding above the image and to its left. */
  readonly PH: number;
  readonly PW: number;
  /** Padding below the image and to its right. */
  readonly endPH: number;
  readonly endPW: number;
  readonly DH: number;
  readonly DW: number;
  readonly OH: number;
  readonly OW: number;
}

/** Windows over a clip (T, H, W): those over its frames, and how they move in time. OT x OH x OW of them. */
export interface Windows3d extends Windows {
  readonly T: number;
  readonly KT: number;
  readonly ST: number;
  /** Padding before the clip, in frames. */
  readonly PT: number;
  /** Padding after the clip. */
  readonly endPT: number;
  readonly DT: number;
  readonly OT: number;
}

/** The extents of a window and of its moves, as `Windows` has them: all but those of the image. */
export type Movement = Omit<Windows, 'H' | 'W' | 'OH' | 'OW'>;

/** The same of `Windows3d`. */
export type Movement3d = Omit<Windows3d, 'T' | 'H' | 'W' | 'OT' | 'OH' | 'OW'>;

/**
 * Where windows of a kernel fit into an image:
 *
 *     O = floor((I + P + P' - D (K - 1) - 1) / S) + 1
 *
 * with P before the image and P' after it. With `ceilMode` the quotient is rounded up, unless the last
 * window would then start in the padding after the image (PyTorch's rule).
 * @throws ValueError for a stride, kernel, padding or dilation that is none; ShapeError naming the
 *   image and the kernel when not a single window fits.
 */
export function windowsOver(
  operation: string,
  image: readonly [H: number, W: number],
  kernel: Extent2d,
  options: WindowOptions,
  ceilMode = false,
): Windows {
  const [H, W] = image;
  const movement = movementOf(operation, kernel, options);
  const { KH, KW, SH, SW, PH, PW, endPH, endPW, DH, DW } = movement;
  const OH = count(H, KH, SH, PH, endPH, DH, ceilMode);
  const OW = count(W, KW, SW, PW, endPW, DW, ceilMode);
  if (OH * OW === 0) {
    const reached = [reach(KH, DH), reach(KW, DW)];
    throw noneFits(operation, [KH, KW], reached, `an image of ${showShape(image)}`, movement);
  }
  return { H, W, ...movement, OH, OW };
}

/** `windowsOver` for a clip: in time windows are counted as they are down and across. */
export function windowsOver3d(
  operation: string,
  clip: readonly [T: number, H: number, W: number],
  kernel: Extent3d,
  options: WindowOptions3d,
  ceilMode = false,
): Windows3d {
  const [T, H, W] = clip;
  const movement = movementOf3d(operation, kernel, options);
  const { KT, KH, KW, ST, SH, SW, PT, PH, PW, endPT, endPH, endPW, DT, DH, DW } = movement;
  const OT = count(T, KT, ST, PT, endPT, DT, ceilMode);
  const OH = count(H, KH, SH, PH, endPH, DH, ceilMode);
  const OW = count(W, KW, SW, PW, endPW, DW, ceilMode);
  if (OT * OH * OW === 0) {
    const reached = [reach(KT, DT), reach(KH, DH), reach(KW, DW)];
    throw noneFits(operation, [KT, KH, KW], reached, `a clip of ${showShape(clip)}`, movement);
  }
  return { T, H, W, ...movement, OT, OH, OW };
}

/** The windows over an image as those over a clip of one frame. */
export function overOneFrame(windows: Windows): Windows3d {
  // In this order: V8 makes an object that begins with a spread and goes on in 40 microseconds.
  return { T: 1, KT: 1, ST: 1, PT: 0, endPT: 0, DT: 1, OT: 1, ...windows };
}

/** Kernel and options, checked, with a number for each direction. @throws ValueError */
export function movementOf(
  operation: string,
  kernel: Extent2d,
  { stride = 1, padding = 0, dilation = 1 }: WindowOptions,
): Movement {
  const [KH, KW] = pair(operation, 'kernel', kernel, 1);
  const [SH, SW] = pair(operation, 'stride', stride, 1);
  const [DH, DW] = pair(operation, 'dilation', dilation, 1);
  const [before, after] = sides(padding);
  const [PH, PW] = pair(operation, 'padding', before, 0);
  const [endPH, endPW] = pair(operation, 'padding', after, 0);
  return { KH, KW, SH, SW, PH, PW, endPH, endPW, DH, DW };
}

/** `movementOf` over a clip. @throws ValueError */
export function movementOf3d(
  operation: string,
  kernel: Extent3d,
  { stride = 1, padding = 0, dilation = 1 }: WindowOptions3d,
): Movement3d {
  const [KT, KH, KW] = triple(operation, 'kernel', kernel, 1);
  const [ST, SH, SW] = triple(operation, 'stride', stride, 1);
  const [DT, DH, DW] = triple(operation, 'dilation', dilation, 1);
  const [before, after] = sides3d(padding);
  const [PT, PH, PW] = triple(operation, 'padding', before, 0);
  const [endPT, endPH, endPW] = triple(operation, 'padding', after, 0);
  return { KT, KH, KW, ST, SH, SW, PT, PH, PW, endPT, endPH, endPW, DT, DH, DW };
}

/** Places from the first value of a window to the last, both included. */
export function reach(K: number, D: number): number {
  return D * (K - 1) + 1;
}

/** A checked pair of integers from `least` on. @throws ValueError naming the operation and `name`. */
export function pair(
  operation: string,
  name: string,
  value: Extent2d,
  least: number,
): [number, number] {
  const [vertical, horizontal] = typeof value === 'number' ? [value, value] : value;
  checkExtents(operation, name, [vertical, horizontal], least, 'a pair');
  return [vertical, horizontal];
}

/** A checked triple of integers from `least` on. @throws ValueError naming the operation and `name`. */
export function triple(
  operation: string,
  name: string,
  value: Extent3d,
  least: number,
): [number, number, number] {
  const [time, vertical, horizontal] = typeof value === 'number' ? [value, value, value] : value;
  checkExtents(operation, name, [time, vertical, horizontal], least, 'a triple');
  return [time, vertical, horizontal];
}

/** `(1, 1)`, or `(top 1, bottom 0, left 1, right 0)` where the sides differ; of a clip, time comes first. */
export function showPadding(movement: Movement | Movement3d): string {
  const { PH, PW, endPH, endPW } = movement;
  const [start, end] = [
    [PH, PW],
    [endPH, endPW],
  ];
  let sides = `top ${PH}, bottom ${endPH}, left ${PW}, right ${endPW}`;
  if ('PT' in movement) {
    start.unshift(movement.PT);
    end.unshift(movement.endPT);
    sides = `before ${movement.PT}, after ${movement.endPT}, ${sides}`;
  }
  return start.every((extent, i) => extent === end[i]) ? showShape(start) : `(${sides})`;
}

/** How many windows fit along one direction; 0 where none does. */
function count(
  I: number,
  K: number,
  S: number,
  P: number,
  endP: number,
  D: number,
  ceilMode: boolean,
): number {
  const room = I + P + endP - reach(K, D);
  if (room < 0) return 0;
  if (!ceilMode) return Math.floor(room / S) + 1;
  const rounded = Math.ceil(room / S) + 1;
  return (rounded - 1) * S >= I + P ? rounded - 1 : rounded;
}

function noneFits(
  operation: string,
  kernel: readonly number[],
  reached: readonly number[],
  into: string,
  movement: Movement | Movement3d,
): ShapeError {
  const dilated = reached.some((extent, i) => extent !== kernel[i]);
  return new ShapeError(
    `${operation}: a kernel of ${showShape(kernel)}${dilated ? ` that reaches over ${showShape(reached)}` : ''} does not fit into ${into} with padding ${showPadding(movement)}`,
  );
}

function checkExtents(
  operation: string,
  name: string,
  extents: readonly number[],
  least: number,
  several: string,
): void {
  for (const extent of extents) {
    if (Number.isSafeInteger(extent) && extent >= least) continue;
    throw new ValueError(
      `${operation}: ${name} must be an integer from ${least} on (or ${several} of them), not ${extent}`,
    );
  }
}

function sides(padding: Padding2d): [before: Extent2d, after: Extent2d] {
  if (typeof padding === 'number' || 'length' in padding) return [padding, padding];
  const { top = 0, bottom = 0, left = 0, right = 0 } = padding;
  return [
    [top, left],
    [bottom, right],
  ];
}

function sides3d(padding: Padding3d): [before: Extent3d, after: Extent3d] {
  if (typeof padding === 'number' || 'length' in padding) return [padding, padding];
  const { before = 0, after = 0, top = 0, bottom = 0, left = 0, right = 0 } = padding;
  return [
    [before, top, left],
    [after, bottom, right],
  ];
}
