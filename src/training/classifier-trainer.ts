import { valueAndGradients } from '../autograd/tape.js';
import { DistortedPictures } from '../data/labels/distorted-pictures.js';
import type { LabelledDataset } from '../data/labels/labelled-pictures.js';
import { scope } from '../engine/engine.js';
import { DivergedError, UsageError } from '../errors.js';
import { softmaxLoss } from '../layers/losses/softmax.js';
import { type ClassifierParameters, classify } from '../models/classifier.js';
import type { ClassifierPlan } from '../models/classifier-config.js';
import { Random } from '../random.js';
import { argmaxRows } from '../tensor/arithmetic.js';
import { tensor } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import { type ClassifierOptimisers, classifierOptimisers } from './classifier-checkpoint.js';
import { evaluateClassifier } from './classifier-evaluation.js';
import {
  type ClassifierEpoch,
  type ClassifierMeasures,
  type ClassifierProgress,
  isBetterClassifier,
  noClassifierProgress,
} from './classifier-progress.js';
import { type ClassifierRecipe, distortionSeed } from './classifier-recipe.js';
import { firstNotFinite, imagesNotFinite } from './diagnosis.js';
import { clippingScale, globalNorm } from './optimisers.js';
import { rateAt } from './schedule.js';
import type { Outcome } from './trainer.js';
import { turnOfTheLoop } from './turn-of-the-loop.js';

/** What happens while training. */
export interface ClassifierEvents {
  /** After every step. `loss` is the batch's mean, in nats. */
  onStep?(step: {
    epoch: number;
    batch: number;
    batches: number;
    loss: number;
    rate: number;
    pictures: number;
  }): void;
  onEpoch?(report: ClassifierEpoch): void | Promise<void>;
  /** The state is worth saving: as the best so far, or as the last. */
  save?(which: 'best' | 'last'): Promise<void>;
}

/**
 * Trains a classifier by a recipe, from wherever `progress` says. Everything that is drawn is a pure
 * function of seed, epoch and place, so a run that is resumed continues bit for bit.
 */
export class ClassifierTrainer {
  readonly plan: ClassifierPlan;
  readonly parameters: ClassifierParameters;
  readonly recipe: ClassifierRecipe;
  readonly optimisers: ClassifierOptimisers;
  readonly progress: ClassifierProgress;
  readonly train: DistortedPictures;
  readonly dev: DistortedPictures;

  /** @throws UsageError when a split is empty or its pictures are not of the plan's shape. */
  constructor(
    { plan, parameters }: { plan: ClassifierPlan; parameters: ClassifierParameters },
    recipe: ClassifierRecipe,
    { splits }: Pick<LabelledDataset, 'splits'>,
    from: { optimisers: ClassifierOptimisers; progress: ClassifierProgress } = {
      optimisers: classifierOptimisers(recipe, parameters),
      progress: noClassifierProgress(),
    },
  ) {
    this.plan = plan;
    this.parameters = parameters;
    this.recipe = recipe;
    this.optimisers = from.optimisers;
    this.progress = from.progress;
    const distorted = (split: 'train' | 'dev') => {
      const seed = distortionSeed(split, recipe.seed);
      return checked(plan, split, new DistortedPictures(splits[split], recipe.distort, seed));
    };
    this.train = distorted('train');
    this.dev = distorted('dev');
  }

  /** Steps an epoch. */
  get batchesPerEpoch(): number {
    return Math.ceil(this.train.count / this.recipe.batchSize);
  }

  /** @throws DivergedError when the loss or a gradient is not finite: names step and tensor. */
  async run(
    events: ClassifierEvents = {},
    { signal, saveEverySeconds = 300 }: { signal?: AbortSignal; saveEverySeconds?: number } = {},
  ): Promise<Outcome> {
    const { progress, recipe } = this;
    while (progress.epoch < recipe.epochs) {
      if (this.#outOfPatience()) return 'stopped-early';
      if (await this.#epoch(events, signal, saveEverySeconds)) {
        await events.save?.('last');
        return 'interrupted';
      }
      if (await this.#closeEpoch(events)) await events.save?.('best');
      await events.save?.('last');
    }
    return this.#outOfPatience() ? 'stopped-early' : 'finished';
  }

  #outOfPatience(): boolean {
    const { best, epoch } = this.progress;
    return best !== undefined && epoch - best.epoch >= this.recipe.patience;
  }

  /** The learning rate of the step that comes next, or `ago` steps before it. */
  #rate(ago = 0): number {
    const { progress, recipe, batchesPerEpoch } = this;
    let best: ClassifierMeasures | undefined;
    let epochsInVain = 0;
    for (const epoch of progress.history) {
      if (isBetterClassifier(epoch, best)) best = epoch;
      else epochsInVain++;
    }
    return rateAt(recipe, {
      step: progress.epoch * batchesPerEpoch + progress.batch - ago,
      stepsPerEpoch: batchesPerEpoch,
      epochsInVain,
    });
  }

