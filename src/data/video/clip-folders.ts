/** Reads labelled clips from a folder for each class. */
import { join, relative } from 'node:path';
import { FormatError } from '../../errors.js';
import { nameOfSet } from '../formats/folders.js';
import { plainName } from '../formats/locate-files.js';
import { leftOutNote } from '../formats/notes.js';
import { classesIn, splitFolders } from '../labels/class-folders.js';
import type { SplitName } from '../splits.js';
import { clipsBelow } from './clip-files.js';
import { type ClipSetOptions, clipDataset, type FoundClip } from './divide-clips.js';
import type { ClipDataset } from './labelled-clips.js';

/**
 * A folder for each class, `wave/1.mp4`, `bend/2.gif`; or such folders in `train`, `val` (or `dev`) and `test`.
 * In a class's folder, and in the folders inside it, lie videos, animations, and folders of frames. Links are
 * followed, hidden names and files of operating systems are ignored. Classes are sorted by name.
 *
 * @throws FileError; FormatError for a set of one class, or where photos lie in the place of clips.
 */
export async function openClipFolders(
  folder: string,
  options: ClipSetOptions = {},
): Promise<ClipDataset> {
  const { parts, others } = await splitFolders(folder);
  const isDivided = parts.get('train') !== folder;
  const found = await Promise.all(
    [...parts].map(([split, part]) => readPart(folder, part, isDivided ? split : undefined)),
  );
  const clips = found.flatMap((part) => part.clips);
  for (const [index, split] of [...parts.keys()].entries()) {
    if (clips.length === 0 || found[index]?.clips.length !== 0) continue;
    throw new FormatError(
      parts.get(split) ?? folder,
      'holds no folders of clips: remove it, or put some in',
    );
  }
  const photos = found.flatMap((part) => part.photos);
  if (clips.length === 0) {
    throw new FormatError(
      folder,
      photos.length > 0
        ? 'has photos in the folders of its classes, and no clips: the frames of a clip need a folder of their own; for photos there is glimpse train classifier'
        : 'holds no folders of clips: each class needs one',
    );
  }
  const empty = found.flatMap((part) => part.empty);
  return clipDataset(
    {
      name: nameOfSet(folder),
      format: 'folder',
      source: folder,
      clips,
      notes: [
        ...leftOutNote(others, 'folder', ['the name of no split', 'the names of no split']),
        ...leftOutNote(photos, 'photo', ['no folder of a clip', 'no folders of a clip']),
        ...leftOutNote(empty, 'folder', ['no clips', 'no clips']),
      ],
    },
    options,
  );
}

/** Whether a folder looks like this: folders with clips in them. */
export async function holdsClipFolders(folder: string): Promise<boolean> {
  const { parts } = await splitFolders(folder);
  for (const part of parts.values()) {
    for (const path of (await classesIn(part)).values()) {
      if ((await clipsBelow(path)).clips.length > 0) return true;
    }
  }
  return false;
}

async function readPart(folder: string, part: string, split: SplitName | undefined) {
  const clips: FoundClip[] = [];
  const photos: string[] = [];
  const empty: string[] = [];
  const below = (path: string) => plainName(relative(folder, path));
  for (const [label, path] of await classesIn(part)) {
    const found = await clipsBelow(path);
    for (const name of found.clips) {
      const file = join(path, name);
      clips.push({ id: below(file), clip: { path: file }, label, split });
    }
    photos.push(...found.photos.map((name) => below(join(path, name))));
    if (found.clips.length === 0) empty.push(below(path));
  }
  return { clips, photos, empty };
}
