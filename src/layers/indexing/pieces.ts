/** Pieces of a tensor along an axis, and tensors put together along one. */
import { differentiable } from '../../autograd/differentiable.js';
import { follow } from '../../autograd/tangents.js';
import { record } from '../../autograd/tape.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { axisOf } from '../../tensor/axes.js';
import { zeros } from '../../tensor/create.js';
import { checkCotangent, elementCount, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';

/** Entries `start` to `end`, exclusive, along an axis of a tensor. */
interface Range {
  readonly x: Tensor;
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Entries `start` to `end` (exclusive) along an axis, -1 being the last; to the end by default. A copy.
 * @throws ShapeError when x does not have the axis, or not these entries.
 */
export function sliceForward(
  x: Tensor,
  axis: number,
  start: number,
  end?: number,
): { out: Tensor; cache: Range } {
  const along = axisOf('slice', x.shape, axis);
  const extent = x.shape[along] ?? 0;
  const range = { x, axis: along, start, end: end ?? extent };
  const whole = Number.isInteger(start) && Number.isInteger(range.end);
  if (!whole || start < 0 || start > range.end || range.end > extent) {
    throw new ShapeError(
      `slice: axis ${along} of x ${showShape(x.shape)} has the entries 0:${extent}, not ${start}:${range.end}`,
    );
  }
  return { out: taken(range), cache: range };
}

/** dx = dout where it was taken from, and 0 elsewhere. */
export function sliceBackward(dout: Tensor, range: Range): { dx: Tensor } {
  const { x } = range;
  checkCotangent('sliceBackward: dout', dout, { dtype: x.dtype, shape: shapeOf(range) });
  const dx = zeros(x.shape, x.dtype);
  const { outer, row, width, offset } = blocksOf(range);
  kernelsFor(x).copyBlocks(dout, 0, width, dx, offset, row, outer, width);
  return { dx };
}

/** `sliceForward` as an op. */
export const slice = differentiable(sliceForward, sliceBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});

interface SplitCache {
  readonly x: Tensor;
  readonly axis: number;
  readonly parts: readonly Tensor[];
}

/**
 * All of x in pieces along an axis, one after the other: as many equal ones as a number says, or with the
 * extents of a list.
 * @throws ShapeError when x does not have the axis, when it does not fall into equal pieces, or the
 *   extents do not add up to its own.
 */
export function splitForward(
  x: Tensor,
  axis: number,
  pieces: number | readonly number[],
): { out: readonly Tensor[]; cache: SplitCache } {
  const along = axisOf('split', x.shape, axis);
  const extent = x.shape[along] ?? 0;
  const extents = typeof pieces === 'number' ? equal(extent, pieces) : pieces;
  const good = extents?.every((piece) => Number.isInteger(piece) && piece >= 0) ?? false;
  if (!extents || !good || extents.reduce((total, piece) => total + piece, 0) !== extent) {
    const into = typeof pieces === 'number' ? `${pieces} equal pieces` : showShape(pieces);
    throw new ShapeError(
      `split: axis ${along} of x ${showShape(x.shape)} has ${extent} entries, which do not fall into ${into}`,
    );
  }
  let start = 0;
  const out = extents.map((piece) => {
    const part = taken({ x, axis: along, start, end: start + piece });
    start += piece;
    return part;
  });
  return { out, cache: { x, axis: along, parts: out } };
}

/** dx = the cotangents of the pieces side by side. */
export function splitBackward(
  douts: readonly Tensor[],
  { x, axis, parts }: SplitCache,
): { dx: Tensor } {
  for (const [i, part] of parts.entries()) {
    const dout = douts[i];
    if (!dout) throw new ShapeError(`splitBackward: no cotangent for piece ${i}`);
    checkCotangent(`splitBackward: dout of piece ${i}`, dout, part);
  }
  return { dx: parts.length === 0 ? zeros(x.shape, x.dtype) : concatForward(douts, axis).out };
}

/** `splitForward` as an op, which returns the pieces. */
export function split(
  x: Tensor,
  axis: number,
  pieces: number | readonly number[],
): readonly Tensor[] {
  const { out, cache } = splitForward(x, axis, pieces);
  record({
    inputs: [x],
    outputs: out,
    backward: (douts) => [splitBackward(douts, cache).dx],
  });
  follow(split, 'split', [x, axis, pieces], [x], out);
  return out;
}

interface ConcatCache {
  parts: readonly Tensor[];
  axis: number;
  shape: readonly number[];
}

/**
 * Tensors side by side along an axis: all extents but that one agree, and that of the result is the sum
 * of theirs. Channels of (N, C, H, W) are axis 1, and -1 is the last one.
 * @throws ValueError for no tensors; ShapeError for an axis that they do not have; ShapeError, DTypeError
 *   when they differ elsewhere.
 */
export function concatForward(
  parts: readonly Tensor[],
  axis: number,
): { out: Tensor; cache: ConcatCache } {
  const [first] = parts;
  if (!first) throw new ValueError('concat: no tensors to put side by side: give one at least');
  const along = axisOf('concat', first.shape, axis);
  for (const part of parts) checkBeside(first, part, along);
  const together = parts.reduce((sum, part) => sum + (part.shape[along] ?? 0), 0);
  const shape = first.shape.map((extent, index) => (index === along ? together : extent));
  const out = empty(first.dtype, shape);
  const { outer, row } = rowsOf(shape, along);
  let offset = 0;
  for (const part of parts) {
    const width = rowsOf(part.shape, along).row;
    kernelsFor(out).copyBlocks(part, 0, width, out, offset, row, outer, width);
    offset += width;
  }
  return { out, cache: { parts, axis: along, shape } };
}

/** Each tensor gets the piece of the cotangent that lies where it lay. */
export function concatBackward(
  dout: Tensor,
  { parts, axis, shape }: ConcatCache,
): { dParts: readonly Tensor[] } {
  checkCotangent('concatBackward: dout', dout, { dtype: dout.dtype, shape });
  const { outer, row } = rowsOf(shape, axis);
  let offset = 0;
  const dParts = parts.map((part) => {
    const piece = empty(part.dtype, part.shape);
    const width = rowsOf(part.shape, axis).row;
    kernelsFor(piece).copyBlocks(dout, offset, row, piece, 0, width, outer, width);
    offset += width;
    return piece;
  });
  return { dParts };
}

/** `concatForward` as an op. */
export const concat = differentiable(concatForward, concatBackward, {
  outputs: ['out'],
  gradients: ['dParts'],
});

interface StackCache {
  readonly parts: readonly Tensor[];
  readonly beside: ConcatCache;
}

/**
 * Tensors of one shape along a new axis, which is axis `axis` of the result; -1 puts it last.
 * @throws ValueError for no tensors, ShapeError when their shapes differ or the result would have no such
 *   axis, DTypeError when their element types differ.
 */
export function stackForward(
  parts: readonly Tensor[],
  axis = 0,
): { out: Tensor; cache: StackCache } {
  const [first] = parts;
  if (!first) throw new ValueError('stack: no tensors to lay upon each other: give one at least');
  const { shape, dtype } = first;
  const along = axisOf('stack', [...shape, parts.length], axis);
  for (const part of parts) {
    if (showShape(part.shape) !== showShape(shape)) {
      throw new ShapeError(
        `stack: ${showShape(part.shape)} does not fit upon ${showShape(shape)}: all must have one shape`,
      );
    }
    if (part.dtype !== dtype) {
      throw new DTypeError(
        `stack: one tensor is ${dtype} and another ${part.dtype}: use one element type`,
      );
    }
  }
  const one = [...shape.slice(0, along), 1, ...shape.slice(along)];
  const { out, cache: beside } = concatForward(
    parts.map((part) => part.view(...one)),
    along,
  );
  return { out, cache: { parts, beside } };
}

/** Each tensor gets its own layer of the cotangent. */
export function stackBackward(
  dout: Tensor,
  { parts, beside }: StackCache,
): { dParts: readonly Tensor[] } {
  const { dParts } = concatBackward(dout, beside);
  return { dParts: dParts.map((piece, i) => piece.view(...(parts[i]?.shape ?? []))) };
}

/** `stackForward` as an op. */
export const stack = differentiable(stackForward, stackBackward, {
  outputs: ['out'],
  gradients: ['dParts'],
});

function equal(extent: number, pieces: number): number[] | undefined {
  const good = Number.isInteger(pieces) && pieces > 0 && extent % pieces === 0;
  return good ? Array<number>(pieces).fill(extent / pieces) : undefined;
}

function shapeOf({ x, axis, start, end }: Range): number[] {
  return x.shape.map((extent, at) => (at === axis ? end - start : extent));
}

function taken(range: Range): Tensor {
  const { x } = range;
  const out = empty(x.dtype, shapeOf(range));
  const { outer, row, width, offset } = blocksOf(range);
  kernelsFor(x).copyBlocks(x, offset, row, out, 0, width, outer, width);
  return out;
}

/** The entries of a range as a block in every row of a matrix: the axes before its own are the rows. */
function blocksOf({ x: { shape }, axis, start, end }: Range) {
  const each = elementCount(shape.slice(axis + 1));
  return { ...rowsOf(shape, axis), width: each * (end - start), offset: each * start };
}

/** A shape as a matrix: the axes before `axis` are rows. */
function rowsOf(shape: readonly number[], axis: number): { outer: number; row: number } {
  return {
    outer: elementCount(shape.slice(0, axis)),
    row: elementCount(shape.slice(axis)),
  };
}

function checkBeside(first: Tensor, part: Tensor, axis: number): void {
  const agrees = (extent: number, index: number) => index === axis || extent === first.shape[index];
  if (part.shape.length !== first.shape.length || !part.shape.every(agrees)) {
    throw new ShapeError(
      `concat: ${showShape(part.shape)} does not fit beside ${showShape(first.shape)}: they may differ in axis ${axis} only`,
    );
  }
  if (part.dtype !== first.dtype) {
    throw new DTypeError(
      `concat: one tensor is ${first.dtype} and another ${part.dtype}: use one element type`,
    );
  }
}
