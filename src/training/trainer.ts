import type { TensorTree } from '../autograd/tree.js';
import { scope } from '../engine/engine.js';
import { DivergedError, UsageError } from '../errors.js';
import type { Captioner } from '../models/captioner.js';
import { CrossEntropy } from './cross-entropy.js';
import { DevScorer } from './dev-scorer.js';
import { firstNotFinite, imagesNotFinite } from './diagnosis.js';
import { evaluateLoss } from './evaluate.js';
import { encodedOnce, requireSameTail, shareOf } from './fine-tuning.js';
import type { Learned, Lesson, TrainingData } from './lesson.js';
import { Adam, AdamW, clippingScale, globalNorm, type Optimiser, SGD } from './optimisers.js';
import {
  type DevMeasures,
  type EpochReport,
  epochsInVain,
  isBetter,
  noProgress,
  type Progress,
} from './progress.js';
import type { Recipe } from './recipe.js';
import { sampleAll } from './sample-all.js';
import { rateAt } from './schedule.js';
import { SelfCritical } from './self-critical.js';
import { turnOfTheLoop } from './turn-of-the-loop.js';

export type { TrainingData } from './lesson.js';
export { type EpochReport, noProgress, type Progress } from './progress.js';

/** What happens while training. */
export interface TrainingEvents {
  /** After every step. `lossPerWord` is in nats. */
  onStep?(step: {
    epoch: number;
    batch: number;
    batches: number;
    step: number;
    lossPerWord: number;
    gradientNorm: number;
    rate: number;
    /** Captions. */
    examples: number;
    /** Mean reward of the samples, of self-critical training. */
    reward?: number;
  }): void;
  onEpoch?(report: EpochReport): void;
  /** The state is worth saving: as the best so far, or as the last. */
  save?(which: 'best' | 'last'): Promise<void>;
}

/** Why training ended. */
export type Outcome = 'finished' | 'stopped-early' | 'interrupted';

/** The optimiser that a recipe asks for, at rest. */
export function createOptimiser(
  recipe: Pick<Recipe, 'optimiser' | 'weightDecay' | 'momentum'>,
  parameters: TensorTree,
): Optimiser {
  switch (recipe.optimiser) {
    case 'adam':
      return new Adam(parameters);
    case 'adamw':
      return new AdamW(parameters, recipe);
    case 'sgd':
      return new SGD(parameters, recipe);
  }
}

/**
 * Trains a captioner by a recipe, from wherever `progress` says. Interrupted by `signal` it saves
 * and returns; a run resumed from what it saved continues bit for bit.
 */
export class Trainer {
  readonly captioner: Captioner;
  readonly recipe: Recipe;
  readonly optimiser: Optimiser;
  readonly progress: Progress;
  readonly #data: TrainingData;
  readonly #lesson: Lesson;
  readonly #devScorer: DevScorer | undefined;
  readonly #share: (path: string) => number;

  /**
   * @throws UsageError when a score is to select but dev has no references, or the recipe trains another
   *   end of an encoder than the captioner has.
   */
  constructor(
    captioner: Captioner,
    recipe: Recipe,
    data: TrainingData,
    from: { optimiser: Optimiser; progress: Progress } = {
      optimiser: createOptimiser(recipe, captioner.parameters),
      progress: noProgress(),
    },
  ) {
    requireSameTail(captioner, recipe);
    this.captioner = captioner;
    this.recipe = recipe;
    this.optimiser = from.optimiser;
    this.progress = from.progress;
    this.#data = data;
    this.#lesson =
      recipe.objective === 'self-critical'
        ? new SelfCritical(captioner, recipe, data)
        : new CrossEntropy(captioner, recipe, data);
    this.#devScorer = devScorerOf(recipe, data);
    this.#share = shareOf(recipe);
  }

  /**
   * @throws DivergedError when the loss or a gradient is not finite: names step and layer. The
   *   parameters are then those before the step, and what was saved last is still good.
   */
  async run(
    events: TrainingEvents = {},
    { signal, saveEverySeconds = 300 }: { signal?: AbortSignal; saveEverySeconds?: number } = {},
  ): Promise<Outcome> {
    const { progress, recipe } = this;
    while (progress.epoch < recipe.epochs) {
      if (this.#outOfPatience()) return 'stopped-early';
      const interrupted = await this.#epoch(events, signal, saveEverySeconds);
      if (interrupted) {
        await events.save?.('last');
        return 'interrupted';
      }
      if (await this.#closeEpoch(events)) await events.save?.('best');
      await events.save?.('last');
    }
    return this.#outOfPatience() ? 'stopped-early' : 'finished';
  }

  /** The learning rate of the step that comes next, or `ago` steps before it. */
  #rate(ago = 0): number {
    const { recipe, progress } = this;
    const stepsPerEpoch = this.#lesson.batchesPerEpoch;
    return rateAt(recipe, {
      step: progress.epoch * stepsPerEpoch + progress.batch - ago,
      stepsPerEpoch,
      epochsInVain: epochsInVain(progress.history, recipe.select),
    });
  }

  #outOfPatience(): boolean {
    const { best, epoch } = this.progress;
    return best !== undefined && epoch - best.epoch >= this.recipe.patience;
  }

