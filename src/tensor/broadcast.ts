/** numpy's broadcasting: two tensors laid over each other, and the sums that undo it. */
import type { HeapArray } from '../engine/heap.js';
import { DTypeError, ShapeError } from '../errors.js';
import { kernelsFor } from './arithmetic.js';
import { full } from './create.js';
import { elementCount, showShape } from './shape.js';
import { bytesOf, empty, type Tensor } from './tensor.js';

/** The kernel of each operation. */
const operations = {
  add: 'broadcastAdd',
  subtract: 'broadcastSubtract',
  multiply: 'broadcastMultiply',
  divide: 'broadcastDivide',
  maximum: 'broadcastMaximum',
  /** 1 where x > y, 1/2 where they are equal, else 0. */
  share: 'broadcastShare',
  /** x with the sign of y, 0 where y is 0. */
  bySign: 'broadcastBySign',
} as const;

/** An axis of the result: its extent, and how far x and y move along it, in elements; 0 for not at all. */
type Loop = readonly [extent: number, x: number, y: number];

/** Elements of a row where one alone is longer: threads share rows. */
const longRow = 4096;

/**
 * The shape of two tensors laid over each other by numpy's rule: shapes are aligned at their last axes,
 * missing axes count as 1, and an extent of 1 repeats to meet the other.
 * @throws ShapeError naming both when two extents differ and neither is 1.
 */
export function broadcastShape(
  operation: string,
  x: readonly number[],
  y: readonly number[],
): readonly number[] {
  const rank = Math.max(x.length, y.length);
  const [wideX, wideY] = [widened(x, rank), widened(y, rank)];
  return wideX.map((extent, axis) => {
    const other = wideY[axis] ?? 1;
    if (extent === other || other === 1) return extent;
    if (extent === 1) return other;
    throw new ShapeError(
      `${operation}: x ${showShape(x)} and y ${showShape(y)} cannot be broadcast: axis ${axis - rank} has ${extent} against ${other} entries, and neither is 1`,
    );
  });
}

/**
 * x and y, combined element by element under broadcasting: a new tensor.
 * @param name what the error calls it.
 * @throws ShapeError when the shapes cannot be broadcast, DTypeError when the element types differ.
 */
export function combined(
  operation: keyof typeof operations,
  x: Tensor,
  y: Tensor,
  name: string = operation,
): Tensor {
  if (x.float !== y.float) {
    throw new DTypeError(`${name}: x is ${x.dtype} but y is ${y.dtype}: use one element type`);
  }
  const z = empty(x.dtype, broadcastShape(name, x.shape, y.shape));
  combineInto(z, operation, x, y);
  return z;
}

/** x times a factor, repeated to a shape that it can be broadcast to. */
export function repeated(x: Tensor, shape: readonly number[], factor = 1): Tensor {
  const z = empty(x.dtype, shape);
  combineInto(z, 'multiply', x, full([], factor, x.dtype));
  return z;
}

/** As `combined`, into a tensor of the shape that x and y broadcast to. */
export function combineInto(
  z: Tensor,
  operation: keyof typeof operations,
  { pointer: x, heap, shape: shapeX }: Tensor,
  { pointer: y, shape: shapeY }: Tensor,
): void {
  if (z.size === 0) return;
  const size = bytesOf(z.dtype);
  const kernel = kernelsFor(z)[operations[operation]];
  const on = (start: number, moved: number): HeapArray => ({ pointer: start + moved * size, heap });
  const run = (loops: readonly Loop[], fromX: number, fromY: number, to: number): void => {
    const [first = none, ...inner] = loops;
    const [extent, moveX, moveY] = first;
    if (inner.length === 0 && extent > longRow) {
      const rows = Math.floor(extent / longRow);
      const whole = rows * longRow;
      const row: Loop = [longRow, moveX, moveY];
      run([[rows, moveX * longRow, moveY * longRow], row], fromX, fromY, to);
      const rest: Loop = [extent - whole, moveX, moveY];
      if (rest[0] > 0) run([rest], fromX + whole * moveX, fromY + whole * moveY, to + whole);
      return;
    }
    if (loops.length > 3) {
      const apart = elementCount(inner.map(([n]) => n));
      for (let i = 0; i < extent; i++) {
        run(inner, fromX + i * moveX, fromY + i * moveY, to + i * apart);
      }
      return;
    }
    const [n, stepX, stepY] = loops.at(-1) ?? none;
    const [B, xB, yB] = loops.length === 3 ? (loops[1] ?? none) : none;
    const [A, xA, yA] = loops.length > 1 ? first : none;
    const [px, py, pz] = [on(x, fromX), on(y, fromY), on(z.pointer, to)];
    kernel(px, xA, xB, stepX, py, yA, yB, stepY, pz, A, B, n);
  };
  run(loopsOver(z.shape, shapeX, shapeY), 0, 0, 0);
}

