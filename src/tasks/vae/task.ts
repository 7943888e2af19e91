/** Training a variational autoencoder: the pictures of each step, the bound, and what is measured on dev. */
import { valueAndGradients } from '../../autograd/tape.js';
import { BinarisedPictures } from '../../data/labels/binarised-pictures.js';
import type { LabelledDataset } from '../../data/labels/labelled-pictures.js';
import { imagesNotFinite } from '../../data/source.js';
import type { SplitName } from '../../data/splits.js';
import { scope } from '../../engine/engine.js';
import { UsageError } from '../../errors.js';
import {
  boundParts,
  logWeights,
  negativeBound,
  negativeImportanceBound,
  type VaeConfig,
  type VaeParameters,
  vaeEncode,
} from '../../models/generative/vae.js';
import { randomAt } from '../../random.js';
import { randomNormal } from '../../tensor/create.js';
import {
  type Measures,
  type ParameterGroup,
  type Step,
  type Sums,
  shuffledBatches,
  type Task,
} from '../../training/task.js';
import { meansOf, measureBound, measureLikelihood, requireShape, seenBy } from './evaluation.js';
import type { VaeModel } from './kind.js';
import type { VaeRecipe } from './recipe.js';

/** The pictures of a split as a VAE sees them: the splits are drawn differently, and the same for every run. */
export function picturesFor(
  { binarise }: Pick<VaeConfig, 'binarise'>,
  { splits }: Pick<LabelledDataset, 'splits'>,
  split: SplitName,
): BinarisedPictures {
  return new BinarisedPictures(splits[split], binarise, { train: 0, dev: 1, test: 2 }[split]);
}

/** A VAE, its data and its recipe as a task. All that is drawn is a function of seed, epoch and place. */
export class VaeTask implements Task {
  readonly model: VaeModel;
  readonly groups: readonly ParameterGroup[];
  readonly batchesPerEpoch: number;
  readonly unit = 'pictures';
  readonly train: BinarisedPictures;
  readonly dev: BinarisedPictures;
  readonly #recipe: VaeRecipe;
  /** The pictures of the last step. */
  #last: ArrayLike<number> & Iterable<number> = [];
  #epoch = 0;

  /**
   * @throws UsageError when a split is empty, its pictures are not of the model's shape, or a batch is larger
   *   than the set; and for several samples with a bound that has no such form
   */
  constructor(model: VaeModel, recipe: VaeRecipe, dataset: Pick<LabelledDataset, 'splits'>) {
    this.model = model;
    this.#recipe = recipe;
    this.groups = [{ name: 'network', parameters: model.parameters, share: 1 }];
    this.train = picturesFor(model.plan.config, dataset, 'train');
    this.dev = picturesFor(model.plan.config, dataset, 'dev');
    requireShape(model, this.train, 'the model', 'train');
    requireShape(model, this.dev, 'the model', 'dev');
    const { batchSize, samples, beta, betaWarmup, freeBits } = recipe;
    if (samples > 1 && (beta !== 1 || betaWarmup > 0 || freeBits > 0)) {
      throw new UsageError(
        `--samples ${samples} trains the importance-weighted bound, in which KL is no part of its own: leave --beta, --beta-warmup and --free-bits out, or --samples`,
      );
    }
    if (batchSize > this.train.size) {
      throw new UsageError(
        `a batch of ${batchSize} pictures is more than the ${this.train.size} that there are to train on: choose a smaller --batch-size`,
      );
    }
    this.batchesPerEpoch = Math.ceil(this.train.size / batchSize);
  }

  *steps(epoch: number, from: number): Generator<Step> {
    for (const { batch, indices } of shuffledBatches(this.train.size, this.#recipe, epoch, from)) {
      yield () => this.#step(indices, epoch, batch);
    }
  }

  async *#step(indices: Int32Array, epoch: number, batch: number): ReturnType<Step> {
    [this.#last, this.#epoch] = [indices, epoch];
    const { seed, samples } = this.#recipe;
    const random = randomAt(seed, 'latent', epoch, batch);
    const noise = randomNormal(random, [indices.length * samples, this.model.plan.config.latent]);
    const seen = seenBy(this.model, this.train, indices, epoch);
    const count = indices.length;
    const { plan, parameters } = this.model;
    let parts = { reconstruction: 0, kl: 0 };
    const { value, gradients } = valueAndGradients((p: VaeParameters) => {
      if (samples > 1) {
        const of = Int32Array.from({ length: count * samples }, (_, i) => Math.floor(i / samples));
        const code = vaeEncode(plan, p, seen);
        return negativeImportanceBound(logWeights(plan, p, code, seen, of, noise), samples);
      }
      const bound = boundParts(plan, p, seen, noise);
      parts = meansOf(bound);
      return negativeBound(bound, this.#weights(epoch, batch));
    }, parameters);
    yield { network: gradients };
    const loss = { total: value.item() * count, count };
    if (samples > 1) return { loss };
    const { reconstruction, kl } = parts;
    const sums: Sums = {
      loss,
      reconstruction: { total: reconstruction, count },
      kl: { total: kl, count },
    };
    return sums;
  }

  /** What KL counts in a step. */
  #weights(epoch: number, batch: number) {
    const { beta, betaWarmup, freeBits } = this.#recipe;
    const done = epoch + batch / this.batchesPerEpoch;
    return { beta: beta * (betaWarmup > 0 ? Math.min(1, done / betaWarmup) : 1), freeBits };
  }

  /** `loss` is the negative ELBO on dev, or with several samples the negative bound of as many. */
  async measure(): Promise<Measures> {
    const { seed, samples } = this.#recipe;
    const { elbo, reconstruction, kl, activeUnits } = measureBound(this.model, this.dev, { seed });
    const bound =
      samples > 1 ? measureLikelihood(this.model, this.dev, { samples, seed }).logLikelihood : elbo;
    return { loss: -bound, reconstruction, kl, activeUnits };
  }

  badInputs(on: 'train' | 'dev'): string | undefined {
    const pictures = this[on];
    const indices =
      on === 'train' ? this.#last : Array.from({ length: pictures.size }, (_, i) => i);
    for (const index of indices) {
      using _picture = scope();
      const { x } = pictures.batch([index], on === 'train' ? this.#epoch : 0);
      const bad = imagesNotFinite(x, [`${on} picture ${index}`]);
      if (bad !== undefined) return bad;
    }
    return undefined;
  }

  worth({ loss = Number.POSITIVE_INFINITY }: Measures): number {
    return -loss;
  }
}
