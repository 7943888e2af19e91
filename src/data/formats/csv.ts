/** CSV as people write it: records of fields, with any delimiter and with quotes that may be missing. */

/** One line of a table, or several where a quoted field goes on in the next. */
export interface CsvRecord {
  /** Without quotes and the white space around them. */
  readonly fields: readonly string[];
  /** The number of its first line, from 1 on. */
  readonly line: number;
  /** All from a field on to the end of the record, as it stands there. */
  from(field: number): string;
}

/** A line that begins with a photo's name is a record of its own, not the rest of a quoted field. */
const PHOTO_LINE = /[\r\n]"?[^\r\n,;|\t"]+\.(jpe?g|png|webp|gif|tiff?|avif|hei[cf])"?\s*[,;|\t]/i;

/**
 * The records of a table. A field is quoted when a quote begins it and a quote ends it (doubled quotes
 * inside are one); any other quote is a character like others. Lines end with LF, CR LF or CR; empty
 * ones are passed over.
 *
 * @param delimiter one character: `,`, `;`, `|` or a tab.
 */
export function* csvRecords(text: string, delimiter: string): Generator<CsvRecord> {
  const endOfField = new RegExp(`[${delimiter}\r\n]`, 'g');
  const noEnds = new Set<number>();
  let line = 1;
  for (let at = 0; at < text.length; ) {
    const begins: number[] = [];
    const fields: string[] = [];
    const first = line;
    for (let more = true; more; ) {
      begins.push(at);
      const quoted = quotedField(text, at, delimiter, noEnds);
      endOfField.lastIndex = at;
      const end = quoted?.end ?? endOfField.exec(text)?.index ?? text.length;
      fields.push((quoted?.value ?? text.slice(at, end)).trim());
      if (quoted) line += quoted.value.match(/\r\n|\r|\n/g)?.length ?? 0;
      more = text[end] === delimiter;
      at = more ? end + 1 : end;
    }
    const end = at;
    if (fields.length > 1 || fields[0] !== '') {
      yield {
        fields,
        line: first,
        from: (field) => text.slice(begins[field] ?? end, end).trim(),
      };
    }
    at += text.startsWith('\r\n', at) ? 2 : 1;
    line++;
  }
}

/**
 * The quoted field that begins at a place, if there is one.
 * @param noEnds quotes that are known to end no field: no text is searched twice.
 */
function quotedField(
  text: string,
  at: number,
  delimiter: string,
  noEnds: Set<number>,
): { value: string; end: number } | undefined {
  const begin = pastSpaces(text, at);
  if (text[begin] !== '"') return undefined;
  const met: number[] = [];
  for (let from = begin + 1; ; ) {
    const quote = text.indexOf('"', from);
    if (quote < 0 || noEnds.has(quote)) break;
    met.push(quote);
    if (text[quote + 1] === '"') {
      from = quote + 2;
      continue;
    }
    const end = pastSpaces(text, quote + 1);
    const inside = text.slice(begin + 1, quote);
    const ends = end === text.length || [delimiter, '\r', '\n'].includes(text[end] ?? '');
    if (ends && !PHOTO_LINE.test(inside)) return { value: inside.replaceAll('""', '"'), end };
    break;
  }
  for (const quote of met) noEnds.add(quote);
  return undefined;
}

function pastSpaces(text: string, at: number): number {
  let place = at;
  while (text[place] === ' ') place++;
  return place;
}

/** How a text is divided: without Excel's `sep=;` above the header, whose lines are counted. */
export interface Dialect {
  readonly body: string;
  /** Lines before `body`. */
  readonly skipped: number;
  readonly delimiter: string;
}

/** The dialect of a table: whichever of , ; | and tab its first line has first, unless `sep=;` says it. */
export function dialectOf(text: string): Dialect {
  const clean = text.replace(/^\uFEFF/, '');
  const [line, named] = /^"?sep=([,;|\t])"?(?:\r\n|\r|\n)/i.exec(clean) ?? [];
  const body = clean.slice(line?.length ?? 0);
  const [header = ''] = body.trimStart().split(/[\r\n]/, 1);
  return { body, skipped: named ? 1 : 0, delimiter: named ?? /[,;|\t]/.exec(header)?.[0] ?? ',' };
}
