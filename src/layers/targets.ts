import { ShapeError, ValueError } from '../errors.js';
import { dimensions, elementCount, showShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

/**
 * Checks that every value of x has a target in y, and that there are any.
 * @throws ShapeError, DTypeError, ValueError naming both.
 */
export function checkTargets(operation: string, x: Tensor, y: Tensor): void {
  if (showShape(x.shape) !== showShape(y.shape)) {
    throw new ShapeError(
      `${operation}: x ${showShape(x.shape)} and y ${showShape(y.shape)} differ in shape`,
    );
  }
  const count = elementCount(x.shape);
  dimensions(operation, { x: [x.view(count), 'count'], y: [y.view(count), 'count'] });
  if (count === 0) {
    throw new ValueError(`${operation}: x ${showShape(x.shape)} has no values, so no mean`);
  }
}
