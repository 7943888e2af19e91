/** Picture against picture: MSE, PSNR and SSIM of reconstructions; and likelihoods as bits a dimension. */
import { scope } from '../../engine/engine.js';
import { ShapeError, ValueError } from '../../errors.js';
import { conv2dForward } from '../../layers/convolution/conv2d.js';
import { tensor, zeros } from '../../tensor/create.js';
import { dimensions, showShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { float64Of, matrixOf, partsOf, readRows, samplesOf } from './samples.js';

/** The values that pixels can have: the largest less the smallest; 1 for 0 to 1, 2 for -1 to 1. */
interface PixelRange {
  readonly range: number;
}

/**
 * The mean squared error of each picture, a and b (N, ...): mean of (a - b)² over its values, (N).
 * @throws ShapeError when the two differ in shape; DTypeError, ValueError as all measures.
 */
export function picturesMse(a: Tensor, b: Tensor): Float64Array {
  const [first, second] = pair(a, b);
  const { N, D } = first;
  const errors = new Float64Array(N);
  for (const { first: from, size } of partsOf(N, D)) {
    const [x, y] = [readRows(first, from, size), readRows(second, from, size)];
    for (let n = 0; n < size; n++) {
      let sum = 0;
      for (let d = n * D; d < (n + 1) * D; d++) sum += ((x[d] ?? 0) - (y[d] ?? 0)) ** 2;
      errors[from + n] = sum / D;
    }
  }
  return errors;
}

/** Peak signal-to-noise ratio in decibels, 10 log10(range² / mse); infinite for an error of 0. */
export function psnr(mse: number, { range }: PixelRange): number {
  checkRange(range);
  if (!(mse >= 0)) throw new ValueError(`psnr: a mean squared error of ${mse} is none`);
  return 10 * Math.log10(range ** 2 / mse);
}

/** Side and deviation, in pixels, of the window of SSIM; K1 and K2. */
const SSIM = { side: 11, deviation: 1.5, luminance: 0.01, contrast: 0.03 } as const;

/**
 * The structural similarity of each picture, a and b (N, C, H, W): (N), from -1 to 1, 1 for equal ones.
 *
 *     ssim = mean of  (2 μa μb + c1) (2 σab + c2) / ((μa² + μb² + c1) (σa² + σb² + c2))
 *     c1 = (0.01 range)²,  c2 = (0.03 range)²
 *
 * over all windows of 11 x 11 pixels that lie within the picture, and all channels. Means, variances and the
 * covariance weigh a window's pixels by a Gaussian of deviation 1.5, whose weights add up to 1.
 * Source: Wang et al. 2004. Equal to their program without its shrinking of large pictures, and to
 * scikit-image's `structural_similarity` with `gaussian_weights=True, use_sample_covariance=False`.
 * @throws ShapeError when shapes differ, or pictures are smaller than a window; ValueError when the range is
 *   not positive.
 */
export function ssim(a: Tensor, b: Tensor, { range }: PixelRange): Float64Array {
  checkRange(range);
  const { N, C, H, W } = dimensions('ssim', {
    a: [a, 'N', 'C', 'H', 'W'],
    b: [b, 'N', 'C', 'H', 'W'],
  });
  const [first, second] = pair(a, b);
  const { side } = SSIM;
  if (H < side || W < side) {
    throw new ShapeError(
      `ssim: pictures of ${H} x ${W} are smaller than its window of ${side} x ${side}: use the mean squared error`,
    );
  }
  const each = new Float64Array(N);
  const [c1, c2] = [(SSIM.luminance * range) ** 2, (SSIM.contrast * range) ** 2];
  const places = C * (H - side + 1) * (W - side + 1);
  // Five maps of each picture are smoothed at once.
  for (const { first: from, size } of partsOf(N, 5 * C * H * W)) {
    using _part = scope();
    const [x, y] = [readRows(first, from, size), readRows(second, from, size)];
    const smoothed = (values: Float64Array) =>
      smooth(matrixOf(values, values.length).view(size * C, 1, H, W));
    const product = (u: Float64Array, v: Float64Array) => u.map((value, i) => value * (v[i] ?? 0));
    const [ma, mb] = [smoothed(x), smoothed(y)];
    const [aa, bb, ab] = [
      smoothed(product(x, x)),
      smoothed(product(y, y)),
      smoothed(product(x, y)),
    ];
    for (let i = 0; i < ma.length; i++) {
      const [p = 0, q = 0] = [ma[i], mb[i]];
      const [va, vb, cov] = [(aa[i] ?? 0) - p * p, (bb[i] ?? 0) - q * q, (ab[i] ?? 0) - p * q];
      const similarity =
        ((2 * p * q + c1) * (2 * cov + c2)) / ((p * p + q * q + c1) * (va + vb + c2));
      const n = from + Math.floor(i / places);
      each[n] = (each[n] ?? 0) + similarity / places;
    }
  }
  return each;
}

/** Planes (P, 1, H, W) by the Gaussian window, along one side and then the other. */
function smooth(planes: Tensor): Float64Array {
  const { side, deviation } = SSIM;
  const heights = Array.from({ length: side }, (_, i) =>
    Math.exp(-(((i - (side - 1) / 2) / deviation) ** 2) / 2),
  );
  const total = heights.reduce((sum, height) => sum + height, 0);
  const along = (shape: readonly number[]) =>
    tensor(
      heights.map((height) => height / total),
      { shape, dtype: 'f64' },
    );
  const none = zeros([1], 'f64');
  const across = conv2dForward(planes, along([1, 1, 1, side]), none).y;
  return float64Of(conv2dForward(across, along([1, 1, side, 1]), none).y);
}

/** How much like the pictures their reconstructions are. */
export interface ReconstructionScores {
  /** Over all values of all pictures. */
  readonly mse: number;
  /** Of that error, in decibels: so that one picture without any does not make it infinite. */
  readonly psnr: number;
  /** Mean over the pictures; undefined where these are smaller than its window. */
  readonly ssim: number | undefined;
}

/**
 * MSE, PSNR and SSIM of reconstructions, both (N, C, H, W).
 * @throws as `ssim`, but for small pictures.
 */
export function reconstructionScores(
  pictures: Tensor,
  reconstructions: Tensor,
  { range }: PixelRange,
): ReconstructionScores {
  const [, , H = 0, W = 0] = pictures.shape;
  const mean = (values: Float64Array) => values.reduce((sum, v) => sum + v / values.length, 0);
  const mse = mean(picturesMse(pictures, reconstructions));
  const tooSmall = pictures.shape.length === 4 && Math.min(H, W) < SSIM.side;
  return {
    mse,
    psnr: psnr(mse, { range }),
    ssim: tooSmall ? undefined : mean(ssim(pictures, reconstructions, { range })),
  };
}

/**
 * Nats a picture as bits a dimension: nats / (dimensions log 2), dimensions C H W.
 *
 * Of a density over pixels that were scaled from 0 .. `levels` (256 for bytes, with noise of one level
 * added to them) to 0 .. 1, log2(levels) is added: that density is as many times larger. Of probabilities of
 * whole pixels, and of binary ones, leave `levels` out.
 * Source: Theis, van den Oord and Bethge 2016, A note on the evaluation of generative models, section 3.1.
 * @param nats negative log-likelihood; below 0 for a density above 1.
 * @throws ValueError when nats are not finite, or dimensions or levels no whole numbers from 1 and 2 on.
 */
export function bitsPerDimension(
  nats: number,
  dimensions: number,
  { levels }: { readonly levels?: number } = {},
): number {
  const whole = Number.isInteger(dimensions) && dimensions >= 1;
  const scaled = levels === undefined || (Number.isInteger(levels) && levels >= 2);
  if (!Number.isFinite(nats) || !whole || !scaled) {
    throw new ValueError(
      `bits a dimension: ${nats} nats over ${dimensions} dimensions${levels === undefined ? '' : ` of ${levels} levels`}: all must be finite, a picture has 1 dimension or more, a pixel 2 levels or more`,
    );
  }
  return nats / (dimensions * Math.LN2) + (levels === undefined ? 0 : Math.log2(levels));
}

function checkRange(range: number): void {
  if (range > 0 && Number.isFinite(range)) return;
  throw new ValueError(
    `the range of pixels is ${range}: give the largest value less the smallest, 1 for 0 to 1`,
  );
}

/** @throws ShapeError when the two differ in shape. */
function pair(a: Tensor, b: Tensor) {
  if (showShape(a.shape) !== showShape(b.shape)) {
    throw new ShapeError(
      `pictures ${showShape(a.shape)} and reconstructions ${showShape(b.shape)} must have one shape`,
    );
  }
  return [samplesOf('pictures', a), samplesOf('reconstructions', b)] as const;
}
