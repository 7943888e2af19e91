/** What a command writes: whether it can and may is asked before the work, and the answer is said in any case. */
import { existsSync } from 'node:fs';
import { format, parse } from 'node:path';
import { checkWritable } from '../data/formats/write-files.js';
import { UsageError } from '../errors.js';

/** Asks before the work. @throws FileError naming the first output that cannot be written */
export async function checkOutputs(...paths: readonly (string | undefined)[]): Promise<void> {
  for (const path of paths) if (path !== undefined) await checkWritable(path);
}

/**
 * Writes what was computed and says the answer: also when the disk has become full meanwhile.
 * @param say is told whether the file is there.
 * @throws what writing did, after the answer.
 */
export async function writeAndSay(
  write: () => Promise<void>,
  say: (written: boolean) => void,
): Promise<void> {
  try {
    await write();
  } catch (error) {
    say(false);
    throw error;
  }
  say(true);
}

/** The text beside a photo: `holiday/dog.jpg` has `holiday/dog.txt`. */
export function sidecarOf(photo: string): string {
  const { dir, name } = parse(photo);
  return format({ dir, name, ext: '.txt' });
}

/**
 * Asks, before long work, whether every photo can have its sidecar.
 * @throws UsageError when two photos would share one, a sidecar would replace a photo, or some are
 *   there already and may not be replaced.
 */
export function checkSidecars(photos: readonly string[], overwrite: boolean): void {
  const photoOf = new Map<string, string>();
  for (const photo of photos) {
    const sidecar = sidecarOf(photo);
    const other = photoOf.get(sidecar) ?? photo;
    if (other !== photo) {
      throw new UsageError(
        `${other} and ${photo} would have the same sidecar, ${sidecar}: caption them one by one, or use another --format`,
      );
    }
    photoOf.set(sidecar, photo);
  }
  const replaced = photos.find((photo) => photoOf.has(photo));
  if (replaced !== undefined) {
    throw new UsageError(
      `the sidecar of ${photoOf.get(replaced)} would replace ${replaced} itself`,
    );
  }
  if (!overwrite) refuseToReplace([...photoOf.keys()]);
}

/** @throws UsageError naming the first of the files that are there already. */
export function refuseToReplace(files: readonly string[]): void {
  const [first, ...others] = files.filter((file) => existsSync(file));
  if (first === undefined) return;
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  throw new UsageError(`${first}${more} would be replaced: --overwrite allows that`);
}
