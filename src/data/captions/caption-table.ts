/** Captions of your own photos: a table, a table for each split, or a text beside each photo. */
import { dirname, extname, join } from 'node:path';
import { FileError, FormatError } from '../../errors.js';
import { readText } from '../formats/files.js';
import { contentOf, isFolder, nameOfSet, Visited } from '../formats/folders.js';
import { type FileKind, type FilePlaces, locateFiles, plainName } from '../formats/locate-files.js';
import { counted, firstFew, LeftOut, leftOutNote } from '../formats/notes.js';
import { PHOTOS } from '../pictures/photo-files.js';
import {
  type Divided,
  divideAsSaid,
  mapSplits,
  type ShareOptions,
  type SplitName,
  splitNamed,
} from '../splits.js';
import {
  type CaptionRow,
  nameOfPart,
  type Part,
  parseCsvRows,
  parseJsonRows,
} from './caption-rows.js';
import type { CaptionDataset, CaptionedImage } from './captioned-images.js';

/** How a set of your own photos is opened. */
export interface CaptionTableOptions extends ShareOptions {
  /** Folder of the photos (default: that of the table, or `images/` in it). */
  readonly images?: string | undefined;
}

const TABLE = /^(.+)\.(csv|tsv|jsonl|json)$/i;
const TABLES = /^(captions|metadata|results)\.(csv|tsv|jsonl|json)$/i;
const TEXT = /\.(txt|caption)$/i;
const WORKBOOK = /\.(xlsx?|ods|parquet)$/i;

/** A file and its captions. */
export interface CaptionedFile {
  /** How the set calls it, with the part of it that is meant. */
  readonly id: string;
  readonly path: string;
  readonly part: Part;
  readonly captions: string[];
  readonly split: SplitName | undefined;
}

/**
 * Opens your own photos: a table of `file` and `caption` (.csv, .tsv, .jsonl, .json), a folder with
 * such a table (`captions.*`, `metadata.*`; or one for each split, `train.csv`, `test.csv`), or a folder
 * of photos with a text beside each (`dog.jpg` and `dog.txt`, `dog.jpg.txt` or `dog.caption`, a caption a
 * line). A folder without a table is searched with the folders inside it, each of which may have one;
 * folders `train`, `validation` and `test` are the splits. Several rows of a file are several captions.
 * Where the set says which split a photo is in, that is used; otherwise photos are divided at random, a
 * tenth each for dev and test unless told otherwise. A set with train but without dev has dev drawn from
 * train.
 *
 * @throws FileError; FormatError naming the line; UsageError for shares where the set has splits.
 */
export async function openCaptionTable(
  path: string,
  { images, ...shares }: CaptionTableOptions = {},
): Promise<CaptionDataset> {
  const { splits, notes } = await captionedFiles(path, { ...shares, chosen: images }, PHOTOS);
  return {
    name: nameOfSet(path),
    format: 'captions',
    splits: mapSplits(
      splits,
      ({ id, path, captions }): CaptionedImage => ({ id, image: { path }, captions }),
    ),
    notes,
  };
}

/** Where the files of a table are, and how they are divided. */
export interface CaptionedFileOptions
  extends ShareOptions,
    Pick<FilePlaces, 'chosen' | 'missing'> {}

/** The same of files of any kind. @throws as `openCaptionTable` */
export async function captionedFiles(
  path: string,
  { chosen, missing, ...shares }: CaptionedFileOptions,
  kind: FileKind,
): Promise<Divided<CaptionedFile>> {
  const folder = await isFolder(path);
  const found = folder ? await rowsBelow(path, kind) : await readTable(path, kind);
  if (found.rows.length === 0) throw new FormatError(path, 'holds no captions');
  const rows = withFolderSplits(found.rows);
  const names = [...new Set(rows.map(({ file }) => file))];
  const located = await locateFiles(names, {
    kind,
    source: path,
    root: folder ? path : dirname(path),
    folders: kind.folders,
    chosen,
    missing,
  });
  const pathOf = new Map(names.map((name, index) => [name, located.paths[index]]));
  const collected = collect(rows, pathOf, path, kind);
  const divided = divideAsSaid(collected.files, shares, { source: path, what: kind.what });
  return {
    splits: divided.splits,
    notes: [...found.notes, ...collected.notes, ...divided.notes, ...located.notes],
  };
}

