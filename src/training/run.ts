import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { asFileError } from '../data/files.js';
import { DivergedError, UsageError } from '../errors.js';
import type { Checkpoint, TrainingState } from './checkpoint.js';
import { readCheckpoint, writeCheckpoint } from './model-file.js';
import type { Recipe } from './recipe.js';
import { type Outcome, Trainer, type TrainingData, type TrainingEvents } from './trainer.js';

/** Everything of a checkpoint but the training state, which the trainer holds. */
export type Model = Omit<Checkpoint, 'training'>;

/** The files of a training run, in its folder. */
export const runFiles = { best: 'best.safetensors', last: 'last.safetensors' } as const;

/**
 * A training run and its folder: `last.safetensors` continues it, `best.safetensors` is the model
 * of the best epoch on dev.
 */
export class TrainingRun {
  readonly model: Model;
  readonly trainer: Trainer;
  readonly folder: string;
  readonly #dataset: TrainingState['dataset'];
  readonly #savedWhole = new Set<string>();

  private constructor(
    model: Model,
    trainer: Trainer,
    dataset: TrainingState['dataset'],
    folder: string,
  ) {
    this.model = model;
    this.trainer = trainer;
    this.folder = folder;
    this.#dataset = dataset;
  }

  /** A run from the start. Makes the folder. @throws FileError when that is impossible. */
  static async start(
    folder: string,
    model: Model,
    recipe: Recipe,
    data: TrainingData,
    dataset: TrainingState['dataset'],
  ): Promise<TrainingRun> {
    try {
      await mkdir(folder, { recursive: true });
    } catch (error) {
      throw asFileError(folder, 'written', error);
    }
    const trainer = new Trainer(model.captioner, recipe, data);
    return new TrainingRun(model, trainer, dataset, folder);
  }

  /**
   * A run from what an earlier one saved last.
   * @param checkpoint as `readLast` returned it.
   * @param recipe the saved recipe, with more epochs or patience if wanted.
   * @throws UsageError when the data is not what the run was started with.
   */
  static resume(
    folder: string,
    { training, ...model }: Checkpoint,
    recipe: Recipe,
    data: TrainingData,
    dataset: TrainingState['dataset'],
  ): TrainingRun {
    if (!training)
      throw new UsageError(`${folder}: the checkpoint holds no training state to resume`);
    if (training.dataset.fingerprint !== dataset.fingerprint) {
      throw new UsageError(
        `cannot resume on ${dataset.name} (captions ${dataset.fingerprint}): the run was started on ${training.dataset.name} (captions ${training.dataset.fingerprint})`,
      );
    }
    return new TrainingRun(
      model,
      new Trainer(model.captioner, recipe, data, training),
      dataset,
      folder,
    );
  }

  /** The state that a run left in its folder. @throws FileError, FormatError */
  static readLast(folder: string): Promise<Checkpoint> {
    return readCheckpoint(join(folder, runFiles.last));
  }

  /** Where the best and the last state are kept. */
  path(which: keyof typeof runFiles): string {
    return join(this.folder, runFiles[which]);
  }

  /** The state as it is now. */
  checkpoint(): Checkpoint {
    const { recipe, optimiser, progress } = this.trainer;
    return { ...this.model, training: { recipe, optimiser, progress, dataset: this.#dataset } };
  }

  /** Trains to the end or to an interruption, saving as it goes. @throws DivergedError, FileError */
  async run(events: TrainingEvents, options: { signal?: AbortSignal } = {}): Promise<Outcome> {
    const save = async (which: keyof typeof runFiles) => {
      await writeCheckpoint(this.path(which), this.checkpoint());
      this.#savedWhole.add(this.path(which));
      await events.save?.(which);
    };
    try {
      return await this.trainer.run({ ...events, save }, options);
    } catch (error) {
      if (!(error instanceof DivergedError)) throw error;
      const good = this.#savedWhole.has(this.path('last'))
        ? `The last good checkpoint is ${this.path('last')}`
        : 'No checkpoint was written before it';
      throw new DivergedError(`${error.message}. ${good}.`);
    }
  }
}
