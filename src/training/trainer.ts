/** The training loop, which knows no model but its `Task`: batches, clipping, optimisers, dev, patience. */
import { leaves, type TensorTree } from '../autograd/tree.js';
import { scope } from '../engine/engine.js';
import { DivergedError, UsageError } from '../errors.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { clippingScale, createOptimiser, globalNorm, type Optimiser } from './optimisers.js';
import { type EpochReport, noProgress, type Progress } from './progress.js';
import { type Recipe, rateAt } from './recipe.js';
import type { Measures, Step, Sums, Task, Update } from './task.js';

/** How a step went. */
export interface StepReport {
  /** From 1 on. */
  readonly epoch: number;
  readonly batch: number;
  readonly batches: number;
  /** Of the whole run. */
  readonly step: number;
  /** Means of the batch. */
  readonly train: Measures;
  /** What the task's unit counts, in this batch. */
  readonly count: number;
  /** Of the last update, before it was clipped. */
  readonly gradientNorm: number;
  readonly rate: number;
}

/** What happens while training. */
export interface TrainingEvents {
  onStep?(step: StepReport): void;
  onEpoch?(report: EpochReport): void | Promise<void>;
  /** The state is worth saving: as the best so far, or as the last. */
  save?(which: 'best' | 'last'): Promise<void>;
}

/** Why training ended. */
export type Outcome = 'finished' | 'stopped-early' | 'interrupted';

/** The optimisers of a run, by the names of the task's groups. */
export type Optimisers = Readonly<Record<string, Optimiser>>;

/** Optimisers at rest, as a recipe asks for them. */
export function optimisersFor({ groups }: Pick<Task, 'groups'>, recipe: Recipe): Optimisers {
  return Object.fromEntries(
    groups.map(({ name, parameters }) => [name, createOptimiser(recipe, parameters)]),
  );
}

/**
 * Trains by a recipe, from where `progress` stands. Interrupted by `signal` it saves and returns; a run
 * that goes on from what it saved continues bit for bit.
 */
export class Trainer {
  readonly task: Task;
  readonly recipe: Recipe;
  readonly optimisers: Optimisers;
  readonly progress: Progress;

  constructor(
    task: Task,
    recipe: Recipe,
    from: { readonly optimisers: Optimisers; readonly progress: Progress } = {
      optimisers: optimisersFor(task, recipe),
      progress: noProgress(),
    },
  ) {
    this.task = task;
    this.recipe = recipe;
    this.optimisers = from.optimisers;
    this.progress = from.progress;
  }

  /**
   * @param options.saveEverySeconds of training between two saves within an epoch.
   * @throws DivergedError when a loss or a gradient is not finite: names step and tensor. The parameters
   *   are then those before the update, and what was saved last is still good.
   */
  async run(
    events: TrainingEvents = {},
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
    const { progress, recipe, task } = this;
    return rateAt(recipe, {
      step: progress.epoch * task.batchesPerEpoch + progress.batch - ago,
      stepsPerEpoch: task.batchesPerEpoch,
      epochsInVain: this.#epochsInVain(),
    });
  }

