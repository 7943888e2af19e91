/**
 * Two tensors, or a tensor and a number, element by element. Shapes follow numpy's broadcasting; the
 * gradient of what was repeated is summed over the axes along which it was.
 */
import { differentiable } from '../../autograd/differentiable.js';
import { once } from '../../autograd/once.js';
import { ValueError } from '../../errors.js';
import { scaled } from '../../tensor/arithmetic.js';
import { combined, sumTo } from '../../tensor/broadcast.js';
import { full } from '../../tensor/create.js';
import { checkCotangent } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';

/** A tensor, or a number that stands for a tensor without axes. */
export type Operand = Tensor | number;

interface Cache {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly out: Tensor;
}
interface Output {
  readonly out: Tensor;
  readonly cache: Cache;
}
interface Gradients {
  readonly dx: Tensor;
  readonly dy: Tensor;
}
const names = { outputs: ['out'], gradients: ['dx', 'dy'] } as const;

/**
 * out = x + y, broadcast.
 * @throws ShapeError when the shapes cannot be broadcast, DTypeError when the element types differ or
 *   are not of floats, ValueError for two numbers.
 */
export function addForward(x: Operand, y: Operand): Output {
  return forward('add', x, y);
}

/** dx = dout, dy = dout, each summed over the axes along which it was repeated. */
export function addBackward(dout: Tensor, cache: Cache): Gradients {
  return backward(
    'add',
    dout,
    cache,
    () => sumTo(dout, cache.x.shape),
    () => sumTo(dout, cache.y.shape),
  );
}

/** `addForward` as an op. */
export const add = differentiable(addForward, addBackward, names);

/** out = x - y, broadcast. @throws as `addForward`. */
export function subtractForward(x: Operand, y: Operand): Output {
  return forward('subtract', x, y);
}

/** dx = dout, dy = -dout, each summed over the axes along which it was repeated. */
export function subtractBackward(dout: Tensor, cache: Cache): Gradients {
  return backward(
    'subtract',
    dout,
    cache,
    () => sumTo(dout, cache.x.shape),
    () => scaled(sumTo(dout, cache.y.shape), -1),
  );
}

/** `subtractForward` as an op. */
export const subtract = differentiable(subtractForward, subtractBackward, names);

/** out = x y, broadcast. @throws as `addForward`. */
export function multiplyForward(x: Operand, y: Operand): Output {
  return forward('multiply', x, y);
}

/** dx = dout y, dy = dout x, each summed over the axes along which it was repeated. */
export function multiplyBackward(dout: Tensor, cache: Cache): Gradients {
  const { x, y } = cache;
  return backward(
    'multiply',
    dout,
    cache,
    () => summed(combined('multiply', dout, y), x),
    () => summed(combined('multiply', dout, x), y),
  );
}

/** `multiplyForward` as an op. */
export const multiply = differentiable(multiplyForward, multiplyBackward, names);

/** out = x / y, broadcast; infinite or NaN where y is 0. @throws as `addForward`. */
export function divideForward(x: Operand, y: Operand): Output {
  return forward('divide', x, y);
}

/** dx = dout / y, dy = -dout out / y, each summed over the axes along which it was repeated. */
export function divideBackward(dout: Tensor, cache: Cache): Gradients {
  const { x, y, out } = cache;
  return backward(
    'divide',
    dout,
    cache,
    () => summed(combined('divide', dout, y), x),
    () => {
      // y is the same along the axes that are summed over: it divides the sum.
      const sum = summed(combined('multiply', dout, out), y);
      return scaled(combined('divide', sum, y), -1);
    },
  );
}

/** `divideForward` as an op. */
export const divide = differentiable(divideForward, divideBackward, names);

/** out = the larger of x and y, broadcast; NaN where one of them is. @throws as `addForward`. */
export function maximumForward(x: Operand, y: Operand): Output {
  return forward('maximum', x, y);
}

/**
 * dx = dout where x > y, half of it where they are equal, and 0 elsewhere; dy likewise. Each is summed
 * over the axes along which it was repeated.
 */
export function maximumBackward(dout: Tensor, cache: Cache): Gradients {
  const of = (one: Tensor, other: Tensor) => {
    const share = combined('share', one, other);
    const gradient = combined('multiply', dout, share);
    share.dispose();
    return summed(gradient, one);
  };
  const { x, y } = cache;
  return backward(
    'maximum',
    dout,
    cache,
    () => of(x, y),
    () => of(y, x),
  );
}

/** `maximumForward` as an op. */
export const maximum = differentiable(maximumForward, maximumBackward, names);

function forward(
  operation: 'add' | 'subtract' | 'multiply' | 'divide' | 'maximum',
  x: Operand,
  y: Operand,
): Output {
  const typed = [x, y].find((operand) => operand instanceof Tensor);
  if (!typed) {
    throw new ValueError(`${operation}: ${x} and ${y} are both numbers: one must be a tensor`);
  }
  const [a, b] = [asTensor(x, typed), asTensor(y, typed)];
  const out = combined(operation, a, b);
  return { out, cache: { x: a, y: b, out } };
}

/** A number in the element type of the tensor that it meets. */
function asTensor(operand: Operand, { float }: Tensor): Tensor {
  return operand instanceof Tensor ? operand : full([], operand, float);
}

/** Two gradients, neither of which is made before somebody asks for it. */
function backward(
  operation: string,
  dout: Tensor,
  { out }: Cache,
  makeDx: () => Tensor,
  makeDy: () => Tensor,
): Gradients {
  checkCotangent(`${operation}Backward: dout`, dout, out);
  const [dx, dy] = [once(makeDx), once(makeDy)];
  return {
    get dx() {
      return dx();
    },
    get dy() {
      return dy();
    },
  };
}

/** A gradient that nobody else holds, summed to the shape of what it belongs to. */
function summed(gradient: Tensor, { shape }: Tensor): Tensor {
  const sum = sumTo(gradient, shape);
  if (sum.storage !== gradient.storage) gradient.dispose();
  return sum;
}
