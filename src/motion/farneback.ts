/** Optical flow by polynomial expansion: Farneback 2003, as OpenCV computes it. */
import { z } from 'zod';
import type { FloatDType } from '../engine/blas.js';
import { engine } from '../engine/engine.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { tensor } from '../tensor/create.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import { type FlowPlan, flowField, fullOptions } from './pairs.js';
import { atLevel, coarseToFine, count, levelsOf, pyramidFields } from './pyramid.js';

/** The options of `farneback`: OpenCV's, under its names and with the defaults of its class. */
export const farnebackSchema = z.strictObject({
  ...pyramidFields,
  /** No side of a smaller level is below so many pixels; OpenCV's is 32 always. */
  smallestSide: count.default(32),
  /** Side of the window over whose pixels one motion is looked for. A large one finds fast motion, and blurs it. */
  winSize: count.max(1023, 'must be at most 1023').default(13),
  /** Times that the flow of each level is corrected. */
  iterations: count.default(10),
  /** How far around a pixel its polynomial is fitted, to each side. */
  polyN: count.max(64, 'must be at most 64').default(5),
  /** Standard deviation of the Gaussian by which these pixels count; 1.1 goes with 5, 1.5 with 7. */
  polySigma: z.number('must be a number').positive('must be above 0').default(1.1),
  /** Whether all pixels of the window count alike, or by a Gaussian of 0.3 floor(winSize / 2) pixels (slower). */
  window: z.enum(['box', 'gaussian'], 'must be box or gaussian').default('box'),
});

export type FarnebackOptions = z.input<typeof farnebackSchema>;

/** How much the pixels of an edge count, and those behind them. */
const trustAtEdge = [0.14, 0.14, 0.4472, 0.4472, 0.4472];

/**
 * Optical flow by polynomial expansion: around every pixel each image is fitted by a quadratic polynomial
 *
 *     f(x) = x' A x + b' x + c,   of the next image: f(x - d), so that  A d = (b_previous - b_next) / 2
 *
 * with the mean of both A; d is what solves these equations best over a window. Each correction looks at the
 * next image where the flow leads; a pyramid finds shifts of more than the window sees.
 *
 * previous and next (H, W), or (N, H, W) for N pairs, bytes or floats from 0 to 255: a constant of 0.001 in a
 * determinant keeps areas without texture still, so that images of 0 to 1 have next to no flow. Result (H, W, 2)
 * or (N, H, W, 2), x before y, in pixels: what is at (x, y) in `previous` is at (x + u, y + v) in `next`. A
 * constant to the tape: images have no gradient.
 *
 * Agrees with `calcOpticalFlowFarneback` of OpenCV 4.6 to a thousandth of a pixel, edges included, on images of
 * 10 x 10 or more, and on single rows and columns; on others below 10 pixels OpenCV lets some pixels near the
 * edges count more (an overflow). Like OpenCV it has up to `levels` sizes besides the image's own, and fits
 * polynomials over 2 polyN + 1 pixels, where OpenCV's manual says otherwise.
 *
 * Source: Farneback 2003, "Two-frame motion estimation based on polynomial expansion".
 * @throws ValueError for a bad option; ShapeError when the images differ in size or have no pixels; DTypeError
 *   when they differ in type.
 */
export function farneback(previous: Tensor, next: Tensor, options: FarnebackOptions = {}): Tensor {
  const full = fullOptions('farneback', farnebackSchema, options);
  return flowField('farneback', previous, next, farnebackPlan(full));
}

/** The flow of `farneback` with all options. */
export function farnebackPlan(options: z.output<typeof farnebackSchema>): FlowPlan {
  const { winSize, iterations, polyN, polySigma, window, pyrScale, levels, smallestSide } = options;
  const reach = Math.floor(winSize / 2);
  return (images) => {
    const { dtype, lines } = images;
    const fit = polynomialFit(dtype, polyN, polySigma);
    const weights = tensor(normalised(reach, 0.3 * reach), { dtype });
    const blur = (scale: number) => (1 / scale - 1) / 2;
    const sizes = levelsOf(images, { pyrScale, levels, smallestSide }, blur).map((level) => ({
      ...level,
      trustX: trust(dtype, level.W, level.stride),
      trustY: trust(dtype, level.H),
    }));
    return (previous, next) => {
      const kernels = kernelsFor(previous);
      const [N = 0] = previous.shape;
      return coarseToFine(sizes, N, dtype, (flow, level) => {
        const { H, W, stride, trustX, trustY } = level;
        const extents = [lines, N * H, H, W, stride] as const;
        const bytes = kernels.farnebackScratchBytes(stride, Math.max(reach, polyN));
        const scratch = engine().allocate(bytes);
        const coefficients = (image: Tensor) => {
          const found = empty(dtype, [N, H, W, 5]);
          kernels.polynomials(atLevel(image, level), fit, found, ...extents, polyN, scratch);
          return found;
        };
        const [own, other] = [coefficients(previous), coefficients(next)];
        const equations = empty(dtype, [N, H, 5, stride]);
        for (let i = 0; i < iterations; i++) {
          kernels.flowEquations(own, other, flow, trustX, trustY, equations, ...extents);
          if (window === 'box') {
            kernels.flowOfBox(equations, flow, ...extents, reach, 1 / winSize ** 2, scratch);
          } else {
            kernels.flowOfWeighted(equations, weights, flow, ...extents, reach, scratch);
          }
        }
      });
    };
  };
}

/** What the kernel `polynomials` needs: three lists of weights, and four numbers. */
function polynomialFit(dtype: FloatDType, n: number, sigma: number): Tensor {
  const g = normalised(n, sigma);
  const moment = (power: number) =>
    g.reduce((all, value, k) => all + (k === 0 ? 0 : 2 * value * k ** power), 0);
  const [m2, m4] = [moment(2), moment(4)];
  // The inverse of the weighted products of 1, x, y, x^2, y^2 and xy.
  const spread = m4 - m2 * m2;
  const numbers = [1 / m2, -m2 / spread, 1 / spread, 1 / (m2 * m2)];
  const lists = [0, 1, 2].flatMap((power) => g.map((value, k) => value * k ** power));
  return tensor([...lists, ...numbers], { dtype });
}

/** e^(-k^2 / (2 sigma^2)) for k of 0 to `reach`, so that both sides and the middle sum to 1. */
function normalised(reach: number, sigma: number): number[] {
  const raw = Array.from({ length: reach + 1 }, (_, k) =>
    k === 0 ? 1 : Math.exp((-k * k) / (2 * sigma * sigma)),
  );
  const sum = raw.reduce((all, value) => all + 2 * value, -1);
  return raw.map((value) => value / sum);
}

/** How much each pixel of an axis counts; nothing behind the last. */
function trust(dtype: FloatDType, I: number, stride = I): Tensor {
  const values = Array.from({ length: stride }, (_, i) =>
    i < I ? (trustAtEdge[i] ?? 1) * (trustAtEdge[I - 1 - i] ?? 1) : 0,
  );
  return tensor(values, { dtype });
}
