/** Folders of runs: where a new one goes, and which one goes on. */
import { existsSync } from 'node:fs';
import { join, parse } from 'node:path';
import { makeFolder } from '../data/formats/folders.js';
import type { WorkLock } from '../data/formats/work-lock.js';
import { UsageError } from '../errors.js';
import { claimRunFolder, lastRun, newRunFolder, runFile } from '../training/run-folder.js';
import { note } from './terminal.js';

/** Where runs go that were given no folder, and features that were given no file. */
const homes = { runs: 'runs', features: 'features' } as const;

/** The flags that say which folder a training run has. */
export interface RunFlags {
  out?: string | undefined;
  /** A folder, or true for `--out`, or else the newest run. */
  resume?: string | true | undefined;
  overwrite?: boolean | undefined;
}

/** A command's options when the folder of its run is settled. */
export type Settled<T extends RunFlags> = Omit<T, 'out' | 'resume'> & {
  readonly out: string;
  readonly resume: boolean;
  /** Held as long as the command writes into the folder. */
  readonly lock: WorkLock;
};

/**
 * Does the work of a run in its folder, which nobody else may write to meanwhile.
 * @param dataset its name: a run without `--out` is called after it.
 * @throws UsageError when a run would be lost, or none is there to go on; FileError when the folder
 *   cannot be written or another run is writing to it.
 */
export async function inRunFolder<T extends RunFlags>(
  options: T,
  dataset: string,
  work: (options: Settled<T>) => Promise<void>,
): Promise<void> {
  const resume = options.resume !== undefined;
  const out = resume ? folderToResume(options, dataset) : await folderToStart(options, dataset);
  const lock = await claimRunFolder(out);
  try {
    await work({ ...options, out, resume, lock });
  } finally {
    await lock.release();
  }
}

async function folderToStart({ out, overwrite }: RunFlags, dataset: string): Promise<string> {
  if (out === undefined) {
    const folder = await newRunFolder(homes.runs, plain(dataset));
    note(`the run is kept in ${folder} (--out names another folder)`);
    return folder;
  }
  refuseWhatWouldBeLost(
    { out, overwrite: overwrite ?? false },
    '--resume continues it, --overwrite begins anew',
  );
  return out;
}

function folderToResume({ out, resume }: RunFlags, dataset: string): string {
  if (typeof resume === 'string') {
    if (out === undefined || out === resume) return resume;
    throw new UsageError(
      `--resume ${resume} goes on in that folder, but --out names ${out}: leave one out`,
    );
  }
  if (out !== undefined) return out;
  const folder = lastRun(homes.runs, plain(dataset));
  if (folder === undefined) {
    throw new UsageError(
      `--resume: there is no run on ${dataset} in ${homes.runs}/: name the folder of the run (--resume <folder>)`,
    );
  }
  note(`going on with ${folder}`);
  return folder;
}

/**
 * `train <dataset> --resume [folder]`: commander takes what follows --resume for the folder, also where
 * it is the dataset.
 * @throws UsageError when no dataset is named.
 */
export function datasetAndFlags<T extends RunFlags>(
  dataset: string | undefined,
  options: T,
): [dataset: string, options: T] {
  if (dataset !== undefined) return [dataset, options];
  if (typeof options.resume === 'string') return [options.resume, { ...options, resume: true }];
  throw new UsageError("missing required argument 'dataset' (--help shows what is accepted)");
}

/** The feature file of a dataset by an encoder, where no other is named. Makes its folder. */
export async function defaultFeatureFile(
  dataset: string,
  encoder: string,
  { grid = false } = {},
): Promise<string> {
  await makeFolder(homes.features);
  const name = `${plain(dataset)}-${plain(parse(encoder).base)}${grid ? '-grid' : ''}`;
  return join(homes.features, `${name}.safetensors`);
}

/** A name as part of a file's: letters, digits and hyphens, without an ending. */
function plain(name: string): string {
  const { name: stem } = parse(name);
  const words = stem.toLowerCase().match(/[\p{L}\p{M}\p{N}_]+/gu) ?? [];
  return words.join('-') || 'run';
}

/**
 * A folder's name is quickly used again, and what stands there may have taken hours.
 * @param ways what to do instead, for the message.
 * @throws UsageError when `--out` holds a run and `--overwrite` was not given.
 */
export function refuseWhatWouldBeLost(
  { out, overwrite }: { out: string; overwrite?: boolean },
  ways: string,
): void {
  const last = runFile(out, 'last');
  if (overwrite || !existsSync(last)) return;
  throw new UsageError(
    `--out ${out} holds a run already (${last}): ${ways}, or name another folder`,
  );
}
