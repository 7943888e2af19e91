import { differentiable } from '../autograd/differentiable.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { axisOf } from '../tensor/axes.js';
import { checkCotangent, elementCount, showShape } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

interface Cache {
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
): { out: Tensor; cache: Cache } {
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
  { parts, axis, shape }: Cache,
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
