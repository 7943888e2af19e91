/** Two-dimensional convolution, from images to maps. */
import { differentiable } from '../../autograd/differentiable.js';
import { once } from '../../autograd/once.js';
import { scope } from '../../engine/engine.js';
import { ShapeError, ValueError } from '../../errors.js';
import { sumOf } from '../../tensor/arithmetic.js';
import { zeros } from '../../tensor/create.js';
import { checkCotangent, dimensions, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { checkGroups } from '../channels.js';
import { reluBackward } from '../elementwise/activations.js';
import { splitForward } from '../indexing/pieces.js';
import { type WindowOptions, windowsOver } from '../windows.js';
import type { Convolution } from './algorithm.js';
import { biasInto, filtersInto, imageOf, imagesInto, mapsInto } from './dispatch.js';

/** How a convolution moves, and what follows it. */
export interface Conv2dOptions extends WindowOptions {
  /**
   * Parts into which the channels of x and of y are cut, each seeing only its own (default 1). With
   * as many groups as channels every channel has filters of its own: a depthwise convolution.
   */
  readonly groups?: number;
  /** Take max(0, y) in the pass that adds the bias: one pass over memory less. */
  readonly relu?: boolean;
}

interface Cache {
  x: Tensor;
  W: Tensor;
  y: Tensor;
  convolution: Convolution;
  relu: boolean;
}

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
): { y: Tensor; cache: Cache } {
  const convolution = geometry(x, W, b, options);
  const { N, F, windows } = convolution;
  const y = empty(x.dtype, [N, F, windows.OH, windows.OW]);
  const { relu = false } = options;
  mapsInto(y, 0, x, W, convolution, { b, floor: floor(relu) });
  return { y, cache: { x, W, y, convolution, relu } };
}

/**
 * With columns(x) the patches of one photo, (C KH KW, OH OW), and sums over the photos:
 *
 *     dW = Σ dy columns(x)ᵀ,   dx = the patches Wᵀ dy, each added back to its place,   db = Σ dy
 */
export function conv2dBackward(
  dout: Tensor,
  { x, W, y, convolution, relu }: Cache,
): { dx: Tensor; dW: Tensor; db: Tensor } {
  checkCotangent('conv2dBackward: dy', dout, y);
  const dW = zeros(W.shape, x.dtype);
  const db = zeros([convolution.F], x.dtype);
  // Made again for dx rather than kept until somebody asks for that.
  const beforeRelu = () => (relu ? reluBackward(dout, { out: y }).dx : dout);
  const dx = once(() => {
    const images = zeros(x.shape, x.dtype);
    using _scratch = scope();
    imagesInto(images, beforeRelu(), W, convolution);
    return images;
  });
  using _scratch = scope();
  const dy = beforeRelu();
  biasInto(db, dy);
  filtersInto(dW, x, dy, convolution);
  return {
    get dx() {
      return dx();
    },
    dW,
    db,
  };
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
  branches: readonly Omit<Cache, 'y'>[];
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
    return { x, W, b, relu, convolution: geometry(x, W, b, options) };
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
    mapsInto(y, channel, x, W, convolution, { b, floor: floor(relu) });
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

function geometry(x: Tensor, W: Tensor, b: Tensor, options: Conv2dOptions): Convolution {
  const { groups = 1 } = options;
  const { N, C, F, perGroup, KH, KW } = dimensions('conv2d', {
    x: [x, 'N', 'C', 'H', 'W'],
    W: [W, 'F', 'perGroup', 'KH', 'KW'],
    b: [b, 'F'],
  });
  checkGroups('conv2d', groups, { 'channels of x': C, filters: F });
  if (perGroup * groups !== C) {
    throw new ShapeError(
      `conv2d: W ${showShape(W.shape)} does not fit x ${showShape(x.shape)}: its filters see ${perGroup} channels, but ${groups === 1 ? 'there are' : `each of ${groups} groups has`} ${C / groups}`,
    );
  }
  return { N, C, F, groups, windows: windowsOver('conv2d', imageOf(x), [KH, KW], options) };
}

function floor(relu = false): number {
  return relu ? 0 : Number.NEGATIVE_INFINITY;
}
