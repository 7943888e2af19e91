/** Reads labelled clips from the lists of UCF101 and of mmaction2: a line a clip. */
import { join, posix } from 'node:path';
import { FileError, FormatError, UsageError } from '../../errors.js';
import { readText } from '../formats/files.js';
import { contentOf, isFolder, nameOfSet, namesIn } from '../formats/folders.js';
import { plainName } from '../formats/locate-files.js';
import { firstFew, LeftOut } from '../formats/notes.js';
import { quote } from '../formats/strict-json.js';
import { isPhotoName } from '../pictures/photo-files.js';
import type { SplitName } from '../splits.js';
import { type ClassNames, readClassNames } from './class-names.js';
import { isClipName } from './clip-files.js';
import { refuseTwice } from './clip-table.js';
import { type ClipSetOptions, clipDataset, type FoundClip } from './divide-clips.js';
import type { ClipDataset } from './labelled-clips.js';
import { type ClipPlaces, withFiles } from './locate-clips.js';

/** A line of a list. */
interface Line {
  readonly file: string;
  /** The numbers behind the file. */
  readonly numbers: readonly number[];
  readonly place: string;
}

/** `Dir/v_x.avi 1`, `folder 120 3`: a file, and numbers behind it. */
async function readLines(path: string, leftOut: LeftOut, most: number): Promise<Line[]> {
  const lines: Line[] = [];
  const text = await readText(path);
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    if (line.trim() === '') continue;
    const place = `line ${index + 1}`;
    const [, file = '', numbers = ''] = /^\s*(\S.*?)((?:[\s,]+\d{1,9})*)\s*$/.exec(line) ?? [];
    const found = numbers.split(/[\s,]+/).filter((number) => number !== '');
    if (file === '' || found.length > most)
      leftOut.add(place, `${quote(line)} is no clip of this list`);
    else lines.push({ file: plainName(file), numbers: found.map(Number), place });
  }
  return lines;
}

/** How UCF101 is opened. */
export interface Ucf101Options extends ClipSetOptions, ClipPlaces {
  /** Which of its three divisions (default 1). */
  readonly fold?: number | undefined;
}

/** The folder of the lists as they are distributed, and their names. */
const LISTS = 'ucfTrainTestlist';
const LIST = /^(train|test)list\d+\.txt$/;
/** `v_ApplyEyeMakeup_g08_c01.avi`: clips of one group are parts of one film. */
const GROUP = /_g(\d+)_c\d+/;

/**
 * UCF101 (Soomro et al., "UCF101: A Dataset of 101 Human Actions Classes From Videos in The Wild", 2012) and sets
 * in its form: `trainlist01.txt` and `testlist01.txt` (in the folder or in `ucfTrainTestlist/`) name clips by
 * class and file, in train with the number of the class from 1 on; `classInd.txt` names the classes. The clips
 * lie beside, in `UCF-101/` or in `videos`. The column `group` says which film a clip was cut from: `by=group,dev=24+25`
 * holds films out of train instead of clips.
 *
 * @throws FileError; FormatError naming the line, clips without a file, and numbers that do not fit the classes.
 */
