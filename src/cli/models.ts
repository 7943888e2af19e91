/** The models that `--model` names. */
import { type CaptionerModel, captionerKind } from '../tasks/captioner/kind.js';
import { readModel } from '../training/run.js';
import { modelFile } from './runs.js';

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

/** Reads the model files of captioners, one after the other. @throws FileError, FormatError */
export async function readCaptioners(files: readonly string[]): Promise<CaptionerModel[]> {
  const models: CaptionerModel[] = [];
  for (const file of files) models.push((await readModel(captionerKind, file)).model);
  return models;
}
