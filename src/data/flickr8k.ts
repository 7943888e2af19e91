import { join } from 'node:path';
import { FileError, FormatError } from '../errors.js';
import { Random } from '../random.js';
import type { CaptionDataset, CaptionedImage, Splits } from './captioned-images.js';
import { readText } from './files.js';
import { namesIn, refusePhotos } from './photo-files.js';
import { SPLIT_NAMES, type SplitName } from './splits.js';

/**
 * Flickr8k (Hodosh, Young and Hockenmaier, "Framing image description as a ranking task", JAIR
 * 2013): 8,000 photos with five captions each, in the two layouts in which it goes around.
 */

const IMAGE_FOLDERS = ['Flicker8k_Dataset', 'Flickr8k_Dataset'];
const TEXT_FOLDERS = ['Flickr8k_text', '.'];
const TOKEN_FILE = 'Flickr8k.token.txt';
const KAGGLE_IMAGES = 'Images';
const KAGGLE_CAPTIONS = 'captions.txt';

/** Photos of the smallest set that is split as the official one is, 6000 / 1000 / the rest. */
const OFFICIAL_SIZE = 8000;

/**
 * Opens Flickr8k in its original layout: `Flicker8k_Dataset/` (or `Flickr8k_Dataset/`) with the
 * photos, `Flickr8k_text/` (or the folder itself) with `Flickr8k.token.txt` and the lists
 * `Flickr_8k.{train,dev,test}Images.txt`. A list that is not there gives an empty split. Captions
 * of photos in no list are ignored: the official file has one for a photo that does not exist.
 *
 * @param seed how photos are split when there is no list at all, as in `openKaggleFlickr8k`.
 * @throws FileError for a missing folder or file; FormatError for a broken line (with its number),
 *   a photo in two lists, and photos without a file or without captions (how many and which).
 */
export async function openFlickr8k(path: string, seed = 0): Promise<CaptionDataset> {
  const names = await namesIn(path);
  const images = IMAGE_FOLDERS.find((folder) => names.has(folder));
  if (images === undefined) throw missing(path, `folder ${IMAGE_FOLDERS.join(' or ')}`);
  const texts = TEXT_FOLDERS.find((folder) => folder === '.' || names.has(folder)) ?? '.';
  const textFolder = join(path, texts);
  const captions = parseTokenFile(
    await readText(join(textFolder, TOKEN_FILE)),
    join(textFolder, TOKEN_FILE),
  );
  const splits = await makeSplits(join(path, images), [textFolder], captions, seed);
  return { name: 'Flickr8k', format: 'flickr8k', splits };
}

/**
 * Opens Flickr8k as Kaggle distributes it: `Images/` and `captions.txt`, a table with the header
 * `image,caption`. It has no lists of splits. Where `Flickr_8k.*Images.txt` lie beside it, or in
 * `Flickr8k_text/`, they hold; otherwise the photos are shuffled by `seed` and divided 6000 / 1000
 * / the rest, or 80 / 10 / 10 percent when there are fewer than 8000.
 *
 * @throws as `openFlickr8k`.
 */
export async function openKaggleFlickr8k(path: string, seed = 0): Promise<CaptionDataset> {
  const names = await namesIn(path);
  if (!names.has(KAGGLE_IMAGES)) throw missing(path, `folder ${KAGGLE_IMAGES}`);
  const file = join(path, KAGGLE_CAPTIONS);
  const captions = parseKaggleCaptions(await readText(file), file);
  const listFolders = TEXT_FOLDERS.filter((f) => f === '.' || names.has(f)).map((f) =>
    join(path, f),
  );
  const splits = await makeSplits(join(path, KAGGLE_IMAGES), listFolders, captions, seed);
  return { name: 'Flickr8k (Kaggle)', format: 'kaggle', splits };
}

/** Which of the two layouts a folder has, or undefined. @throws FileError */
export async function recogniseFlickr8k(path: string): Promise<'flickr8k' | 'kaggle' | undefined> {
  const names = await namesIn(path);
  if (IMAGE_FOLDERS.some((folder) => names.has(folder))) return 'flickr8k';
  if (names.has(KAGGLE_IMAGES) && names.has(KAGGLE_CAPTIONS)) return 'kaggle';
  return undefined;
}

