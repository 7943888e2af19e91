/** The variational autoencoder (Kingma and Welling 2014): its two distributions, its bound, and sharper ones. */
import { z } from 'zod';
import { firstIssue } from '../../data/formats/schema-errors.js';
import { binarisations } from '../../data/labels/binarised-pictures.js';
import { UsageError } from '../../errors.js';
import { sigmoid, softplus } from '../../layers/elementwise/activations.js';
import { add, maximum, multiply, subtract } from '../../layers/elementwise/arithmetic.js';
import { scale } from '../../layers/elementwise/functions.js';
import { gather } from '../../layers/indexing/gather.js';
import { split } from '../../layers/indexing/pieces.js';
import { mean, sum } from '../../layers/indexing/reductions.js';
import {
  bernoulliLogLikelihood,
  gaussianLogLikelihood,
  klToUnitNormal,
  sampledKlToUnitNormal,
  sampleNormal,
} from '../../layers/losses/likelihoods.js';
import { tensor } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import { constant, type ShapesOf } from '../parameters.js';
import {
  type Coder,
  coderSchema,
  decodePictures,
  decoderShapes,
  encodePictures,
  encoderShapes,
  type LayersParameters,
  planCoder,
} from './coder.js';

/** What a pixel is, given the code: 0 or 1, or a number with a normal error. */
export const pixelKinds = ['bernoulli', 'gaussian'] as const;

/** What a VAE is, as a model file holds it. */
export const vaeSchema = coderSchema.extend({
  pixels: z.enum(pixelKinds).default('bernoulli').meta({
    flag: '--pixels <kind>',
    help: 'bernoulli: 0 or 1; gaussian: one variance of all, learned',
  }),
  binarise: z.enum(binarisations).meta({
    flag: '--binarise <how>',
    help: 'pixels to 0 and 1: from half of white on, drawn once or in each epoch (default: dynamic, gaussian none)',
  }),
});
export type VaeConfig = z.output<typeof vaeSchema>;
export type VaeOptions = Omit<z.input<typeof vaeSchema>, 'binarise'> &
  Partial<Pick<VaeConfig, 'binarise'>>;

/** A configuration with every field. @throws UsageError naming the field that is wrong */
export function fullVae(options: VaeOptions): VaeConfig {
  const { pixels = 'bernoulli' } = options;
  const { binarise = pixels === 'bernoulli' ? 'dynamic' : 'none' } = options;
  const result = vaeSchema.safeParse({ ...options, binarise });
  if (!result.success) throw new UsageError(`vae: ${firstIssue(result.error, options)}`);
  if (pixels === 'gaussian' && binarise !== 'none') {
    throw new UsageError(
      `vae: pixels that are 0 or 1 (binarise ${binarise}) have no normal error: choose pixels bernoulli, or binarise none`,
    );
  }
  return result.data;
}

/** A VAE's parameters; `logVariance` () is that of Gaussian pixels. */
export type VaeParameters = {
  readonly encoder: LayersParameters;
  readonly decoder: LayersParameters;
  readonly pixels?: { readonly logVariance: Tensor };
};

/** A VAE with all its shapes known. */
export interface VaePlan {
  readonly config: VaeConfig;
  readonly coder: Coder;
}

/** The encoder makes a mean and a logarithm of a variance of each latent value. */
export function planVae(config: VaeConfig): VaePlan {
  return { config, coder: planCoder(config, 2 * config.latent) };
}

/** Fresh parameters: codes begin near the unit normal, pixels at 1/2 (or at mean 0 and variance 1). */
export function vaeShapes({ config, coder }: VaePlan): ShapesOf<VaeParameters> {
  const pixels = config.pixels === 'gaussian' ? { pixels: { logVariance: constant([]) } } : {};
  return { encoder: encoderShapes(coder), decoder: decoderShapes(coder), ...pixels };
}

/** q(z | x): mean and logarithm of the variance of every latent value, (N, latent) each. */
export interface Code {
  readonly mean: Tensor;
  readonly logVariance: Tensor;
}

/** Pictures to check, and what they are of. */
export interface Seen {
  /** (N, C, H, W). */
  readonly x: Tensor;
  /** (N) i32, of a model that is told of classes. */
  readonly labels?: Tensor | undefined;
}

/** q(z | x) of pictures. */
export function vaeEncode(
  { coder }: VaePlan,
  { encoder }: Pick<VaeParameters, 'encoder'>,
  { x, labels }: Seen,
): Code {
  const [mean, logVariance] = split(encodePictures(coder, encoder, x, labels), 1, 2);
  if (!mean || !logVariance) throw new TypeError('an encoder made no code');
  return { mean, logVariance };
}

/** Scores (N, C, H, W) of pixels of codes z (N, latent): logits of Bernoulli pixels, means of Gaussian ones. */
export function vaeDecode(
  { coder }: VaePlan,
  { decoder }: Pick<VaeParameters, 'decoder'>,
  z: Tensor,
  labels?: Tensor,
): Tensor {
  return decodePictures(coder, decoder, z, labels);
}

/** The mean of each pixel by its score. */
export function pixelMeans({ config }: VaePlan, scores: Tensor): Tensor {
  return config.pixels === 'bernoulli' ? sigmoid(scores) : scores;
}

/** The least logarithm of a variance of pixels: a deviation of 1/400 of the way from black to white. */
const LEAST_LOG_VARIANCE = -12;

/**
 * log p(x | z), in nats a picture: (N). The variance of Gaussian pixels is one for all of them, and learned
 * (Rybkin et al. 2021); a smooth bend keeps it above e^-12, below which a density grows without end.
 */
