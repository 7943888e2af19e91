/** The rows of a table of captions, from CSV or JSON as people and programs write it. */
import { FormatError } from '../../errors.js';
import { type CsvRecord, csvRecords, dialectOf } from '../formats/csv.js';
import type { FileKind } from '../formats/locate-files.js';
import { counted, faultOfText, type LeftOut } from '../formats/notes.js';
import { isRecord, jsonOf, quote } from '../formats/strict-json.js';

/** One entry of a table of captions. */
export interface CaptionRow {
  /** The photo, as the table writes it. */
  readonly file: string;
  readonly captions: readonly string[];
  /** The word in the column `split`, if there is one. */
  readonly split: string | undefined;
  /** Of a video that part, in seconds; empty for all of it. */
  readonly part: Part;
  /** Where in the table it stands, for errors: `line 7`. */
  readonly place: string;
}

/** A part of a video, in seconds. */
export interface Part {
  readonly from?: number;
  readonly to?: number;
}

/** What the columns are called that say from which second to which of a video a clip goes. */
export const PART_COLUMNS = {
  from: ['from', 'start', 'begin', 'time_start', 'start_time', 'start_seconds'],
  to: ['to', 'end', 'stop', 'time_end', 'end_time', 'end_seconds'],
} as const;

type Column = 'file' | 'caption' | 'split' | keyof typeof PART_COLUMNS;

/**
 * Names of columns. The first list of each is looked for first; the second counts only in a table
 * that has none of the first, such as a `description` beside a `caption`.
 */
const COLUMNS: Readonly<Record<Exclude<Column, 'file'>, readonly (readonly string[])[]>> = {
  caption: [
    ['caption', 'text', 'sentence', 'comment', 'captions'],
    ['prompt', 'description', 'sentences', 'comments', 'raw', 'alt_text'],
  ],
  split: [['split']],
  from: [PART_COLUMNS.from],
  to: [PART_COLUMNS.to],
};

