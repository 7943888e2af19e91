/** Transposed convolution: the way of `conv3d` back, from maps to clips. */
import { differentiable } from '../../autograd/differentiable.js';
import { dimensions } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import {
  type ConvolutionGradients,
  checkTransposedFilters,
  type Operands,
  transposeBackward,
  transposeForward,
} from './convolve.js';
import { type TransposedWindowOptions3d, windowsOnto3d } from './transposed-windows.js';

/** How a transposed convolution moves over clips: the options of the convolution that it undoes the shape of. */
export interface TransposedConv3dOptions extends TransposedWindowOptions3d {
  /** As in `conv3d` (default 1). */
  readonly groups?: number;
}

/**
 * Transposed convolution: every value of x is laid down as a filter that it scales, and where these overlap
 * they add up:
 *
 *     y[n, f, t ST + k DT - PT, r SH + i DH - PH, q SW + j DW - PW] = b[f] + the sum of W[c, f, k, i, j] x[n, c, t, r, q]
 *
 * x (N, C, T, H, W), W (C, F / groups, KT, KH, KW), b (F); y (N, F, OT, OH, OW) with
 *
 *     O = (I - 1) S - P - P' + D (K - 1) + 1 + outputPadding
 *
 * It is `conv3d`'s dx as a forward pass: with the same options it brings y of a convolution back to the
 * shape of its x.
 * @throws ShapeError when shapes disagree or nothing is left of the result; ValueError for bad
 *   options, an output padding that is not below stride or dilation among them.
 */
export function transposedConv3dForward(
  x: Tensor,
  W: Tensor,
  b: Tensor,
  options: TransposedConv3dOptions = {},
): { y: Tensor; cache: Operands } {
  return transposeForward(operands(x, W, b, options), b);
}

/** dx is the convolution of dy with W; dW as that of `conv3d` with x and dy in each other's place. */
export function transposedConv3dBackward(dy: Tensor, cache: Operands): ConvolutionGradients {
  return transposeBackward('transposedConv3dBackward', dy, cache);
}

/** `transposedConv3dForward` as an op. */
export const transposedConv3d = differentiable(transposedConv3dForward, transposedConv3dBackward, {
  outputs: ['y'],
  gradients: ['dx', 'dW', 'db'],
});

/** The convolution whose maps are x and whose clips are y. */
function operands(x: Tensor, W: Tensor, b: Tensor, options: TransposedConv3dOptions): Operands {
  const { groups = 1 } = options;
  const { N, C, OT, OH, OW, F, perGroup, KT, KH, KW } = dimensions('transposedConv3d', {
    x: [x, 'N', 'C', 'OT', 'OH', 'OW'],
    W: [W, 'C', 'perGroup', 'KT', 'KH', 'KW'],
    b: [b, 'F'],
  });
  checkTransposedFilters('transposedConv3d', { x, W, b }, groups, perGroup);
  const windows = windowsOnto3d('transposedConv3d', [OT, OH, OW], [KT, KH, KW], options);
  return { x, W, convolution: { N, C: F, F: C, groups, windows } };
}
