/** The contents of folders, without the files that operating systems put there. */
import type { Dirent } from 'node:fs';
import { mkdir, readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { asFileError } from './files.js';

/** Whether a path is a folder, or else a file. @throws FileError when there is neither */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw asFileError(path, 'read', error);
  }
}

/** Makes a folder, and those that it lies in, where it is not there. @throws FileError */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw asFileError(path, 'written', error);
  }
}

/** The name of a set of files: that of its folder or file, also where the path is `.` or `..`. */
export function nameOfSet(path: string): string {
  return basename(resolve(path));
}

/** The names in a folder. @throws FileError */
export async function namesIn(folder: string): Promise<Set<string>> {
  try {
    return new Set(await readdir(folder));
  } catch (error) {
    throw asFileError(folder, 'read', error);
  }
}

/** Names that macOS puts into zip files, and those of Synology's and QNAP's disks, Windows and Linux. */
const OF_SYSTEMS: ReadonlySet<string> = new Set([
  ...['__MACOSX', '@eaDir', '#recycle', '@Recycle', '@__thumb'],
  ...['$RECYCLE.BIN', 'System Volume Information', 'lost+found'],
]);

/** Whether a name is one that operating systems put there: hidden files, thumbnails, recycle bins. */
export function isOfSystem(name: string): boolean {
  return name.startsWith('.') || OF_SYSTEMS.has(name);
}

/** Names of files and of folders, sorted. */
export interface FolderContent {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/**
 * The files and folders in a folder, without hidden ones and those of operating systems. Links are followed; a
 * broken link counts as a file. @throws FileError
 */
export async function contentOf(folder: string): Promise<FolderContent> {
  const files: string[] = [];
  const folders: string[] = [];
  try {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (isOfSystem(entry.name)) continue;
      ((await leadsToFolder(folder, entry)) ? folders : files).push(entry.name);
    }
  } catch (error) {
    throw asFileError(folder, 'read', error);
  }
  return { files: files.sort(), folders: folders.sort() };
}

async function leadsToFolder(folder: string, entry: Dirent): Promise<boolean> {
  if (entry.isFile() || entry.isDirectory()) return entry.isDirectory();
  // Links, and entries of file systems that do not say what they are.
  return stat(join(folder, entry.name)).then(
    (known) => known.isDirectory(),
    () => false,
  );
}

/** Folders that were looked into: a link may lead back to one. */
export class Visited {
  readonly #real = new Set<string>();

  /** Whether it is the first time. @throws FileError */
  async first(folder: string): Promise<boolean> {
    const real = await realpath(folder).catch((error: unknown) => {
      throw asFileError(folder, 'read', error);
    });
    if (this.#real.has(real)) return false;
    this.#real.add(real);
    return true;
  }
}
