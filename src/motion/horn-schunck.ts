/** Optical flow by a smoothness term: Horn and Schunck 1981, over a pyramid. */
import { z } from 'zod';
import type { FloatDType } from '../engine/blas.js';
import { engine, scope } from '../engine/engine.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { zeros } from '../tensor/create.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import { axisFilter, filterColumns, filterRows } from './filters.js';
import { flowOfPairs, fullOptions } from './pairs.js';
import { atLevel, flowAtLevel, levelsOf, pyramidFields } from './pyramid.js';

/** The options of `hornSchunck`. */
export const hornSchunckSchema = z.strictObject({
  ...pyramidFields,
  smallestSide: z.int('must be a whole number').min(1).default(12),
  alpha: z.number('must be a number').gt(0).default(10),
  warps: z.int('must be a whole number').min(1).default(5),
  iterations: z.int('must be a whole number').min(1).default(30),
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
    const levels = levelsOf(images, full, (scale) => 0.6 * Math.sqrt(1 / scale ** 2 - 1)).map((level) => ({
      ...level,
      wideRows: margin(dtype, level.H),
      wideColumns: margin(dtype, level.W),
    }));
    return (first, second) => {
      const [N = 0] = first.shape;
      let flow: Tensor | undefined;
      for (const level of levels) {
        using work = scope();
        const { H, W } = level;
        const kernels = kernelsFor(first);
        const half = 4 * Math.ceil(W / 8);
        const own = atLevel(first, level);
        const other = filterRows(
          filterColumns(atLevel(second, level), level.wideColumns),
          level.wideRows,
        );
        flow = flow ? flowAtLevel(flow, level, full.pyrScale) : zeros([N, 2, H, W], dtype);
        const terms = empty(dtype, [N, H, 8, half]);
        const scratch = engine().allocate(kernels.hornSchunckScratchBytes(H, half));
        for (let warp = 0; warp < full.warps; warp++) {
          kernels.hornSchunckTerms(own, other, flow, terms, lines, N * H, H, W, half, full.alpha);
          kernels.hornSchunckSweeps(
            terms,
            flow,
            N,
            H,
            W,
            half,
            overshoot,
            full.iterations,
            scratch,
          );
        }
        work.keep(flow);
      }
      return flow ?? zeros([N, 2, images.H, images.W], dtype);
    };
  });
}

/** Along one axis: a pixel more before the first one and two behind the last, as these are. */
function margin(dtype: FloatDType, I: number) {
  return axisFilter(dtype, I, I + 3, (o) => [[Math.min(Math.max(0, o - 1), I - 1), 1]]);
}
