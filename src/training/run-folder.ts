import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { asFileError } from '../data/files.js';
import { DivergedError, UsageError } from '../errors.js';
import type { Outcome } from './trainer.js';

/** The files of a training run, in its folder. */
export const runFiles = { best: 'best.safetensors', last: 'last.safetensors' } as const;

/** The best or the last state of a run. */
export type RunFile = keyof typeof runFiles;

/** What a run learns from, to be recognised by. */
export interface DataIdentity {
  readonly name: string;
  readonly fingerprint: string;
}

/** Where a file of a run is kept. */
export function runFile(folder: string, which: RunFile): string {
  return join(folder, runFiles[which]);
}

/** Makes the folder of a run. @throws FileError when that is impossible. */
export async function makeRunFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw asFileError(folder, 'written', error);
  }
}

/**
 * The training state of a checkpoint that is to be continued on these data.
 * @param what the data consist of: captions, pictures.
 * @throws UsageError when there is none, or the run was started on other data.
 */
export function stateToResume<T extends { readonly dataset: DataIdentity }>(
  folder: string,
  training: T | undefined,
  { name, fingerprint }: DataIdentity,
  what: string,
): T {
  if (!training) {
    throw new UsageError(`${folder}: the checkpoint holds no training state to resume`);
  }
  const { dataset } = training;
  if (dataset.fingerprint === fingerprint) return training;
  throw new UsageError(
    `cannot resume on ${name} (${what} ${fingerprint}): the run was started on ${dataset.name} (${what} ${dataset.fingerprint})`,
  );
}

/**
 * Trains, saving into the folder of the run.
 * @param write saves the state as it is now, whole or not at all.
 * @throws DivergedError that says which state is still good; whatever `train` and `write` throw.
 */
export async function trainInto(
  folder: string,
  write: (path: string) => Promise<void>,
  train: (save: (which: RunFile) => Promise<void>) => Promise<Outcome>,
): Promise<Outcome> {
  const last = runFile(folder, 'last');
  let savedLast = false;
  try {
    return await train(async (which) => {
      await write(runFile(folder, which));
      savedLast ||= which === 'last';
    });
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
    const good = savedLast
      ? `The last good checkpoint is ${last}`
      : 'No checkpoint was written before it';
    throw new DivergedError(`${error.message}. ${good}.`);
  }
}
