/** Reads labelled clips from a table of files, labels, and whatever else is known of each clip. */
import { join } from 'node:path';
import { FileError, FormatError } from '../../errors.js';
import {
  faultOfPart,
  nameOfPart,
  PART_COLUMNS,
  type Part,
  partOf,
} from '../captions/caption-rows.js';
import { isFolder, nameOfSet, namesIn } from '../formats/folders.js';
import { plainName } from '../formats/locate-files.js';
import { LeftOut } from '../formats/notes.js';
import { listed, quote } from '../formats/strict-json.js';
import { columnOf, readTable, type TableRow } from '../formats/tables.js';
import { splitNamed } from '../splits.js';
import { CLIPS } from './clip-files.js';
import { type ClipSetOptions, clipDataset, type FoundClip } from './divide-clips.js';
import type { ClipDataset } from './labelled-clips.js';
import { type ClipPlaces, withFiles } from './locate-clips.js';

/** Which columns of a table say what. */
export interface ClipTableOptions extends ClipSetOptions, ClipPlaces {
  /** The column of files, or of folders of frames (default: `video`, `file`, `path`, ...). */
  readonly video?: string | undefined;
  /** The column of labels (default: `label`, `action`, `class`, ...). */
  readonly label?: string | undefined;
  /** The columns of where in a video a clip begins and ends, in seconds (default: `start`, `end`, ...). */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export const LABELS = [
  ...['label', 'labels', 'action', 'actions', 'class', 'classes', 'class_name', 'category'],
  ...['activity', 'tag', 'y'],
];
/** What such a table is called in a folder. */
const TABLE = /^(clips|videos|labels|annotations|metadata)\.(csv|tsv|jsonl|json)$/i;

/** Whether a folder holds such a table. */
export async function holdsClipTable(folder: string): Promise<boolean> {
  return (await tablesIn(folder)).length === 1;
}

async function tablesIn(folder: string): Promise<string[]> {
  return [...(await namesIn(folder))].filter((name) => TABLE.test(name)).sort();
}

async function tableAt(path: string): Promise<string> {
  if (!(await isFolder(path))) return path;
  const [table, ...others] = await tablesIn(path);
  if (table !== undefined && others.length === 0) return join(path, table);
  throw new FileError(
    path,
    table === undefined
      ? 'has no table such as clips.csv: name the file'
      : `has ${[table, ...others].join(', ')}: name the one that is meant`,
  );
}

/**
 * A table (.csv, .tsv, .jsonl, .json), or a folder with `clips.csv` or the like, with a row a clip: its file, relative to the table or to `videos`, its
 * label, and perhaps from which second to which. A column `split` says which split a clip is in, unless `by`
 * names another column that does.
 *
 * @throws FileError; FormatError naming the line; UsageError for a column or value that does not occur.
 */
export async function openClipTable(
  place: string,
  options: ClipTableOptions = {},
): Promise<ClipDataset> {
  const path = await tableAt(place);
  const leftOut = new LeftOut(path, 'clip');
  const table = await readTable(path, leftOut);
  const column = (usual: readonly string[], setting: 'video' | 'label' | 'from' | 'to') =>
    columnOf(table, usual, options[setting], { source: path, setting });
  const needed = (usual: readonly string[], setting: 'video' | 'label'): string => {
    const found = column(usual, setting);
    if (found !== undefined) return found;
    throw new FormatError(
      path,
      `which column has the ${setting}? Say it with ${setting}=, one of ${listed(table.columns)}`,
    );
  };
  const columns = {
    video: needed(CLIPS.columns.flat(), 'video'),
    label: needed(LABELS, 'label'),
    from: column(PART_COLUMNS.from, 'from'),
    to: column(PART_COLUMNS.to, 'to'),
  };
  const bySplit = options.by === undefined && options.split === undefined;
  const rows = table.rows.flatMap((row) => {
    const clip = clipOf(row, columns);
    if (typeof clip === 'string') {
      leftOut.add(row.place, clip);
      return [];
    }
    return [{ ...clip, split: bySplit ? splitOf(row, path) : undefined, row }];
  });
  const faulty = leftOut.notes(rows.length);
  const { entries, notes } = await withFiles(rows, path, { ...options, parts: true });
  const clips = entries.map(
    ({ file, path: at, part, label, split, row }): FoundClip => ({
      id: nameOfPart(file, part),
      clip: { path: at, ...part },
      label,
      split,
      columns: Object.fromEntries(row.values),
    }),
  );
  refuseTwice(clips, path);
  return clipDataset(
    {
      name: nameOfSet(place),
      format: 'table',
      source: path,
      clips,
      columns: table.columns,
      notes: [...faulty, ...notes],
    },
    options,
  );
}

interface Row {
  readonly file: string;
  readonly label: string;
  readonly part: Part;
}

/** The clip that a row is, or what is wrong with it. */
function clipOf(
  { values }: TableRow,
  columns: { video: string; label: string; from: string | undefined; to: string | undefined },
): Row | string {
  const [file, label] = [values.get(columns.video), values.get(columns.label)];
  if (file === undefined) return `the ${columns.video} is missing`;
  if (label === undefined) return `the ${columns.label} is missing`;
  const [from, to] = [columns.from, columns.to].map((name) => values.get(name ?? ''));
  const fault = faultOfPart(from, to);
  if (fault !== undefined) return fault;
  return { file: plainName(file), label, part: partOf(from, to) };
}

function splitOf({ values, place }: TableRow, source: string) {
  const word = values.get('split');
  const split = word === undefined ? undefined : splitNamed(word);
  if (word === undefined || split !== undefined) return split;
  throw new FormatError(source, `${place}: unknown split ${quote(word)}`);
}

/** @throws FormatError for a clip that is listed twice: it could be trained on and judged on. */
export function refuseTwice(clips: readonly FoundClip[], source: string): void {
  const known = new Set<string>();
  for (const { id } of clips) {
    if (known.has(id)) throw new FormatError(source, `${id} is listed twice`);
    known.add(id);
  }
}
