/** Optical flow by polynomial expansion: Farneback 2003, as OpenCV computes it. */
import { z } from 'zod';
import type { FloatDType } from '../engine/blas.js';
import { engine, scope } from '../engine/engine.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { tensor, zeros } from '../tensor/create.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import { flowOfPairs, fullOptions } from './pairs.js';
import { atLevel, flowAtLevel, levelsOf, pyramidFields } from './pyramid.js';

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

/** The reach of the trust in pixels near an edge, and how it grows from there. */
const trustAtEdge = [0.14, 0.14, 0.4472, 0.4472, 0.4472];

export function farneback(previous: Tensor, next: Tensor, options: FarnebackOptions = {}): Tensor {
  const full = fullOptions('farneback', farnebackSchema, options);
  return flowOfPairs('farneback', previous, next, (images) => {
    const { dtype, lines } = images;
    const fit = polynomialFit(dtype, full.polyN, full.polySigma);
    const window = windowWeights(dtype, full.winSize, full.window);
    const levels = levelsOf(images, full, (scale) => (1 / scale - 1) / 2).map((level) => ({
      ...level,
      trustX: trust(dtype, level.W),
      trustY: trust(dtype, level.H),
    }));
    return (first, second) => {
      const [N = 0] = first.shape;
      let flow: Tensor | undefined;
      for (const level of levels) {
        using work = scope();
        const { H, W, trustX, trustY } = level;
        const kernels = kernelsFor(first);
        const rows = N * H;
        const room = (margin: number) =>
          engine().allocate(kernels.farnebackScratchBytes(W, margin));
        const coefficients = [first, second].map((image) => {
          const x = atLevel(image, level);
          const found = empty(dtype, [N, H, W, 5]);
          const margin = full.polyN;
          kernels.polynomials(x, fit, found, lines, rows, H, W, margin, room(margin));
          return found;
        });
        const [own, other] = coefficients;
        if (!own || !other) break;
        flow = flow ? flowAtLevel(flow, level, full.pyrScale) : zeros([N, 2, H, W], dtype);
        const matrices = empty(dtype, [N, H, 5, W]);
        const margin = window.size - 1;
        for (let i = 0; i < full.iterations; i++) {
          kernels.flowMatrices(own, other, flow, trustX, trustY, matrices, lines, rows, H, W);
          kernels.flowOfMatrices(matrices, window, flow, lines, rows, H, W, margin, room(margin));
        }
        work.keep(flow);
      }
      return flow ?? zeros([N, 2, images.H, images.W], dtype);
    };
  });
}

/** What the kernel `polynomials` needs: three lists of weights, and four numbers. */
function polynomialFit(dtype: FloatDType, n: number, sigma: number): Tensor {
  const raw = Array.from({ length: n + 1 }, (_, k) => Math.exp((-k * k) / (2 * sigma * sigma)));
  const sum = raw.reduce((all, value, k) => all + (k === 0 ? value : 2 * value), 0);
  const g = raw.map((value) => value / sum);
  const moment = (power: number) =>
    g.reduce((all, value, k) => all + (k === 0 ? 0 : 2 * value * k ** power), 0);
  const [m2, m4] = [moment(2), moment(4)];
  // The inverse of the weighted products of 1, x, y, x^2, y^2 and xy.
  const spread = m4 - m2 * m2;
  const numbers = [1 / m2, -m2 / spread, 1 / spread, 1 / (m2 * m2)];
  const lists = [0, 1, 2].flatMap((power) => g.map((value, k) => value * k ** power));
  return tensor([...lists, ...numbers], { dtype });
}

/** The weights of a window by the distance from its middle, along one axis. */
function windowWeights(dtype: FloatDType, winSize: number, kind: 'box' | 'gaussian'): Tensor {
  const m = Math.floor(winSize / 2);
  if (kind === 'box') return tensor(new Array(m + 1).fill(1 / winSize), { dtype });
  const sigma = 0.3 * m;
  const raw = Array.from({ length: m + 1 }, (_, k) =>
    k === 0 ? 1 : Math.exp((-k * k) / (2 * sigma * sigma)),
  );
  const sum = raw.reduce((all, value, k) => all + (k === 0 ? value : 2 * value), 0);
  return tensor(
    raw.map((value) => value / sum),
    { dtype },
  );
}

/** How much each pixel of an axis counts. */
function trust(dtype: FloatDType, I: number): Tensor {
  const values = Array.from({ length: I }, (_, i) => {
    return (trustAtEdge[i] ?? 1) * (trustAtEdge[I - 1 - i] ?? 1);
  });
  return tensor(values, { dtype });
}
