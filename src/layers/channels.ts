/** Checks of the axis of channels, for convolutions and normalisations. */
import { ShapeError, ValueError } from '../errors.js';
import { dimensions, elementCount, showShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

/**
 * The extents of x (N, C, ...) with the trailing axes read as planes of S values, and a check that the
 * others have one value for each channel.
 * @throws ShapeError, DTypeError when they disagree.
 */
export function channelExtents(
  operation: string,
  x: Tensor,
  perChannel: Readonly<Record<string, Tensor>>,
): { N: number; C: number; S: number } {
  const [batch = 0, channels = 0, ...plane] = x.shape;
  if (x.shape.length < 2) {
    throw new ShapeError(`${operation}: x ${showShape(x.shape)} must have the axes (N, C, ...)`);
  }
  const rules = Object.fromEntries(
    Object.entries(perChannel).map(([name, tensor]) => [name, [tensor, 'C'] as const]),
  );
  const { N, C, S } = dimensions(operation, {
    x: [x.view(batch, channels, elementCount(plane)), 'N', 'C', 'S'],
    ...rules,
  });
  return { N, C, S };
}

/**
 * Checks that `groups` parts both channel counts.
 * @throws ValueError when it is no count; ShapeError when it does not divide one of them.
 */
export function checkGroups(
  operation: string,
  groups: number,
  channels: Readonly<Record<string, number>>,
): void {
  if (!Number.isSafeInteger(groups) || groups < 1) {
    throw new ValueError(`${operation}: groups must be an integer from 1 on, not ${groups}`);
  }
  for (const [name, count] of Object.entries(channels)) {
    if (count % groups === 0) continue;
    throw new ShapeError(
      `${operation}: ${count} ${name} cannot be parted into ${groups} equal groups: take a divisor`,
    );
  }
}
