import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileError } from '../errors.js';

/** The file in a folder that says whose it is. */
export const LOCK = 'lock';

/**
 * Takes a folder for this process, so that two runs do not write into the same files. What a process
 * that is gone left behind is taken over.
 *
 * @returns gives it back.
 * @throws FileError when another run has it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, LOCK);
  const take = () => writeFile(path, `${process.pid}`, { flag: 'wx' });
  try {
    await take();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    const owner = Number(await readFile(path, 'utf8').catch(() => ''));
    if (isRunning(owner)) {
      throw new FileError(folder, `is being written by another run (process ${owner})`);
    }
    await rm(path, { force: true });
    await take();
  }
  return () => rm(path, { force: true });
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It is there, but it is somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
