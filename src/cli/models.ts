/** The models that `--model` names. */
import { readSafetensors } from '../data/files.js';
import { type CaptionerModel, captionerKind } from '../tasks/captioner/kind.js';
import { decodeModel, type OpenedModel } from '../training/model-file.js';
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

/** Reads the model file of a captioner. @throws FileError, FormatError */
export async function readCaptioner(
  file: string,
): Promise<CaptionerModel & Pick<OpenedModel<never, never, never, never>, 'training'>> {
  const { model, training } = decodeModel(captionerKind, await readSafetensors(file), file);
  return { ...model, training };
}

/** Reads the model files of captioners, one after the other. @throws FileError, FormatError */
export async function readCaptioners(files: readonly string[]): Promise<CaptionerModel[]> {
  const models: CaptionerModel[] = [];
  for (const file of files) models.push(await readCaptioner(file));
  return models;
}
