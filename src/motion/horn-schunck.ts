/** Optical flow by a smoothness term: Horn and Schunck 1981, over a pyramid. */
import { z } from 'zod';
import type { FloatDType } from '../engine/blas.js';
import { engine } from '../engine/engine.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import { axisFilter, filterColumns, filterRows } from './filters.js';
import { flowOfPairs, fullOptions } from './pairs.js';
import { atLevel, coarseToFine, levelsOf, pyramidFields } from './pyramid.js';

/** The options of `hornSchunck`. */
export const hornSchunckSchema = z.strictObject({
  ...pyramidFields,
  smallestSide: z.int('must be a whole number').min(1).default(6),
  alpha: z.number('must be a number').gt(0).default(15),
  warps: z.int('must be a whole number').min(1).default(5),
  iterations: z.int('must be a whole number').min(1).default(20),
});

export type HornSchunckOptions = z.input<typeof hornSchunckSchema>;

/** Successive over-relaxation: how far beyond its new value a pixel goes. */
const overshoot = 1.9;

export function hornSchunck(
  previous: Tensor,
  next: Tensor,
  options: HornSchunckOptions = {},
): Tensor {
  const full = fullOptions('hornSchunck', hornSchunckSchema, options);
  return flowOfPairs('hornSchunck', previous, next, (images) => {
    const { dtype, lines } = images;
    const { alpha, warps, iterations } = full;
    const blur = (scale: number) => 0.6 * Math.sqrt(1 / scale ** 2 - 1);
    const levels = levelsOf(images, full, blur).map((level) => ({
      ...level,
      wideRows: margin(dtype, level.H, level.H),
      wideColumns: margin(dtype, level.W, level.stride),
    }));
    return (first, second) => {
      const kernels = kernelsFor(first);
      const [N = 0] = first.shape;
      return coarseToFine(levels, N, dtype, (flow, level) => {
        const { H, W, stride } = level;
        const own = atLevel(first, level);
        const other = filterRows(
          filterColumns(atLevel(second, level), level.wideColumns),
          level.wideRows,
        );
        const half = 4 * Math.ceil(W / 8);
        const terms = empty(dtype, [N, H, 8, half]);
        const scratch = engine().allocate(kernels.hornSchunckScratchBytes(H, half));
        const sizes = [H, W, stride, half] as const;
        for (let warp = 0; warp < warps; warp++) {
          kernels.hornSchunckTerms(own, other, flow, terms, lines, N * H, ...sizes, alpha);
          kernels.hornSchunckSweeps(terms, flow, N, ...sizes, overshoot, iterations, scratch);
        }
      });
    };
  });
}

/** Along one axis: a pixel more before the first one and two behind the last, as these are. */
function margin(dtype: FloatDType, I: number, stride: number) {
  return axisFilter(dtype, stride, I + 3, (o) => [[Math.min(Math.max(0, o - 1), I - 1), 1]]);
}
