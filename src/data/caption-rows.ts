import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { FormatError } from '../errors.js';
import { firstIssue } from './issues.js';

/** One entry of a table of captions. */
export interface CaptionRow {
  /** The photo, as the table writes it. */
  readonly file: string;
  readonly captions: readonly string[];
  /** The word in the column `split`, if there is one. */
  readonly split: string | undefined;
  /** Where in the table it stands, for errors: `line 7`. */
  readonly place: string;
}

/** Names that columns go by; the first is the one that is documented. */
const COLUMNS = {
  file: ['file', 'file_name', 'filename', 'image', 'image_name', 'photo', 'path'],
  caption: ['caption', 'text', 'sentence', 'comment', 'captions'],
  split: ['split'],
} as const;

function columnOf(header: string): keyof typeof COLUMNS | undefined {
  const name = header.trim().toLowerCase();
  if (COLUMNS.file.some((known) => known === name)) return 'file';
  if (COLUMNS.caption.some((known) => known === name)) return 'caption';
  return name === 'split' ? 'split' : undefined;
}

/**
 * A table of text: a header line that names `file` and `caption` (and perhaps `split`; other columns
 * are ignored), then a line a caption. Divided by whichever of , ; | and tab the header has first,
 * quoted as usual.
 * @throws FormatError with the line.
 */
export function parseCsvRows(text: string, source: string): CaptionRow[] {
  const [header = ''] = text.replace(/^\uFEFF/, '').split(/\r?\n/, 1);
  const delimiter = /[,;|\t]/.exec(header)?.[0] ?? ',';
  const columns = header.split(delimiter).map((name) => columnOf(name.replaceAll('"', '')));
  for (const needed of ['file', 'caption'] as const) {
    const found = columns.filter((column) => column === needed).length;
    if (found === 1) continue;
    throw new FormatError(
      source,
      `line 1: ${found === 0 ? 'no' : 'more than one'} column ${needed} (${COLUMNS[needed].join(', ')}) in the header ${JSON.stringify(header.slice(0, 80))}`,
    );
  }
  const records = readCsv(text, delimiter, source);
  const at = (column: keyof typeof COLUMNS) => columns.indexOf(column);
  return records.slice(1).map(({ record, line }) => {
    const [file = '', caption = ''] = [record[at('file')], record[at('caption')]];
    const place = `line ${line}`;
    if (file === '' || caption === '') {
      throw new FormatError(source, `${place}: the ${file === '' ? 'file' : 'caption'} is empty`);
    }
    return { file, captions: [caption], split: record[at('split')], place };
  });
}

const csvSchema = z.array(
  z
    .object({ record: z.array(z.string()), info: z.object({ lines: z.number() }) })
    .transform(({ record, info }) => ({ record, line: info.lines })),
);

function readCsv(text: string, delimiter: string, source: string) {
  try {
    const options = { delimiter, bom: true, info: true, relax_quotes: true, trim: true };
    return csvSchema.parse(parse(text, { ...options, skip_empty_lines: true }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new FormatError(source, error.message, { cause: error });
  }
}

const text = z.string().trim().min(1);
const entrySchema = z.object({
  file: text,
  captions: z.array(text).min(1),
  split: z.string().optional(),
});

/** Objects of `{ "file", "caption" or "captions", "split" }`, a line each. @throws FormatError with the line */
export function parseJsonLines(lines: string, source: string): CaptionRow[] {
  return lines.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '') return [];
    let json: unknown;
    try {
      json = JSON.parse(line);
    } catch (cause) {
      throw new FormatError(source, `line ${index + 1} is not JSON`, { cause });
    }
    return [entryOf(json, `line ${index + 1}`, source)];
  });
}

/** A JSON list of such objects. @throws FormatError with the entry */
export function parseJsonRows(json: readonly unknown[], source: string): CaptionRow[] {
  return json.map((entry, index) => entryOf(entry, `entry ${index}`, source));
}

function entryOf(json: unknown, place: string, source: string): CaptionRow {
  const members = z.record(z.string(), z.unknown()).safeParse(json);
  if (!members.success)
    throw new FormatError(source, `${place} is no object with file and caption`);
  const entry: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(members.data)) {
    const column = columnOf(name);
    if (column === undefined) continue;
    const key = column === 'caption' ? 'captions' : column;
    if (key in entry) throw new FormatError(source, `${place}: more than one ${column}`);
    entry[key] = key === 'captions' && !Array.isArray(value) ? [value] : value;
  }
  const result = entrySchema.safeParse(entry);
  if (!result.success) throw new FormatError(source, `${place}: ${firstIssue(result.error)}`);
  const { file, captions, split } = result.data;
  return { file, captions, split, place };
}
