/** Reads labelled clips from the tables of Kinetics. */
import { dirname, join } from 'node:path';
import { FileError, FormatError } from '../../errors.js';
import { faultOfPart, nameOfPart, partOf } from '../captions/caption-rows.js';
import { isFolder, nameOfSet, namesIn } from '../formats/folders.js';
import { LeftOut } from '../formats/notes.js';
import { readTable } from '../formats/tables.js';
import { type SplitName, splitNamed } from '../splits.js';
import { refuseTwice } from './clip-table.js';
import { type ClipSetOptions, clipDataset, type FoundClip } from './divide-clips.js';
import type { ClipDataset } from './labelled-clips.js';
import { type ClipPlaces, withNames } from './locate-clips.js';

/** How Kinetics is opened. */
export interface KineticsOptions extends ClipSetOptions, ClipPlaces {
  /** Whether files that are called by the video alone, `<id>.mp4`, are cut already (default no). */
  readonly cut?: boolean | undefined;
}

const COLUMNS = ['youtube_id', 'time_start', 'time_end'];
/** `train.csv`, `kinetics_val.csv`, `kinetics-400_test.csv`. */
const TABLE = /^(?:.*[_-])?(train|training|val|valid|validate|validation|test)\.csv$/i;

/**
 * Kinetics (Kay et al., "The Kinetics Human Action Video Dataset", 2017), 400, 600 or 700: a table
 * `label,youtube_id,time_start,time_end,split`, or a folder with `train.csv`, `val.csv` (or `validate.csv`) and
 * `test.csv`. The clips lie anywhere below, or below `videos`: `<id>_000001_000011.mp4`, which is the clip, or
 * `<id>.mp4`, of which the clip is those seconds unless `cut` says that it is cut already. A table without
 * labels, as that of the test set was published, is left out.
 *
 * @throws FileError; FormatError naming the line, or clips without a file.
 */
export async function openKinetics(
  path: string,
  options: KineticsOptions = {},
): Promise<ClipDataset> {
  const folder = await isFolder(path);
  const tables = folder ? await tablesIn(path) : [path];
  const root = folder ? path : dirname(path);
  const clips: FoundClip[] = [];
  const notes: string[] = [];
  for (const table of tables) {
    const part = await readPart(table, root, options);
    clips.push(...part.clips);
    notes.push(...part.notes);
  }
  refuseTwice(clips, path);
  return clipDataset(
    { name: nameOfSet(path), format: 'kinetics', source: path, clips, notes },
    options,
  );
}

/** Whether a folder holds such tables. */
export async function holdsKinetics(folder: string): Promise<boolean> {
  const tables = [...(await namesIn(folder))].filter((name) => TABLE.test(name));
  for (const name of tables) if (await isKinetics(join(folder, name))) return true;
  return false;
}

/** Whether a table looks like this. */
export async function isKinetics(path: string): Promise<boolean> {
  const { columns } = await readTable(path, new LeftOut(path, 'clip'));
  return COLUMNS.every((name) => columns.includes(name));
}

async function tablesIn(folder: string): Promise<string[]> {
  const names = [...(await namesIn(folder))].filter((name) => TABLE.test(name)).sort();
  const splits = names.map((name) => splitNamed(TABLE.exec(name)?.[1] ?? ''));
  const twice = splits.find((split, index) => splits.indexOf(split) < index);
  if (twice !== undefined) {
    throw new FormatError(folder, `has several tables of ${twice}, ${names.join(', ')}: name one`);
  }
  if (names.length > 0) return names.map((name) => join(folder, name));
  throw new FileError(folder, 'has no train.csv, val.csv or test.csv');
}

async function readPart(table: string, root: string, options: KineticsOptions) {
  const leftOut = new LeftOut(table, 'clip');
  const { columns, rows } = await readTable(table, leftOut);
  const lacking = COLUMNS.find((name) => !columns.includes(name));
  if (lacking !== undefined) {
    throw new FormatError(table, `has no column ${lacking}: ${['label', ...COLUMNS].join(', ')}`);
  }
  if (!columns.includes('label')) {
    return { clips: [], notes: [`${nameOfSet(table)} has no labels and is left out`] };
  }
  const list = rows.flatMap(({ place, values }) => {
    const [id, from, to] = COLUMNS.map((name) => values.get(name));
    const label = values.get('label');
    const fault =
      id === undefined || label === undefined
        ? `the ${id === undefined ? 'youtube_id' : 'label'} is missing`
        : faultOfPart(from, to);
    if (id === undefined || label === undefined || fault !== undefined) {
      leftOut.add(place, fault ?? '');
      return [];
    }
    const word = values.get('split');
    const split = word === undefined ? ofFile(table) : splitNamed(word);
    if (word !== undefined && split === undefined) {
      throw new FormatError(table, `${place}: unknown split ${JSON.stringify(word)}`);
    }
    const cut = `${id}_${seconds(from)}_${seconds(to)}`;
    return [{ names: [cut, id], id, label, split, part: partOf(from, to) }];
  });
  const faulty = leftOut.notes(list.length);
  const located = await withNames(list, table, root, options);
  const clips = located.entries.map(({ file, path, name, id, label, split, part }): FoundClip => {
    const whole = name === id && options.cut !== true;
    return {
      id: whole ? nameOfPart(file, part) : file,
      clip: whole ? { path, ...part } : { path },
      label,
      split,
    };
  });
  return { clips, notes: [...faulty, ...located.notes] };
}

function ofFile(table: string): SplitName | undefined {
  return splitNamed(TABLE.exec(nameOfSet(table))?.[1] ?? '');
}

/** `000053`, as it stands in the names of files. */
function seconds(time: string | undefined): string {
  return `${Math.floor(Number(time ?? 0))}`.padStart(6, '0');
}
