/** Files of captions to score, each candidate under the id of the image that its references are of. */
import { parseCsvRows } from '../data/captions/caption-rows.js';
import { readText } from '../data/formats/files.js';
import { plainName } from '../data/formats/locate-files.js';
import { firstFew, LeftOut } from '../data/formats/notes.js';
import { isRecord } from '../data/formats/strict-json.js';
import { isPhotoName, PHOTOS, withoutEnding } from '../data/pictures/photo-files.js';
import { FormatError, UsageError } from '../errors.js';
import {
  allOfEach,
  type CaptionEntry,
  captionEntries,
  captionsOfEntry,
  oneEach,
  requireAllImages,
} from '../metrics/caption-files.js';
import { readUntrustedJson } from '../tasks/captions/scoring.js';
import { note } from './terminal.js';

/** A file of captions: what `glimpse caption` writes, a table, COCO's JSON, or a caption a line. */
interface CaptionFile {
  readonly path: string;
  readonly entries: readonly CaptionEntry[];
  /** Whether captions have no names: they are paired by the numbers of their lines. */
  readonly lines: boolean;
  /** Of COCO: the ids of images by the names of their files. */
  readonly ids: ReadonlyMap<string, string>;
}

const NO_IDS: ReadonlyMap<string, string> = new Map();

/**
 * Candidates and references, by the references' ids. Images are the same whose ids are, or whose files
 * have the same name: whole, without folders, or without folders and ending.
 *
 * @throws FileError; FormatError naming the entry or line; UsageError when the files are not of the
 *   same images.
 */
export async function candidatesAndReferences(
  candidates: string,
  references: readonly string[],
): Promise<{ candidates: Map<string, string>; references: Map<string, string[]> }> {
  const said = await readCaptions(candidates);
  const told: CaptionFile[] = [];
  for (const path of references) told.push(await readCaptions(path, 'every image'));
  const truths = allOfEach(told.flatMap(({ entries }) => entries));
  if (said.lines || told.some(({ lines }) => lines)) requireLines(said, told);
  const ids = new Map(told.flatMap(({ ids }) => [...ids]));
  return { candidates: underTheirIds(said, truths, ids, references), references: truths };
}

/** The captions of a file, whatever they are of. @throws FileError, FormatError */
export async function captionsIn(path: string): Promise<string[]> {
  return (await readCaptions(path)).entries.map(({ caption }) => caption);
}

/** @param of whether every image that a COCO file lists must have a caption. */
async function readCaptions(path: string, of?: 'every image'): Promise<CaptionFile> {
  const [, ending = ''] = /\.(\w+)$/.exec(path.toLowerCase()) ?? [];
  if (ending === 'csv' || ending === 'tsv') return table(path, await readText(path));
  if (ending === 'jsonl' || ending === 'ndjson') return jsonLines(path, await readText(path));
  if (ending === 'txt' || ending === 'text' || ending === 'token') {
    const text = await readText(path);
    const [first = ''] = text.split(/[\t,;|\r\n]/, 1);
    const isTable = isPhotoName(first.replace(/#\d+$/, '')) || /^file|^image|^photo/.test(first);
    return isTable && first !== text.trim() ? table(path, text) : textLines(path, text);
  }
  const json = await readUntrustedJson(path);
  const entries = [...captionEntries(json, path)];
  if (of === 'every image') requireAllImages(json, allOfEach(entries), path);
  return { path, entries, lines: false, ids: idsByName(json) };
}

function table(path: string, text: string): CaptionFile {
  const leftOut = new LeftOut(path);
  const rows = parseCsvRows(text, path, leftOut, PHOTOS);
  const entries = rows.flatMap(({ file, captions, place }) =>
    captions.map((caption) => ({ id: plainName(file), caption, place })),
  );
  for (const remark of leftOut.notes(entries.length)) note(`${path}: ${remark}`);
  return { path, entries, lines: false, ids: NO_IDS };
}

function jsonLines(path: string, text: string): CaptionFile {
  const entries = text.split(/\r\n|\r|\n/).flatMap((line, index): CaptionEntry[] => {
    if (line.trim() === '') return [];
    const place = `line ${index + 1}`;
    let entry: unknown;
    try {
      entry = JSON.parse(line);
    } catch (cause) {
      throw new FormatError(path, `${place} is not JSON`, { cause });
    }
    return [...captionsOfEntry(entry, path, place)];
  });
  return { path, entries, lines: false, ids: NO_IDS };
}

/** An empty line is an empty caption, but at the end of the file. */
function textLines(path: string, text: string): CaptionFile {
  const lines = text
    .replace(/^\uFEFF/, '')
    .replace(/[\r\n]+$/, '')
    .split(/\r\n|\r|\n/);
  const entries = lines.map((caption, index) => {
    const place = `line ${index + 1}`;
    return { id: place, caption: caption.trim(), place };
  });
  return { path, entries, lines: true, ids: NO_IDS };
}

function idsByName(json: unknown): ReadonlyMap<string, string> {
  const images: readonly unknown[] =
    isRecord(json) && Array.isArray(json.images) ? json.images : [];
  return new Map(
    images.flatMap((image): [string, string][] =>
      isRecord(image) && typeof image.file_name === 'string'
        ? [[image.file_name, String(image.id)]]
        : [],
    ),
  );
}

function requireLines(said: CaptionFile, told: readonly CaptionFile[]): void {
  for (const file of told) {
    const [lines, named] = said.lines ? [said, file] : [file, said];
    if (said.lines !== file.lines) {
      throw new UsageError(
        `${lines.path} has a caption a line, without images, but ${named.path} names images: both must be lines, paired by number, or both name images`,
      );
    }
    if (said.entries.length !== file.entries.length) {
      throw new UsageError(
        `${said.path} has ${said.entries.length} lines, ${file.path} has ${file.entries.length}: they are paired by number`,
      );
    }
  }
}

/** The candidates by the ids that the references have. */
function underTheirIds(
  said: CaptionFile,
  truths: ReadonlyMap<string, readonly string[]>,
  idsByName: ReadonlyMap<string, string>,
  references: readonly string[],
): Map<string, string> {
  const forms = [(name: string) => name, baseName, (name: string) => withoutEnding(baseName(name))];
  const byForm = forms.map((form) => {
    const found = new Map<string, string | undefined>();
    const names = [...[...truths.keys()].map((id) => [id, id] as const), ...idsByName];
    for (const [name, id] of names) {
      const key = form(name);
      // Of two images of one name neither is meant.
      found.set(key, found.has(key) && found.get(key) !== id ? undefined : id);
    }
    return found;
  });
  const idOf = (name: string) => {
    for (const [index, form] of forms.entries()) {
      const id = byForm[index]?.get(form(name));
      if (id !== undefined) return id;
    }
    return undefined;
  };
  const entries = said.entries.map((entry) => ({ ...entry, id: idOf(entry.id) ?? entry.id }));
  if (entries.length > 0 && truths.size > 0 && !entries.some(({ id }) => truths.has(id))) {
    throw new UsageError(
      `no candidate has references: ${said.path} is of ${firstFew([...new Set(entries.map(({ id }) => id))])}, ${references.join(' and ')} of ${firstFew([...truths.keys()])}`,
    );
  }
  return oneEach(entries, said.path);
}

function baseName(name: string): string {
  return plainName(name)
    .replace(/^.*[/\\]/s, '')
    .normalize('NFC');
}
