/** Tables in files: rows of texts by the names of their columns, from CSV, JSON lines or JSON. */
import { extname } from 'node:path';
import { FormatError } from '../../errors.js';
import { csvRecords, dialectOf } from './csv.js';
import { readText } from './files.js';
import { counted, type LeftOut } from './notes.js';
import { isRecord, jsonOf, listed } from './strict-json.js';

/** A row of a table. */
export interface TableRow {
  /** Where it stands, for errors: `line 7`. */
  readonly place: string;
  /** By the names of the columns in small letters; without what is empty. */
  readonly values: ReadonlyMap<string, string>;
}

/** A table of texts. */
export interface Table {
  /** In small letters. */
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
}

/** Endings of files that `readTable` reads. */
export const TABLE_ENDINGS = ['.csv', '.tsv', '.jsonl', '.ndjson', '.json'];

/**
 * Reads a table with a header line (.csv, .tsv; divided by , ; | or tab), an object a line (.jsonl), or a list of
 * objects (.json). Numbers are texts, as they are written.
 *
 * @param leftOut gets the lines that cannot be used.
 * @throws FileError; FormatError for what is no table.
 */
export async function readTable(path: string, leftOut: LeftOut): Promise<Table> {
  const ending = extname(path).toLowerCase();
  if (ending === '.json' || ending === '.jsonl' || ending === '.ndjson') {
    return jsonTable(await readText(path), path, leftOut);
  }
  if (ending === '.csv' || ending === '.tsv' || ending === '.txt') {
    return csvTable(await readText(path), path, leftOut);
  }
  throw new FormatError(path, `is no table, which ends in ${TABLE_ENDINGS.join(', ')}`);
}

function csvTable(text: string, source: string, leftOut: LeftOut): Table {
  const { body, skipped, delimiter } = dialectOf(text);
  const rows: TableRow[] = [];
  let columns: readonly string[] | undefined;
  for (const { fields, line } of csvRecords(body, delimiter)) {
    if (fields.every((field) => field === '')) continue;
    const used = fields.findLastIndex((field) => field !== '') + 1;
    if (!columns) {
      columns = fields.slice(0, used).map((name) => name.toLowerCase());
      const known = columns.filter((name) => name !== '');
      const twice = known.find((name, index) => known.indexOf(name) < index);
      if (twice !== undefined) {
        throw new FormatError(source, `line ${line + skipped}: two columns are called ${twice}`);
      }
      continue;
    }
    const place = `line ${line + skipped}`;
    if (used > columns.length) {
      leftOut.add(place, `${counted(used, 'field')} instead of ${columns.length}`);
      continue;
    }
    const pairs = columns.map((name, index): [string, string] => [name, fields[index] ?? '']);
    rows.push({ place, values: new Map(pairs.filter(([, value]) => value !== '')) });
  }
  return { columns: columns ?? [], rows };
}

function jsonTable(text: string, source: string, leftOut: LeftOut): Table {
  const whole = jsonOf(text);
  const entries: readonly (readonly [place: string, entry: unknown])[] = Array.isArray(whole)
    ? whole.map((entry: unknown, index) => [`entry ${index}`, entry])
    : text.split(/\r\n|\r|\n/).flatMap((line, index) => {
        const place = `line ${index + 1}`;
        return line.trim() === '' ? [] : [[place, jsonOf(line)]];
      });
  const rows: TableRow[] = [];
  const columns = new Set<string>();
  for (const [place, entry] of entries) {
    if (!isRecord(entry)) {
      leftOut.add(place, 'is no object');
      continue;
    }
    const values = new Map<string, string>();
    for (const [name, value] of Object.entries(entry)) {
      columns.add(name.toLowerCase());
      const plain = textOf(value);
      if (plain !== '') values.set(name.toLowerCase(), plain);
    }
    rows.push({ place, values });
  }
  if (rows.length === 0 && entries.length > 0) {
    throw new FormatError(source, 'is no list of objects, nor an object a line');
  }
  return { columns: [...columns], rows };
}

/** Empty for what is neither text, number nor true or false. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/**
 * The column that is meant: the one that was named, or the first of the usual names.
 * @param setting by which it can be named.
 * @throws FormatError for one that is not there, and where none is, unless it is optional.
 */
export function columnOf(
  { columns }: Table,
  usual: readonly string[],
  named: string | undefined,
  { source, setting }: { source: string; setting: string },
): string | undefined {
  if (named === undefined) return usual.find((name) => columns.includes(name));
  if (columns.includes(named.toLowerCase())) return named.toLowerCase();
  throw new FormatError(source, `has no column ${named} (${setting}=), only ${listed(columns)}`);
}
