/** Pyramids: pairs of images made smaller step by step, so that large shifts become small ones. */
import { z } from 'zod';
import type { FloatDType } from '../engine/blas.js';
import { upsampleBilinearForward } from '../layers/resampling/upsampling.js';
import { scaled } from '../tensor/arithmetic.js';
import type { Tensor } from '../tensor/tensor.js';
import { type AxisFilter, axisFilter, filterColumns, filterRows, type Share } from './filters.js';
import type { Images } from './pairs.js';

/** How a pyramid is made, for every kind of flow; the names are OpenCV's where it has them. */
export const pyramidFields = {
  /** How much smaller the images of a level are than those of the one before: 0.5 halves both sides. */
  pyrScale: z.number('must be a number').gt(0).lt(1).default(0.5),
  /** Most levels besides the images themselves. */
  levels: z.int('must be a whole number').min(0).max(30).default(5),
};

/** What the levels of a pyramid follow from. */
export interface PyramidOptions {
  readonly pyrScale: number;
  readonly levels: number;
  /** No side of a smaller level is below so many pixels. */
  readonly smallestSide: number;
}

/** One size of a pyramid, and how images are brought to it. */
export interface Level {
  readonly H: number;
  readonly W: number;
  readonly rows: AxisFilter;
  readonly columns: AxisFilter;
}

/**
 * The levels of a pyramid over images (H, W), the smallest first; the images themselves are the last. To a
 * level of scale s images are blurred by a Gaussian of sigma (1 / s - 1) / 2 pixels, cut off at 2.5 sigma,
 * then read between pixels; at scale 1 they are blurred by (1 2 1) / 4. Beyond the edges they are mirrored.
 * All this is as in OpenCV's Farneback.
 */
export function levelsOf(
  { H, W, dtype }: Images,
  { pyrScale, levels, smallestSide }: PyramidOptions,
  blur: (scale: number) => number,
): Level[] {
  const found: Level[] = [];
  for (let scale = 1; found.length <= levels; scale *= pyrScale) {
    if (found.length > 0 && Math.min(H, W) * scale < smallestSide) break;
    const kernel = gaussian(blur(scale));
    const [OH, OW] = [halfToEven(H * scale), halfToEven(W * scale)];
    const [rows, columns] = [smaller(dtype, H, OH, kernel), smaller(dtype, W, OW, kernel)];
    found.unshift({ H: OH, W: OW, rows, columns });
  }
  return found;
}

/** Images (N, H, W) in the size of a level. */
export function atLevel(x: Tensor, { rows, columns }: Level): Tensor {
  return filterRows(filterColumns(x, columns), rows);
}

/**
 * A flow in the size of a larger level, in pixels of that: read between pixels, and divided by `pyrScale`;
 * where there is none yet, zeros. flow (N, 2, h, w); out (N, 2, H, W).
 */
export function flowAtLevel(flow: Tensor, { H, W }: Level, pyrScale: number): Tensor {
  return scaled(upsampleBilinearForward(flow, { extent: [H, W] }).y, 1 / pyrScale);
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

/** Along one axis: blurred, then at the place of each of O pixels between those of I. */
function smaller(dtype: FloatDType, I: number, O: number, kernel: readonly number[]) {
  const radius = (kernel.length - 1) / 2;
  return axisFilter(dtype, I, O, (o) => {
    const place = Math.min(Math.max(0, ((o + 0.5) * I) / O - 0.5), I - 1);
    const first = Math.floor(place);
    const between = [[first, 1 - (place - first)] as const, [first + 1, place - first] as const];
    return between
      .filter(([, share]) => share > 0)
      .flatMap(([at, share]) =>
        kernel.map((weight, k): Share => [mirrored(at + k - radius, I), share * weight]),
      );
  });
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
