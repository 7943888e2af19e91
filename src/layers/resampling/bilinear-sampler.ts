/** Reads an image at the points of a grid, between its pixels. */
import { differentiable } from '../../autograd/differentiable.js';
import { once } from '../../autograd/once.js';
import { ShapeError, ValueError } from '../../errors.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { checkCotangent, dimensions, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import type { GridOptions } from './grids.js';

/** How an image is read between and beside its pixels. */
export interface SampleOptions extends GridOptions {
  /** x is (N, H, W, C) and out (N, OH, OW, C), which is faster with many channels (default: planes). */
  readonly channelsLast?: boolean;
  /** What lies outside the image: zeros (default), or the nearest pixel of its border. */
  readonly padding?: 'zeros' | 'border';
}

interface Cache {
  x: Tensor;
  grid: Tensor;
  out: Tensor;
  extents: Extents;
}

/** What the kernels take after the tensors: N, C, H, W, places, and the options as 0 or 1. */
type Extents = readonly [
  N: number,
  C: number,
  H: number,
  W: number,
  places: number,
  channelsLast: number,
  border: number,
  alignCorners: number,
];

/**
 * Reads an image at the points of a grid, between pixels by bilinear interpolation:
 *
 *     out[n, c, r, q] = Σ_hw x[n, c, h, w] max(0, 1 - |u - w|) max(0, 1 - |v - h|)
 *     u = ((grid_x + 1) W - 1) / 2,  or  (grid_x + 1) (W - 1) / 2  with alignCorners;  v likewise
 *
 * x (N, C, H, W), grid (N, OH, OW, 2) of x, y in [-1, 1]; out (N, C, OH, OW): planes, or channels last
 * in both. Conventions of
 * `torch.nn.functional.grid_sample`, except that infinite coordinates are simply far outside.
 * A NaN coordinate goes on as NaN.
 * Source: Jaderberg et al. 2015, equation 5.
 * @throws ShapeError when the two disagree, or the image has no pixels.
 */
export function bilinearSampleForward(
  x: Tensor,
  grid: Tensor,
  options: SampleOptions = {},
): { out: Tensor; cache: Cache } {
  const { channelsLast = false, padding = 'zeros', alignCorners = false } = options;
  if (padding !== 'zeros' && padding !== 'border') {
    throw new ValueError(`bilinearSample: padding must be zeros or border, not ${String(padding)}`);
  }
  const axes = channelsLast ? (['N', 'H', 'W', 'C'] as const) : (['N', 'C', 'H', 'W'] as const);
  const { N, C, H, W, OH, OW, XY } = dimensions('bilinearSample', {
    x: [x, ...axes],
    grid: [grid, 'N', 'OH', 'OW', 'XY'],
  });
  if (XY !== 2) {
    throw new ShapeError(
      `bilinearSample: grid ${showShape(grid.shape)} must hold x and y on its last axis, not ${XY} values`,
    );
  }
  if (H * W === 0) {
    throw new ShapeError(`bilinearSample: x ${showShape(x.shape)} has no pixels to sample`);
  }
  // `float` refuses a grid of integers, which would be read as something else.
  const out = empty(grid.float, channelsLast ? [N, OH, OW, C] : [N, C, OH, OW]);
  const flags = [channelsLast, padding === 'border', alignCorners].map(Number);
  const [last = 0, border = 0, corners = 0] = flags;
  const extents: Extents = [N, C, H, W, OH * OW, last, border, corners];
  kernelsFor(x).bilinearSample(x, grid, out, ...extents);
  return { out, cache: { x, grid, out, extents } };
}

/**
 * dx: each cotangent shared out among the four pixels that its point saw. dGrid: differences of
 * neighbouring pixels along the cotangent, times du/dgrid; 0 at points that `border` moved.
 * Where a point lies on a pixel's centre, the difference to the right and below counts.
 */
export function bilinearSampleBackward(
  dout: Tensor,
  { x, grid, out, extents }: Cache,
): { readonly dx: Tensor; readonly dGrid: Tensor } {
  checkCotangent('bilinearSampleBackward: dout', dout, out);
  // Attention looks at features that are no parameters: the tape then asks for dGrid alone.
  const dx = once(() => {
    const gradient = empty(x.dtype, x.shape);
    kernelsFor(x).bilinearSampleDx(grid, dout, gradient, ...extents);
    return gradient;
  });
  const dGrid = once(() => {
    const gradient = empty(grid.dtype, grid.shape);
    kernelsFor(x).bilinearSampleDGrid(x, grid, dout, gradient, ...extents);
    return gradient;
  });
  return {
    get dx() {
      return dx();
    },
    get dGrid() {
      return dGrid();
    },
  };
}

/** `bilinearSampleForward` as an op. */
export const bilinearSample = differentiable(bilinearSampleForward, bilinearSampleBackward, {
  outputs: ['out'],
  gradients: ['dx', 'dGrid'],
});
