/** How likely pictures are to a variational autoencoder: its bound, and a sharper one by importance sampling. */
import type { BinarisedPictures } from '../../data/labels/binarised-pictures.js';
import { scope } from '../../engine/engine.js';
import {
  type BoundParts,
  boundParts,
  logSumExp,
  logWeights,
  type Seen,
  vaeEncode,
} from '../../models/generative/vae.js';
import { type Random, randomAt } from '../../random.js';
import { tensor } from '../../tensor/create.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import type { VaeModel } from './kind.js';

/** The bound on some pictures, in nats a picture: sums over pixels, means over pictures. */
export interface BoundReport {
  readonly pictures: number;
  /** reconstruction - kl. */
  readonly elbo: number;
  /** log p(x | z) of one sample of each picture. */
  readonly reconstruction: number;
  readonly kl: number;
  /** Latent values whose mean moves with the picture: a variance above 0.01 (Burda et al. 2016). */
  readonly activeUnits: number;
}

/** A picture's latent noise is a function of the seed and its place, not of how pictures are batched. */
function noiseOf(seed: number, indices: ArrayLike<number>, latent: number): Tensor {
  const noise = new Float32Array(indices.length * latent);
  for (let n = 0; n < indices.length; n++) {
    const random = randomAt(seed, 'latent', 0, indices[n]);
    for (let j = 0; j < latent; j++) noise[n * latent + j] = random.normal();
  }
  return tensor(noise, { shape: [indices.length, latent] });
}

/** The bound on all of some pictures, as they are measured on. */
export function measureBound(
  model: VaeModel,
  pictures: BinarisedPictures,
  { seed = 1, batchSize = 256, count = pictures.size } = {},
): BoundReport {
  const { plan, parameters } = model;
  const { latent } = plan.config;
  const [sums, squares] = [new Float64Array(latent), new Float64Array(latent)];
  let [reconstruction, kl] = [0, 0];
  for (let first = 0; first < count; first += batchSize) {
    using _batch = scope();
    const indices = range(first, Math.min(count, first + batchSize));
    const parts = boundParts(
      plan,
      parameters,
      seenBy(model, pictures, indices),
      noiseOf(seed, indices, latent),
    );
    reconstruction += total(parts.logLikelihood);
    kl += total(parts.kl);
    for (const [i, value] of parts.code.mean.dataSync().entries()) {
      sums[i % latent] = (sums[i % latent] ?? 0) + value;
      squares[i % latent] = (squares[i % latent] ?? 0) + value ** 2;
    }
  }
  const variances = squares.map((square, j) => square / count - ((sums[j] ?? 0) / count) ** 2);
  return {
    pictures: count,
    elbo: (reconstruction - kl) / count,
    reconstruction: reconstruction / count,
    kl: kl / count,
    activeUnits: variances.filter((variance) => variance > 0.01).length,
  };
}

/** The log-likelihood of some pictures, in nats a picture. */
export interface LikelihoodReport {
  /** log 1/K Σ w: a lower bound of log p(x) in the mean, the closer the larger K is. */
  readonly logLikelihood: number;
  /** Of the mean over pictures: their deviation by the root of their number. */
  readonly standardError: number;
  readonly samples: number;
}

/** Samples that are decoded together: this bounds the memory, whatever K is. */
const ROWS = 1024;

/**
 * The log-likelihood by importance sampling with K samples of q(z | x) for each picture.
 * @param options.progress is told how many pictures are done.
 */
export function measureLikelihood(
  model: VaeModel,
  pictures: BinarisedPictures,
  {
    samples,
    seed = 1,
    count = pictures.size,
    progress = () => {},
  }: {
    readonly samples: number;
    readonly seed?: number;
    readonly count?: number;
    readonly progress?: (done: number) => void;
  },
): LikelihoodReport {
  const each = Math.min(samples, ROWS);
  const together = Math.max(1, Math.floor(ROWS / each));
  const values: number[] = [];
  for (let first = 0; first < count; first += together) {
    using _batch = scope();
    const indices = range(first, Math.min(count, first + together));
    values.push(...likelihoodsOf(model, pictures, indices, { samples, each, seed }));
    progress(values.length);
  }
  const logLikelihood = values.reduce((a, b) => a + b, 0) / count;
  const variance = values.reduce((a, b) => a + (b - logLikelihood) ** 2, 0) / count;
  return { logLikelihood, standardError: Math.sqrt(variance / count), samples };
}

/** log 1/K Σ w of a few pictures, `each` samples of every picture at a time. */
function likelihoodsOf(
  model: VaeModel,
  pictures: BinarisedPictures,
  indices: Int32Array,
  { samples, each, seed }: { samples: number; each: number; seed: number },
): number[] {
  const { plan, parameters } = model;
  const { latent } = plan.config;
  const seen = seenBy(model, pictures, indices);
  const code = vaeEncode(plan, parameters, seen);
  const randoms = Array.from(indices, (index) => randomAt(seed, 'importance', 0, index));
  const totals = randoms.map(() => Number.NEGATIVE_INFINITY);
  for (let done = 0; done < samples; done += each) {
    using _chunk = scope();
    const K = Math.min(each, samples - done);
    const of = Int32Array.from({ length: indices.length * K }, (_, row) => Math.floor(row / K));
    const noise = normalRows(randoms, K, latent);
    const weights = logWeights(plan, parameters, code, seen, of, noise).dataSync();
    for (const [n, before] of totals.entries()) {
      totals[n] = logSumExp([before, logSumExp(weights.subarray(n * K, (n + 1) * K))]);
    }
  }
  return totals.map((sum) => sum - Math.log(samples));
}

/** K rows of noise from each generator, one after the other. */
function normalRows(randoms: readonly Random[], K: number, latent: number): Tensor {
  const values = new Float32Array(randoms.length * K * latent);
  for (const [n, random] of randoms.entries()) {
    for (let i = n * K * latent; i < (n + 1) * K * latent; i++) values[i] = random.normal();
  }
  return empty('f32', [randoms.length * K, latent]).assign(values);
}

/** Pictures of some places as the model sees them, with the classes that it is told of. */
export function seenBy(
  { classes }: Pick<VaeModel, 'classes'>,
  pictures: BinarisedPictures,
  indices: ArrayLike<number>,
  epoch?: number,
): Seen {
  const { x, labels } = pictures.batch(indices, epoch);
  return classes.length > 0 ? { x, labels } : { x };
}

function range(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to - from }, (_, i) => from + i);
}

function total(values: Tensor): number {
  return Array.from(values.dataSync()).reduce((a, b) => a + b, 0);
}

/** Means over a batch, for the log. */
export function meansOf({ logLikelihood, kl }: Pick<BoundParts, 'logLikelihood' | 'kl'>) {
  return { reconstruction: total(logLikelihood), kl: total(kl) };
}
