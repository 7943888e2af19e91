/** Convolution that sees only what comes before a place in reading order, for densities of pictures. */
import { differentiable } from '../../autograd/differentiable.js';
import { once } from '../../autograd/once.js';
import { scope } from '../../engine/engine.js';
import { ValueError } from '../../errors.js';
import { combined } from '../../tensor/broadcast.js';
import { tensor } from '../../tensor/create.js';
import { dimensions } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkGroups } from '../channels.js';
import { sliceBackward, sliceForward } from '../indexing/pieces.js';
import { type Extent2d, type Padding2d, pair } from '../windows.js';
import { conv2dBackward, conv2dForward } from './conv2d.js';
import type { ConvolutionCache, ConvolutionGradients } from './convolve.js';

/** What a masked convolution sees of the place itself, and how it moves. */
export interface MaskedConv2dOptions {
  /** `A` hides the place that is predicted: of the first layer, whose x is the picture. `B` shows it: of all others. */
  readonly type: 'A' | 'B';
  /**
   * Colours in which a place is predicted, one after the other (default 1). Channel c of x and of y belongs to
   * colour c mod `colours`, so that halves of the channels, and tensors put together, keep their colours. At the
   * place itself a channel of type `A` sees those of earlier colours, one of type `B` those of its own, too.
   */
  readonly colours?: number;
  /** Steps between neighbouring values of one filter (default 1). */
  readonly dilation?: Extent2d;
  /** Take max(0, y) in the pass that adds the bias. */
  readonly relu?: boolean;
}

type Cut = ReturnType<typeof sliceForward>['cache'];

interface Cache {
  readonly convolution: ConvolutionCache;
  readonly mask: Tensor;
  /** What was cut off the filters, down and across, before they were masked. */
  readonly cuts: readonly [rows: Cut, columns: Cut];
}

/**
 * Convolution of the rows above a place and of what stands to its left:
 *
 *     y[n, f, r, q] = b[f] + Σ c,i,j  mask[f, c, i, j] W[f, c, i, j] x[n, c, r + (i - KH/2) DH, q + (j - KW/2) DW]
 *
 * with KH/2 and KW/2 rounded down, and the mask 1 where i < KH/2, or i = KH/2 and j < KW/2, and at the middle as
 * `type` says. x (N, C, H, W), W (F, C, KH, KW) with KH and KW odd, b (F); y (N, F, H, W). Outside the picture x
 * counts as 0. Rows of the filters that are masked altogether are not computed. The masked weights stay what they are.
 *
 * A stack of these has a blind spot above to the right; two stacks have none: `conv2d` padded above only for the
 * rows above, and this one with KH = 1 for the row itself. Source: van den Oord, Kalchbrenner and Kavukcuoglu 2016;
 * van den Oord et al. 2016 (gated).
 * @throws ShapeError when shapes disagree or the colours do not divide the channels; ValueError for a filter of even
 *   height or width, and for bad options.
 */
export function maskedConv2dForward(
  x: Tensor,
  W: Tensor,
  b: Tensor,
  { type, colours = 1, dilation = 1, relu = false }: MaskedConv2dOptions,
): { y: Tensor; cache: Cache } {
  const { C, F, KH, KW } = dimensions('maskedConv2d', {
    x: [x, 'N', 'C', 'H', 'W'],
    W: [W, 'F', 'C', 'KH', 'KW'],
    b: [b, 'F'],
  });
  if (KH % 2 === 0 || KW % 2 === 0) {
    throw new ValueError(
      `maskedConv2d: filters of ${KH} x ${KW} have no middle: take an odd height and width`,
    );
  }
  if (type !== 'A' && type !== 'B') {
    throw new ValueError(`maskedConv2d: type must be A or B, not ${String(type)}`);
  }
  checkGroups('maskedConv2d', colours, { 'channels of x': C, filters: F });
  const [DH, DW] = pair('maskedConv2d', 'dilation', dilation, 1);
  const [above, left] = [(KH - 1) / 2, (KW - 1) / 2];
  // In a single row nothing to the right is seen; elsewhere it is, in the rows above.
  const right = KH === 1 ? 0 : left;
  const rows = sliceForward(W, 2, 0, above + 1);
  const columns = sliceForward(rows.out, 3, 0, left + 1 + right);
  const mask = maskOf(columns.out, { type, colours, left });
  const padding: Padding2d = { top: above * DH, bottom: 0, left: left * DW, right: right * DW };
  const seen = combined('multiply', columns.out, mask);
  const { y, cache } = conv2dForward(x, seen, b, { padding, dilation: [DH, DW], relu });
  return { y, cache: { convolution: cache, mask, cuts: [rows.cache, columns.cache] } };
}

/** As those of `conv2d`; dW is 0 where the mask is. */
export function maskedConv2dBackward(
  dy: Tensor,
  { convolution, mask, cuts: [rows, columns] }: Cache,
): ConvolutionGradients {
  const gradients = conv2dBackward(dy, convolution);
  const dW = once(() => {
    // Made outside the scope below, for db is made with it.
    const { dW: unmasked } = gradients;
    using work = scope();
    const dSeen = combined('multiply', unmasked, mask);
    return work.keep(sliceBackward(sliceBackward(dSeen, columns).dx, rows).dx);
  });
  return {
    get dx() {
      return gradients.dx;
    },
    get dW() {
      return dW();
    },
    get db() {
      return gradients.db;
    },
  };
}

/** `maskedConv2dForward` as an op. */
export const maskedConv2d = differentiable(maskedConv2dForward, maskedConv2dBackward, {
  outputs: ['y'],
  gradients: ['dx', 'dW', 'db'],
});

/** 1 where filters see x: their last row is that of the middle. One for all channels where there is one colour. */
function maskOf(
  { shape: [F = 0, C = 0, rows = 0, columns = 0], float }: Tensor,
  { type, colours, left }: { type: 'A' | 'B'; colours: number; left: number },
): Tensor {
  const shape = colours === 1 ? [1, 1, rows, columns] : [F, C, rows, columns];
  const [filters = 0, channels = 0] = shape;
  const mask: number[] = [];
  for (let f = 0; f < filters; f++) {
    for (let c = 0; c < channels; c++) {
      const [made, seen] = [f % colours, c % colours];
      const middle = type === 'A' ? seen < made : seen <= made;
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          const before = i < rows - 1 || j < left;
          mask.push(before || (j === left && middle) ? 1 : 0);
        }
      }
    }
  }
  return tensor(mask, { shape, dtype: float });
}
