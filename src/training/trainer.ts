import { leaves, type TensorTree } from '../autograd/tree.js';
import { type CaptionBatch, CaptionBatches, type EncodedCaption } from '../data/batches.js';
import { scope } from '../engine/engine.js';
import { DivergedError } from '../errors.js';
import type { Captioner } from '../models/captioner.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { captionTensor, evaluateLoss, type ImageInputs, targetWords } from './evaluate.js';
import { Adam, AdamW, clippingScale, globalNorm, type Optimiser, SGD } from './optimisers.js';
import type { Recipe } from './recipe.js';
import { rateAt } from './schedule.js';

/** What is learned from, and what is measured on. */
export interface TrainingData {
  readonly inputs: ImageInputs;
  readonly train: readonly EncodedCaption[];
  /** Captions of images that are not trained on. */
  readonly dev: { readonly inputs: ImageInputs; readonly captions: readonly EncodedCaption[] };
}

/** How an epoch went. */
export interface EpochReport {
  /** From 1 on. */
  readonly epoch: number;
  /** Mean loss of a word over the epoch's batches, dropout included, in nats. */
  readonly trainLoss: number;
  /** Mean loss of a word on dev. */
  readonly devLoss: number;
  /** Learning rate of the epoch's last step. */
  readonly rate: number;
  /** Seconds of training, all epochs so far, interruptions not counted. */
  readonly seconds: number;
}

/** Where a run stands: with the parameters, the optimiser and the random state, all of it. */
export interface Progress {
  /** Epochs done. */
  epoch: number;
  /** Batches done of the next one. */
  batch: number;
  /** Loss and words of those batches. */
  epochLoss: number;
  epochWords: number;
  seconds: number;
  best: { epoch: number; devLoss: number } | undefined;
  history: EpochReport[];
}

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
  }): void;
  onEpoch?(report: EpochReport): void;
  /** The state is worth saving: as the best so far, or as the last. */
  save?(which: 'best' | 'last'): Promise<void>;
}

/** Why training ended. */
export type Outcome = 'finished' | 'stopped-early' | 'interrupted';

/** Fresh progress. */
export function noProgress(): Progress {
  return {
    epoch: 0,
    batch: 0,
    epochLoss: 0,
    epochWords: 0,
    seconds: 0,
    best: undefined,
    history: [],
  };
}

/** The optimiser that a recipe asks for, at rest. */
export function createOptimiser(recipe: Recipe, parameters: TensorTree): Optimiser {
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
  readonly #batches: CaptionBatches;

  constructor(
    captioner: Captioner,
    recipe: Recipe,
    data: TrainingData,
    from: { optimiser: Optimiser; progress: Progress } = {
      optimiser: createOptimiser(recipe, captioner.parameters),
      progress: noProgress(),
    },
  ) {
    this.captioner = captioner;
    this.recipe = recipe;
    this.optimiser = from.optimiser;
    this.progress = from.progress;
    this.#data = data;
    this.#batches = new CaptionBatches(data.train, recipe);
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
      if (this.#closeEpoch(events)) await events.save?.('best');
      await events.save?.('last');
    }
    return this.#outOfPatience() ? 'stopped-early' : 'finished';
  }

  /** The learning rate of the step that comes next, or `ago` steps before it. */
  #rate(ago = 0): number {
    const { epoch, batch, history } = this.progress;
    const stepsPerEpoch = this.#batches.batchesPerEpoch;
    const step = epoch * stepsPerEpoch + batch - ago;
    const epochsInVain = history.length - epochsThatWereBest(history).length;
    return rateAt(this.recipe, { step, stepsPerEpoch, epochsInVain });
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
    for (const batch of this.#batches.batches(progress.epoch, progress.batch)) {
      if (signal?.aborted) return true;
      const measured = this.#step(batch);
      const now = performance.now();
      progress.batch++;
      progress.seconds += (now - clock) / 1000;
      clock = now;
      events.onStep?.({
        ...measured,
        epoch: progress.epoch + 1,
        batch: progress.batch,
        batches: this.#batches.batchesPerEpoch,
        step: this.optimiser.steps,
        examples: batch.N,
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

  /** One step: the loss of a batch, its gradients, clipped, and the optimiser. */
  #step(batch: CaptionBatch): { lossPerWord: number; gradientNorm: number; rate: number } {
    using _step = scope();
    const { captioner, optimiser, progress, recipe } = this;
    const inputs = this.#data.inputs.batch(batch.imageIndices);
    const { loss, gradients } = captioner.loss(inputs, captionTensor(batch));
    const sum = loss.item() * batch.N;
    const gradientNorm = globalNorm(gradients);
    if (!Number.isFinite(sum) || !Number.isFinite(gradientNorm)) {
      throw new DivergedError(this.#diagnosis(sum, inputs, gradients));
    }
    const rate = this.#rate();
    const scale = clippingScale(gradientNorm, recipe.clip);
    optimiser.step(captioner.parameters, gradients, { rate, scale });
    const words = targetWords(batch);
    progress.epochLoss += sum;
    progress.epochWords += words;
    return { lossPerWord: sum / words, gradientNorm, rate };
  }

  /** Measures on dev; says whether this is the best epoch so far. */
  #closeEpoch(events: TrainingEvents): boolean {
    const { progress } = this;
    const { inputs, captions } = this.#data.dev;
    const report: EpochReport = {
      epoch: progress.epoch + 1,
      trainLoss: progress.epochLoss / progress.epochWords,
      devLoss: this.#finite(evaluateLoss(this.captioner, inputs, captions).lossPerWord),
      rate: this.#rate(1),
      seconds: progress.seconds,
    };
    progress.history.push(report);
    progress.epoch++;
    progress.batch = 0;
    progress.epochLoss = 0;
    progress.epochWords = 0;
    const isBest = !progress.best || report.devLoss < progress.best.devLoss;
    if (isBest) progress.best = { epoch: report.epoch, devLoss: report.devLoss };
    events.onEpoch?.(report);
    return isBest;
  }

  #finite(devLoss: number): number {
    if (Number.isFinite(devLoss)) return devLoss;
    const where =
      firstNotFinite(this.captioner.parameters, 'the parameter ') ??
      'the inputs or the loss of dev';
    throw new DivergedError(
      `training diverged in epoch ${this.progress.epoch + 1} (step ${this.optimiser.steps}): the dev ` +
        `loss is ${devLoss} and the first values that are not finite are in ${where}. Lower the ` +
        `learning rate (now ${this.#rate()}), or look at the dev images`,
    );
  }

  #diagnosis(loss: number, inputs: TensorTree[string], gradients: TensorTree): string {
    const step = this.optimiser.steps + 1;
    const where =
      firstNotFinite({ inputs }) ??
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

/** The epochs after which dev was better than ever before. */
function epochsThatWereBest(history: readonly EpochReport[]): EpochReport[] {
  let least = Number.POSITIVE_INFINITY;
  return history.filter(({ devLoss }) => {
    const better = devLoss < least;
    if (better) least = devLoss;
    return better;
  });
}

function firstNotFinite(tree: TensorTree, prefix = ''): string | undefined {
  for (const [path, leaf] of leaves(tree)) {
    if (!Number.isFinite(kernelsFor(leaf).sumSquares(leaf, leaf.size))) return `${prefix}${path}`;
  }
  return undefined;
}

/** Lets signals, timers and a progress bar have their turn. */
function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve);
  });
}
