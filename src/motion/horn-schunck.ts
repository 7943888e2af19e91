/** Optical flow by a smoothness term: Horn and Schunck 1981, over a pyramid. */
import { z } from 'zod';
import type { FloatDType } from '../engine/blas.js';
import { engine } from '../engine/engine.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import { axisFilter, filterColumns, filterRows } from './filters.js';
import { type FlowPlan, flowField, fullOptions } from './pairs.js';
import { atLevel, coarseToFine, count, levelsOf, pyramidFields } from './pyramid.js';

/** The options of `hornSchunck`. */
export const hornSchunckSchema = z.strictObject({
  ...pyramidFields,
  /** No side of a smaller level is below so many pixels. */
  smallestSide: count.default(6),
  /** What a change of the flow by one pixel between neighbours costs, in units of brightness: larger is smoother. */
  alpha: z.number('must be a number').positive('must be above 0').default(15),
  /** Times that the next image is looked at anew where the flow leads, at each level. */
  warps: count.default(5),
  /** Times that every pixel's flow is renewed, for each warp. */
  iterations: count.default(20),
});

export type HornSchunckOptions = z.input<typeof hornSchunckSchema>;

/** How much further than to its new value a pixel's flow goes each time: successive over-relaxation. */
const overshoot = 1.9;

/**
 * Optical flow that keeps brightness and is smooth: the (u, v) for which
 *
 *     Σ (J(x + u, y + v) - I(x, y))^2 + alpha^2 Σ over neighbours ((u - u_n)^2 + (v - v_n)^2)
 *
 * is least, of images I and J. J is taken as linear around where the flow leads (by the cubic of Catmull and Rom
 * and its slopes), what follows is solved by over-relaxation, and J is looked at again, `warps` times; a pyramid
 * finds shifts of more than a pixel. What leads out of the image has the flow of its neighbours, and so have areas
 * without texture: a figure before an even background takes it along (`farneback` leaves it still).
 *
 * Horn and Schunck take the mean of 8 neighbours, this of 4; they look at the images once, at one size.
 *
 * previous and next (H, W), or (N, H, W) for N pairs, bytes or floats from 0 to 255. Result (H, W, 2) or
 * (N, H, W, 2), x before y, in pixels: what is at (x, y) in `previous` is at (x + u, y + v) in `next`. A constant
 * to the tape: images have no gradient.
 *
 * Source: Horn and Schunck 1981, "Determining optical flow"; the pyramid and the warps: Meinhardt-Llopis, Sanchez
 * and Kondermann 2013, "Horn-Schunck optical flow with a multi-scale strategy".
 * @throws ValueError for a bad option; ShapeError when the images differ in size or have no pixels; DTypeError
 *   when they differ in type.
 */
export function hornSchunck(
  previous: Tensor,
  next: Tensor,
  options: HornSchunckOptions = {},
): Tensor {
  const full = fullOptions('hornSchunck', hornSchunckSchema, options);
  return flowField('hornSchunck', previous, next, hornSchunckPlan(full));
}

/** The flow of `hornSchunck` with all options. */
export function hornSchunckPlan(options: z.output<typeof hornSchunckSchema>): FlowPlan {
  const { alpha, warps, iterations, ...pyramid } = options;
  return (images) => {
    const { dtype, lines } = images;
    const blur = (scale: number) => 0.6 * Math.sqrt(1 / scale ** 2 - 1);
    const sizes = levelsOf(images, pyramid, blur).map((level) => ({
      ...level,
      wideRows: margin(dtype, level.H, level.H),
      wideColumns: margin(dtype, level.W, level.stride),
    }));
    return (previous, next) => {
      const kernels = kernelsFor(previous);
      const [N = 0] = previous.shape;
      return coarseToFine(sizes, N, dtype, (flow, level) => {
        const { H, W, stride, wideRows, wideColumns } = level;
        const own = atLevel(previous, level);
        const other = filterRows(filterColumns(atLevel(next, level), wideColumns), wideRows);
        const half = 4 * Math.ceil(W / 8);
        const extents = [H, W, stride, half] as const;
        const terms = empty(dtype, [N, H, 8, half]);
        const scratch = engine().allocate(kernels.hornSchunckScratchBytes(H, half));
        for (let warp = 0; warp < warps; warp++) {
          kernels.hornSchunckTerms(own, other, flow, terms, lines, N * H, ...extents, alpha);
          kernels.hornSchunckSweeps(terms, flow, N, ...extents, overshoot, iterations, scratch);
        }
      });
    };
  };
}

/** Along one axis: a pixel more before the first one and two behind the last, as these are. */
function margin(dtype: FloatDType, I: number, stride: number) {
  return axisFilter(dtype, stride, I + 3, (o) => [[Math.min(Math.max(0, o - 1), I - 1), 1]]);
}
