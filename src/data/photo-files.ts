import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FileError, FormatError } from '../errors.js';
import { asFileError } from './files.js';

/** Whether a file is called as photos are. */
export function isPhotoName(name: string): boolean {
  return /\.(jpe?g|png|webp|gif|tiff?|heic|heif|avif)$/i.test(name);
}

/** The names in a folder. @throws FileError */
export async function namesIn(folder: string): Promise<Set<string>> {
  try {
    return new Set(await readdir(folder));
  } catch (error) {
    throw asFileError(folder, 'read', error);
  }
}

/** How many photos are looked for in a folder before it is said not to hold them. */
const SAMPLE = 20;

/**
 * Whole paths of photos that a file of captions names, relative to one of several folders. Where
 * that folder is found, all photos must be there. Where none has any of them nothing is checked:
 * whoever trains on stored features does not need the photos.
 *
 * @param chosen the folder that was named for them; without it one of `folders` that has some.
 * @throws FileError when `chosen` does not exist; FormatError naming photos without a file.
 */
export async function locatePhotos(
  names: readonly string[],
  folders: readonly string[],
  source: string,
  chosen?: string,
): Promise<string[]> {
  if (chosen !== undefined && !existsSync(chosen)) {
    throw new FileError(chosen, 'no such folder (images=)');
  }
  const sample = names.slice(0, SAMPLE);
  const has = (folder: string) => sample.some((name) => existsSync(join(folder, name)));
  const found = chosen ?? folders.find(has);
  const paths = names.map((name) => join(found ?? folders[0] ?? '.', name));
  if (found !== undefined) await requireFiles(paths, names, source);
  return paths;
}

/** Lists each folder once: asking for 100,000 files one by one takes long on a network. */
async function requireFiles(
  paths: readonly string[],
  names: readonly string[],
  source: string,
): Promise<void> {
  const listed = new Map<string, Promise<Set<string>>>();
  const missing: string[] = [];
  for (const [index, path] of paths.entries()) {
    const folder = dirname(path);
    let there = listed.get(folder);
    if (!there) {
      there = namesIn(folder).catch(() => new Set<string>());
      listed.set(folder, there);
    }
    if (!(await there).has(basename(path))) missing.push(names[index] ?? '');
  }
  refusePhotos(source, 'have no file', missing, names.length);
}

/** @throws FormatError naming the first of `photos`, unless there are none. */
export function refusePhotos(
  source: string,
  fault: string,
  photos: readonly string[],
  total: number,
): void {
  if (photos.length === 0) return;
  const more = photos.length > 3 ? ', …' : '';
  throw new FormatError(
    source,
    `${photos.length} of ${total} photos ${fault}: ${photos.slice(0, 3).join(', ')}${more}. Is the download complete?`,
  );
}
