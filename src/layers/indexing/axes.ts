/** The same elements under other axes. */
import { differentiable } from '../../autograd/differentiable.js';
import { ShapeError } from '../../errors.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { axesOf } from '../../tensor/axes.js';
import { checkCotangent, dimensions, elementCount, showShape } from '../../tensor/shape.js';
import { bytesOf, empty, type Tensor } from '../../tensor/tensor.js';

/** The same elements in another shape, without a copy. @throws ShapeError when the sizes differ. */
export function reshapeForward(
  x: Tensor,
  shape: readonly number[],
): { out: Tensor; cache: { shape: readonly number[] } } {
  return { out: x.view(...shape), cache: { shape: x.shape } };
}

/** The cotangent in the shape that x had. */
export function reshapeBackward(
  dout: Tensor,
  { shape }: { shape: readonly number[] },
): { dx: Tensor } {
  return { dx: dout.view(...shape) };
}

/** `reshapeForward` as an op: what to use instead of `view` inside a function to differentiate. */
export const reshape = differentiable(reshapeForward, reshapeBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});

/** Every example as one row, without a copy: x (N, ...), out (N, D). */
export function flattenForward(x: Tensor): { out: Tensor; cache: { shape: readonly number[] } } {
  const [N = 1, ...rest] = x.shape;
  return reshapeForward(x, [N, elementCount(rest)]);
}

/** The cotangent in the shape that x had. */
export const flattenBackward = reshapeBackward;

/** `flattenForward` as an op. */
export const flatten = differentiable(flattenForward, flattenBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});

interface TransposeCache {
  readonly out: Tensor;
  readonly axes: readonly number[];
}

/**
 * The axes in another order: axis i of the result is axis `axes[i]` of x; all of them reversed by default,
 * which transposes a matrix.
 * @throws ShapeError when `axes` does not name every axis of x, ValueError when it names one twice.
 */
export function transposeForward(
  x: Tensor,
  axes: readonly number[] = x.shape.map((_, axis) => axis).reverse(),
): { out: Tensor; cache: TransposeCache } {
  const order = axesOf('transpose', x.shape, axes);
  if (order.length !== x.shape.length) {
    throw new ShapeError(
      `transpose: ${showShape(axes)} must name each axis of x ${showShape(x.shape)} once`,
    );
  }
  const out = permuted(x, order);
  return { out, cache: { out, axes: order } };
}

/** The cotangent with its axes back where they were. */
export function transposeBackward(dout: Tensor, { out, axes }: TransposeCache): { dx: Tensor } {
  checkCotangent('transposeBackward: dout', dout, out);
  return {
    dx: permuted(
      dout,
      axes.map((_, axis) => axes.indexOf(axis)),
    ),
  };
}

/** `transposeForward` as an op. */
export const transpose = differentiable(transposeForward, transposeBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});

/** Maps (N, C, H, W) as places: out (N, H W, C), channels last. */
export function placesOfMaps(x: Tensor): Tensor {
  const { N, C, H, W } = dimensions('placesOfMaps', { x: [x, 'N', 'C', 'H', 'W'] });
  return transpose(reshape(x, [N, C, H * W]), [0, 2, 1]);
}

/** An axis of a copy: its extent, and how far apart neighbours along it lie in x and in y. */
interface Axis {
  readonly extent: number;
  readonly inX: number;
  readonly inY: number;
}

function permuted(x: Tensor, order: readonly number[]): Tensor {
  const y = empty(
    x.dtype,
    order.map((axis) => x.shape[axis] ?? 1),
  );
  if (y.size === 0) return y;
  const axes = axesOfCopy(x.shape, order);
  const last = axes.pop() ?? { extent: 1, inX: 1, inY: 1 };
  const size = bytesOf(x.dtype);
  const kernels = kernelsFor(x);
  const { heap } = x;
  const on = ({ pointer }: Tensor, moved: number) => ({ pointer: pointer + moved * size, heap });
  /** The two axes that the kernel goes over besides the last one, and those that remain. */
  const along = axes.findIndex(({ inX }) => inX === 1);
  const [inner] = last.inX === 1 ? [undefined] : axes.splice(along, 1);
  const outer = axes.pop() ?? { extent: 1, inX: 0, inY: 0 };
  const run = ([first, ...rest]: readonly Axis[], from: number, to: number): void => {
    if (first) {
      for (let i = 0; i < first.extent; i++) run(rest, from + i * first.inX, to + i * first.inY);
      return;
    }
    const [px, py] = [on(x, from), on(y, to)];
    const [A, n] = [outer.extent, last.extent];
    if (!inner) kernels.copyBlocks(px, 0, outer.inX, py, 0, outer.inY, A, n);
    else {
      const B = inner.extent;
      kernels.permute(px, outer.inX, last.inX, py, outer.inY, inner.inY, A, B, n);
    }
  };
  run(axes, 0, 0);
  return y;
}

/** The axes in the order of y; those that stay side by side are one. */
function axesOfCopy(shape: readonly number[], order: readonly number[]): Axis[] {
  const axes: Axis[] = [];
  for (const [at, axis] of order.entries()) {
    const extent = shape[axis] ?? 1;
    if (extent === 1) continue;
    const inX = elementCount(shape.slice(axis + 1));
    const inY = elementCount(order.slice(at + 1).map((later) => shape[later] ?? 1));
    const before = axes.at(-1);
    if (before?.inX === inX * extent) {
      axes[axes.length - 1] = { extent: before.extent * extent, inX, inY };
    } else {
      axes.push({ extent, inX, inY });
    }
  }
  return axes;
}