  /** After how many epochs dev was no better than ever before. */
  #epochsInVain(): number {
    let most = Number.NEGATIVE_INFINITY;
    let inVain = 0;
    for (const [index, { dev }] of this.progress.history.entries()) {
      const worth = this.task.worth(dev);
      if (index === 0 || worth > most) most = worth;
      else inVain++;
    }
    return inVain;
  }

  /** The rest of an epoch. Says whether it was interrupted. */
  async #epoch(
    events: TrainingEvents,
    signal: AbortSignal | undefined,
    saveEverySeconds: number,
  ): Promise<boolean> {
    const { progress, task } = this;
    let clock = performance.now();
    let savedAt = clock;
    for (const step of task.steps(progress.epoch, progress.batch)) {
      if (signal?.aborted) return true;
      const rate = this.#rate();
      const { sums, gradientNorm } = await this.#step(step, rate);
      progress.sums = added(progress.sums, sums);
      progress.batch++;
      const now = performance.now();
      progress.seconds += (now - clock) / 1000;
      clock = now;
      events.onStep?.({
        epoch: progress.epoch + 1,
        batch: progress.batch,
        batches: task.batchesPerEpoch,
        step: progress.epoch * task.batchesPerEpoch + progress.batch,
        train: meansOf(sums),
        count: sums.loss?.count ?? 0,
        gradientNorm,
        rate,
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

  async #step(step: Step, rate: number): Promise<{ sums: Sums; gradientNorm: number }> {
    using _step = scope();
    const updates = step();
    let gradientNorm = 0;
    for (;;) {
      const { done, value } = await updates.next();
      if (done) {
        for (const [name, { total }] of Object.entries(value)) {
          if (!Number.isFinite(total)) throw await this.#divergence(`${name} is ${total}`, 'train');
        }
        return { sums: value, gradientNorm };
      }
      gradientNorm = await this.#update(value, rate);
    }
  }

  /** One update of the groups that have gradients. Returns their norm. */
  async #update(update: Update, rate: number): Promise<number> {
    const { task, recipe } = this;
    const norm = globalNorm(update);
    if (!Number.isFinite(norm))
      throw await this.#divergence(`the norm of the gradients is ${norm}`, 'train', update);
    const scale = clippingScale(norm, recipe.clip);
    for (const { name, parameters, share } of task.groups) {
      const gradients = update[name];
      if (gradients) {
        this.optimisers[name]?.step(parameters, gradients, { rate: rate * share, scale });
      }
    }
    const unknown = Object.keys(update).find((name) => !(name in this.optimisers));
    if (unknown !== undefined) {
      throw new UsageError(
        `the task has gradients of ${unknown}, but its groups are ${Object.keys(this.optimisers).join(', ')}`,
      );
    }
    return norm;
  }

  /** Measures on dev; returns whether this is the best epoch so far. */
  async #closeEpoch(events: TrainingEvents): Promise<boolean> {
    const { progress, task } = this;
    const dev = await task.measure();
    for (const [name, value] of Object.entries(dev)) {
      if (!Number.isFinite(value)) throw await this.#divergence(`${name} is ${value}`, 'dev');
    }
    const report: EpochReport = {
      epoch: progress.epoch + 1,
      train: meansOf(progress.sums),
      dev,
      rate: this.#rate(1),
      seconds: progress.seconds,
    };
    const isBest = progress.best === undefined || task.worth(dev) > task.worth(progress.best.dev);
    progress.history.push(report);
    progress.epoch++;
    progress.batch = 0;
    progress.sums = {};
    if (isBest) progress.best = { epoch: report.epoch, dev };
    await events.onEpoch?.(report);
    return isBest;
  }

  /** Says what is not finite, and what helps: no rate does against inputs that are not finite. */
  async #divergence(
    what: string,
    on: 'train' | 'dev',
    gradients: TensorTree = {},
  ): Promise<DivergedError> {
    const { progress, recipe, task } = this;
    const epoch = `epoch ${progress.epoch + 1}`;
    const place = on === 'dev' ? `${epoch}, on dev` : `${epoch}, batch ${progress.batch + 1}`;
    const bad = await task.badInputs?.(on);
    if (bad !== undefined) return new DivergedError(`training stopped in ${place}: ${bad}`);
    const parameters = Object.fromEntries(
      task.groups.map((group) => [group.name, group.parameters]),
    );
    const where =
      firstNotFinite(parameters, 'the parameter ') ??
      firstNotFinite(gradients, 'the gradient of ') ??
      'the loss alone';
    return new DivergedError(
      `training diverged in ${place}: ${what}, and the first values that are not finite are in ${where}. Lower the learning rate (now ${this.#rate(on === 'dev' ? 1 : 0)}) or the clipping norm (now ${recipe.clip})`,
    );
  }
}

/** The name of the first tensor of a tree with a value that is not finite. */
export function firstNotFinite(tree: TensorTree, prefix = ''): string | undefined {
  for (const [path, leaf] of leaves(tree)) {
    if (!Number.isFinite(kernelsFor(leaf).sumSquares(leaf, leaf.size))) return `${prefix}${path}`;
  }
  return undefined;
}

function added(before: Sums, more: Sums): Record<string, { total: number; count: number }> {
  const sums = Object.entries(more).map(([name, { total, count }]) => {
    const { total: sum = 0, count: counted = 0 } = before[name] ?? {};
    return [name, { total: sum + total, count: counted + count }];
  });
  return { ...before, ...Object.fromEntries(sums) };
}

function meansOf(sums: Sums): Measures {
  return Object.fromEntries(
    Object.entries(sums).map(([name, { total, count }]) => [name, total / count]),
  );
}

/** Lets signals, timers and a progress bar have their turn. */
function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve);
  });
}