export function pixelLogLikelihood(
  { config }: VaePlan,
  parameters: Pick<VaeParameters, 'pixels'>,
  scores: Tensor,
  x: Tensor,
): Tensor {
  if (config.pixels === 'bernoulli') return bernoulliLogLikelihood(scores, x);
  if (!parameters.pixels) throw new TypeError('the variance of Gaussian pixels is missing');
  return gaussianLogLikelihood(scores, pixelLogVariance(parameters.pixels), x);
}

/** The logarithm of the variance of Gaussian pixels: (). */
export function pixelLogVariance({ logVariance }: { readonly logVariance: Tensor }): Tensor {
  return add(softplus(subtract(logVariance, LEAST_LOG_VARIANCE)), LEAST_LOG_VARIANCE);
}

/** The two parts of the bound, in nats: ELBO = log-likelihood - KL. */
export interface BoundParts {
  /** log p(x | z) of one sample z of q(z | x): (N). */
  readonly logLikelihood: Tensor;
  /** KL(q(z | x) || p(z)) of every latent value, exactly: (N, latent). */
  readonly kl: Tensor;
  readonly code: Code;
}

/** The parts of the bound of pictures. @param noise (N, latent), standard normal. */
export function boundParts(
  plan: VaePlan,
  parameters: VaeParameters,
  seen: Seen,
  noise: Tensor,
): BoundParts {
  const code = vaeEncode(plan, parameters, seen);
  const z = sampleNormal(code.mean, code.logVariance, noise);
  const scores = vaeDecode(plan, parameters, z, seen.labels);
  const logLikelihood = pixelLogLikelihood(plan, parameters, scores, seen.x);
  return { logLikelihood, kl: klToUnitNormal(code.mean, code.logVariance), code };
}

/** How the two parts are weighed in training. */
export interface BoundWeights {
  /** Of KL (Higgins et al. 2017). */
  readonly beta: number;
  /** Nats of KL of each latent value, in the mean of the batch, that cost nothing (Kingma et al. 2016). */
  readonly freeBits: number;
}

/**
 * What training makes small, in nats a picture, the mean over the batch:
 *
 *     loss = -1/N Σ_n log p(x | z) + beta Σ_j max(freeBits, 1/N Σ_n KL_j)
 *
 * With beta 1 and no free bits it is the negative ELBO.
 */
export function negativeBound(
  { logLikelihood, kl }: Pick<BoundParts, 'logLikelihood' | 'kl'>,
  { beta, freeBits }: BoundWeights,
): Tensor {
  const each = mean(kl, { axes: 0 });
  const divergence = sum(freeBits > 0 ? maximum(each, freeBits) : each);
  return subtract(scale(divergence, beta), mean(logLikelihood));
}

/**
 * log w = log p(x | z) + log p(z) - log q(z | x), of samples of pictures, in nats: (R). The mean of w over samples
 * of q is p(x).
 *
 * @param code of N pictures.
 * @param of (R) which of the pictures each sample is of.
 * @param noise (R, latent), standard normal.
 */
export function logWeights(
  plan: VaePlan,
  parameters: VaeParameters,
  code: Code,
  { x, labels }: Seen,
  of: Int32Array,
  noise: Tensor,
): Tensor {
  const rows = tensor(of, { dtype: 'i32' });
  const codeMean = gather(code.mean, rows);
  const logVariance = gather(code.logVariance, rows);
  const z = sampleNormal(codeMean, logVariance, noise);
  const scores = vaeDecode(plan, parameters, z, labels && rowsOf(labels, of));
  const logLikelihood = pixelLogLikelihood(plan, parameters, scores, gather(x, rows));
  const away = sum(sampledKlToUnitNormal(codeMean, logVariance, z), { axes: 1 });
  return subtract(logLikelihood, away);
}

/**
 * What training makes small with K samples of each picture (Burda, Grosse and Salakhutdinov 2016), in nats:
 *
 *     loss = -1/N Σ_n log 1/K Σ_k w[n, k]
 *
 * Its gradient is that of -1/N Σ_n,k v[n, k] log w[n, k], where v = w / Σ_k w is held still.
 * @param logWeights (N K), the K of one picture together.
 */
export function negativeImportanceBound(logWeights: Tensor, K: number): Tensor {
  const values = logWeights.dataSync();
  const N = values.length / K;
  const shares = new Float64Array(values.length);
  let [bound, still] = [0, 0];
  for (let n = 0; n < N; n++) {
    const own = values.subarray(n * K, (n + 1) * K);
    const total = logSumExp(own);
    bound += total - Math.log(K);
    for (const [k, value] of own.entries()) {
      const share = Math.exp(value - total);
      shares[n * K + k] = -share / N;
      still += share * value;
    }
  }
  const moving = sum(multiply(logWeights, tensor(shares, { dtype: logWeights.float })));
  return add(moving, (still - bound) / N);
}

/** log Σ e^x, without overflow. */
export function logSumExp(values: ArrayLike<number>): number {
  const largest = Array.from(values).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (largest === Number.NEGATIVE_INFINITY) return largest;
  return (
    largest + Math.log(Array.from(values, (x) => Math.exp(x - largest)).reduce((a, b) => a + b, 0))
  );
}

/** The labels of rows. */
function rowsOf(labels: Tensor, of: Int32Array): Tensor {
  const all = labels.dataSync();
  return tensor(
    Int32Array.from(of, (n) => all[n] ?? 0),
    { dtype: 'i32' },
  );
}