/** Captions by photo: lines of `photo.jpg#number`, a tab, and the caption. */
export function parseTokenFile(text: string, source: string): Map<string, string[]> {
  const captions = new Map<string, string[]>();
  const keys = new Set<string>();
  for (const [number, line] of numberedLines(text)) {
    const [, image, index, caption] = /^([^\t#]+)#(\d+)\t(.*)$/.exec(line) ?? [];
    if (image === undefined || !caption?.trim()) {
      throw new FormatError(
        source,
        `line ${number}: expected "photo.jpg#0", a tab and a caption, found ${quote(line)}`,
      );
    }
    const key = `${image}#${index}`;
    if (keys.has(key)) throw new FormatError(source, `line ${number}: ${key} stands there twice`);
    keys.add(key);
    add(captions, image, caption);
  }
  if (captions.size === 0) throw new FormatError(source, 'holds no captions');
  return captions;
}

/**
 * Captions by photo: lines of `photo.jpg,caption` below a header. The first comma divides; a
 * caption may be quoted as in a CSV file or stand there as it is, commas and quotes included.
 */
export function parseKaggleCaptions(text: string, source: string): Map<string, string[]> {
  const captions = new Map<string, string[]>();
  const [header, ...lines] = numberedLines(text);
  if (header?.[1] !== 'image,caption') {
    throw new FormatError(
      source,
      `line ${header?.[0] ?? 1}: expected the header "image,caption", found ${quote(header?.[1] ?? '')}`,
    );
  }
  for (const [number, line] of lines) {
    const comma = line.indexOf(',');
    const image = line.slice(0, Math.max(0, comma));
    const field = line.slice(comma + 1).trim();
    const caption = /^"(?:[^"]|"")*"$/.test(field)
      ? field.slice(1, -1).replaceAll('""', '"').trim()
      : field;
    if (image === '' || caption === '') {
      throw new FormatError(
        source,
        `line ${number}: expected "photo.jpg,caption", found ${quote(line)}`,
      );
    }
    add(captions, image, caption);
  }
  if (captions.size === 0) throw new FormatError(source, 'holds no captions');
  return captions;
}

async function makeSplits(
  imageFolder: string,
  listFolders: readonly string[],
  captions: ReadonlyMap<string, readonly string[]>,
  seed: number,
): Promise<Splits> {
  const files = await namesIn(imageFolder);
  const lists = (await readLists(listFolders)) ?? randomLists([...captions.keys()], seed);
  const listed = SPLIT_NAMES.flatMap((split) => lists[split]);
  refusePhotos(
    imageFolder,
    'have no file',
    listed.filter((image) => !files.has(image)),
    listed.length,
  );
  refusePhotos(
    imageFolder,
    'have no caption',
    listed.filter((image) => !captions.has(image)),
    listed.length,
  );
  const open = (image: string): CaptionedImage => ({
    id: image,
    image: { path: join(imageFolder, image) },
    captions: captions.get(image) ?? [],
  });
  return {
    train: lists.train.map(open),
    dev: lists.dev.map(open),
    test: lists.test.map(open),
  };
}

/** The official lists in the first folder that has any. */
async function readLists(
  folders: readonly string[],
): Promise<Record<SplitName, string[]> | undefined> {
  const listName = (split: SplitName) => `Flickr_8k.${split}Images.txt`;
  for (const folder of folders) {
    const names = await namesIn(folder);
    if (!SPLIT_NAMES.some((split) => names.has(listName(split)))) continue;
    const lists: Record<SplitName, string[]> = { train: [], dev: [], test: [] };
    const listOf = new Map<string, string>();
    for (const split of SPLIT_NAMES.filter((name) => names.has(listName(name)))) {
      const source = join(folder, listName(split));
      for (const [number, line] of numberedLines(await readText(source))) {
        const image = line.trim();
        const other = listOf.get(image);
        if (other !== undefined) {
          throw new FormatError(source, `line ${number}: ${image} stands in ${other} already`);
        }
        listOf.set(image, listName(split));
        lists[split].push(image);
      }
    }
    return lists;
  }
  return undefined;
}

function randomLists(images: readonly string[], seed: number): Record<SplitName, string[]> {
  // Sorted first: the split must not depend on the order of lines in the captions' file.
  const shuffled = new Random(seed).shuffle([...images].sort());
  const official = shuffled.length >= OFFICIAL_SIZE;
  const train = official ? 6000 : Math.round(shuffled.length * 0.8);
  const dev = train + (official ? 1000 : Math.round(shuffled.length * 0.1));
  return {
    train: shuffled.slice(0, train),
    dev: shuffled.slice(train, dev),
    test: shuffled.slice(dev),
  };
}

function* numberedLines(text: string): Generator<[number: number, line: string]> {
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() !== '') yield [index + 1, line];
  }
}

function add(captions: Map<string, string[]>, image: string, caption: string): void {
  const others = captions.get(image);
  if (others) others.push(caption.trim());
  else captions.set(image, [caption.trim()]);
}

function missing(path: string, what: string): FileError {
  return new FileError(path, `has no ${what}`);
}

function quote(line: string): string {
  return JSON.stringify(line.length > 80 ? `${line.slice(0, 80)}…` : line);
}
