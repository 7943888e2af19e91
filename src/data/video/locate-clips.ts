/** Finds the files of the clips that a list names. */
import { dirname } from 'node:path';
import { FormatError } from '../../errors.js';
import { locateFiles, plainName, refuseTwoNames } from '../formats/locate-files.js';
import { CLIPS } from './clip-files.js';

/** Settings of where the files of a list are. */
export interface ClipPlaces {
  /** Folder of the clips (default: that of the list, or `videos/` in it, and the like). */
  readonly videos?: string | undefined;
  /** Stop where clips are missing (default), or leave those out and say so. */
  readonly missing?: 'stop' | 'skip' | undefined;
}

/** Folders beside a list in which clips lie. */
const FOLDERS = ['.', 'videos', 'Videos', 'video', 'clips', 'frames', 'rawframes'];

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
 * @param options.folders beside the list that are looked into (default: the usual ones).
 * @param options.parts whether several entries may be parts of one file.
 * @throws FileError; FormatError naming clips without a file, and two entries of one file.
 */
export async function withFiles<T extends { readonly file: string }>(
  list: readonly T[],
  source: string,
  {
    videos,
    missing = 'stop',
    folders = FOLDERS,
    parts = false,
  }: ClipPlaces & { folders?: readonly string[]; parts?: boolean },
): Promise<Located<T>> {
  const named = list.map((entry) => plainName(entry.file));
  // A file with several parts is looked for once.
  const names = parts ? [...new Set(named)] : named;
  const located = await locateFiles(names, {
    kind: CLIPS,
    source,
    root: dirname(source),
    folders,
    chosen: videos,
    missing,
  });
  if (!located.found) throw new FormatError(source, located.notes.join('; '));
  refuseTwoNames(CLIPS, names, located.paths, source);
  const pathOf = new Map(names.map((name, index) => [name, located.paths[index]]));
  const entries = list.flatMap((entry, index) => {
    const path = pathOf.get(named[index] ?? '');
    return path === undefined ? [] : [{ ...entry, file: named[index] ?? '', path }];
  });
  if (entries.length === 0) {
    throw new FormatError(
      source,
      `none of its ${list.length} clips is there: ,videos=<folder> says where they are`,
    );
  }
  return { entries, notes: located.notes };
}
