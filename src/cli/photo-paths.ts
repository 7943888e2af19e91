import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { isOfSystem } from '../data/formats/folders.js';
import { isPhotoName } from '../data/pictures/photo-files.js';
import { UsageError } from '../errors.js';

/**
 * The photos that arguments name, in order: a file is itself, whatever it is called; a folder and a
 * pattern (`photos/*.jpg`, for shells that leave it alone) stand for the photos in them, sorted, each
 * once. What does not exist is left in: reading it tells what is wrong.
 *
 * @param options.recursive look into the folders inside a folder, too.
 * @throws UsageError for a folder or a pattern without photos.
 */
export async function photoPaths(
  args: readonly string[],
  { recursive = false } = {},
): Promise<string[]> {
  const all: string[] = [];
  for (const arg of args) {
    const known = await stat(arg).catch(() => undefined);
    if (known?.isDirectory()) {
      const inside = await glob(recursive ? '**/*' : '*', { ...onlyAsWritten, cwd: arg });
      const found = inside.filter((path) => !path.split('/').some(isOfSystem));
      const hint = recursive ? '' : ' (--recursive looks into the folders inside it)';
      all.push(
        ...(await photosOf(found, (path) => join(arg, path), `in the folder ${arg}${hint}`)),
      );
    } else if (!known && isDynamicPattern(arg)) {
      const pattern = process.platform === 'win32' ? arg.replaceAll('\\', '/') : arg;
      const found = await glob(pattern, { ...onlyAsWritten, absolute: isAbsolute(arg) });
      all.push(...(await photosOf(found, (path) => path, `called ${arg}`)));
    } else {
      all.push(arg);
    }
  }
  return all;
}

const onlyAsWritten = { expandDirectories: false } as const;
/** photo-2 before photo-10. */
const { compare } = new Intl.Collator('en', { numeric: true });

async function photosOf(
  found: readonly string[],
  pathOf: (path: string) => string,
  where: string,
): Promise<string[]> {
  const photos = found.filter(isPhotoName).map(pathOf);
  if (photos.length === 0) throw new UsageError(`there are no photos ${where}`);
  // Links between folders lead to the same photo in several ways: the shortest is the straight one.
  const straight = new Map<string, string>();
  for (const photo of photos.sort((a, b) => a.length - b.length)) {
    const file = await realpath(photo).catch(() => photo);
    if (!straight.has(file)) straight.set(file, photo);
  }
  return [...straight.values()].sort(compare);
}
