/** A training run and its folder: `last.safetensors` continues it, `best.safetensors` is the best model on dev. */
import type { TensorTree } from '../autograd/tree.js';
import { makeFolder } from '../data/formats/folders.js';
import { readSafetensors } from '../data/formats/safetensors-files.js';
import type { WorkLock } from '../data/formats/work-lock.js';
import { writeFileAtomically } from '../data/formats/write-files.js';
import { FormatError, UsageError } from '../errors.js';
import type { ModelKind } from '../models/kind.js';
import {
  type DataIdentity,
  decodeModel,
  type OpenedModel,
  restoredOptimisers,
  type SavedTraining,
  type TrainingState,
} from './model-file.js';
import type { Recipe } from './recipe.js';
import { type RunFile, runFile, trainInto } from './run-folder.js';
import type { Task } from './task.js';
import { type Outcome, Trainer, type TrainingEvents } from './trainer.js';

/** Reads a model file of a kind. @throws FileError, FormatError */
export async function readModel<C, X, P extends TensorTree, M>(
  kind: ModelKind<C, X, P, M>,
  path: string,
): Promise<OpenedModel<C, X, P, M>> {
  return decodeModel(kind, await readSafetensors(path), path);
}

/** What a run trains and saves. */
export interface RunOptions {
  readonly folder: string;
  readonly task: Task;
  readonly recipe: Recipe;
  readonly dataset: DataIdentity;
  /** The pieces of a model file: the model as it is now, and where its training stands. */
  encode(training: TrainingState): Uint8Array[];
}

/** A run of any kind of model. */
export class TrainingRun {
  readonly trainer: Trainer;
  readonly #options: RunOptions;

  private constructor(options: RunOptions, trainer: Trainer) {
    this.#options = options;
    this.trainer = trainer;
  }

  /** A run from the start. Makes the folder. @throws FileError when that is impossible */
  static async start(options: RunOptions): Promise<TrainingRun> {
    await makeFolder(options.folder);
    return new TrainingRun(options, new Trainer(options.task, options.recipe));
  }

  /**
   * A run from what an earlier one saved last.
   * @param options.recipe the saved recipe, with more epochs or patience if wanted.
   * @param source the file that `saved` is from, for errors.
   * @throws UsageError when the data are not what the run was started with; FormatError
   */
  static resume(options: RunOptions, saved: SavedTraining, source: string): TrainingRun {
    const { task, recipe, dataset } = options;
    const { progress, dataset: before } = saved;
    if (before.fingerprint !== dataset.fingerprint) {
      throw new UsageError(
        `cannot resume on ${dataset.name} (data ${dataset.fingerprint}): the run was started on ${before.name} (data ${before.fingerprint})`,
      );
    }
    if (progress.batch > task.batchesPerEpoch) {
      throw new FormatError(
        source,
        `metadata entry training: it is at batch ${progress.batch} of an epoch of ${task.batchesPerEpoch}`,
      );
    }
    task.restore?.(saved.task);
    const optimisers = restoredOptimisers(saved, task, recipe, source);
    return new TrainingRun(options, new Trainer(task, recipe, { optimisers, progress }));
  }

  get folder(): string {
    return this.#options.folder;
  }

  /** Where the best and the last state are kept. */
  path(which: RunFile): string {
    return runFile(this.folder, which);
  }

  /** The state as it is now, as the pieces of a model file. */
  encoded(): Uint8Array[] {
    const { dataset, task, encode } = this.#options;
    const { recipe, optimisers, progress } = this.trainer;
    return encode({ recipe, optimisers, progress, dataset, task: task.save?.() });
  }

  /**
   * Trains to the end or to an interruption, saving as it goes.
   * @param options.signal aborted: the state is saved and the run ends.
   * @param options.lock asked before each file is written: see `claimRunFolder`.
   * @throws DivergedError, or FileError of a state that could not be written (a full disk), that says which
   *   state is still good.
   */
  async run(
    events: TrainingEvents = {},
    { lock, ...options }: { signal?: AbortSignal; lock?: WorkLock | undefined } = {},
  ): Promise<Outcome> {
    const write = async (path: string) => {
      await lock?.check();
      await writeFileAtomically(path, this.encoded());
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
