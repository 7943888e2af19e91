/** Transposed convolution: the way of `conv2d` back, from maps to images. */
import { differentiable } from '../../autograd/differentiable.js';
import { dimensions } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { overOneFrame } from '../windows.js';
import {
  type ConvolutionGradients,
  checkTransposedFilters,
  type Operands,
  transposeBackward,
  transposeForward,
} from './convolve.js';
import { type TransposedWindowOptions, windowsOnto } from './transposed-windows.js';

/** How a transposed convolution moves: the options of the convolution that it undoes the shape of. */
export interface TransposedConv2dOptions extends TransposedWindowOptions {
  /** As in `conv2d` (default 1). */
  readonly groups?: number;
}

/**
 * Transposed convolution (fractionally strided convolution): every value of x is laid down as a filter
 * that it scales, and where these overlap they add up:
 *
 *     y[n, f, r SH + i DH - PH, q SW + j DW - PW] = b[f] + the sum of W[c, f, i, j] x[n, c, r, q]
 *
 * x (N, C, H, W), W (C, F / groups, KH, KW), b (F); y (N, F, OH, OW) with
 *
 *     O = (I - 1) S - P - P' + D (K - 1) + 1 + outputPadding
 *
 * It is `conv2d`'s dx as a forward pass: with the same options it brings y of a convolution back to the
 * shape of its x. Source: Zeiler et al. 2010; Dumoulin and Visin 2016.
 * @throws ShapeError when shapes disagree or nothing is left of the result; ValueError for bad
 *   options, an output padding that is not below stride or dilation among them.
 */
export function transposedConv2dForward(
  x: Tensor,
  W: Tensor,
  b: Tensor,
  options: TransposedConv2dOptions = {},
): { y: Tensor; cache: Operands } {
  return transposeForward(operands(x, W, b, options), b);
}

/** dx is the convolution of dy with W; dW as that of `conv2d` with x and dy in each other's place. */
export function transposedConv2dBackward(dy: Tensor, cache: Operands): ConvolutionGradients {
  return transposeBackward('transposedConv2dBackward', dy, cache);
}

/** `transposedConv2dForward` as an op. */
export const transposedConv2d = differentiable(transposedConv2dForward, transposedConv2dBackward, {
  outputs: ['y'],
  gradients: ['dx', 'dW', 'db'],
});

/** The convolution whose maps are x and whose images are y. */
function operands(x: Tensor, W: Tensor, b: Tensor, options: TransposedConv2dOptions): Operands {
  const { groups = 1 } = options;
  const { N, C, OH, OW, F, perGroup, KH, KW } = dimensions('transposedConv2d', {
    x: [x, 'N', 'C', 'OH', 'OW'],
    W: [W, 'C', 'perGroup', 'KH', 'KW'],
    b: [b, 'F'],
  });
  checkTransposedFilters('transposedConv2d', { x, W, b }, groups, perGroup);
  const windows = overOneFrame(windowsOnto('transposedConv2d', [OH, OW], [KH, KW], options));
  return { x, W, convolution: { N, C: F, F: C, groups, windows } };
}