  async #epoch(
    events: TrainingEvents,
    signal: AbortSignal | undefined,
    saveEverySeconds: number,
  ): Promise<boolean> {
    const { progress } = this;
    let clock = performance.now();
    let savedAt = clock;
    for (const learn of this.#lesson.batches(progress.epoch, progress.batch)) {
      if (signal?.aborted) return true;
      const measured = await this.#step(learn);
      const now = performance.now();
      progress.batch++;
      progress.seconds += (now - clock) / 1000;
      clock = now;
      events.onStep?.({
        ...measured,
        epoch: progress.epoch + 1,
        batch: progress.batch,
        batches: this.#lesson.batchesPerEpoch,
        step: this.optimiser.steps,
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

  /** One step: the gradients of a batch, clipped, and the optimiser. */
  async #step(learn: () => Promise<Learned>) {
    using _step = scope();
    const { captioner, optimiser, progress, recipe } = this;
    const learned = await learn();
    const { gradients, lossSum, words, examples, rewardSum } = learned;
    const gradientNorm = globalNorm(gradients);
    if (!Number.isFinite(lossSum) || !Number.isFinite(gradientNorm)) {
      throw new DivergedError(this.#diagnosis(learned));
    }
    const rate = this.#rate();
    const scale = clippingScale(gradientNorm, recipe.clip);
    optimiser.step(captioner.parameters, gradients, { rate, scale, share: this.#share });
    progress.epochLoss += lossSum;
    progress.epochWords += words;
    const measured = { lossPerWord: lossSum / words, gradientNorm, rate, examples };
    if (rewardSum === undefined) return measured;
    progress.epochReward += rewardSum;
    progress.epochSamples += examples;
    return { ...measured, reward: rewardSum / examples };
  }

  /** Measures on dev; says whether this is the best epoch so far. */
  async #closeEpoch(events: TrainingEvents): Promise<boolean> {
    const { progress, recipe } = this;
    const measures = await this.#measureDev();
    const report: EpochReport = {
      epoch: progress.epoch + 1,
      trainLoss: progress.epochLoss / progress.epochWords,
      ...(progress.epochSamples > 0 && {
        trainReward: progress.epochReward / progress.epochSamples,
      }),
      ...measures,
      rate: this.#rate(1),
      seconds: progress.seconds,
    };
    const isBest = isBetter(measures, progress.best, recipe.select);
    progress.history.push(report);
    progress.epoch++;
    progress.batch = 0;
    progress.epochLoss = 0;
    progress.epochWords = 0;
    progress.epochReward = 0;
    progress.epochSamples = 0;
    if (isBest) progress.best = { epoch: report.epoch, ...measures };
    events.onEpoch?.(report);
    return isBest;
  }

  async #measureDev(): Promise<DevMeasures> {
    const { vocabulary, dev } = this.#data;
    const { captioner, inputs } = encodedOnce(this.captioner, dev.inputs);
    const { lossPerWord } = evaluateLoss(captioner, inputs, dev.captions);
    const devLoss = this.#finite(lossPerWord);
    if (!this.#devScorer) return { devLoss };
    const captions = await sampleAll(captioner, vocabulary, inputs);
    return { devLoss, ...this.#devScorer.score(captions) };
  }

  #finite(devLoss: number): number {
    if (Number.isFinite(devLoss)) return devLoss;
    const bad = this.#badDevImage();
    if (bad !== undefined) {
      throw new DivergedError(
        `training stopped in epoch ${this.progress.epoch + 1}, on dev: ${bad}`,
      );
    }
    const where = firstNotFinite(this.captioner.parameters, 'the parameter ') ?? 'the loss of dev';
    throw new DivergedError(
      `training diverged in epoch ${this.progress.epoch + 1} (step ${this.optimiser.steps}): the dev ` +
        `loss is ${devLoss} and the first values that are not finite are in ${where}. Lower the ` +
        `learning rate (now ${this.#rate()})`,
    );
  }

  #badDevImage(): string | undefined {
    const { inputs, ids } = this.#data.dev;
    for (let image = 0; image < inputs.size; image++) {
      using _image = scope();
      const bad = imagesNotFinite(inputs.batch([image]), namesOf([image], ids));
      if (bad !== undefined) return bad;
    }
    return undefined;
  }

  #diagnosis({ lossSum: loss, inputs, images, gradients }: Learned): string {
    const step = this.optimiser.steps + 1;
    const bad = imagesNotFinite(inputs, namesOf(images, this.#data.ids));
    if (bad !== undefined) {
      return `training stopped at step ${step} (epoch ${this.progress.epoch + 1}): ${bad}`;
    }
    const where =
      firstNotFinite(this.captioner.parameters, 'the parameter ') ??
      firstNotFinite(gradients, 'the gradient of ') ??
      'the loss';
    return (
      `training diverged at step ${step} (epoch ${this.progress.epoch + 1}): the loss is ${loss} ` +
      `and the first values that are not finite are in ${where}. Lower the learning rate ` +
      `(now ${this.#rate()}) or the clipping norm (now ${this.recipe.clip})`
    );
  }
}

function namesOf(images: ArrayLike<number>, ids: readonly string[] | undefined): string[] {
  return Array.from(images, (image) => ids?.[image] ?? `image ${image}`);
}

/** What scores dev's captions, when a score selects. */
function devScorerOf({ select }: Recipe, { dev }: TrainingData): DevScorer | undefined {
  if (select === 'loss') return undefined;
  if (!dev.references) {
    throw new UsageError(`to select by ${select}, dev needs the references of its images`);
  }
  return new DevScorer(dev.references);
}
