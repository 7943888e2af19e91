/** Where the windows of a transposed convolution lie: over an image or a clip that is to be made. */
import { ShapeError, ValueError } from '../../errors.js';
import { showShape } from '../../tensor/shape.js';
import {
  type Extent2d,
  type Extent3d,
  type Movement,
  type Movement3d,
  movementOf,
  movementOf3d,
  pair,
  reach,
  showPadding,
  triple,
  type WindowOptions,
  type WindowOptions3d,
  type Windows,
  type Windows3d,
} from '../windows.js';

/** How the windows of a transposed convolution move: as those of the convolution that it undoes the shape of. */
export interface TransposedWindowOptions extends WindowOptions {
  /**
   * Rows added below and columns added to the right of the result (default 0): a convolution with a
   * stride makes one shape of several, and this says which of them comes back.
   */
  readonly outputPadding?: Extent2d;
}

/** The same over clips. */
export interface TransposedWindowOptions3d extends WindowOptions3d {
  /** Frames added after the result, rows below it and columns to its right (default 0). */
  readonly outputPadding?: Extent3d;
}

/**
 * Windows, one for each place of a map (OH, OW), and the image that they reach over:
 *
 *     I = (O - 1) S - P - P' + D (K - 1) + 1 + outputPadding
 *
 * @throws ValueError for bad options, an output padding that is not below stride or dilation among them;
 *   ShapeError when nothing is left of the image.
 */
export function windowsOnto(
  operation: string,
  map: readonly [OH: number, OW: number],
  kernel: Extent2d,
  options: TransposedWindowOptions,
): Windows {
  const [OH, OW] = map;
  const movement = movementOf(operation, kernel, options);
  const { KH, KW, SH, SW, PH, PW, endPH, endPW, DH, DW } = movement;
  const more = pair(operation, 'outputPadding', options.outputPadding ?? 0, 0);
  checkOutputPadding(operation, more, [SH, SW], [DH, DW]);
  const H = reachOnto(OH, KH, SH, PH, endPH, DH) + more[0];
  const W = reachOnto(OW, KW, SW, PW, endPW, DW) + more[1];
  const made = `a kernel of ${showShape([KH, KW])} makes of an image of ${showShape(map)}`;
  checkLeft(operation, [OH, OW, H, W], movement, made);
  return { H, W, ...movement, OH, OW };
}

/** `windowsOnto` for the maps (OT, OH, OW) of a clip. */
export function windowsOnto3d(
  operation: string,
  map: readonly [OT: number, OH: number, OW: number],
  kernel: Extent3d,
  options: TransposedWindowOptions3d,
): Windows3d {
  const [OT, OH, OW] = map;
  const movement = movementOf3d(operation, kernel, options);
  const { KT, KH, KW, ST, SH, SW, PT, PH, PW, endPT, endPH, endPW, DT, DH, DW } = movement;
  const more = triple(operation, 'outputPadding', options.outputPadding ?? 0, 0);
  checkOutputPadding(operation, more, [ST, SH, SW], [DT, DH, DW]);
  const T = reachOnto(OT, KT, ST, PT, endPT, DT) + more[0];
  const H = reachOnto(OH, KH, SH, PH, endPH, DH) + more[1];
  const W = reachOnto(OW, KW, SW, PW, endPW, DW) + more[2];
  const made = `a kernel of ${showShape([KT, KH, KW])} makes of a clip of ${showShape(map)}`;
  checkLeft(operation, [OT, OH, OW, T, H, W], movement, made);
  return { T, H, W, ...movement, OT, OH, OW };
}

/** Places from the first value of the first window to the last of the last, without the padding. */
function reachOnto(O: number, K: number, S: number, P: number, endP: number, D: number): number {
  return (O - 1) * S - P - endP + reach(K, D);
}

function checkOutputPadding(
  operation: string,
  more: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): void {
  if (more.every((extent, i) => extent < Math.max(stride[i] ?? 1, dilation[i] ?? 1))) return;
  throw new ValueError(
    `${operation}: outputPadding ${showShape(more)} must be below stride ${showShape(stride)} or dilation ${showShape(dilation)}`,
  );
}

function checkLeft(
  operation: string,
  extents: readonly number[],
  movement: Movement | Movement3d,
  made: string,
): void {
  if (extents.every((extent) => extent >= 1)) return;
  throw new ShapeError(
    `${operation}: padding ${showPadding(movement)} leaves nothing of what ${made}`,
  );
}
