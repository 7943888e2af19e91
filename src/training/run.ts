import { makeFolder } from '../data/formats/folders.js';
import type { Checkpoint, TrainingState } from './checkpoint.js';
import { readCheckpoint, writeCheckpoint } from './model-file.js';
import type { Recipe } from './recipe.js';
import { type RunFile, type RunOptions, runFile, stateToResume, trainInto } from './run-folder.js';
import { type Outcome, Trainer, type TrainingData, type TrainingEvents } from './trainer.js';

/** Everything of a checkpoint but the training state, which the trainer holds. */
export type Model = Omit<Checkpoint, 'training'>;

/**
 * A training run and its folder: `last.safetensors` continues it, `best.safetensors` is the model
 * of the best epoch on dev.
 */
export class TrainingRun {
  readonly model: Model;
  readonly trainer: Trainer;
  readonly folder: string;
  readonly #dataset: TrainingState['dataset'];

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
    await makeFolder(folder);
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
    const state = stateToResume(folder, training, dataset, 'captions');
    const trainer = new Trainer(model.captioner, recipe, data, state);
    return new TrainingRun(model, trainer, dataset, folder);
  }

  /** The state that a run left in its folder. @throws FileError, FormatError */
  static readLast(folder: string): Promise<Checkpoint> {
    return readCheckpoint(runFile(folder, 'last'));
  }

  /** Where the best and the last state are kept. */
  path(which: RunFile): string {
    return runFile(this.folder, which);
  }

  /** The state as it is now. */
  checkpoint(): Checkpoint {
    const { recipe, optimiser, progress } = this.trainer;
    return { ...this.model, training: { recipe, optimiser, progress, dataset: this.#dataset } };
  }

  /** Trains to the end or to an interruption, saving as it goes. @throws DivergedError, FileError */
  async run(events: TrainingEvents, { lock, ...options }: RunOptions = {}): Promise<Outcome> {
    const write = async (path: string) => {
      await lock?.check();
      await writeCheckpoint(path, this.checkpoint());
    };
    const train = (saveNow: (which: RunFile) => Promise<void>) => {
      const save = async (which: RunFile) => {
        await saveNow(which);
        await events.save?.(which);
      };
      return this.trainer.run({ ...events, save }, options);
    };
    const { epoch, batch } = this.trainer.progress;
    return trainInto(this.folder, write, train, { resumed: epoch + batch > 0 });
  }
}
