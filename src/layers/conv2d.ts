import { differentiable } from '../autograd/differentiable.js';
import { once } from '../autograd/once.js';
import { engine, scope } from '../engine/engine.js';
import type { HeapArray } from '../engine/heap.js';
import { ShapeError } from '../errors.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { zeros } from '../tensor/create.js';
import { dimensions, showShape } from '../tensor/shape.js';
import { bytesOf, empty, type Tensor } from '../tensor/tensor.js';
import { reluBackward } from './activations.js';
import { type WindowOptions, type Windows, windowsOver } from './windows.js';

/** How a convolution moves, and what follows it. */
export interface Conv2dOptions extends WindowOptions {
  /** Take max(0, y) in the pass that adds the bias: one pass over memory less. */
  readonly relu?: boolean;
}

interface Cache {
  x: Tensor;
  W: Tensor;
  y: Tensor;
  options: Conv2dOptions;
}

/**
 * Two-dimensional convolution (cross-correlation, as everywhere in deep learning):
 *
 *     y[n, f, r, q] = b[f] + Σ c,i,j  W[f, c, i, j] x[n, c, r SH + i - PH, q SW + j - PW]
 *
 * x (N, C, H, W), W (F, C, KH, KW), b (F); y (N, F, OH, OW) with OH and OW as `windowsOver` counts
 * them. Outside the image x counts as 0.
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
  const { N, F, windows } = geometry(x, W, b, options);
  const y = empty(x.dtype, [N, F, windows.OH, windows.OW]);
  conv2dInto(y, 0, x, W, b, options);
  return { y, cache: { x, W, y, options } };
}

/**
 * `conv2dForward` that writes its F channels into `y` (N, ..., OH, OW) from `channel` on: the
 * results of several convolutions then stand side by side without being copied together.
 * @throws ShapeError also when the result does not fit there.
 */
export function conv2dInto(
  y: Tensor,
  channel: number,
  x: Tensor,
  W: Tensor,
  b: Tensor,
  options: Conv2dOptions = {},
): void {
  const { N, C, F, windows } = geometry(x, W, b, options);
  const { OH, OW } = windows;
  const [photos, channels = 0, ...plane] = y.shape;
  if (photos !== N || channel + F > channels || plane[0] !== OH || plane[1] !== OW) {
    throw new ShapeError(
      `conv2d: the result ${showShape([N, F, OH, OW])} does not fit into ${showShape(y.shape)} from channel ${channel} on`,
    );
  }
  using _scratch = scope();
  const patches = patchMatrix(x, C, windows);
  const { K } = patches;
  const floor = options.relu ? 0 : Number.NEGATIVE_INFINITY;
  for (let n = 0; n < N; n++) {
    const out = y.at(n).slice(channel, channel + F);
    for (const { first, rows } of patches.blocks) {
      const P = rows * OW;
      const columns = patches.lay(n, first, rows);
      const to = fromElement(out, first * OW);
      engine().product(x.float, false, false, F, P, K, 1, W, K, columns, P, 0, to, OH * OW);
      kernelsFor(y).addBias(to, b, F, P, OH * OW, floor);
    }
  }
}

/**
 * With columns(x) the patches of one photo, (C KH KW, OH OW), and sums over the photos:
 *
 *     dW = Σ dy columns(x)ᵀ,   dx = the patches Wᵀ dy, each added back to its place,   db = Σ dy
 */
export function conv2dBackward(
  dout: Tensor,
  { x, W, y, options }: Cache,
): { dx: Tensor; dW: Tensor; db: Tensor } {
  const [N = 0, F = 0, OH = 0, OW = 0] = y.shape;
  const [, C = 0, KH = 1, KW = 1] = W.shape;
  const windows = windowsOver('conv2d', imageOf(x), [KH, KW], options);
  const dW = zeros(W.shape, x.dtype);
  const db = zeros([F], x.dtype);
  // Made again for dx rather than kept until somebody asks for that.
  const beforeRelu = () => (options.relu ? reluBackward(dout, { out: y }).dx : dout);
  const dx = once(() => imagesBackward(beforeRelu, x, W, windows));
  using _scratch = scope();
  const dy = beforeRelu();
  const patches = patchMatrix(x, C, windows);
  const { K } = patches;
  for (let n = 0; n < N; n++) {
    kernelsFor(x).addBiasBackward(dy.at(n), db, F, OH * OW);
    for (const { first, rows } of patches.blocks) {
      const P = rows * OW;
      const columns = patches.lay(n, first, rows);
      const from = fromElement(dy.at(n), first * OW);
      engine().product(x.float, false, true, F, K, P, 1, from, OH * OW, columns, P, 1, dW, K);
    }
  }
  return {
    get dx() {
      return dx();
    },
    dW,
    db,
  };
}

