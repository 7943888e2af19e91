/** How a window moves over an image: for convolution, pooling and resampling. */
import { ShapeError, ValueError } from '../errors.js';
import { showShape } from '../tensor/shape.js';

/** One number for both directions, or a vertical and a horizontal one. */
export type Extent2d = number | readonly [vertical: number, horizontal: number];

/** Rows and columns around an image, side by side where the sides differ; a side left out is 0. */
export type Padding2d =
  | Extent2d
  | {
      readonly top?: number;
      readonly bottom?: number;
      readonly left?: number;
      readonly right?: number;
    };

/** How a filter or a pooling window moves over an image. */
export interface WindowOptions {
  /** Steps between neighbouring windows (default 1). */
  readonly stride?: Extent2d;
  /** Rows and columns added around the image (default 0). */
  readonly padding?: Padding2d;
  /** Steps between neighbouring values of one window: 2 leaves every other out (default 1). */
  readonly dilation?: Extent2d;
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

/** The extents of a window and of its moves, as `Windows` has them: all but those of the image. */
export type Movement = Omit<Windows, 'H' | 'W' | 'OH' | 'OW'>;

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
  const [RH, RW] = [reach(KH, DH), reach(KW, DW)];
  if (H + PH + endPH < RH || W + PW + endPW < RW) {
    throw new ShapeError(
      `${operation}: a kernel of ${showShape([KH, KW])}${RH === KH && RW === KW ? '' : ` that reaches over ${showShape([RH, RW])}`} does not fit into an image of ${showShape(image)} with padding ${showPadding(movement)}`,
    );
  }
  const OH = count(H, RH, SH, PH, endPH, ceilMode);
  const OW = count(W, RW, SW, PW, endPW, ceilMode);
  return { H, W, ...movement, OH, OW };
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

/** Rows or columns from the first value of a window to the last, both included. */
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
  for (const extent of [vertical, horizontal]) {
    if (!Number.isSafeInteger(extent) || extent < least) {
      throw new ValueError(
        `${operation}: ${name} must be an integer from ${least} on (or a pair of them), not ${extent}`,
      );
    }
  }
  return [vertical, horizontal];
}

/** `(1, 1)`, or `(top 1, bottom 0, left 1, right 0)` where the sides differ. */
export function showPadding({ PH, PW, endPH, endPW }: Movement): string {
  if (PH === endPH && PW === endPW) return showShape([PH, PW]);
  return `(top ${PH}, bottom ${endPH}, left ${PW}, right ${endPW})`;
}

function count(I: number, R: number, S: number, P: number, endP: number, ceilMode: boolean) {
  const steps = (I + P + endP - R) / S;
  if (!ceilMode) return Math.floor(steps) + 1;
  const rounded = Math.ceil(steps) + 1;
  return (rounded - 1) * S >= I + P ? rounded - 1 : rounded;
}

function sides(padding: Padding2d): [before: Extent2d, after: Extent2d] {
  if (typeof padding === 'number' || 'length' in padding) return [padding, padding];
  const { top = 0, bottom = 0, left = 0, right = 0 } = padding;
  return [
    [top, left],
    [bottom, right],
  ];
}