const none: Loop = [1, 0, 0];

/** The loops over a result, outermost first, as few as there can be. */
function loopsOver(
  shape: readonly number[],
  x: readonly number[],
  y: readonly number[],
): readonly Loop[] {
  const [movesX, movesY] = [moves(x, shape.length), moves(y, shape.length)];
  const loops: Loop[] = [];
  for (const [axis, extent] of shape.entries()) {
    if (extent === 1) continue;
    const [moveX, moveY] = [movesX[axis] ?? 0, movesY[axis] ?? 0];
    const [outer, outerX, outerY] = loops.at(-1) ?? none;
    // What moves on from row to row as within a row is one longer row.
    if (loops.length > 0 && outerX === moveX * extent && outerY === moveY * extent) {
      loops[loops.length - 1] = [outer * extent, moveX, moveY];
    } else {
      loops.push([extent, moveX, moveY]);
    }
  }
  return loops.length > 0 ? loops : [none];
}

/** How far apart neighbours along each axis lie, 0 where there is one only. */
function moves(shape: readonly number[], rank: number): number[] {
  let apart = 1;
  return widened(shape, rank)
    .reverse()
    .map((extent) => {
      const move = extent === 1 ? 0 : apart;
      apart *= extent;
      return move;
    })
    .reverse();
}

function widened(shape: readonly number[], rank: number): number[] {
  return [...Array<number>(rank - shape.length).fill(1), ...shape];
}

/**
 * x summed over some axes, which stay with extent 1. A sum of nothing is 0. Over no axis it is x itself.
 * @param over for every axis of x, whether it is summed over.
 */
export function sumAxes(x: Tensor, over: readonly boolean[]): Tensor {
  return reduceAxes('sumAxis', x, over, 0);
}

/**
 * The largest of x over some axes, which stay with extent 1; NaN where there is one, and minus infinity of nothing. Over
 * no axis it is x itself.
 * @param over for every axis of x, whether it is gone over.
 */
export function maxAxes(x: Tensor, over: readonly boolean[]): Tensor {
  return reduceAxes('maxAxis', x, over, Number.NEGATIVE_INFINITY);
}

function reduceAxes(
  kernel: 'sumAxis' | 'maxAxis',
  x: Tensor,
  over: readonly boolean[],
  ofNothing: number,
): Tensor {
  const shape = x.shape.map((extent, axis) => (over[axis] ? 1 : extent));
  if (x.size === 0) return empty(x.dtype, shape).fill(ofNothing);
  // Neighbours that are both gone over, or both kept, are one axis.
  const runs: { extent: number; reduced: boolean }[] = [];
  for (const [axis, extent] of x.shape.entries()) {
    if (extent === 1) continue;
    const [reduced, last] = [over[axis] ?? false, runs.at(-1)];
    if (last?.reduced === reduced) last.extent *= extent;
    else runs.push({ extent, reduced });
  }
  let result = x;
  for (let at = runs.length - 1; at >= 0; at--) {
    const { extent = 1, reduced } = runs[at] ?? {};
    if (!reduced) continue;
    const before = elementCount(runs.slice(0, at).map((run) => run.extent));
    const after = elementCount(runs.slice(at + 1).map((run) => run.extent));
    const next = empty(x.dtype, [before * after]);
    kernelsFor(x)[kernel](result, next, before, extent, after);
    if (result !== x) result.dispose();
    result = next;
    runs.splice(at, 1);
  }
  return result.view(...shape);
}

/**
 * The gradient of a tensor of `shape` that was broadcast: the cotangent summed over the axes along which
 * it was repeated. The cotangent itself where it was not.
 */
export function sumTo(cotangent: Tensor, shape: readonly number[]): Tensor {
  const wide = widened(shape, cotangent.shape.length);
  const over = cotangent.shape.map((extent, axis) => extent !== 1 && wide[axis] === 1);
  return sumAxes(cotangent, over).view(...shape);
}
