/** The folder of a training run: its files, who may write there, and where a new one goes. */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { asFileError } from '../data/formats/files.js';
import { makeFolder } from '../data/formats/folders.js';
import { lockFolder, type WorkLock } from '../data/formats/work-lock.js';
import { DivergedError, FileError, UsageError } from '../errors.js';
import type { Outcome } from './trainer.js';

/** The files of a training run, in its folder. */
export const runFiles = { best: 'best.safetensors', last: 'last.safetensors' } as const;

/** The best or the last state of a run. */
export type RunFile = keyof typeof runFiles;

/** Where a file of a run is kept. */
export function runFile(folder: string, which: RunFile): string {
  return join(folder, runFiles[which]);
}

/**
 * Makes the folder of a run and takes it for this process, so that no other run writes there.
 * @returns the lock; when it is released, a folder that is empty still is taken away.
 * @throws FileError when the folder cannot be written, or another run is writing there.
 */
export async function claimRunFolder(folder: string): Promise<WorkLock> {
  const lock = await lockFolder(folder);
  return {
    ...lock,
    async release() {
      await lock.release();
      // Refused as long as anything is in it.
      await rmdir(folder).catch(() => {});
    },
  };
}

/** Makes a folder for a new run, with the first number that is free: `runs/flickr8k-1`. @throws FileError */
export async function newRunFolder(home: string, name: string): Promise<string> {
  await makeFolder(home);
  for (let number = 1; ; number++) {
    const folder = join(home, `${name}-${number}`);
    try {
      await mkdir(folder);
      return folder;
    } catch (error) {
      if (!existsSync(folder)) throw asFileError(folder, 'written', error);
    }
  }
}

/** The newest run of that name whose state was saved, as `newRunFolder` counts them. */
export function lastRun(home: string, name: string): string | undefined {
  const numbers = (existsSync(home) ? readdirSync(home) : [])
    .filter((entry) => entry.startsWith(`${name}-`))
    .map((entry) => Number(entry.slice(name.length + 1)))
    .filter((number) => Number.isInteger(number))
    .sort((a, b) => b - a);
  return numbers
    .map((number) => join(home, `${name}-${number}`))
    .find((folder) => existsSync(runFile(folder, 'last')));
}

/**
 * The model file that a path stands for: of a run's folder the best model, or the last where dev has
 * not chosen one; anything else is itself.
 * @throws UsageError for a folder without a model.
 */
export async function modelFileIn(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) return path;
  const file = [runFile(path, 'best'), runFile(path, 'last')].find((file) => existsSync(file));
  if (file !== undefined) return file;
  throw new UsageError(
    `${path} is a folder without a model: there is neither ${runFiles.best} nor ${runFiles.last} in it`,
  );
}

/**
 * Trains, saving into the folder of the run.
 * @param write saves the state as it is now, whole or not at all.
 * @param options.resumed whether what the run went on from is a good state to go back to.
 * @throws DivergedError, or FileError of a state that could not be written (a full disk), that says which
 *   state is still good; whatever else `train` and `write` throw.
 */
export async function trainInto(
  folder: string,
  write: (path: string) => Promise<void>,
  train: (save: (which: RunFile) => Promise<void>) => Promise<Outcome>,
  { resumed = false } = {},
): Promise<Outcome> {
  const last = runFile(folder, 'last');
  let savedLast = resumed;
  const good = () =>
    savedLast ? `The last good checkpoint is ${last}` : 'No checkpoint was written before it';
  try {
    return await train(async (which) => {
      const path = runFile(folder, which);
      try {
        await write(path);
      } catch (error) {
        if (!(error instanceof FileError) || error.path !== path) throw error;
        const reason = error.message.slice(`${path}: `.length);
        const way = savedLast ? '; make room, and --resume continues it' : '';
        throw new FileError(path, `${reason}. ${good()}${way}.`, { cause: error });
      }
      savedLast ||= which === 'last';
    });
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
    throw new DivergedError(`${error.message}. ${good()}.`);
  }
}