  /** The pictures of each batch of an epoch: a pure function of (seed, epoch). */
  #order(epoch: number): Int32Array {
    const random = new Random(
      Math.imul(this.recipe.seed, 0x9e3779b1) ^ Math.imul(epoch + 1, 0x85ebca77),
    );
    return random.shuffle(Int32Array.from({ length: this.train.count }, (_, i) => i));
  }

  async #epoch(
    events: ClassifierEvents,
    signal: AbortSignal | undefined,
    saveEverySeconds: number,
  ): Promise<boolean> {
    const { progress, recipe, batchesPerEpoch } = this;
    const order = this.#order(progress.epoch);
    let clock = performance.now();
    let savedAt = clock;
    while (progress.batch < batchesPerEpoch) {
      if (signal?.aborted) return true;
      const first = progress.batch * recipe.batchSize;
      const indices = order.subarray(first, first + recipe.batchSize);
      const rate = this.#rate();
      const loss = this.#step(indices, rate);
      progress.batch++;
      const now = performance.now();
      progress.seconds += (now - clock) / 1000;
      clock = now;
      events.onStep?.({
        epoch: progress.epoch + 1,
        batch: progress.batch,
        batches: batchesPerEpoch,
        loss,
        rate,
        pictures: indices.length,
      });
      if ((now - savedAt) / 1000 > saveEverySeconds) {
        await events.save?.('last');
        savedAt = performance.now();
        clock = savedAt;
      }
      await turnOfTheLoop();
    }
    return false;
  }

  #step(indices: Int32Array, rate: number): number {
    using _step = scope();
    const { plan, parameters, optimisers, progress, recipe } = this;
    const { x } = this.train.batch(indices, progress.epoch);
    const labels = Int32Array.from(indices, (index) => this.train.source.labels[index] ?? 0);
    const targets = tensor(labels, { dtype: 'i32' });
    const drop = {
      rate: plan.config.dropout,
      seed: dropoutSeed(recipe.seed, optimisers.network.steps),
    };
    let said: ArrayLike<number> = [];
    const { value, gradients } = valueAndGradients((p) => {
      const { scores } = classify(plan, p, x, drop);
      said = argmaxRows(scores).dataSync();
      return softmaxLoss(scores, targets, { labelSmoothing: recipe.labelSmoothing });
    }, parameters);
    const loss = value.item();
    const norm = globalNorm(gradients);
    if (!Number.isFinite(loss) || !Number.isFinite(norm))
      this.#diverged(loss, x, indices, gradients);
    const scale = clippingScale(norm, recipe.clip);
    const { transformers, network } = optimisers;
    network.step(parameters.network, gradients.network, { rate, scale });
    transformers.step(parameters.transformers, gradients.transformers, {
      rate: rate * recipe.transformerRate,
      scale,
    });
    progress.lossSum += loss * labels.length;
    progress.mistakes += labels.filter((label, n) => label !== said[n]).length;
    progress.pictures += labels.length;
    return loss;
  }

  #diverged(loss: number, x: Tensor, indices: Int32Array, gradients: ClassifierParameters): never {
    const { progress, parameters } = this;
    const names = Array.from(indices, (index) => `train picture ${index}`);
    const bad = imagesNotFinite(x, names);
    if (bad !== undefined) {
      throw new DivergedError(
        `training stopped in epoch ${progress.epoch + 1}, batch ${progress.batch + 1}: ${bad}`,
      );
    }
    const where =
      firstNotFinite(parameters, 'the parameter ') ??
      firstNotFinite(gradients, 'the gradient of ') ??
      'the loss';
    throw new DivergedError(
      `training diverged in epoch ${progress.epoch + 1}, batch ${progress.batch + 1}: the loss is ${loss} and ` +
        `the first values that are not finite are in ${where}. Lower the learning rate (now ${this.#rate()})`,
    );
  }

  #devNotFinite(loss: number): never {
    const { progress, parameters, dev } = this;
    const epoch = progress.epoch + 1;
    for (let index = 0; index < dev.count; index++) {
      using _picture = scope();
      const bad = imagesNotFinite(dev.batch([index]).x, [`dev picture ${index}`]);
      if (bad !== undefined) {
        throw new DivergedError(`training stopped in epoch ${epoch}, on dev: ${bad}`);
      }
    }
    const where = firstNotFinite(parameters, 'the parameter ') ?? 'the loss of dev';
    throw new DivergedError(
      `training diverged in epoch ${epoch}: the dev loss is ${loss} and the first values that are not ` +
        `finite are in ${where}. Lower the learning rate (now ${this.#rate(1)})`,
    );
  }

  /** Measures on dev; says whether this is the best epoch so far. */
  async #closeEpoch(events: ClassifierEvents): Promise<boolean> {
    const { progress, plan, parameters, dev } = this;
    const { loss, error, overlap } = evaluateClassifier(plan, parameters, dev);
    if (!Number.isFinite(loss)) this.#devNotFinite(loss);
    const measures = {
      devLoss: loss,
      devError: error,
      ...(overlap !== undefined && { devOverlap: overlap }),
    };
    const report: ClassifierEpoch = {
      epoch: progress.epoch + 1,
      trainLoss: progress.lossSum / progress.pictures,
      trainError: progress.mistakes / progress.pictures,
      ...measures,
      rate: this.#rate(1),
      seconds: progress.seconds,
    };
    const isBest = isBetterClassifier(measures, progress.best);
    progress.history.push(report);
    progress.epoch++;
    progress.batch = 0;
    progress.lossSum = 0;
    progress.mistakes = 0;
    progress.pictures = 0;
    if (isBest) progress.best = { epoch: report.epoch, ...measures };
    await events.onEpoch?.(report);
    return isBest;
  }
}

function checked(
  { config }: ClassifierPlan,
  split: string,
  pictures: DistortedPictures,
): DistortedPictures {
  if (pictures.count === 0) throw new UsageError(`there are no ${split} pictures`);
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

/** 32 bits for each step. */
function dropoutSeed(seed: number, step: number): number {
  return (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(step + 1, 0xc2b2ae3d)) >>> 0;
}
