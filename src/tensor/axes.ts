/** Axes of a shape, named by number: from 0 on, or from -1 back. */
import { ShapeError, ValueError } from '../errors.js';
import { showShape } from './shape.js';

/**
 * The number of an axis from 0 on; -1 is the last one.
 * @throws ShapeError naming the shape when it has no such axis.
 */
export function axisOf(operation: string, shape: readonly number[], axis: number): number {
  const rank = shape.length;
  if (Number.isInteger(axis) && axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  throw new ShapeError(`${operation}: ${showShape(shape)} has no axis ${axis}`);
}

/** The numbers of several axes from 0 on. @throws ShapeError as `axisOf`, ValueError when one occurs twice. */
export function axesOf(
  operation: string,
  shape: readonly number[],
  axes: readonly number[],
): number[] {
  const found = axes.map((axis) => axisOf(operation, shape, axis));
  const twice = found.find((axis, at) => found.indexOf(axis) !== at);
  if (twice === undefined) return found;
  throw new ValueError(`${operation}: the axes ${showShape(axes)} name axis ${twice} twice`);
}
