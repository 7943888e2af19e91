/** Reads labelled clips from the lists of Something-Something. */
import { join } from 'node:path';
import { z } from 'zod';
import { FileError } from '../../errors.js';
import { readJson } from '../formats/files.js';
import { nameOfSet, namesIn } from '../formats/folders.js';
import { LeftOut } from '../formats/notes.js';
import { type SplitName, splitNamed } from '../splits.js';
import { refuseTwice } from './clip-table.js';
import { type ClipSetOptions, clipDataset, type FoundClip } from './divide-clips.js';
import type { ClipDataset } from './labelled-clips.js';
import { type ClipPlaces, withNames } from './locate-clips.js';

const listSchema = z.array(
  z.object({
    id: z.union([z.string().min(1), z.int()]).transform(String),
    template: z.string().min(1).optional(),
  }),
);

/** `train.json`, `something-something-v2-validation.json`. */
const LIST = /^(?:something-something-v2-)?(train|validation|test)\.json$/;
const LABELS = /^(?:something-something-v2-)?labels\.json$/;

/**
 * Something-Something V2 (Goyal et al., "The 'Something Something' Video Database", 2017): a folder with
 * `something-something-v2-train.json`, `-validation.json` and `-labels.json`, or `train.json`, `validation.json` and
 * `labels.json`, in it or in `labels/`. A clip's class is its `template` without brackets. The clips,
 * `<id>.webm`, lie anywhere below, or below `videos`. A list without templates, as that of the test set, is left
 * out.
 *
 * @throws FileError; FormatError naming the entry, or clips without a file.
 */
export async function openSomethingSomething(
  path: string,
  options: ClipSetOptions & ClipPlaces = {},
): Promise<ClipDataset> {
  const { folder, names } = await listsIn(path);
  const lists = names.filter((name) => LIST.test(name));
  if (lists.length === 0) {
    throw new FileError(folder, 'has no something-something-v2-train.json, or train.json');
  }
  const labels = names.find((name) => LABELS.test(name));
  const clips: FoundClip[] = [];
  const notes: string[] = [];
  for (const name of lists) {
    const split = splitNamed(LIST.exec(name)?.[1] ?? '');
    const part = await readList(join(folder, name), path, split, options);
    clips.push(...part.clips);
    notes.push(...part.notes);
  }
  refuseTwice(clips, folder);
  const order = labels === undefined ? undefined : join(folder, labels);
  return clipDataset(
    { name: nameOfSet(path), format: 'something', source: folder, clips, notes },
    { ...options, names: options.names ?? order },
  );
}

/** Whether a folder holds such lists. */
export async function holdsSomethingSomething(path: string): Promise<boolean> {
  const { names } = await listsIn(path);
  return names.some((name) => LIST.test(name)) && names.some((name) => LABELS.test(name));
}

async function listsIn(path: string): Promise<{ folder: string; names: string[] }> {
  const names = await namesIn(path);
  const folder = names.has('labels') ? join(path, 'labels') : path;
  return { folder, names: [...(folder === path ? names : await namesIn(folder))].sort() };
}

async function readList(
  list: string,
  root: string,
  split: SplitName | undefined,
  options: ClipSetOptions & ClipPlaces,
) {
  const entries = await readJson(list, listSchema);
  if (entries.length > 0 && entries.every(({ template }) => template === undefined)) {
    return { clips: [], notes: [`${nameOfSet(list)} has no templates and is left out`] };
  }
  const leftOut = new LeftOut(list, 'clip');
  const found = entries.flatMap(({ id, template }, index) => {
    if (template !== undefined) return [{ names: [id], label: template.replace(/[[\]]/g, '') }];
    leftOut.add(`entry ${index}`, 'the template is missing');
    return [];
  });
  const faulty = leftOut.notes(found.length);
  const located = await withNames(found, list, root, options);
  const clips = located.entries.map(
    ({ file, path, label }): FoundClip => ({
      id: file,
      clip: { path },
      label,
      split,
    }),
  );
  return { clips, notes: [...faulty, ...located.notes] };
}
