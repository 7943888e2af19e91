/** Training a variational autoencoder: the bound of each step, and what is measured on dev. */
import { valueAndGradients } from '../../autograd/tape.js';
import type { LabelledDataset } from '../../data/labels/labelled-pictures.js';
import { UsageError } from '../../errors.js';
import {
  boundParts,
  logWeights,
  negativeBound,
  negativeImportanceBound,
  type VaeParameters,
  vaeEncode,
} from '../../models/generative/vae.js';
import { randomAt } from '../../random.js';
import { randomNormal } from '../../tensor/create.js';
import type { Measures, ParameterGroup, Step } from '../../training/task.js';
import { PictureTask } from '../picture-task.js';
import { meansOf, measureBound, measureLikelihood, seenBy } from './evaluation.js';
import type { VaeModel } from './kind.js';
import type { VaeRecipe } from './recipe.js';

/** A VAE, its data and its recipe as a task. */
export class VaeTask extends PictureTask<VaeRecipe> {
  readonly model: VaeModel;
  readonly groups: readonly ParameterGroup[];

  /** @throws UsageError as `PictureTask`; for several samples with a bound that has no such form */
  constructor(model: VaeModel, recipe: VaeRecipe, dataset: Pick<LabelledDataset, 'splits'>) {
    const { samples, beta, betaWarmup, freeBits } = recipe;
    if (samples > 1 && (beta !== 1 || betaWarmup > 0 || freeBits > 0)) {
      throw new UsageError(
        `--samples ${samples} trains the importance-weighted bound, in which KL is no part of its own: leave --beta, --beta-warmup and --free-bits out, or --samples`,
      );
    }
    super(recipe, dataset, model.plan.config);
    this.model = model;
    this.groups = [{ name: 'network', parameters: model.parameters, share: 1 }];
  }

  protected async *step(indices: Int32Array, epoch: number, batch: number): ReturnType<Step> {
    const { seed, samples } = this.recipe;
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
    return {
      loss,
      reconstruction: { total: reconstruction, count },
      kl: { total: kl, count },
    };
  }

  /** What KL counts in a step. */
  #weights(epoch: number, batch: number) {
    const { beta, betaWarmup, freeBits } = this.recipe;
    const done = epoch + batch / this.batchesPerEpoch;
    return { beta: beta * (betaWarmup > 0 ? Math.min(1, done / betaWarmup) : 1), freeBits };
  }

  /** `loss` is the negative ELBO on dev, or with several samples the negative bound of as many. */
  async measure(): Promise<Measures> {
    const { seed, samples } = this.recipe;
    const { elbo, reconstruction, kl, activeUnits } = measureBound(this.model, this.dev, { seed });
    const bound =
      samples > 1 ? measureLikelihood(this.model, this.dev, { samples, seed }).logLikelihood : elbo;
    return { loss: -bound, reconstruction, kl, activeUnits };
  }
}
