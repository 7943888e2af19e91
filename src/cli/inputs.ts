/** What the arguments of a command name: models, sets of captioned pictures, photos and clips. */
import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import type { CaptionDataset } from '../data/captions/captioned-images.js';
import { openDataset } from '../data/captions/dataset.js';
import { contentOf } from '../data/formats/folders.js';
import { counted } from '../data/formats/notes.js';
import { isPhotoName, photosBelow } from '../data/pictures/photo-files.js';
import { clipsBelow, isClipName } from '../data/video/clip-files.js';
import { UsageError } from '../errors.js';
import { kinds } from '../tasks/index.js';
import { entryOf, type TaskEntry, told } from '../tasks/kind.js';
import { modelFileIn } from '../training/run-folder.js';
import type { FileNames } from './failure.js';
import { note } from './terminal.js';

/**
 * The model file that a flag names: a run's folder stands for the model in it.
 * @throws UsageError for a folder without one.
 */
export async function modelFile(flag: string, path: string): Promise<string> {
  const file = await modelFileIn(path);
  if (file !== path) note(`${flag} ${path}: taking ${file}`);
  return file;
}

/** The files that `--model` names, as `modelFile` does each. @throws UsageError */
export async function modelFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) files.push(await modelFile('--model', path));
  return files;
}

/**
 * Asks a model file for its kind.
 * @param other the command that takes a model of another kind, which the file turned out to be.
 * @throws UsageError naming both kinds and that command; FileError, FormatError for a file of no kind
 */
export async function requireKind(
  file: string,
  kind: string,
  other: (found: string) => string,
  known: readonly TaskEntry[] = kinds,
): Promise<void> {
  const { kind: found } = await entryOf(file, known);
  if (found === kind) return;
  throw new UsageError(`${file} is a ${found}, not a ${kind}: ${other(found)} takes it`);
}

/** Opens a set of captioned pictures and says what its reader has to tell. @throws as `openDataset` */
export async function captionSet(specification: string): Promise<CaptionDataset> {
  return told(await openDataset(specification), note);
}

/** Files of one kind, as arguments name them. */
export interface FileKind extends FileNames {
  /** Whether a file is called as such files are. */
  isNamed(name: string): boolean;
  /** Those in a folder, by their paths from there. @param recursive in the folders inside it, too */
  inFolder(folder: string, recursive: boolean): Promise<readonly string[]>;
}

export const PHOTOS: FileKind = {
  what: 'photo',
  key: 'image',
  isNamed: isPhotoName,
  inFolder: async (folder, recursive) =>
    recursive
      ? photosBelow(folder)
      : (await contentOf(folder)).files.filter((name) => isPhotoName(name)),
};

/** Videos and animations; a folder of photos, in which there are none, is one clip. */
export const CLIPS: FileKind = {
  what: 'clip',
  key: 'clip',
  isNamed: isClipName,
  async inFolder(folder, recursive) {
    const { files } = await contentOf(folder);
    const clips = recursive ? (await clipsBelow(folder)).clips : files.filter(isClipName);
    if (clips.length > 0) return clips;
    return files.some(isPhotoName) ? ['.'] : [];
  },
};

/**
 * The files that arguments name, in order: a file is itself, whatever it is called; a folder and a
 * pattern (`photos/*.jpg`, for shells that leave it alone) stand for the files of a kind in them, sorted, each
 * once. What does not exist is left in: reading it tells what is wrong.
 *
 * @param options.recursive look into the folders inside a folder, too.
 * @throws UsageError for a folder or a pattern without such files.
 */
export async function pathsNamed(
  args: readonly string[],
  kind: FileKind,
  { recursive = false } = {},
): Promise<string[]> {
  const all: string[] = [];
  for (const arg of args) {
    const known = await stat(arg).catch(() => undefined);
    if (known?.isDirectory()) {
      const hint = recursive ? '' : ' (--recursive looks into the folders inside it)';
      const found = (await kind.inFolder(arg, recursive)).map((path) => join(arg, path));
      const others = found.length > 0 ? '' : await othersIn(arg, kind, recursive);
      all.push(...(await sortedOnce(found, kind, `in the folder ${arg}${others || hint}`)));
    } else if (!known && isDynamicPattern(arg)) {
      const pattern = process.platform === 'win32' ? arg.replaceAll('\\', '/') : arg;
      const found = await glob(pattern, { expandDirectories: false, absolute: isAbsolute(arg) });
      all.push(...(await sortedOnce(found.filter(kind.isNamed), kind, `called ${arg}`)));
    } else {
      all.push(arg);
    }
  }
  return all;
}

/** `, but 3 clips, which this model does not take`: what a folder without files of a kind has of another. */
async function othersIn(folder: string, kind: FileKind, recursive: boolean): Promise<string> {
  for (const other of [PHOTOS, CLIPS]) {
    const found = other === kind ? [] : await other.inFolder(folder, recursive);
    if (found.length === 0) continue;
    return `, but ${counted(found.length, other.what)}, which the model of --model does not take`;
  }
  return '';
}

/** photo-2 before photo-10. */
const { compare } = new Intl.Collator('en', { numeric: true });

/** Files sorted, each once. @throws UsageError where there are none */
async function sortedOnce(
  found: readonly string[],
  { what }: FileNames,
  where: string,
): Promise<string[]> {
  if (found.length === 0) throw new UsageError(`there are no ${what}s ${where}`);
  // Links lead to the same file in several ways: the shortest is the straight one.
  const straight = new Map<string, string>();
  for (const path of found.toSorted((a, b) => a.length - b.length)) {
    const file = await realpath(path).catch(() => path);
    if (!straight.has(file)) straight.set(file, path);
  }
  return [...straight.values()].sort(compare);
}
