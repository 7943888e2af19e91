import { ShapeError } from '../errors.js';
import { showShape } from '../tensor/shape.js';
import { type Extent2d, pair } from './windows.js';

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

/**
 * [OH, OW] for an image (H, W).
 * @throws ValueError for an extent or factor that is none; ShapeError when the image has no pixels.
 */
export function outputExtent(
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
