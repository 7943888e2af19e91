import { makeFolder } from '../data/formats/folders.js';
import { readSafetensors } from '../data/formats/safetensors-files.js';
import { writeFileAtomically } from '../data/formats/write-files.js';
import { type LabelledDataset, labelledFingerprint } from '../data/labels/labelled-pictures.js';
import {
  type ClassifierCheckpoint,
  decodeClassifier,
  encodeClassifier,
} from './classifier-checkpoint.js';
import type { ClassifierRecipe } from './classifier-recipe.js';
import { type ClassifierEvents, ClassifierTrainer } from './classifier-trainer.js';
import {
  type DataIdentity,
  type RunFile,
  type RunOptions,
  runFile,
  stateToResume,
  trainInto,
} from './run-folder.js';
import type { Outcome } from './trainer.js';

/** Everything of a checkpoint but the training state, which the trainer holds. */
export type ClassifierModel = Omit<ClassifierCheckpoint, 'training'>;

/** Reads a classifier's model file. @throws FileError, FormatError */
export async function readClassifier(path: string): Promise<ClassifierCheckpoint> {
  return decodeClassifier(await readSafetensors(path), path);
}

/**
 * A classifier's training run and its folder: `last.safetensors` continues it, `best.safetensors` is the
 * model of the best epoch on dev.
 */
export class ClassifierRun {
  readonly model: ClassifierModel;
  readonly trainer: ClassifierTrainer;
  readonly folder: string;
  readonly #dataset: DataIdentity;

  private constructor(
    model: ClassifierModel,
    trainer: ClassifierTrainer,
    dataset: DataIdentity,
    folder: string,
  ) {
    this.model = model;
    this.trainer = trainer;
    this.folder = folder;
    this.#dataset = dataset;
  }

  /** A run from the start. Makes the folder. @throws FileError when that is impossible; UsageError */
  static async start(
    folder: string,
    model: ClassifierModel,
    recipe: ClassifierRecipe,
    dataset: LabelledDataset,
  ): Promise<ClassifierRun> {
    await makeFolder(folder);
    const trainer = new ClassifierTrainer(model, recipe, dataset);
    return new ClassifierRun(model, trainer, identityOf(dataset), folder);
  }

  /**
   * A run from what an earlier one saved last.
   * @param recipe the saved recipe, with more epochs or patience if wanted.
   * @throws UsageError when the data is not what the run was started with.
   */
  static resume(
    folder: string,
    { training, ...model }: ClassifierCheckpoint,
    recipe: ClassifierRecipe,
    dataset: LabelledDataset,
  ): ClassifierRun {
    const identity = identityOf(dataset);
    const state = stateToResume(folder, training, identity, 'pictures');
    const trainer = new ClassifierTrainer(model, recipe, dataset, state);
    return new ClassifierRun(model, trainer, identity, folder);
  }

  /** The state that a run left in its folder. @throws FileError, FormatError */
  static readLast(folder: string): Promise<ClassifierCheckpoint> {
    return readClassifier(runFile(folder, 'last'));
  }

  /** Where the best and the last state are kept. */
  path(which: RunFile): string {
    return runFile(this.folder, which);
  }

  /** The state as it is now. */
  checkpoint(): ClassifierCheckpoint {
    const { recipe, optimisers, progress } = this.trainer;
    return { ...this.model, training: { recipe, optimisers, progress, dataset: this.#dataset } };
  }

  /** Trains to the end or to an interruption, saving as it goes. @throws DivergedError, FileError */
  async run(events: ClassifierEvents, { lock, ...options }: RunOptions = {}): Promise<Outcome> {
    const write = async (path: string) => {
      await lock?.check();
      await writeFileAtomically(path, encodeClassifier(this.checkpoint()));
    };
    const { epoch, batch } = this.trainer.progress;
    return trainInto(this.folder, write, (save) => this.trainer.run({ ...events, save }, options), {
      resumed: epoch + batch > 0,
    });
  }
}

function identityOf({ name, splits }: LabelledDataset): DataIdentity {
  return { name, fingerprint: labelledFingerprint(splits.train) };
}