/** dx of a convolution: that of the patches, block by block, each added back to its place. */
function imagesBackward(beforeRelu: () => Tensor, x: Tensor, W: Tensor, windows: Windows): Tensor {
  const [N = 0, C = 0] = x.shape;
  const [F = 0] = W.shape;
  const { OH, OW } = windows;
  const dx = zeros(x.shape, x.dtype);
  using _scratch = scope();
  const dy = beforeRelu();
  const { K, direct, columns, blocks } = patchBlocks(x, C, windows);
  const dColumns = direct ? undefined : empty(x.dtype, [K, columns]);
  for (let n = 0; n < N; n++) {
    for (const { first, rows } of blocks) {
      const P = rows * OW;
      const from = fromElement(dy.at(n), first * OW);
      const to = dColumns ?? dx.at(n);
      engine().product(x.float, true, false, K, P, F, 1, W, K, from, OH * OW, 0, to, P);
      if (dColumns) {
        kernelsFor(x).col2im(dColumns, dx.at(n), C, ...movement(windows), first, rows);
      }
    }
  }
  return dx;
}

/** `conv2dForward` as an op. */
export const conv2d = differentiable(conv2dForward, conv2dBackward, {
  outputs: ['y'],
  gradients: ['dx', 'dW', 'db'],
});

function geometry(x: Tensor, W: Tensor, b: Tensor, options: Conv2dOptions) {
  const { N, C, F, KH, KW } = dimensions('conv2d', {
    x: [x, 'N', 'C', 'H', 'W'],
    W: [W, 'F', 'C', 'KH', 'KW'],
    b: [b, 'F'],
  });
  return { N, C, F, windows: windowsOver('conv2d', imageOf(x), [KH, KW], options) };
}

function imageOf({ shape: [, , H = 0, W = 0] }: Tensor): [H: number, W: number] {
  return [H, W];
}

/** Bytes of patches laid out at once: smaller blocks starve the product, larger ones the cache. */
const blockBytes = 2 ** 21;

/** How the patches of a photo are cut into matrices (K, rows OW) for blocks of output rows. */
function patchBlocks(x: Tensor, C: number, { KH, KW, SH, SW, PH, PW, OH, OW }: Windows) {
  const K = C * KH * KW;
  const direct = KH * KW * SH * SW === 1 && PH + PW === 0;
  const rowBytes = Math.max(1, K * OW * bytesOf(x.dtype));
  const rowsAtOnce = direct ? OH : Math.min(OH, Math.max(1, Math.floor(blockBytes / rowBytes)));
  const blocks: { first: number; rows: number }[] = [];
  for (let first = 0; first < OH; first += rowsAtOnce) {
    blocks.push({ first, rows: Math.min(rowsAtOnce, OH - first) });
  }
  return {
    K,
    /** Whether a photo is its own patch matrix: a 1 x 1 filter that moves by 1. */
    direct,
    /** Most columns of a block. */
    columns: rowsAtOnce * OW,
    blocks,
  };
}

/**
 * The patches of x as matrices (K, P), K = C KH KW, for blocks of output rows: `lay` fills one
 * shared buffer, so its result lasts until the next call; where it can, it returns the photo itself.
 */
function patchMatrix(x: Tensor, C: number, windows: Windows) {
  const { K, direct, columns, blocks } = patchBlocks(x, C, windows);
  const buffer = direct ? undefined : empty(x.dtype, [K, columns]);
  return {
    K,
    blocks,
    lay(n: number, first: number, rows: number): HeapArray {
      const photo = x.at(n);
      if (!buffer) return photo;
      kernelsFor(x).im2col(photo, buffer, C, ...movement(windows), first, rows);
      return buffer;
    },
  };
}

/** The arguments of im2col and col2im that say how the window moves. */
function movement({ H, W, KH, KW, SH, SW, PH, PW, OW }: Windows) {
  return [H, W, KH, KW, SH, SW, PH, PW, OW] as const;
}

function fromElement(tensor: Tensor, index: number): HeapArray {
  return { pointer: tensor.pointer + index * bytesOf(tensor.dtype), heap: tensor.heap };
}
