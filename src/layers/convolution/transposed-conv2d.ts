/** Transposed convolution: the way of `conv2d` back, from maps to images. */
import { differentiable } from '../../autograd/differentiable.js';
import { once } from '../../autograd/once.js';
import { ShapeError, ValueError } from '../../errors.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { zeros } from '../../tensor/create.js';
import { checkCotangent, dimensions, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { checkGroups } from '../channels.js';
import {
  type Extent2d,
  movementOf,
  pair,
  reach,
  showPadding,
  type WindowOptions,
  type Windows,
} from '../windows.js';
import type { Convolution } from './algorithm.js';
import { biasInto, filtersInto, imageOf, imagesInto, mapsInto } from './dispatch.js';

/** How a transposed convolution moves: the options of the convolution that it undoes the shape of. */
export interface TransposedConv2dOptions extends WindowOptions {
  /**
   * Rows added below and columns added to the right of the result (default 0): a convolution with a
   * stride makes one shape of several, and this says which of them comes back.
   */
  readonly outputPadding?: Extent2d;
  /** As in `conv2d` (default 1). */
  readonly groups?: number;
}

interface Cache {
  x: Tensor;
  W: Tensor;
  convolution: Convolution;
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
): { y: Tensor; cache: Cache } {
  const convolution = geometry(x, W, b, options);
  const { N, C: F, windows } = convolution;
  const y = zeros([N, F, windows.H, windows.W], x.dtype);
  imagesInto(y, x, W, convolution);
  for (let n = 0; n < N; n++) {
    const P = windows.H * windows.W;
    kernelsFor(y).addBias(y.at(n), b, F, P, P, Number.NEGATIVE_INFINITY);
  }
  return { y, cache: { x, W, convolution } };
}

/** dx is the convolution of dy with W; dW as that of `conv2d` with x and dy in each other's place. */
export function transposedConv2dBackward(
  dy: Tensor,
  { x, W, convolution }: Cache,
): { dx: Tensor; dW: Tensor; db: Tensor } {
  const { N, C: F, windows } = convolution;
  checkCotangent('transposedConv2dBackward: dy', dy, {
    dtype: x.dtype,
    shape: [N, F, windows.H, windows.W],
  });
  const dW = zeros(W.shape, x.dtype);
  const db = zeros([F], x.dtype);
  biasInto(db, dy);
  filtersInto(dW, dy, x, convolution);
  const dx = once(() => {
    const maps = empty(x.dtype, x.shape);
    mapsInto(maps, 0, dy, W, convolution);
    return maps;
  });
  return {
    get dx() {
      return dx();
    },
    dW,
    db,
  };
}

/** `transposedConv2dForward` as an op. */
export const transposedConv2d = differentiable(transposedConv2dForward, transposedConv2dBackward, {
  outputs: ['y'],
  gradients: ['dx', 'dW', 'db'],
});

/** The convolution whose maps are x and whose images are y. */
function geometry(x: Tensor, W: Tensor, b: Tensor, options: TransposedConv2dOptions): Convolution {
  const { groups = 1 } = options;
  const { N, C, F, perGroup, KH, KW } = dimensions('transposedConv2d', {
    x: [x, 'N', 'C', 'H', 'W'],
    W: [W, 'C', 'perGroup', 'KH', 'KW'],
    b: [b, 'F'],
  });
  checkGroups('transposedConv2d', groups, { 'channels of x': C, 'values of b': F });
  if (perGroup * groups !== F) {
    throw new ShapeError(
      `transposedConv2d: b ${showShape(b.shape)} does not fit W ${showShape(W.shape)}: ${groups} x ${perGroup} channels come out, one group's after the other's`,
    );
  }
  return { N, C: F, F: C, groups, windows: windowsOnto(imageOf(x), [KH, KW], options) };
}

/** The windows over an image that is to be made, one for each place of x. */
function windowsOnto(
  [OH, OW]: readonly [number, number],
  kernel: readonly [number, number],
  options: TransposedConv2dOptions,
): Windows {
  const movement = movementOf('transposedConv2d', kernel, options);
  const { KH, KW, SH, SW, PH, PW, endPH, endPW, DH, DW } = movement;
  const more = pair('transposedConv2d', 'outputPadding', options.outputPadding ?? 0, 0);
  if (more[0] >= Math.max(SH, DH) || more[1] >= Math.max(SW, DW)) {
    throw new ValueError(
      `transposedConv2d: outputPadding ${showShape(more)} must be below stride ${showShape([SH, SW])} or dilation ${showShape([DH, DW])}`,
    );
  }
  const H = (OH - 1) * SH - PH - endPH + reach(KH, DH) + more[0];
  const W = (OW - 1) * SW - PW - endPW + reach(KW, DW) + more[1];
  if (OH < 1 || OW < 1 || H < 1 || W < 1) {
    throw new ShapeError(
      `transposedConv2d: padding ${showPadding(movement)} leaves nothing of what a kernel of ${showShape(kernel)} makes of an image of ${showShape([OH, OW])}`,
    );
  }
  return { H, W, ...movement, OH, OW };
}
