/** Pyramids: pairs of images made smaller step by step, so that large shifts become small ones. */
import { z } from 'zod';
import type { FloatDType } from '../engine/blas.js';
import { scope } from '../engine/engine.js';
import { zeros } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import { type AxisFilter, axisFilter, filterColumns, filterRows, type Share } from './filters.js';
import type { Images } from './pairs.js';

/** A number of something. */
export const count = z.int('must be a whole number').min(1, 'must be at least 1');

/** How a pyramid is made, for every kind of flow; the names are OpenCV's. */
export const pyramidFields = {
  /** How large the images of a level are beside those of the next larger one: 0.5 halves both sides. */
  pyrScale: z
    .number('must be a number')
    .positive('must be above 0')
    .lt(1, 'must be below 1')
    .default(0.5),
  /** Most levels besides the images themselves: 0 for none. */
  levels: z.int('must be a whole number').min(0, 'must not be negative').default(5),
};

/** What the levels of a pyramid follow from. */
export interface PyramidOptions {
  readonly pyrScale: number;
  readonly levels: number;
  /** No side of a smaller level is below so many pixels. */
  readonly smallestSide: number;
}

/**
 * One size of a pyramid. Rows of W pixels have room for `stride`, a multiple of 4, so that kernels know whole
 * vectors only; what stands behind the last pixel is looked at by nobody.
 */
export interface Level {
  readonly H: number;
  readonly W: number;
  readonly stride: number;
  /** What brings images to this size, and what brings the flow of the level before to it. */
  readonly images: Axes;
  readonly flow?: Axes;
}

interface Axes {
  readonly rows: AxisFilter;
  readonly columns: AxisFilter;
}

/**
 * The levels of a pyramid over images (H, W), the smallest first; the images themselves are the last. For a
 * level images are blurred by a Gaussian, cut off at 2.5 standard deviations, and read between pixels; where
 * `blur` is 0 they are blurred by (1 2 1) / 4. Beyond the edges they are mirrored. OpenCV's Farneback does so.
 *
 * @param blur standard deviation of the Gaussian, in pixels of the images, for a level of a scale below 1.
 */
export function levelsOf(
  { H, W, dtype }: Images,
  { pyrScale, levels, smallestSide }: PyramidOptions,
  blur: (scale: number) => number,
): Level[] {
  const found: Level[] = [];
  for (let k = 0, scale = 1; k <= levels; k++, scale *= pyrScale) {
    if (k > 0 && Math.min(H, W) * scale < smallestSide) break;
    const [h, w] = [halfToEven(H * scale), halfToEven(W * scale)];
    const stride = strideOf(w);
    const kernel = gaussian(blur(scale));
    const images = {
      rows: axisFilter(dtype, H, h, (y) => blurredAt(kernel, y, H, h)),
      columns: axisFilter(dtype, W, stride, (x) => blurredAt(kernel, Math.min(x, w - 1), W, w)),
    };
    found.unshift({ H: h, W: w, stride, images });
  }
  return found.map((level, i) => {
    const before = found[i - 1];
    if (!before) return level;
    const { H: h, W: w, stride } = level;
    const rows = axisFilter(dtype, before.H, h, (y) => betweenPixels(y, before.H, h));
    // Pixels of this level are smaller.
    const columns = axisFilter(dtype, before.stride, stride, (x) =>
      betweenPixels(Math.min(x, w - 1), before.W, w).map(
        ([index, share]): Share => [index, share / pyrScale],
      ),
    );
    return { ...level, flow: { rows, columns } };
  });
}

/** Elements of a row with room for W pixels. */
function strideOf(W: number): number {
  return 4 * Math.ceil(W / 4);
}

/** Images (N, H, W) in the size of a level: (N, level.H, level.stride). */
export function atLevel(x: Tensor, { images }: Level): Tensor {
  return filterRows(filterColumns(x, images.columns), images.rows);
}

/**
 * The flow (N, 2, H, stride) of N pairs: nothing moves at the smallest level; what `refine` makes of that is
 * where the next larger level begins. `refine` changes the flow in place.
 */
export function coarseToFine<L extends Level>(
  levels: readonly L[],
  N: number,
  dtype: FloatDType,
  refine: (flow: Tensor, level: L) => void,
): Tensor {
  let before = zeros([2 * N, levels[0]?.H ?? 0, levels[0]?.stride ?? 0], dtype);
  for (const level of levels) {
    using work = scope();
    const { H, stride, flow: filters } = level;
    const flow = filters
      ? filterRows(filterColumns(before, filters.columns), filters.rows)
      : before;
    refine(flow.view(N, 2, H, stride), level);
    before = work.keep(flow);
  }
  const [, H = 0, stride = 0] = before.shape;
  return before.view(N, 2, H, stride);
}

/** The blur's weights, from the first to the last: an odd number. */
function gaussian(sigma: number): number[] {
  const size = Math.max(3, halfToEven(5 * sigma) | 1);
  if (sigma === 0) return [0.25, 0.5, 0.25];
  const values = Array.from({ length: size }, (_, i) =>
    Math.exp(-((i - (size - 1) / 2) ** 2) / (2 * sigma * sigma)),
  );
  const sum = values.reduce((a, b) => a + b);
  return values.map((value) => value / sum);
}

/** Result o of O over I pixels: a place between two of them. */
function betweenPixels(o: number, I: number, O: number): Share[] {
  const place = Math.min(Math.max(0, ((o + 0.5) * I) / O - 0.5), I - 1);
  const first = Math.floor(place);
  const share = place - first;
  return share > 0
    ? [
        [first, 1 - share],
        [first + 1, share],
      ]
    : [[first, 1]];
}

/** The same of blurred pixels. */
function blurredAt(kernel: readonly number[], o: number, I: number, O: number): Share[] {
  const radius = (kernel.length - 1) / 2;
  return betweenPixels(o, I, O).flatMap(([at, share]) =>
    kernel.map((weight, k): Share => [mirrored(at + k - radius, I), share * weight]),
  );
}

/** The pixel at a place beyond the edge: the edge itself is not repeated. */
function mirrored(i: number, I: number): number {
  if (I === 1) return 0;
  const period = 2 * (I - 1);
  const within = ((i % period) + period) % period;
  return Math.min(within, period - within);
}

/** The nearest integer, of two the even one: the rounding of C. */
function halfToEven(x: number): number {
  const nearest = Math.round(x);
  return nearest - x === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}