/** Whether a folder, or one inside it, holds such a table, or photos with texts. */
export async function holdsCaptionTable(folder: string, kind = PHOTOS): Promise<boolean> {
  const holds = (files: readonly string[]) =>
    tablesOf(files).length + textsOf(files, kind).size > 0;
  const { files, folders } = await contentOf(folder);
  if (holds(files)) return true;
  for (const name of folders) if (holds((await contentOf(join(folder, name))).files)) return true;
  return false;
}

interface Rows {
  readonly rows: CaptionRow[];
  readonly notes: readonly string[];
}

/** The rows of all tables and texts in a folder and in the folders inside it. */
async function rowsBelow(root: string, kind: FileKind): Promise<Rows> {
  const { what, isName } = kind;
  const rows: CaptionRow[] = [];
  const notes: string[] = [];
  const leftOut = new LeftOut(root);
  const lone: string[] = [];
  const idle: string[] = [];
  const second: string[] = [];
  let withText = 0;
  const visited = new Visited();
  const look = async (inside: string): Promise<void> => {
    const folder = join(root, inside);
    if (!(await visited.first(folder))) return;
    const { files, folders } = await contentOf(folder);
    const tables = tablesOf(files);
    for (const { name, split } of tables) {
      const table = await readTable(join(folder, name), kind);
      notes.push(...table.notes.map((note) => `${join(inside, name)}: ${note}`));
      for (const row of table.rows) {
        rows.push({
          ...row,
          file: plainName(join(inside, row.file)),
          split: row.split ?? split,
          place: `${join(inside, name)}, ${row.place}`,
        });
      }
    }
    if (tables.length > 0) return;
    const texts = textsOf(files, kind);
    for (const name of files.filter(isName)) {
      const text = texts.get(name);
      const captions = text === undefined ? [] : await readLines(join(folder, text));
      const [file, place] = [plainName(join(inside, name)), join(inside, text ?? name)];
      if (text === undefined) lone.push(file);
      else if (captions.length === 0) leftOut.add(place, 'holds no caption');
      else rows.push({ file, captions, split: undefined, part: {}, place });
      if (text !== undefined) withText++;
    }
    const used = new Set(texts.values());
    const stem = (name: string) => stemOf(name, kind);
    const filesHere = new Set(files.filter(isName).map(stem));
    for (const name of files.filter((name) => TEXT.test(name) && !used.has(name))) {
      (filesHere.has(stem(name)) ? second : idle).push(join(inside, name));
    }
    for (const name of folders) await look(join(inside, name));
  };
  await look('.');
  const faulty = leftOut.notes(rows.length);
  if (rows.length === 0) throw await nothingIn(root, lone, kind);
  notes.push(
    ...faulty,
    ...leftOutNote(lone, what, ['no text beside it', 'no text beside them']),
    ...(withText > 0
      ? leftOutNote(idle, 'text', [`no ${what} beside it`, `no ${what} beside them`])
      : []),
    ...leftOutNote(second, 'text', [
      `another text of its ${what} beside it`,
      `other texts of their ${what}s beside them`,
    ]),
  );
  return { rows, notes };
}

async function nothingIn(
  root: string,
  lone: readonly string[],
  { what }: FileKind,
): Promise<FileError | FormatError> {
  const { files } = await contentOf(root);
  const [empty] = tablesOf(files);
  if (empty) return new FormatError(join(root, empty.name), 'holds no captions');
  const table = files.find((name) => TABLE.test(name) || /^captions\.txt$/i.test(name));
  const workbook = files.find((name) => WORKBOOK.test(name));
  const hint =
    table !== undefined
      ? `; if it is ${table}, name it: captions:${join(root, table)}`
      : workbook !== undefined
        ? `; save ${workbook} as CSV UTF-8`
        : '';
  const texts = lone.length === 0 ? `${what}s` : `a text beside any of its ${lone.length} ${what}s`;
  return new FileError(
    root,
    `has neither a table (captions.csv, .tsv, .jsonl, .json; metadata.*) nor ${texts} (dog.jpg and dog.txt or dog.caption)${hint}`,
  );
}

/** The tables of a folder: one, or one for each split. @throws FileError for several */
function tablesOf(files: readonly string[]): { name: string; split: SplitName | undefined }[] {
  const named = files.filter((name) => TABLES.test(name));
  if (named.length > 0) return named.map((name) => ({ name, split: undefined }));
  return files.flatMap((name) => {
    const split = splitNamed(TABLE.exec(name)?.[1] ?? '');
    return split === undefined ? [] : [{ name, split }];
  });
}

