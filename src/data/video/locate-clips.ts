/** Finds the files of the clips that a list names. */
import { dirname, join, posix } from 'node:path';
import { FormatError } from '../../errors.js';
import { isFolder } from '../formats/folders.js';
import {
  locateFiles,
  missingNote,
  noneThere,
  plainName,
  refuseTwoNames,
} from '../formats/locate-files.js';
import { CLIPS, clipsBelow } from './clip-files.js';

/** Settings of where the files of a list are. */
export interface ClipPlaces {
  /** Folder of the clips (default: that of the list, or `videos/` in it, and the like). */
  readonly videos?: string | undefined;
  /** Stop where clips are missing (default), or leave those out and say so. */
  readonly missing?: 'stop' | 'skip' | undefined;
}

/** What is in a list, with the path of its file. */
export interface Located<T> {
  readonly entries: readonly (T & { readonly path: string })[];
  readonly notes: readonly string[];
}

/**
 * The entries of a list with the paths of their files, or folders of frames; one that is missing and left out
 * has none.
 *
 * @param source the list.
 * @param options.root the set's folder (default: that of the list).
 * @param options.folders in it that are looked into (default: the usual ones).
 * @param options.parts whether several entries may be parts of one file.
 * @throws FileError; FormatError naming clips without a file, and two entries of one file.
 */
export async function withFiles<T extends { readonly file: string }>(
  list: readonly T[],
  source: string,
  {
    videos,
    missing = 'stop',
    root = dirname(source),
    folders = CLIPS.folders,
    parts = false,
  }: ClipPlaces & { root?: string; folders?: readonly string[]; parts?: boolean },
): Promise<Located<T>> {
  const named = list.map((entry) => plainName(entry.file));
  if (list.length === 0) throw new FormatError(source, 'holds no clips');
  // A file with several parts is looked for once.
  const names = parts ? [...new Set(named)] : named;
  const located = await locateFiles(names, {
    kind: CLIPS,
    source,
    root,
    folders,
    chosen: videos,
    needed: true,
    missing,
  });
  refuseTwoNames(CLIPS, names, located.paths, source);
  const pathOf = new Map(names.map((name, index) => [name, located.paths[index]]));
  const entries = list.flatMap((entry, index) => {
    const path = pathOf.get(named[index] ?? '');
    return path === undefined ? [] : [{ ...entry, file: named[index] ?? '', path }];
  });
  return { entries, notes: located.notes };
}

/**
 * The entries of a list that names clips without folder and ending: of the names that a clip may have the first
 * one that a file, or a folder of frames, has, wherever below the folder it lies.
 *
 * @param source the list.
 * @param root the set's folder, where `videos` does not say another.
 * @param options.needed whether it is an error that none is there (default), or only said: whoever has stored
 *   features needs no clips.
 * @throws FileError; FormatError naming clips without a file.
 */
export async function withNames<T extends { readonly names: readonly string[] }>(
  list: readonly T[],
  source: string,
  root: string,
  { videos, missing = 'stop', needed = true }: ClipPlaces & { readonly needed?: boolean },
): Promise<Located<T & { readonly file: string; readonly name: string }>> {
  const folder = videos ?? root;
  if (!(await isFolder(folder))) throw new FormatError(folder, 'is no folder (videos=)');
  const known = new Map<string, string>();
  for (const path of (await clipsBelow(folder)).clips) {
    const name = CLIPS.withoutEnding(posix.basename(plainName(path)));
    if (!known.has(name)) known.set(name, path);
  }
  const [first] = list;
  const isThere = list.some(({ names }) => names.some((name) => known.has(name)));
  if (!needed && !isThere && first) {
    const entries = list.map((entry) => {
      const name = entry.names[0] ?? '';
      return { ...entry, name, file: name, path: join(folder, name) };
    });
    const note = noneThere(CLIPS, [first.names[0] ?? ''], folder);
    return { entries, notes: [`${note}; whoever has their features needs none`] };
  }
  const lost: string[] = [];
  const entries = list.flatMap((entry) => {
    const name = entry.names.find((candidate) => known.has(candidate));
    const file = known.get(name ?? '');
    if (name === undefined || file === undefined) {
      lost.push(entry.names[0] ?? '');
      return [];
    }
    return [{ ...entry, name, file: plainName(file), path: join(folder, file) }];
  });
  return {
    entries,
    notes: missingNote(lost, list.length, { kind: CLIPS, source, folder, missing }),
  };
}
