/** Reads labelled clips, and sequences, from the arrays of a `.npz` file. */
import { basename } from 'node:path';
import { FormatError, UsageError } from '../../errors.js';
import { firstNotFinite, LeftOut, notFinite } from '../formats/notes.js';
import { NpzFile, type StoredArray } from '../formats/npz.js';
import { listed } from '../formats/strict-json.js';
import { type SplitName, splitNamed } from '../splits.js';
import type { Clip, DrawnClip, Sequence } from './clip.js';
import { LABELS } from './clip-table.js';
import { type ClipSetOptions, clipDataset, type FoundClip } from './divide-clips.js';
import type { ClipDataset } from './labelled-clips.js';

/** How arrays are read as clips. */
export interface ClipArrayOptions extends ClipSetOptions {
  /** The column of labels (default: `label`, `action`, `class`, ...). */
  readonly label?: string | undefined;
  /** The names of the columns of the table `clips`, joined by +. */
  readonly columns?: string | undefined;
  /** The column of how many rows each clip has (default: `frames`, `length`, ..., whose sum fits). */
  readonly length?: string | undefined;
  /** Which array holds the clips, where several could. */
  readonly data?: string | undefined;
  /** Whether the array holds pictures or numbers (default: pictures where they are bytes). */
  readonly as?: 'frames' | 'numbers' | undefined;
  /** Frames a second (default 25). */
  readonly rate?: number | undefined;
}

const LENGTHS = ['frames', 'length', 'lengths', 'num_frames', 'n_frames', 'count', 'counts'];
/** The table of what is known of each clip. */
const TABLES = ['clips', 'table', 'info', 'meta'];

const DEFAULT_RATE = 25;
/** Values of all sequences of a set, which are kept in memory. */
const MOST_VALUES = 2 ** 29;

/**
 * Clips as numpy saves them, in one `.npz` file.
 *
 * - Of one length: (N, T, H, W) or (N, T, H, W, 3) bytes; sequences (N, T, ...) of other numbers, of which D
 *   is the product of all axes behind T.
 * - Of any length, one behind the other: `frames` (all T, H, W) or (all T, H, W, 3), sequences (all T, ...),
 *   and a column that says how many rows each clip has.
 *
 * Columns are arrays (N) by their names, and those of a table `clips` (N, k) of whole numbers, which
 * `columns` names, or an array `columns` of texts. Arrays `X_train`, `y_train`, `X_test`, ... are splits.
 *
 * @throws FileError; FormatError naming file and array; UsageError where a setting is missing, or names what is
 *   not there.
 */
export async function openClipArrays(
  path: string,
  options: ClipArrayOptions = {},
): Promise<ClipDataset> {
  const file = await NpzFile.open(path);
  try {
    const leftOut = new LeftOut(path, 'clip');
    const clips: FoundClip[] = [];
    let columns: readonly string[] = [];
    for (const [split, names] of partsOf(file)) {
      const arrays = new Map<string, StoredArray>();
      for (const [plain, name] of names) arrays.set(plain, await file.array(name));
      const part = readPart(path, arrays, options);
      columns = [...part.columns.keys()];
      clips.push(...clipsOf(part, split, options, leftOut));
    }
    const notes = leftOut.notes(clips.length);
    const set = { name: basename(path), format: 'npz', source: path, clips, columns, notes };
    return await clipDataset(set, options);
  } finally {
    file.close();
  }
}

/**
 * The arrays of each split by their plain names, `x` for `X_train`; those of no split belong to all splits, or
 * are the set.
 */
function partsOf(file: NpzFile): Map<SplitName | undefined, ReadonlyMap<string, string>> {
  const parts = new Map<SplitName | undefined, Map<string, string>>();
  const common = new Map<string, string>();
  for (const name of file.names()) {
    const [, before = '', behind = ''] = /^([^_]+)_(.+)$/.exec(name) ?? [];
    const [, front = '', after = ''] = /^(.+)_([^_]+)$/.exec(name) ?? [];
    const split = splitNamed(before) ?? splitNamed(after);
    const plain = splitNamed(before) ? behind : splitNamed(after) ? front : name;
    const part = split === undefined ? common : (parts.get(split) ?? new Map<string, string>());
    part.set(plain.toLowerCase(), name);
    if (split !== undefined) parts.set(split, part);
  }
  if (parts.size === 0) return new Map([[undefined, common]]);
  return new Map([...parts].map(([split, part]) => [split, new Map([...common, ...part])]));
}

/** The array of clips, and what is known of each clip. */
interface Part {
  readonly data: StoredArray;
  /** How many rows of `data` each clip has; undefined where a clip is a row. */
  readonly lengths: readonly number[] | undefined;
  readonly labels: readonly string[];
  readonly columns: ReadonlyMap<string, readonly string[]>;
}