async function readTable(file: string, kind: FileKind): Promise<Rows> {
  const leftOut = new LeftOut(file);
  const parse = parserOf(file);
  const rows = parse(await readText(file), file, leftOut, kind);
  const notes = leftOut.notes(rows.reduce((sum, { captions }) => sum + captions.length, 0));
  return { rows: rows.map((row) => ({ ...row, file: plainName(row.file) })), notes };
}

function parserOf(file: string): typeof parseCsvRows {
  const ending = extname(file).toLowerCase();
  if (['.json', '.jsonl', '.ndjson'].includes(ending)) return parseJsonRows;
  if (['.csv', '.tsv', '.txt'].includes(ending)) return parseCsvRows;
  const hint = WORKBOOK.test(ending) ? ': save it as CSV UTF-8' : '';
  throw new FormatError(
    file,
    `is no table of captions, it ends neither in .csv, .tsv, .jsonl nor .json${hint}`,
  );
}

/** The text beside each photo, or clip, that has one. */
function textsOf(files: readonly string[], kind: FileKind): Map<string, string> {
  const known = new Map(files.map((name) => [lowered(name), name]));
  const found = new Map<string, string>();
  for (const file of files.filter(kind.isName)) {
    const names = [file, kind.withoutEnding(file)];
    const texts = ['.txt', '.caption'].flatMap((ending) => names.map((name) => name + ending));
    const text = texts.map((name) => known.get(lowered(name))).find((name) => name !== undefined);
    if (text !== undefined) found.set(file, text);
  }
  return found;
}

/** What a file and its texts have in common: `dog` of `dog.jpg`, `dog.txt` and `dog.jpg.caption`. */
function stemOf(name: string, { withoutEnding }: FileKind): string {
  return withoutEnding(lowered(name).replace(TEXT, ''));
}

function lowered(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

async function readLines(file: string): Promise<string[]> {
  const lines = (await readText(file)).split(/\r\n|\r|\n/);
  return lines.map((line) => line.trim()).filter((line) => line !== '');
}

/** Splits by folders: where all files lie in folders named as splits, and in more than one. */
function withFolderSplits(rows: readonly CaptionRow[]): readonly CaptionRow[] {
  const folders = rows.map(({ file }) =>
    file.includes('/') ? file.slice(0, file.indexOf('/')) : '',
  );
  const splits = folders.map(splitNamed);
  const divided = new Set(splits).size > 1 && !splits.includes(undefined);
  if (!divided || rows.some(({ split }) => split !== undefined)) return rows;
  return rows.map((row, index) => ({ ...row, split: splits[index] }));
}

/** Files with all their captions; two names of one file are one. What has no path is left out. */
function collect(
  rows: readonly CaptionRow[],
  pathOf: ReadonlyMap<string, string | undefined>,
  source: string,
  { what }: FileKind,
): { files: CaptionedFile[]; notes: string[] } {
  const files = new Map<string, CaptionedFile>();
  const renamed = new Map<string, string>();
  for (const { file, captions, split: word, part, place } of rows) {
    const path = pathOf.get(file);
    if (path === undefined) continue;
    const split = word === undefined ? undefined : splitNamed(word);
    if (word !== undefined && split === undefined) {
      throw new FormatError(source, `${place}: unknown split ${JSON.stringify(word.slice(0, 40))}`);
    }
    const key = nameOfPart(path.normalize('NFC'), part);
    const id = nameOfPart(file, part);
    const known = files.get(key) ?? { id, path, part, captions: [], split };
    if (known.split !== split) {
      throw new FormatError(source, `${place}: ${id} is in ${known.split ?? 'no split'} above`);
    }
    if (known.id !== id) renamed.set(id, known.id);
    known.captions.push(...captions);
    files.set(key, known);
  }
  const all = [...files.values()];
  const repeated = all.filter(({ captions }) => new Set(captions).size < captions.length);
  const notes: string[] = [];
  if (renamed.size > 0) {
    const names = [...renamed].map(([name, id]) => `${name} is ${id}`);
    notes.push(`${counted(renamed.size, what)} by two names: ${firstFew(names)}`);
  }
  if (repeated.length > 0) {
    const ids = repeated.map(({ id }) => id);
    notes.push(
      `${counted(ids.length, what)} with the same caption more than once, and each counts: ${firstFew(ids)}`,
    );
  }
  return { files: all, notes };
}
