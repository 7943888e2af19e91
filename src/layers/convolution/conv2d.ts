/** Two-dimensional convolution, from images to maps. */
import { differentiable } from '../../autograd/differentiable.js';
import { once } from '../../autograd/once.js';
import { ShapeError, ValueError } from '../../errors.js';
import { sumOf } from '../../tensor/arithmetic.js';
import { checkCotangent, dimensions, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { splitForward } from '../indexing/pieces.js';
import { overOneFrame, type WindowOptions, windowsOver } from '../windows.js';
import {
  type ConvolutionCache,
  type ConvolutionGradients,
  type ConvolutionOptions,
  checkFilters,
  convolveBackward,
  convolveForward,
  floorOf,
  type Operands,
} from './convolve.js';
import { mapsInto } from './dispatch.js';

/** How a convolution moves over images, and what follows it. */
export interface Conv2dOptions extends WindowOptions, ConvolutionOptions {}

/**
 * Two-dimensional convolution (cross-correlation, as everywhere in deep learning):
 *
 *     y[n, f, r, q] = b[f] + Σ c,i,j  W[f, c, i, j] x[n, c, r SH + i DH - PH, q SW + j DW - PW]
 *
 * x (N, C, H, W), W (F, C / groups, KH, KW), b (F); y (N, F, OH, OW) with OH and OW as `windowsOver`
 * counts them. Outside the image x counts as 0. Of several groups, c runs over the channels of f's.
 *
 * Computed photo by photo as a matrix product: the filters (F, C KH KW) times the patches under
 * them, one column for each place of the filter.
 * @throws ShapeError when shapes disagree or the filter does not fit; ValueError for bad options.
 */
export function conv2dForward(
  x: Tensor,
  W: Tensor,
  b: Tensor,
  options: Conv2dOptions = {},
): { y: Tensor; cache: ConvolutionCache } {
  return convolveForward(operands(x, W, b, options), b, options.relu);
}

/**
 * With columns(x) the patches of one photo, (C KH KW, OH OW), and sums over the photos:
 *
 *     dW = Σ dy columns(x)ᵀ,   dx = the patches Wᵀ dy, each added back to its place,   db = Σ dy
 */
export function conv2dBackward(dy: Tensor, cache: ConvolutionCache): ConvolutionGradients {
  return convolveBackward('conv2dBackward', dy, cache);
}

/** `conv2dForward` as an op. */
export const conv2d = differentiable(conv2dForward, conv2dBackward, {
  outputs: ['y'],
  gradients: ['dx', 'dW', 'db'],
});

/** One of several convolutions of the same x. */
export interface Conv2dBranch extends Conv2dOptions {
  readonly W: Tensor;
  readonly b: Tensor;
}

interface BranchesCache {
  y: Tensor;
  branches: readonly Omit<ConvolutionCache, 'y'>[];
}

/**
 * Several convolutions of the same x, their channels side by side: what `concat` makes of their results, but
 * each is written to its place and nothing is copied. Modules of SqueezeNet and Inception are of this form.
 *
 * x (N, C, H, W), filters and options of each as of `conv2dForward`; y (N, F1 + F2 + ..., OH, OW).
 * @throws as `conv2dForward`; ShapeError when results differ in OH or OW; ValueError for no convolutions.
 */
export function conv2dBranchesForward(
  x: Tensor,
  branches: readonly Conv2dBranch[],
): { y: Tensor; cache: BranchesCache } {
  const planned = branches.map(({ W, b, ...options }) => {
    const { relu = false } = options;
    return { ...operands(x, W, b, options), b, relu };
  });
  const [first] = planned;
  if (!first) throw new ValueError('conv2dBranches: no convolutions: give one at least');
  const { N, windows } = first.convolution;
  const channels = planned.reduce((sum, { convolution }) => sum + convolution.F, 0);
  const [OH, OW] = [windows.OH, windows.OW];
  for (const { convolution } of planned) {
    const other = [convolution.windows.OH, convolution.windows.OW];
    if (other[0] === OH && other[1] === OW) continue;
    throw new ShapeError(
      `conv2dBranches: results of ${showShape([OH, OW])} and of ${showShape(other)} do not fit side by side`,
    );
  }
  const y = empty(x.dtype, [N, channels, OH, OW]);
  let channel = 0;
  for (const { W, b, relu, convolution } of planned) {
    mapsInto(y, channel, x, W, convolution, { b, floor: floorOf(relu) });
    channel += convolution.F;
  }
  return { y, cache: { y, branches: planned } };
}

/** Each convolution gets the channels that are its own; dx is the sum over all of them. */
export function conv2dBranchesBackward(
  dy: Tensor,
  { y, branches }: BranchesCache,
): { dx: Tensor; dBranches: readonly { W: Tensor; b: Tensor }[] } {
  checkCotangent('conv2dBranchesBackward: dy', dy, y);
  const filters = branches.map(({ convolution }) => convolution.F);
  const [dys, ys] = [splitForward(dy, 1, filters).out, splitForward(y, 1, filters).out];
  const gradients = branches.map((branch, i) =>
    conv2dBackward(dys[i] ?? dy, { ...branch, y: ys[i] ?? y }),
  );
  const dx = once(() => gradients.map((gradient) => gradient.dx).reduce(sumOf));
  return {
    get dx() {
      return dx();
    },
    dBranches: gradients.map(({ dW, db }) => ({ W: dW, b: db })),
  };
}

/** `conv2dBranchesForward` as an op. */
export const conv2dBranches = differentiable(conv2dBranchesForward, conv2dBranchesBackward, {
  outputs: ['y'],
  gradients: ['dx', 'dBranches'],
});

function operands(x: Tensor, W: Tensor, b: Tensor, options: Conv2dOptions): Operands {
  const { groups = 1 } = options;
  const {
    N,
    C,
    H,
    W: width,
    F,
    perGroup,
    KH,
    KW,
  } = dimensions('conv2d', {
    x: [x, 'N', 'C', 'H', 'W'],
    W: [W, 'F', 'perGroup', 'KH', 'KW'],
    b: [b, 'F'],
  });
  checkFilters('conv2d', { x, W }, groups, perGroup);
  const windows = overOneFrame(windowsOver('conv2d', [H, width], [KH, KW], options));
  return { x, W, convolution: { N, C, F, groups, windows } };
}