export async function openUcf101(path: string, options: Ucf101Options = {}): Promise<ClipDataset> {
  const { folder, root } = await listFolder(path);
  const names = await namesIn(folder);
  const fold = `${options.fold ?? 1}`.padStart(2, '0');
  const lists = (['train', 'test'] as const).flatMap((split) => {
    const name = `${split}list${fold}.txt`;
    return names.has(name) ? [{ split, path: join(folder, name) }] : [];
  });
  if (lists.length === 0) {
    const there = [...names].filter((name) => LIST.test(name)).sort();
    throw new FileError(
      folder,
      there.length > 0
        ? `has no trainlist${fold}.txt (fold=), only ${firstFew(there)}`
        : 'has no trainlist01.txt, testlist01.txt',
    );
  }
  const classes = names.has('classInd.txt')
    ? await readClassNames(join(folder, 'classInd.txt'), folder)
    : undefined;
  const clips: FoundClip[] = [];
  const notes: string[] = [];
  for (const { split, path: list } of lists) {
    const leftOut = new LeftOut(list, 'clip');
    const lines = (await readLines(list, leftOut, 1)).filter(({ file, place }) => {
      const hasClass = file.includes('/');
      if (!hasClass) leftOut.add(place, `${file} lies in no folder of a class`);
      return hasClass;
    });
    notes.push(...leftOut.notes(lines.length));
    checkNumbers(lines, classes, list, options.first);
    const located = await withFiles(lines, list, {
      ...options,
      root,
      folders: ['UCF-101', 'UCF101', '.', 'videos', 'rawframes'],
    });
    notes.push(...located.notes);
    for (const { file, path: at } of located.entries) {
      const label = posix.basename(posix.dirname(file));
      const group = GROUP.exec(file)?.[1];
      const columns = { class: label, group: group === undefined ? '' : `${Number(group)}` };
      clips.push({ id: file, clip: { path: at }, label, split, columns });
    }
  }
  refuseTwice(clips, folder);
  // The folders name the classes; classInd.txt says in which order.
  const order =
    classes && options.names === undefined ? join(folder, 'classInd.txt') : options.names;
  return clipDataset(
    {
      name: nameOfSet(root),
      format: 'ucf101',
      source: folder,
      clips,
      columns: ['class', 'group'],
      notes,
    },
    { ...options, names: order, first: undefined },
  );
}

/** The folder of the lists, and the one that the clips are beside. */
async function listFolder(path: string): Promise<{ folder: string; root: string }> {
  if (!(await isFolder(path))) {
    throw new UsageError(`${path} is a file: ucf101: takes the folder of trainlist01.txt`);
  }
  if ((await namesIn(path)).has(LISTS)) return { folder: join(path, LISTS), root: path };
  return { folder: path, root: nameOfSet(path) === LISTS ? join(path, '..') : path };
}

/** Whether a folder holds such lists. */
export async function holdsUcf101(path: string): Promise<boolean> {
  const names = await namesIn(path);
  return names.has(LISTS) || [...names].some((name) => LIST.test(name));
}

/** @throws FormatError where the numbers of a list are not those of the classes. */
function checkNumbers(
  lines: readonly Line[],
  classes: ClassNames | undefined,
  source: string,
  first: number | undefined,
): void {
  const known = new Map<string, number>();
  const places = new Map(classes?.names.map((name, place) => [name, place]));
  const begin = first ?? 1;
  for (const {
    file,
    numbers: [number],
    place,
  } of lines) {
    if (number === undefined) continue;
    const label = posix.basename(posix.dirname(file));
    const expected = places.has(label) ? (places.get(label) ?? 0) + begin : known.get(label);
    known.set(label, number);
    if (expected === undefined || expected === number) continue;
    const shift = number - expected;
    throw new FormatError(
      source,
      `${place}: the class ${label} has number ${number}, not ${expected} as ${places.has(label) ? 'in classInd.txt' : 'above'}${Math.abs(shift) === 1 && begin + shift >= 0 ? `: if the list numbers its classes from ${begin + shift} on, add first=${begin + shift}` : ''}`,
    );
  }
}

/** How the lists of mmaction2 are opened. */
export interface Mmaction2Options extends ClipSetOptions, ClipPlaces {
  /** The lists of dev and of test, where there are some. */
  readonly devlist?: string | undefined;
  readonly testlist?: string | undefined;
}

/**
 * Lists as mmaction2 has them (https://mmaction2.readthedocs.io): `video.mp4 3`, a file and its label, or
 * `folder 120 3`, a folder of frames, how many these are, and the label. Labels begin with 0. Lists of dev and
 * test are named by `devlist` and `testlist`.
 *
 * @throws FileError; FormatError naming the line, clips without a file, folders that have fewer frames than the
 *   list says, and labels that begin with 1.
 */
