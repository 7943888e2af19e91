/** Folders: what people put into them, without what systems put there. */
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

/** What a set of files is called: as its folder or file, which `.` and `..` do not tell. */
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

/** Of zip files of a Mac, Synology's and QNAP's disks, Windows and Linux. */
const OF_SYSTEMS: ReadonlySet<string> = new Set([
  ...['__MACOSX', '@eaDir', '#recycle', '@Recycle', '@__thumb'],
  ...['$RECYCLE.BIN', 'System Volume Information', 'lost+found'],
]);

/** Whether systems put a name there, not people: hidden ones, thumbnails, waste baskets. */
export function isOfSystem(name: string): boolean {
  return name.startsWith('.') || OF_SYSTEMS.has(name);
}

/** Names of files and of folders, sorted. */
export interface FolderContent {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/**
 * What people put into a folder: nothing hidden, nothing that systems put there. Links are what they lead to; one that leads nowhere is a file. @throws FileError
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
  // Links, and entries of file systems that do not tell what they are.
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
