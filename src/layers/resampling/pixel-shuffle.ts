/** Pixel shuffle: channels as the pixels of a larger image, and back. */
import { differentiable } from '../../autograd/differentiable.js';
import { ShapeError } from '../../errors.js';
import { dimensions, showShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { transposeForward } from '../indexing/axes.js';
import { type Extent2d, pair } from '../windows.js';

/** Pixels that a place becomes, down and across. */
interface Cache {
  readonly factor: readonly [RH: number, RW: number];
}

/**
 * Channels become pixels: every place a block of RH x RW of them, `factor` down and across.
 *
 *     y[n, c, r RH + i, q RW + j] = x[n, (c RH + i) RW + j, r, q]
 *
 * x (N, C RH RW, H, W); y (N, C, H RH, W RW). Source: Shi et al. 2016.
 * @throws ShapeError when the channels do not make whole blocks; ValueError for a factor that is none.
 */
export function pixelShuffleForward(x: Tensor, factor: Extent2d): { y: Tensor; cache: Cache } {
  const { N, C, H, W } = dimensions('pixelShuffle', { x: [x, 'N', 'C', 'H', 'W'] });
  const [RH, RW] = pair('pixelShuffle', 'factor', factor, 1);
  const blocks = C / (RH * RW);
  if (!Number.isInteger(blocks)) {
    throw new ShapeError(
      `pixelShuffle: ${C} channels of x ${showShape(x.shape)} do not make whole blocks of ${RH} x ${RW} pixels: take a multiple of ${RH * RW}`,
    );
  }
  const { out } = transposeForward(x.view(N, blocks, RH, RW, H, W), [0, 1, 4, 2, 5, 3]);
  return { y: out.view(N, blocks, H * RH, W * RW), cache: { factor: [RH, RW] } };
}

/** dx = the pixels of dy as channels again. */
export function pixelShuffleBackward(dy: Tensor, { factor }: Cache): { dx: Tensor } {
  return { dx: pixelUnshuffleForward(dy, factor).y };
}

/** `pixelShuffleForward` as an op. */
export const pixelShuffle = differentiable(pixelShuffleForward, pixelShuffleBackward, {
  outputs: ['y'],
  gradients: ['dx'],
});

/**
 * The inverse: every block of RH x RW pixels becomes one place with as many more channels.
 *
 *     y[n, (c RH + i) RW + j, r, q] = x[n, c, r RH + i, q RW + j]
 *
 * x (N, C, H RH, W RW); y (N, C RH RW, H, W).
 * @throws ShapeError when the image does not fall into whole blocks; ValueError for a factor that is none.
 */
export function pixelUnshuffleForward(x: Tensor, factor: Extent2d): { y: Tensor; cache: Cache } {
  const { N, C, H, W } = dimensions('pixelUnshuffle', { x: [x, 'N', 'C', 'H', 'W'] });
  const [RH, RW] = pair('pixelUnshuffle', 'factor', factor, 1);
  const [rows, columns] = [H / RH, W / RW];
  if (!Number.isInteger(rows) || !Number.isInteger(columns)) {
    throw new ShapeError(
      `pixelUnshuffle: x ${showShape(x.shape)} does not fall into blocks of ${RH} x ${RW} pixels`,
    );
  }
  const { out } = transposeForward(x.view(N, C, rows, RH, columns, RW), [0, 1, 3, 5, 2, 4]);
  return { y: out.view(N, C * RH * RW, rows, columns), cache: { factor: [RH, RW] } };
}

/** dx = the channels of dy as pixels again. */
export function pixelUnshuffleBackward(dy: Tensor, { factor }: Cache): { dx: Tensor } {
  return { dx: pixelShuffleForward(dy, factor).y };
}

/** `pixelUnshuffleForward` as an op. */
export const pixelUnshuffle = differentiable(pixelUnshuffleForward, pixelUnshuffleBackward, {
  outputs: ['y'],
  gradients: ['dx'],
});