function readPart(
  path: string,
  arrays: ReadonlyMap<string, StoredArray>,
  options: ClipArrayOptions,
): Part {
  const data = chooseData(path, arrays, options.data);
  const [rows = 0] = data.shape;
  const columns = columnsOf(path, arrays, data, options);
  const { label = LABELS.find((name) => columns.has(name)) } = options;
  const labels = label === undefined ? undefined : columns.get(label.toLowerCase());
  if (!labels) {
    const named = [...columns.keys()].filter((name) => !UNNAMED.test(name));
    if (columns.size === 0) {
      throw new FormatError(
        path,
        'has no labels: an array (N) such as y or label, or a table clips',
      );
    }
    throw new UsageError(
      named.length === 0
        ? `${path}: what are the columns of its table of clips? Say it with columns=, such as columns=action+person+frames`
        : `${path}: ${label === undefined ? 'which column is the label? Say it with label=' : `there is no column ${label} (label=)`}; it has ${listed(named)}`,
    );
  }
  const { length } = options;
  const ofClips = [...columns].filter(([, values]) => values.length === labels.length);
  if (length === undefined && labels.length === rows) {
    return { data, lengths: undefined, labels, columns: new Map(ofClips) };
  }
  const fits = ofClips.filter(([, values]) => sum(values) === rows);
  const usual = fits.filter(([name]) => LENGTHS.includes(name));
  const [found, another] =
    length !== undefined
      ? ofClips.filter(([name]) => name === length.toLowerCase())
      : usual.length > 0
        ? usual
        : fits;
  if (!found || another) {
    const several = another ? `: ${listed(fits.map(([name]) => name))} could be it` : '';
    throw new UsageError(
      `${data.source} has ${rows} rows, and there are ${labels.length} clips: which column says how many rows each has? Say it with length=${several}`,
    );
  }
  const [name, values] = found;
  const lengths = values.map(Number);
  if (sum(values) !== rows || lengths.some((count) => !(Number.isInteger(count) && count >= 0))) {
    throw new FormatError(
      path,
      `the column ${name} says that the clips have ${sum(values)} rows, but ${data.source} has ${rows}`,
    );
  }
  return { data, lengths, labels, columns: new Map(ofClips) };
}

function sum(values: readonly string[]): number {
  return values.reduce((total, value) => total + Number(value), 0);
}

/** The array of clips: the only one of three axes or more, or else of two that is no table. */
function chooseData(
  path: string,
  arrays: ReadonlyMap<string, StoredArray>,
  chosen: string | undefined,
): StoredArray {
  if (chosen !== undefined) {
    const found = arrays.get(chosen.toLowerCase());
    if (found && found.shape.length >= 2 && !found.isText) return found;
    throw new UsageError(
      `${path} has no array ${chosen} of clips (data=), only ${listed([...arrays.keys()])}`,
    );
  }
  const numbers = [...arrays].filter(([, array]) => !array.isText);
  const several = numbers.filter(([, { shape }]) => shape.length >= 3);
  const flat = numbers.filter(([name, { shape }]) => shape.length === 2 && !TABLES.includes(name));
  const [found, ...others] = several.length > 0 ? several : flat;
  if (!found) {
    throw new FormatError(
      path,
      `has no array of clips, such as frames (N, T, H, W), only ${listed(numbers.map(([name, { shape }]) => `${name} (${shape.join(', ')})`))}`,
    );
  }
  if (others.length > 0) {
    throw new UsageError(
      `${path} has ${listed([found, ...others].map(([name]) => name))}: which are the clips? Say it with data=${found[0]}`,
    );
  }
  return found[1];
}

/** Columns without a name, that only their sum tells. */
const UNNAMED = /^column \d+$/;

/** The columns of the table, and arrays (N) as such. */
function columnsOf(
  path: string,
  arrays: ReadonlyMap<string, StoredArray>,
  data: StoredArray,
  options: ClipArrayOptions,
): Map<string, readonly string[]> {
  const columns = new Map<string, readonly string[]>();
  const table = [...arrays].find(
    ([name, array]) => TABLES.includes(name) && array.shape.length === 2 && array !== data,
  )?.[1];
  if (table) {
    const [count = 0, width = 0] = table.shape;
    const names =
      options.columns?.split('+').map((name) => name.trim().toLowerCase()) ??
      arrays.get('columns')?.texts() ??
      Array.from({ length: width }, (_, index) => `column ${index}`);
    if (names.length !== width || new Set(names).size < width) {
      throw new UsageError(
        `${table.source} has ${width} columns, and columns=${names.join('+')} names ${new Set(names).size}: name each, each otherwise`,
      );
    }
    const values = table.values();
    for (const [place, name] of names.entries()) {
      columns.set(
        name.toLowerCase(),
        Array.from({ length: count }, (_, row) => String(values[row * width + place])),
      );
    }
  } else if (options.columns !== undefined) {
    throw new UsageError(`${path} has no table of clips (N, k): leave out columns=`);
  }
  for (const [name, array] of arrays) {
    const [count = 0, one = 1] = array.shape;
    const isColumn = array.shape.length === 1 || (array.shape.length === 2 && one === 1);
    if (name === 'columns' || !isColumn || array === data || array === table || count === 0)
      continue;
    columns.set(name, array.isText ? array.texts() : Array.from(array.values(), String));
  }
  return columns;
}