export async function openMmaction2(
  path: string,
  options: Mmaction2Options = {},
): Promise<ClipDataset> {
  const { devlist, testlist, split } = options;
  const others = Object.entries({ dev: devlist, test: testlist });
  const isAlone = devlist === undefined && testlist === undefined;
  if (!isAlone && split !== undefined) {
    throw new UsageError(`${path}: split=${split} is all clips: leave out devlist= and testlist=`);
  }
  const clips: FoundClip[] = [];
  const notes: string[] = [];
  const read = async (list: string, part: SplitName) => {
    const found = await readList(list, part, options);
    clips.push(...found.clips.map((clip) => (isAlone ? clip : { ...clip, split: part })));
    notes.push(...found.notes);
  };
  await read(path, split ?? 'train');
  for (const [part, list] of others) {
    if (list !== undefined) await read(list, part === 'dev' ? 'dev' : 'test');
  }
  refuseTwice(clips, path);
  return clipDataset(
    { name: nameOfSet(path), format: 'mmaction2', source: path, clips, notes, begin: 0 },
    options,
  );
}

/** The folders in which mmaction2 has the clips of a split. */
const FOLDERS: Readonly<Record<SplitName, readonly string[]>> = {
  train: ['videos_train', 'rawframes_train'],
  dev: ['videos_val', 'rawframes_val'],
  test: ['videos_test', 'rawframes_test', 'videos_val', 'rawframes_val'],
};
/** Those of any split: a list may be of another than it is taken for. */
const OTHER_FOLDERS = [...new Set(Object.values(FOLDERS).flat())];

async function readList(list: string, split: SplitName, options: Mmaction2Options) {
  const leftOut = new LeftOut(list, 'clip');
  const lines = (await readLines(list, leftOut, 2)).filter(({ file, numbers, place }) => {
    const isVideo = isClipName(file);
    if (numbers.length === (isVideo ? 1 : 2)) return true;
    leftOut.add(
      place,
      isVideo
        ? `${file} has ${numbers.length} labels instead of one`
        : `${file} is a folder of frames, and needs their number and a label`,
    );
    return false;
  });
  const faulty = leftOut.notes(lines.length);
  const folders = [...FOLDERS[split], '.', 'videos', 'rawframes', 'frames', ...OTHER_FOLDERS];
  const located = await withFiles(lines, list, { ...options, folders });
  const short: string[] = [];
  const clips: FoundClip[] = [];
  for (const { file, path, numbers } of located.entries) {
    const [frames] = numbers.length === 2 ? numbers : [];
    const { count, ...series } = await framesIn(path);
    if (frames !== undefined && count !== undefined && count < frames) {
      short.push(`${file} (${count} of ${frames})`);
    } else {
      clips.push({ id: file, clip: { path, ...series }, label: `${numbers.at(-1)}` });
    }
  }
  if (short.length > 0 && options.missing !== 'skip') {
    throw new FormatError(
      list,
      `${short.length} of ${lines.length} folders have fewer frames than the list says: ${firstFew(short)}. ,missing=skip goes on with the others.`,
    );
  }
  const notes = [...faulty, ...located.notes];
  if (short.length > 0)
    notes.push(`folders with fewer frames than said are left out: ${firstFew(short)}`);
  return { clips, notes };
}

/**
 * How many frames a folder has; undefined for a video, which may have taken its place. Beside frames, `img_00001.jpg`,
 * mmaction2 has pictures of flow, `flow_x_00001.jpg`: then only the former count.
 */
async function framesIn(path: string): Promise<{ count?: number; series?: string }> {
  if (isClipName(path) || !(await isFolder(path))) return {};
  const photos = (await contentOf(path)).files.filter(isPhotoName);
  const frames = photos.filter((name) => name.startsWith(SERIES));
  const hasOthers = frames.length > 0 && frames.length < photos.length;
  return hasOthers ? { count: frames.length, series: SERIES } : { count: photos.length };
}

/** What mmaction2 calls frames. */
const SERIES = 'img_';
