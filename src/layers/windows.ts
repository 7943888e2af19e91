import { ShapeError, ValueError } from '../errors.js';
import { showShape } from '../tensor/shape.js';

/** One number for both directions, or a vertical and a horizontal one. */
export type Extent2d = number | readonly [vertical: number, horizontal: number];

/** How a filter or a pooling window moves over an image. */
export interface WindowOptions {
  /** Steps between neighbouring windows (default 1). */
  readonly stride?: Extent2d;
  /** Rows and columns added on every side of the image (default 0). */
  readonly padding?: Extent2d;
}

/** Windows over an image (H, W), by direction: vertical first. OH x OW of them. */
export interface Windows {
  readonly H: number;
  readonly W: number;
  readonly KH: number;
  readonly KW: number;
  readonly SH: number;
  readonly SW: number;
  readonly PH: number;
  readonly PW: number;
  readonly OH: number;
  readonly OW: number;
}

/**
 * Where windows of a kernel fit into an image:
 *
 *     O = floor((I + 2 P - K) / S) + 1
 *
 * With `ceilMode` the quotient is rounded up, unless the last window would then start in the
 * padding after the image (PyTorch's rule).
 * @throws ValueError for a stride, kernel or padding that is none; ShapeError naming the image and
 *   the kernel when not a single window fits.
 */
export function windowsOver(
  operation: string,
  image: readonly [H: number, W: number],
  kernel: Extent2d,
  { stride = 1, padding = 0 }: WindowOptions,
  ceilMode = false,
): Windows {
  const [H, W] = image;
  const [KH, KW] = pair(operation, 'kernel', kernel, 1);
  const [SH, SW] = pair(operation, 'stride', stride, 1);
  const [PH, PW] = pair(operation, 'padding', padding, 0);
  if (H + 2 * PH < KH || W + 2 * PW < KW) {
    throw new ShapeError(
      `${operation}: a kernel of ${showShape([KH, KW])} does not fit into an image of ${showShape(image)} with padding ${showShape([PH, PW])}`,
    );
  }
  const OH = count(H, KH, SH, PH, ceilMode);
  const OW = count(W, KW, SW, PW, ceilMode);
  return { H, W, KH, KW, SH, SW, PH, PW, OH, OW };
}

function count(I: number, K: number, S: number, P: number, ceilMode: boolean): number {
  if (!ceilMode) return Math.floor((I + 2 * P - K) / S) + 1;
  const rounded = Math.ceil((I + 2 * P - K) / S) + 1;
  return (rounded - 1) * S >= I + P ? rounded - 1 : rounded;
}

function pair(operation: string, name: string, value: Extent2d, least: number): [number, number] {
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
