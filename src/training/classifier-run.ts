import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { asFileError, readSafetensors, writeFileAtomically } from '../data/files.js';
import { type LabelledDataset, labelledFingerprint } from '../data/labelled-pictures.js';
import { UsageError } from '../errors.js';
import {
  type ClassifierCheckpoint,
  type ClassifierTraining,
  decodeClassifier,
  encodeClassifier,
} from './classifier-checkpoint.js';
import type { ClassifierRecipe } from './classifier-recipe.js';
import { type ClassifierEvents, ClassifierTrainer } from './classifier-trainer.js';
import { runFiles } from './run.js';
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
  readonly #dataset: ClassifierTraining['dataset'];

  private constructor(
    model: ClassifierModel,
    trainer: ClassifierTrainer,
    dataset: ClassifierTraining['dataset'],
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
    try {
      await mkdir(folder, { recursive: true });
    } catch (error) {
      throw asFileError(folder, 'written', error);
    }
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
    if (!training) throw new UsageError(`${folder}: the checkpoint holds no training state`);
    const identity = identityOf(dataset);
    if (training.dataset.fingerprint !== identity.fingerprint) {
      throw new UsageError(
        `cannot resume on ${identity.name} (pictures ${identity.fingerprint}): the run was started on ${training.dataset.name} (pictures ${training.dataset.fingerprint})`,
      );
    }
    const trainer = new ClassifierTrainer(model, recipe, dataset, training);
    return new ClassifierRun(model, trainer, identity, folder);
  }

  /** The state that a run left in its folder. @throws FileError, FormatError */
  static readLast(folder: string): Promise<ClassifierCheckpoint> {
    return readClassifier(join(folder, runFiles.last));
  }

  /** Where the best and the last state are kept. */
  path(which: keyof typeof runFiles): string {
    return join(this.folder, runFiles[which]);
  }

  /** The state as it is now. */
  checkpoint(): ClassifierCheckpoint {
    const { recipe, optimisers, progress } = this.trainer;
    return { ...this.model, training: { recipe, optimisers, progress, dataset: this.#dataset } };
  }

  /** Trains to the end or to an interruption, saving as it goes. @throws DivergedError, FileError */
  async run(events: ClassifierEvents, options: { signal?: AbortSignal } = {}): Promise<Outcome> {
    const save = (which: keyof typeof runFiles) =>
      writeFileAtomically(this.path(which), encodeClassifier(this.checkpoint()));
    return this.trainer.run({ ...events, save }, options);
  }
}

function identityOf({ name, splits }: LabelledDataset): ClassifierTraining['dataset'] {
  return { name, fingerprint: labelledFingerprint(splits.train) };
}
