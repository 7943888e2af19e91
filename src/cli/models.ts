import type { CaptionDataset } from '../data/captions/captioned-images.js';
import { UsageError } from '../errors.js';
import type { Features } from '../features/features.js';
import type { Checkpoint } from '../training/checkpoint.js';
import { readCheckpoint } from '../training/model-file.js';
import { type Sight, sightOf } from '../training/prepare.js';
import { modelFile } from './runs.js';
import { featuresOf } from './sight.js';

/** For commander: a flag that may be given several times, as the list of its values. */
export function repeated(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** The files that `--model` names, a run's folder standing for its model. @throws UsageError */
export async function modelFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) files.push(await modelFile('--model', path));
  return files;
}

/** Reads model files, one after the other. @throws FileError, FormatError */
export async function readModels(files: readonly string[]): Promise<Checkpoint[]> {
  const models: Checkpoint[] = [];
  for (const file of files) models.push(await readCheckpoint(file));
  return models;
}

/**
 * How each model takes images in: through features if there are any, otherwise encoded now.
 *
 * @param files of features: none, one for all models, or one for each in their order.
 * @param dataset of the images, whose order rows without ids are in.
 * @throws UsageError for another number of files, or features for a model that needs none;
 *   ValueError when they do not fit.
 */
export async function sightsOfEach(
  models: readonly Checkpoint[],
  files: readonly string[],
  dataset: CaptionDataset,
): Promise<Sight[]> {
  if (files.length > 1 && files.length !== models.length) {
    throw new UsageError(
      `--features is given ${files.length} times for ${models.length} models: give it once for all, or once for each --model in the same order`,
    );
  }
  const opened = new Map<string, Features>();
  const sights: Sight[] = [];
  for (const [index, model] of models.entries()) {
    const file = files.length > 1 ? files[index] : files[0];
    const features =
      file === undefined ? undefined : (opened.get(file) ?? (await featuresOf(dataset, file)));
    if (file !== undefined && features) opened.set(file, features);
    sights.push(await sightOf(model, features));
  }
  return sights;
}