/** `Image Name` as `image_name`, `caption_0` and `caption 1` as `caption`. */
function normalisedHeader(header: string): string {
  const name = header
    .trim()
    .toLowerCase()
    .replace(/["']/g, '')
    .replace(/[\s.-]+/g, '_');
  return name.replace(/^(captions?|sentences?|comments?|text|raw)_?\d+$/, '$1');
}

/**
 * The places of the headers that say what is in a column; `caption_0`, `caption_1` are several.
 * @throws FormatError when two names could be meant.
 */
function columnsOf(
  column: Column,
  headers: readonly string[],
  kind: FileKind,
  fault: (reason: string) => FormatError,
) {
  const plain = headers.map(normalisedHeader);
  for (const names of column === 'file' ? kind.columns : COLUMNS[column]) {
    const places = [...plain.keys()].filter((place) => names.includes(plain[place] ?? ''));
    const numbered =
      column === 'caption' && new Set(places.map((place) => plain[place])).size === 1;
    if (places.length > 1 && !numbered) {
      const found = places.map((place) => headers[place]?.trim()).join(' and ');
      throw fault(`more than one ${column} (${found}): rename the ones that are not meant`);
    }
    if (places.length > 0) return places;
  }
  return [];
}

/**
 * A table of text: a header line that names `file` and `caption` (and perhaps `split`; other columns
 * are ignored), then a line a caption. Divided by whichever of , ; | and tab the header has first,
 * quoted as usual. A caption in the last column may have unquoted commas. Without a header, where the
 * first line begins with a photo's name, that is the file and what comes last the caption.
 *
 * @param leftOut gets the lines that cannot be used.
 * @throws FormatError for a header that does not say where file and caption are.
 */
export function parseCsvRows(
  text: string,
  source: string,
  leftOut: LeftOut,
  kind: FileKind,
): CaptionRow[] {
  const { body, skipped, delimiter } = dialectOf(text);
  const records = [...csvRecords(body, delimiter)];
  const [first] = records;
  if (!first) return [];
  const lineOf = ({ line }: CsvRecord) => `line ${line + skipped}`;
  const bare = headerlessColumns(first, kind);
  const columns = bare ?? headerColumns(first, kind, source, lineOf(first));
  const rows: CaptionRow[] = [];
  for (const record of bare ? records : records.slice(1)) {
    if (record.fields.every((field) => field === '')) continue;
    if (!bare && `${record.fields}` === `${first.fields}`) continue;
    const row = rowOf(record, columns, kind);
    if (typeof row === 'string') leftOut.add(lineOf(record), row);
    else rows.push({ ...row, place: lineOf(record) });
  }
  return rows;
}

interface Columns {
  readonly width: number;
  readonly file: number;
  readonly captions: readonly number[];
  readonly split: number | undefined;
  /** Only of clips. */
  readonly from: number | undefined;
  readonly to: number | undefined;
}

function headerColumns(
  { fields }: CsvRecord,
  kind: FileKind,
  source: string,
  line: string,
): Columns {
  const header = JSON.stringify(fields.join(', ').slice(0, 80));
  const fault = (reason: string) =>
    new FormatError(source, `${line}: ${reason} in the header ${header}`);
  const find = (column: Column) => columnsOf(column, fields, kind, fault);
  const [[file], captions, [split]] = [find('file'), find('caption'), find('split')];
  const missing = file === undefined ? 'file' : captions.length === 0 ? 'caption' : undefined;
  if (file === undefined || missing !== undefined) {
    const names = missing === 'caption' ? COLUMNS.caption : kind.columns;
    throw fault(`no column ${missing} (${names.flat().join(', ')})`);
  }
  // Excel writes empty columns at the end.
  const width = fields.findLastIndex((name) => name !== '') + 1;
  const [[from], [to]] = kind.hasParts ? [find('from'), find('to')] : [[], []];
  return { width, file, captions, split, from, to };
}

/** `dog.jpg,A dog` or `dog.jpg,0,A dog`. */
function headerlessColumns(
  { fields: [file = '', second = '', ...more] }: CsvRecord,
  { isName }: FileKind,
): Columns | undefined {
  if (!isName(file.replace(NUMBER, '')) || second === '') return undefined;
  const caption = /^\d+$/.test(second) && more.length > 0 ? 2 : 1;
  const none = { split: undefined, from: undefined, to: undefined };
  return { width: caption + 1, file: 0, captions: [caption], ...none };
}

/** What Flickr8k's own file has behind a photo's name: `dog.jpg#0`. */
const NUMBER = /#\d+$/;

/** The row that a record is, or what is wrong with it. */
function rowOf(
  record: CsvRecord,
  { width, file, captions, split, from, to }: Columns,
  { isName }: FileKind,
): Omit<CaptionRow, 'place'> | string {
  const { fields } = record;
  const used = fields.findLastIndex((field) => field !== '') + 1;
  const [last] = captions;
  const joins = used > width && captions.length === 1 && last === width - 1;
  if (used > width && !joins) {
    return `${used} fields instead of ${width}: a caption with commas needs quotes around it`;
  }
  const name = fields[file] ?? '';
  const texts = joins
    ? [record.from(width - 1).replace(/[,;|\t]+$/, '')]
    : captions.flatMap((place) => listOf(fields[place] ?? '')).filter((caption) => caption !== '');
  if (texts.length === 0 && fields.length < width)
    return `${counted(fields.length, 'field')} instead of ${width}`;
  const fault = faultOfText(name, 'file') ?? faultOfText(texts[0] ?? '', 'caption');
  if (fault !== undefined) return fault;
  const [begin, end] = [from, to].map((place) => secondsOf(fields[place ?? -1]));
  const wrong = faultOfPart(begin, end);
  if (wrong !== undefined) return wrong;
  const plain = isName(name.replace(NUMBER, '')) ? name.replace(NUMBER, '') : name;
  return {
    file: plain,
    captions: texts,
    split: wordOf(split === undefined ? '' : fields[split]),
    part: partOf(begin, end),
  };
}

/** `['A dog.', "It's here."]`, as Python writes a list; NumPy leaves out the commas. */
const PYTHON_TEXT = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/gs;
const PYTHON_LIST = new RegExp(
  `^\\[\\s*(?:${PYTHON_TEXT.source})(?:(?:\\s*,\\s*|\\s+)(?:${PYTHON_TEXT.source}))*\\s*,?\\s*\\]$`,
  's',
);

/** A cell with a list of texts in JSON or in Python, as some tables have; otherwise the cell itself. */
function listOf(cell: string): string[] {
  if (!/^\[\s*["'][\s\S]*\]$/.test(cell)) return [cell];
  try {
    const list: unknown = JSON.parse(cell);
    if (Array.isArray(list) && list.every((item) => typeof item === 'string')) {
      return list.map((item) => item.trim());
    }
  } catch {
    if (PYTHON_LIST.test(cell)) {
      const texts = cell.match(PYTHON_TEXT) ?? [];
      return texts.map((text) =>
        text
          .slice(1, -1)
          .replace(/\\(['"\\])/g, '$1')
          .trim(),
      );
    }
    // A caption in brackets, then.
  }
  return [cell];
}

function wordOf(split: unknown): string | undefined {
  if (split === undefined || split === null || split === '') return undefined;
  return typeof split === 'string' ? split : quote(split);
}

/**
 * Captions as JSON: a list of `{ "file", "caption" or "captions", "split" }`, such objects a line each,
 * or one object of captions by file, `{ "dog.jpg": ["A dog.", "It runs."] }`.
 *
 * @param leftOut gets the entries that cannot be used.
 * @throws FormatError for a file that is none of these.
 */
export function parseJsonRows(
  text: string,
  source: string,
  leftOut: LeftOut,
  kind: FileKind,
): CaptionRow[] {
  const whole = jsonOf(text);
  const rows: CaptionRow[] = [];
  const add = (entry: unknown, place: string) => {
    rows.push(...entryOf(entry, place, source, leftOut, kind));
  };
  if (Array.isArray(whole)) {
    for (const [index, entry] of whole.entries()) add(entry, `entry ${index}`);
  } else if (isRecord(whole) && !namesFile(whole, source, kind)) {
    refuseOtherSets(whole, source);
    for (const [file, value] of Object.entries(whole))
      add({ [kind.columns[0][0] ?? 'file']: file, captions: value }, quote(file));
  } else {
    for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
      if (line.trim() === '') continue;
      const entry = jsonOf(line);
      if (entry === undefined) leftOut.add(`line ${index + 1}`, 'is not JSON');
      else add(entry, `line ${index + 1}`);
    }
  }
  return rows;
}

function namesFile(
  entry: Readonly<Record<string, unknown>>,
  source: string,
  kind: FileKind,
): boolean {
  const fault = (reason: string) => new FormatError(source, reason);
  return columnsOf('file', Object.keys(entry), kind, fault).length > 0;
}

/** @throws FormatError for what other readers read. */
function refuseOtherSets(whole: Readonly<Record<string, unknown>>, source: string): void {
  if (!Array.isArray(whole.images)) return;
  const format = Array.isArray(whole.annotations) ? 'coco' : 'karpathy';
  throw new FormatError(source, `is no table of captions: say ${format}:${source}`);
}

/** The row that an entry is; what cannot be used of it is left out. */
function entryOf(
  json: unknown,
  place: string,
  source: string,
  leftOut: LeftOut,
  kind: FileKind,
): CaptionRow[] {
  const members = isRecord(json) ? json : {};
  const names = Object.keys(members);
  const fault = (reason: string) => new FormatError(source, `${place}: ${reason}`);
  const values = (column: Column) =>
    columnsOf(column, names, kind, fault).map((index): unknown => members[names[index] ?? '']);
  const [[file], found, [split]] = [values('file'), values('caption'), values('split')];
  const [from, to] = kind.hasParts
    ? [values('from'), values('to')].map(([value]) => secondsOf(value))
    : [];
  const captions: string[] = [];
  for (const caption of found.flatMap((value): unknown[] => (isList(value) ? value : [value]))) {
    const wrong = faultOfText(caption, 'caption');
    if (wrong !== undefined) leftOut.add(place, wrong);
    else if (typeof caption === 'string') captions.push(caption.trim());
  }
  const wrong = !isRecord(json)
    ? 'is no object with file and caption'
    : (faultOfText(file, 'file') ??
      (found.length === 0 ? 'the caption is missing' : faultOfPart(from, to)));
  if (wrong !== undefined) leftOut.add(place, wrong);
  if (wrong !== undefined || captions.length === 0 || typeof file !== 'string') return [];
  return [{ file: file.trim(), captions, split: wordOf(split), part: partOf(from, to), place }];
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value);
}

/** A number of seconds as it is written; undefined where nothing is. */
function secondsOf(value: unknown): string | undefined {
  return value === undefined || value === null || value === '' ? undefined : String(value);
}

/** What is wrong with the seconds from which to which a clip goes. */
export function faultOfPart(from: string | undefined, to: string | undefined): string | undefined {
  const [begin, end] = [Number(from ?? 0), Number(to ?? Number.POSITIVE_INFINITY)];
  if (begin >= 0 && end > begin && Number.isFinite(begin)) return undefined;
  return `from second ${from ?? 0} to ${to ?? 'the end'} is no part of a video`;
}

/** That part of a video. */
export function partOf(from: string | undefined, to: string | undefined): Part {
  return {
    ...(from === undefined ? {} : { from: Number(from) }),
    ...(to === undefined ? {} : { to: Number(to) }),
  };
}

/** A file, and which part of it: `v.mp4 2.5–4 s`. */
export function nameOfPart(file: string, { from, to }: Part): string {
  return from === undefined && to === undefined ? file : `${file} ${from ?? 0}–${to ?? ''} s`;
}
