/** Training a classifier: the pictures of each step, the loss, and what is measured on dev. */

import { valueAndGradients } from '../../autograd/tape.js';
import { DistortedPictures } from '../../data/labels/distorted-pictures.js';
import type { LabelledDataset } from '../../data/labels/labelled-pictures.js';
import { imagesNotFinite } from '../../data/source.js';
import { scope } from '../../engine/engine.js';
import { UsageError } from '../../errors.js';
import { softmaxLoss } from '../../layers/losses/softmax.js';
import { randomAt } from '../../random.js';
import { argmaxRows } from '../../tensor/arithmetic.js';
import { tensor } from '../../tensor/create.js';
import {
  type Measures,
  type ParameterGroup,
  type Step,
  shuffledBatches,
  type Task,
} from '../../training/task.js';
import type { ClassifierConfig } from './config.js';
import { evaluateClassifier } from './evaluation.js';
import type { ClassifierModel } from './kind.js';
import { classify } from './model.js';
import { type ClassifierRecipe, distortionSeed } from './recipe.js';

/** A classifier, its data and its recipe as a task. All that is drawn is a function of seed, epoch and place. */
export class ClassifierTask implements Task {
  readonly model: ClassifierModel;
  readonly groups: readonly ParameterGroup[];
  readonly batchesPerEpoch: number;
  readonly unit = 'pictures';
  readonly train: DistortedPictures;
  readonly dev: DistortedPictures;
  readonly #recipe: ClassifierRecipe;
  /** The pictures of the last step. */
  #last: ArrayLike<number> & Iterable<number> = [];
  #epoch = 0;

  /** @throws UsageError when a split is empty or its pictures are not of the classifier's shape */
  constructor(
    model: ClassifierModel,
    recipe: ClassifierRecipe,
    { splits }: Pick<LabelledDataset, 'splits'>,
  ) {
    this.model = model;
    this.#recipe = recipe;
    const { transformers, network } = model.parameters;
    this.groups = [
      { name: 'transformers', parameters: transformers, share: recipe.transformerRate },
      { name: 'network', parameters: network, share: 1 },
    ];
    const distorted = (split: 'train' | 'dev') => {
      const seed = distortionSeed(split, recipe.seed);
      const pictures = new DistortedPictures(splits[split], recipe.distort, seed);
      return fitting(model.plan.config, split, pictures);
    };
    this.train = distorted('train');
    this.dev = distorted('dev');
    this.batchesPerEpoch = Math.ceil(this.train.size / recipe.batchSize);
  }

  *steps(epoch: number, from: number): Generator<Step> {
    for (const { batch, indices } of shuffledBatches(this.train.size, this.#recipe, epoch, from)) {
      yield () => this.#step(indices, epoch, batch);
    }
  }

  async *#step(indices: Int32Array, epoch: number, batch: number): ReturnType<Step> {
    const { plan, parameters } = this.model;
    const { seed, labelSmoothing } = this.#recipe;
    [this.#last, this.#epoch] = [indices, epoch];
    const { x } = this.train.batch(indices, epoch);
    const labels = Int32Array.from(indices, (index) => this.train.source.labels[index] ?? 0);
    const targets = tensor(labels, { dtype: 'i32' });
    const drop = {
      rate: plan.config.dropout,
      seed: randomAt(seed, 'dropout', epoch, batch).uint32(),
    };
    let predicted: ArrayLike<number> = [];
    const { value, gradients } = valueAndGradients((p) => {
      const { scores } = classify(plan, p, x, drop);
      predicted = argmaxRows(scores).dataSync();
      return softmaxLoss(scores, targets, { labelSmoothing });
    }, parameters);
    const loss = value.item();
    yield { transformers: gradients.transformers, network: gradients.network };
    const count = labels.length;
    const mistakes = labels.filter((label, n) => label !== predicted[n]).length;
    return { loss: { total: loss * count, count }, error: { total: mistakes, count } };
  }

  async measure(): Promise<Measures> {
    const { plan, parameters } = this.model;
    const { loss, error, overlap } = evaluateClassifier(plan, parameters, this.dev);
    return { loss, error, ...(overlap !== undefined && { overlap }) };
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

  /** Fewer mistakes are better; of as many, a lower loss. */
  worth({ error = 1, loss = 0 }: Measures): number {
    return -Math.round(error * this.dev.size) - loss / (1 + loss);
  }
}

/** @throws UsageError for pictures that the classifier does not take */
function fitting(
  config: ClassifierConfig,
  split: string,
  pictures: DistortedPictures,
): DistortedPictures {
  if (pictures.size === 0) throw new UsageError(`there are no ${split} pictures`);
  if (`${pictures.shape}` !== `${config.picture}`) {
    throw new UsageError(
      `the classifier takes pictures (${config.picture.join(', ')}), those of ${split} are (${pictures.shape.join(', ')})`,
    );
  }
  const highest = pictures.source.labels.reduce((a, b) => Math.max(a, b), 0);
  if (highest < config.classes) return pictures;
  throw new UsageError(
    `the classifier knows ${config.classes} classes, but ${split} has a label ${highest}`,
  );
}
