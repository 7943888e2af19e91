import { basename, dirname, extname, join } from 'node:path';
import { z } from 'zod';
import { FileError, FormatError, UsageError } from '../errors.js';
import { type CaptionRow, parseCsvRows, parseJsonLines, parseJsonRows } from './caption-rows.js';
import type { CaptionDataset, CaptionedImage } from './captioned-images.js';
import { isFolder, readJson, readText } from './files.js';
import { locatePhotos, namesIn } from './photo-files.js';
import { type ShareOptions, type SplitName, splitAtRandom, splitNamed } from './splits.js';

/** How one's own photos are opened. */
export interface CaptionTableOptions extends ShareOptions {
  /** Folder of the photos (default: that of the table, or `images/` in it). */
  readonly images?: string | undefined;
}

const TABLES = /^(captions|metadata|results)\.(csv|tsv|jsonl|json)$/;
const PHOTO = /\.(jpe?g|png|webp|gif|tiff?|avif|hei[cf])$/i;

/**
 * Opens one's own photos: a table of `file` and `caption` (.csv, .tsv, .jsonl, or .json with a
 * list), a folder with such a table (`captions.*` or `metadata.*`), or a folder of photos with a text
 * beside each (`dog.jpg` and `dog.txt` or `dog.jpg.txt`, a caption a line). Several rows of a file
 * are several captions. Where the table has a column `split` it holds; otherwise photos are divided
 * at random, a tenth each for dev and test unless told otherwise.
 *
 * @throws FileError; FormatError naming the line; UsageError for shares beside a column `split`.
 */
export async function openCaptionTable(
  path: string,
  options: CaptionTableOptions = {},
): Promise<CaptionDataset> {
  const { file, rows } = await readRows(path);
  if (rows.length === 0) throw new FormatError(file, 'holds no captions');
  const photos = collect(rows, file);
  const names = [...photos.keys()];
  const base = (await isFolder(file)) ? file : dirname(file);
  const folders = ['.', 'images', 'Images', 'photos'].map((folder) => join(base, folder));
  const paths = await locatePhotos(names, folders, file, options.images);
  const images = names.map((id, index) => ({
    id,
    image: { path: paths[index] ?? '' },
    captions: photos.get(id)?.captions ?? [],
  }));
  return {
    name: basename(path),
    format: 'captions',
    splits: divide(images, photos, file, options),
  };
}

/** Whether a folder holds such a table, or photos with texts. */
export async function holdsCaptionTable(folder: string): Promise<boolean> {
  const names = await namesIn(folder);
  return [...names].some((name) => TABLES.test(name) || textBeside(name, names) !== undefined);
}

async function readRows(path: string): Promise<{ file: string; rows: CaptionRow[] }> {
  if (!(await isFolder(path))) return { file: path, rows: await readTable(path) };
  const names = await namesIn(path);
  const [table, ...others] = [...names].filter((name) => TABLES.test(name)).sort();
  if (others.length > 0) {
    throw new FileError(path, `has ${table} and ${others.join(' and ')}: name the table`);
  }
  if (table !== undefined)
    return { file: join(path, table), rows: await readTable(join(path, table)) };
  return { file: path, rows: await readTexts(path, names) };
}

async function readTable(file: string): Promise<CaptionRow[]> {
  switch (extname(file).toLowerCase()) {
    case '.jsonl':
      return parseJsonLines(await readText(file), file);
    case '.json':
      return parseJsonRows(await readJson(file, z.array(z.unknown())), file);
    case '.csv':
    case '.tsv':
    case '.txt':
      return parseCsvRows(await readText(file), file);
    default:
      throw new FormatError(
        file,
        'is no table of captions: it ends neither in .csv, .tsv, .jsonl nor .json',
      );
  }
}

async function readTexts(folder: string, names: ReadonlySet<string>): Promise<CaptionRow[]> {
  const rows: CaptionRow[] = [];
  for (const name of [...names].sort()) {
    const beside = textBeside(name, names);
    if (beside === undefined) continue;
    const lines = (await readText(join(folder, beside))).split(/\r?\n/).map((line) => line.trim());
    const captions = lines.filter((line) => line !== '');
    if (captions.length === 0) throw new FormatError(join(folder, beside), 'holds no caption');
    rows.push({ file: name, captions, split: undefined, place: beside });
  }
  if (rows.length > 0) return rows;
  throw new FileError(
    folder,
    'has neither a table (captions.csv, .tsv, .jsonl, .json; metadata.*) nor photos with a .txt beside them',
  );
}

function textBeside(name: string, names: ReadonlySet<string>): string | undefined {
  if (!PHOTO.test(name)) return undefined;
  return [`${name}.txt`, name.replace(PHOTO, '.txt')].find((text) => names.has(text));
}

interface Photo {
  readonly captions: string[];
  readonly split: SplitName | undefined;
}

function collect(rows: readonly CaptionRow[], source: string): Map<string, Photo> {
  const photos = new Map<string, Photo>();
  for (const { file, captions, split: word, place } of rows) {
    const split = word === undefined ? undefined : splitNamed(word);
    if (word !== undefined && split === undefined) {
      throw new FormatError(source, `${place}: unknown split ${JSON.stringify(word.slice(0, 40))}`);
    }
    const photo = photos.get(file) ?? { captions: [], split };
    if (photo.split !== split) {
      throw new FormatError(source, `${place}: ${file} is in ${photo.split ?? 'no split'} above`);
    }
    photo.captions.push(...captions);
    photos.set(file, photo);
  }
  return photos;
}

function divide(
  images: readonly CaptionedImage[],
  photos: ReadonlyMap<string, Photo>,
  source: string,
  shares: ShareOptions,
): CaptionDataset['splits'] {
  const of = (split?: SplitName) => images.filter(({ id }) => photos.get(id)?.split === split);
  const unsplit = of();
  if (unsplit.length === images.length) return splitAtRandom(images, shares);
  const [first] = unsplit;
  if (first) throw new FormatError(source, `${first.id} has no split, but others have`);
  const { dev, test, seed } = shares;
  if (dev !== undefined || test !== undefined || seed !== undefined) {
    throw new UsageError(`${source} has a column split: leave out dev, test and seed`);
  }
  return { train: of('train'), dev: of('dev'), test: of('test') };
}
