/** Three-dimensional convolution, from clips to maps. */
import { differentiable } from '../../autograd/differentiable.js';
import { dimensions } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type WindowOptions3d, windowsOver3d } from '../windows.js';
import {
  type ConvolutionCache,
  type ConvolutionGradients,
  type ConvolutionOptions,
  checkFilters,
  convolveBackward,
  convolveForward,
  type Operands,
} from './convolve.js';

/** How a convolution moves over clips, and what follows it. */
export interface Conv3dOptions extends WindowOptions3d, ConvolutionOptions {}

/**
 * Three-dimensional convolution: `conv2d` with a direction more, time.
 *
 *     y[n, f, t, r, q] = b[f] + Σ c,k,i,j  W[f, c, k, i, j] x[n, c, t ST + k DT - PT, r SH + i DH - PH, q SW + j DW - PW]
 *
 * x (N, C, T, H, W), W (F, C / groups, KT, KH, KW), b (F); y (N, F, OT, OH, OW) with OT, OH and OW as
 * `windowsOver` counts them. Outside the clip x counts as 0. Of several groups, c runs over the channels of f's.
 *
 * The unfolded clip is never held: see `dispatch.ts` for how each shape is computed. Source: Ji et al. 2013;
 * Tran et al. 2015.
 * @throws ShapeError when shapes disagree or the filter does not fit; ValueError for bad options.
 */
export function conv3dForward(
  x: Tensor,
  W: Tensor,
  b: Tensor,
  options: Conv3dOptions = {},
): { y: Tensor; cache: ConvolutionCache } {
  return convolveForward(operands(x, W, b, options), b, options.relu);
}

/** As those of `conv2d`, with sums over time, too. */
export function conv3dBackward(dy: Tensor, cache: ConvolutionCache): ConvolutionGradients {
  return convolveBackward('conv3dBackward', dy, cache);
}

/** `conv3dForward` as an op. */
export const conv3d = differentiable(conv3dForward, conv3dBackward, {
  outputs: ['y'],
  gradients: ['dx', 'dW', 'db'],
});

function operands(x: Tensor, W: Tensor, b: Tensor, options: Conv3dOptions): Operands {
  const { groups = 1 } = options;
  const rules = {
    x: [x, 'N', 'C', 'T', 'H', 'W'],
    W: [W, 'F', 'perGroup', 'KT', 'KH', 'KW'],
    b: [b, 'F'],
  } as const;
  const { N, C, T, H, W: width, F, perGroup, KT, KH, KW } = dimensions('conv3d', rules);
  checkFilters('conv3d', { x, W }, groups, perGroup);
  const windows = windowsOver3d('conv3d', [T, H, width], [KT, KH, KW], options);
  return { x, W, convolution: { N, C, F, groups, windows } };
}