/** The clips of a part; what cannot be used is left out. */
function clipsOf(
  { data, lengths, labels, columns }: Part,
  split: SplitName | undefined,
  { as, rate = DEFAULT_RATE }: ClipArrayOptions,
  leftOut: LeftOut,
): FoundClip[] {
  const [rows = 0] = data.shape;
  const begins = lengths ? beginsOf(lengths) : Array.from({ length: rows }, (_, row) => row);
  // A clip is some rows of frames, or one row of T frames.
  const frame = data.shape.slice(lengths ? 1 : 2);
  const layout = as === 'numbers' ? undefined : layoutOf(frame);
  if (as === 'frames' && !layout) throw notClips(data);
  const pictures = layout && (as === 'frames' || data.isBytes) ? layout : undefined;
  if (!pictures && data.shape.length < (lengths ? 2 : 3)) throw notClips(data);
  const D = frame.reduce((product, axis) => product * axis, 1);
  if (!(D > 0)) throw notClips(data);
  const steps = (index: number) => lengths?.[index] ?? data.shape[1] ?? 0;
  const numbers = pictures ? undefined : floatsOf(data);
  const found: FoundClip[] = [];
  for (const [index, begin] of begins.entries()) {
    const id = `${split === undefined ? '' : `${split} `}clip ${index}`;
    const T = steps(index);
    const known = Object.fromEntries(
      [...columns].map(([name, values]) => [name, values[index] ?? '']),
    );
    const facts = { id, label: labels[index] ?? '', split, columns: known };
    if (T === 0) {
      leftOut.add(id, 'has no frames');
    } else if (pictures) {
      const clip = clipIn(data, [begin, lengths ? T : 1], { ...pictures, T, rate });
      found.push({ ...facts, clip });
    } else if (numbers) {
      const start = lengths ? begin * D : begin * T * D;
      const sequence: Sequence = { D, values: numbers.subarray(start, start + T * D) };
      const bad = firstNotFinite(sequence.values, D);
      if (bad) leftOut.add(id, `the numbers of step ${bad.row} ${notFinite(bad)}`);
      else found.push({ ...facts, clip: sequence });
    }
  }
  return found;
}

function beginsOf(lengths: readonly number[]): number[] {
  let begin = 0;
  return lengths.map((length) => {
    begin += length;
    return begin - length;
  });
}

function notClips({ source, shape }: StoredArray): FormatError {
  return new FormatError(
    source,
    `(${shape.join(', ')}) are no clips: (N, T, H, W) or (N, T, H, W, 3), sequences (N, T, D), or with a column of lengths (all T, H, W), (all T, H, W, 3), (all T, D)`,
  );
}

function floatsOf(data: StoredArray): Float32Array {
  const count = data.shape.reduce((product, axis) => product * axis, 1);
  if (count > MOST_VALUES) {
    throw new FormatError(
      data.source,
      `${count} numbers are more than are kept in memory, ${MOST_VALUES}: divide the file`,
    );
  }
  const values = data.values();
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

/** How the pictures of a frame lie: (H, W), (H, W, C) or (C, H, W). */
interface Layout {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly planes: boolean;
}

function layoutOf(frame: readonly number[]): Layout | undefined {
  const [a = 0, b = 0, c = 0] = frame;
  if (!(a > 0 && b > 0)) return undefined;
  if (frame.length === 2) return { height: a, width: b, channels: 1, planes: false };
  if (frame.length !== 3) return undefined;
  if (c === 1 || c === 3) return { height: a, width: b, channels: c, planes: false };
  if (c > 0 && (a === 1 || a === 3)) return { height: b, width: c, channels: a, planes: a === 3 };
  return undefined;
}

/** A clip that is read from the file when it is needed. */
function clipIn(
  data: StoredArray,
  [begin, count]: readonly [begin: number, count: number],
  { height, width, channels, planes, T, rate }: Layout & { T: number; rate: number },
): DrawnClip {
  const times = Float64Array.from({ length: T }, (_, frame) => frame / rate);
  return {
    draw(): Clip {
      const rows = data.rows(begin, count);
      const bytes = rows instanceof Uint8Array ? rows : bytesOf(rows, data);
      const values = planes ? channelsLast(bytes, height * width) : bytes;
      return { width, height, channels, values, times };
    },
  };
}

/** Floats from 0 to 1 as bytes. */
function bytesOf(values: ArrayLike<number>, { source, isFloat }: StoredArray): Uint8Array {
  const out = new Uint8Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const value = values[i] ?? 0;
    if (!(isFloat && value >= 0 && value <= 1)) {
      throw new FormatError(
        source,
        `${value} is no part of a picture: bytes, or floats from 0 to 1`,
      );
    }
    out[i] = Math.round(255 * value);
  }
  return out;
}

/** (T, 3, H W) to (T, H W, 3). */
function channelsLast(bytes: Uint8Array, area: number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i < out.length; i++) {
    const [frame, within] = [Math.floor(i / (3 * area)), i % (3 * area)];
    out[i] = bytes[(3 * frame + (within % 3)) * area + Math.floor(within / 3)] ?? 0;
  }
  return out;
}
