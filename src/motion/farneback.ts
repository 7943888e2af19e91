/** Optical flow by polynomial expansion: Farneback 2003, as OpenCV computes it. */
import { z } from 'zod';
import type { FloatDType } from '../engine/blas.js';
import { engine } from '../engine/engine.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { tensor } from '../tensor/create.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import { flowOfPairs, fullOptions } from './pairs.js';
import { atLevel, coarseToFine, levelsOf, pyramidFields } from './pyramid.js';

/** The options of `farneback`: OpenCV's, under its names and with the defaults of its class. */
export const farnebackSchema = z.strictObject({
  ...pyramidFields,
  /** Smaller levels than this have no pixels to spare: OpenCV's 32. */
  smallestSide: z.int('must be a whole number').min(1).default(32),
  /** Side of the window over whose pixels one motion is looked for. Large ones see fast motion, and blur it. */
  winSize: z.int('must be a whole number').min(1).max(1023).default(13),
  /** Times that the flow of each level is corrected. */
  iterations: z.int('must be a whole number').min(1).default(10),
  /** How far the pixels reach whose polynomial is looked for: 5 means two on each side. */
  polyN: z.int('must be a whole number').min(1).max(64).default(5),
  /** Standard deviation of the Gaussian by which these pixels count; 1.1 for 5, 1.5 for 7. */
  polySigma: z.number('must be a number').gt(0).default(1.1),
  /** Whether all pixels of the window count alike (`box`), or by a Gaussian of 0.15 winSize (slower). */
  window: z.enum(['box', 'gaussian'], 'must be one of box, gaussian').default('box'),
});

export type FarnebackOptions = z.input<typeof farnebackSchema>;

/** How much the pixels of an edge count, and those behind them. */
const trustAtEdge = [0.14, 0.14, 0.4472, 0.4472, 0.4472];

export function farneback(previous: Tensor, next: Tensor, options: FarnebackOptions = {}): Tensor {
  const full = fullOptions('farneback', farnebackSchema, options);
  return flowOfPairs('farneback', previous, next, (images) => {
    const { dtype, lines } = images;
    const { winSize, iterations, polyN, polySigma, window } = full;
    const fit = polynomialFit(dtype, polyN, polySigma);
    const margin = Math.floor(winSize / 2);
    const weights = gaussianWindow(dtype, margin);
    const levels = levelsOf(images, full, (scale) => (1 / scale - 1) / 2).map((level) => ({
      ...level,
      trustX: trust(dtype, level.W, level.stride),
      trustY: trust(dtype, level.H),
    }));
    return (first, second) => {
      const kernels = kernelsFor(first);
      const [N = 0] = first.shape;
      return coarseToFine(levels, N, dtype, (flow, level) => {
        const { H, W, stride, trustX, trustY } = level;
        const rows = N * H;
        const scratch = engine().allocate(
          kernels.farnebackScratchBytes(stride, Math.max(margin, polyN)),
        );
        const coefficients = (image: Tensor) => {
          const x = atLevel(image, level);
          const found = empty(dtype, [N, H, W, 5]);
          kernels.polynomials(x, fit, found, lines, rows, H, W, stride, polyN, scratch);
          return found;
        };
        const [own, other] = [coefficients(first), coefficients(second)];
        const equations = empty(dtype, [N, H, 5, stride]);
        const sizes = [lines, rows, H, W, stride] as const;
        for (let i = 0; i < iterations; i++) {
          kernels.flowEquations(own, other, flow, trustX, trustY, equations, ...sizes);
          if (window === 'box') {
            kernels.flowOfBox(equations, flow, ...sizes, margin, 1 / winSize ** 2, scratch);
          } else {
            kernels.flowOfWeighted(equations, weights, flow, ...sizes, margin, scratch);
          }
        }
      });
    };
  });
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

/** The weights of a Gaussian window by the distance from its middle, along one axis. */
function gaussianWindow(dtype: FloatDType, margin: number): Tensor {
  return tensor(normalised(margin, 0.3 * margin), { dtype });
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
