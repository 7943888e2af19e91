/** Arithmetic of whole tensors: products, sums, copies. */
import type { FloatDType } from '../engine/blas.js';
import { engine, type FloatKernels } from '../engine/engine.js';
import { DTypeError, ShapeError } from '../errors.js';
import { elementCount, showShape } from './shape.js';
import { empty, type Tensor } from './tensor.js';

/** The kernels for a tensor's element type. @throws DTypeError for `i32` and `u8`. */
export function kernelsFor(tensor: Tensor): FloatKernels {
  return engine().kernels[tensor.float];
}

/** sum += x, in place. Shapes may differ as long as the sizes and element types agree. */
export function addInPlace(sum: Tensor, x: Tensor): void {
  if (sum.size !== x.size) {
    throw new ShapeError(`cannot add ${showShape(x.shape)} to ${showShape(sum.shape)}`);
  }
  sameDType('addInPlace', sum, x);
  kernelsFor(sum).axpby(1, x, 1, sum, x.size);
}

/** x + y, a new tensor of x's shape. */
export function sumOf(x: Tensor, y: Tensor): Tensor {
  if (x.size !== y.size) {
    throw new ShapeError(`cannot add ${showShape(y.shape)} to ${showShape(x.shape)}`);
  }
  sameDType('sumOf', x, y);
  const sum = empty(x.dtype, x.shape);
  kernelsFor(x).add(x, y, sum, x.size);
  return sum;
}

/** y = a x, a new tensor. */
export function scaled(x: Tensor, a: number): Tensor {
  const y = empty(x.dtype, x.shape);
  kernelsFor(x).axpby(a, x, 0, y, x.size);
  return y;
}

/** Copies the elements of `from` over those of `to`, of the same size and element type. */
export function copyInto(to: Tensor, from: Tensor): void {
  if (to.size !== from.size) {
    throw new ShapeError(`cannot copy ${showShape(from.shape)} over ${showShape(to.shape)}`);
  }
  sameDType('copyInto', to, from);
  kernelsFor(from).axpby(1, from, 0, to, from.size);
}

/** (A, B, ...) to (B, A, ...): batch-major to time-major and back. */
export function swapLeadingAxes(x: Tensor): Tensor {
  const [A = 1, B = 1, ...rest] = x.shape;
  const y = empty(x.dtype, [B, A, ...rest]);
  kernelsFor(x).swapAxes(x, y, A, B, elementCount(rest));
  return y;
}

/** Sums a matrix over its rows: (rows, n) to (n). The gradient of a bias. */
export function sumRows(x: Tensor): Tensor {
  const n = x.shape.at(-1) ?? 1;
  const y = empty(x.dtype, [n]);
  kernelsFor(x).sumRows(x, y, n === 0 ? 0 : x.size / n, n);
  return y;
}

/** The index of the largest value in each row, the first of equals: (rows, n) to (rows) i32. */
export function argmaxRows(x: Tensor): Tensor {
  const n = x.shape.at(-1) ?? 1;
  const rows = x.size / n;
  const y = empty('i32', [rows]);
  kernelsFor(x).argmaxRows(x, y, rows, n);
  return y;
}

/** A matrix, or anything whose leading axes are read as one: rows x columns, transposed or not. */
interface Factor {
  readonly tensor: Tensor;
  readonly transposed: boolean;
}

/** Reads a factor transposed: `matmul(dy, transposed(W))`. */
export function transposed(tensor: Tensor): Factor {
  return { tensor, transposed: true };
}

/**
 * The matrix product. Leading axes of a factor are read as rows: (N, T, D) is (N T, D).
 * Without `into` the result is a new (m, n) tensor; with it, `into` is overwritten, or added to
 * when `accumulate` is set.
 * @throws ShapeError when the inner extents differ, or `into` has another size.
 * @throws DTypeError when the element types of the factors and of `into` are not one.
 */
export function matmul(
  left: Tensor | Factor,
  right: Tensor | Factor,
  options: { into?: Tensor; accumulate?: boolean } = {},
): Tensor {
  const a = asFactor(left);
  const b = asFactor(right);
  const dtype = sameDType('matmul', a.tensor, b.tensor);
  const [m, k] = extents(a);
  const [inner, n] = extents(b);
  if (k !== inner) {
    throw new ShapeError(
      `matmul: ${describe(a)} has ${k} columns but ${describe(b)} has ${inner} rows`,
    );
  }
  const c = options.into ?? empty(dtype, [m, n]);
  sameDType('matmul', a.tensor, c);
  if (c.size !== m * n) {
    throw new ShapeError(
      `matmul: a product of ${m} x ${n} does not fit into ${showShape(c.shape)}`,
    );
  }
  engine().product(
    dtype,
    a.transposed,
    b.transposed,
    m,
    n,
    k,
    1,
    a.tensor,
    columns(a.tensor),
    b.tensor,
    columns(b.tensor),
    options.accumulate ? 1 : 0,
    c,
    n,
  );
  return c;
}

function asFactor(factor: Tensor | Factor): Factor {
  return 'tensor' in factor ? factor : { tensor: factor, transposed: false };
}

function sameDType(operation: string, a: Tensor, b: Tensor): FloatDType {
  if (a.float !== b.float) {
    throw new DTypeError(
      `${operation}: one tensor is ${a.dtype} and the other ${b.dtype}: use one element type`,
    );
  }
  return a.float;
}

function columns(tensor: Tensor): number {
  return tensor.shape.at(-1) ?? 1;
}

function extents({ tensor, transposed }: Factor): [rows: number, columns: number] {
  const n = columns(tensor);
  const rows = elementCount(tensor.shape.slice(0, -1));
  return transposed ? [n, rows] : [rows, n];
}

function describe({ tensor, transposed }: Factor): string {
  return `${showShape(tensor.shape)}${transposed ? ' transposed' : ''}`;
}
