/**
 * Flickr8k, in the two layouts in which it is distributed.
 *
 * 8,000 photos with five captions each. Source: Hodosh, Young and Hockenmaier, "Framing image
 * description as a ranking task", JAIR 2013.
 */
import { join } from 'node:path';
import { FileError, FormatError, UsageError } from '../../errors.js';
import { readText } from '../formats/files.js';
import { nameOfSet, namesIn } from '../formats/folders.js';
import { FileFinder, refuseFiles } from '../formats/locate-files.js';
import { faultOfText, LeftOut, MOST_LEFT_OUT, withoutCaptions } from '../formats/notes.js';
import { PHOTOS } from '../pictures/photo-files.js';
import { type ShareOptions, SPLIT_NAMES, type SplitName, splitAtRandom } from '../splits.js';
import type { CaptionDataset, CaptionedImage } from './captioned-images.js';

const IMAGE_FOLDERS = ['Flicker8k_Dataset', 'Flickr8k_Dataset'];
const TEXT_FOLDERS = ['Flickr8k_text', '.'];
const TOKEN_FILE = 'Flickr8k.token.txt';
const KAGGLE_IMAGES = 'Images';
const KAGGLE_CAPTIONS = 'captions.txt';

/** Flickr8k has 8,000 photos in its lists and 8,092 in all: a set of another size is not Flickr8k. */
const OFFICIAL_SIZES = [8000, 8100] as const;
/** What the official lists hold for train and for dev. */
const [OFFICIAL_TRAIN, OFFICIAL_DEV] = [6000, 1000];

/**
 * Opens Flickr8k in its original layout: `Flicker8k_Dataset/` (or `Flickr8k_Dataset/`) with the
 * photos, `Flickr8k_text/` (or the folder itself) with `Flickr8k.token.txt` and the lists
 * `Flickr_8k.{train,dev,test}Images.txt`. A list that is not there gives an empty split. Captions
 * of photos in no list are ignored: the official file has one for a photo that does not exist.
 *
 * @param shares how photos are split when there is no list at all, as in `openKaggleFlickr8k`.
 * @throws FileError for a missing folder or file; FormatError for a broken line (with its number),
 *   a photo in two lists, and photos without a file or without captions (how many and which);
 *   UsageError for shares beside lists.
 */
export async function openFlickr8k(
  path: string,
  shares: ShareOptions = {},
): Promise<CaptionDataset> {
  const names = await namesIn(path);
  const images = IMAGE_FOLDERS.find((folder) => names.has(folder));
  if (images === undefined) throw lacks(path, `folder ${IMAGE_FOLDERS.join(' or ')}`);
  const texts = TEXT_FOLDERS.find((folder) => folder === '.' || names.has(folder)) ?? '.';
  const textFolder = join(path, texts);
  const file = join(textFolder, TOKEN_FILE);
  const captions = parseTokenFile(await readText(file), file);
  const divided = await divide(join(path, images), [textFolder], captions, shares);
  const name = divided.official ? 'Flickr8k' : nameOfSet(path);
  return { name, format: 'flickr8k', ...divided.set };
}

/**
 * Opens Flickr8k as Kaggle distributes it: `Images/` and `captions.txt`, a table with the header
 * `image,caption`. It has no lists of splits. Where `Flickr_8k.*Images.txt` lie beside it, or in
 * `Flickr8k_text/`, they are used; otherwise the photos are shuffled by a seed and divided 6000 / 1000 / the
 * rest where there are as many as Flickr8k has, or by shares: other sets, such as Flickr30k, come in the
 * same layout.
 *
 * @throws as `openFlickr8k`.
 */
export async function openKaggleFlickr8k(
  path: string,
  shares: ShareOptions = {},
): Promise<CaptionDataset> {
  const names = await namesIn(path);
  if (!names.has(KAGGLE_IMAGES)) throw lacks(path, `folder ${KAGGLE_IMAGES}`);
  const file = join(path, KAGGLE_CAPTIONS);
  const captions = parseKaggleCaptions(await readText(file), file);
  const listFolders = TEXT_FOLDERS.filter((f) => f === '.' || names.has(f)).map((f) =>
    join(path, f),
  );
  const divided = await divide(join(path, KAGGLE_IMAGES), listFolders, captions, shares);
  const name = divided.official ? 'Flickr8k (Kaggle)' : nameOfSet(path);
  return { name, format: 'kaggle', ...divided.set };
}

/** Which of the two layouts a folder has, or undefined. @throws FileError */
export async function recogniseFlickr8k(path: string): Promise<'flickr8k' | 'kaggle' | undefined> {
  const names = await namesIn(path);
  if (IMAGE_FOLDERS.some((folder) => names.has(folder))) return 'flickr8k';
  if (names.has(KAGGLE_IMAGES) && names.has(KAGGLE_CAPTIONS)) return 'kaggle';
  return undefined;
}

/** Captions by photo, and what was left out. */
export interface TextCaptions {
  readonly captions: ReadonlyMap<string, readonly string[]>;
  readonly notes: readonly string[];
}

/** Captions by photo: lines of `photo.jpg#number`, a tab, and the caption. @throws FormatError */
export function parseTokenFile(text: string, source: string): TextCaptions {
  const keys = new Set<string>();
  return captionsOf(numberedLines(text), source, (line) => {
    const [, image, index, caption] = /^([^\t#]+)#(\d+)\t(.*)$/.exec(line) ?? [];
    if (image === undefined)
      return `expected "photo.jpg#0", a tab and a caption, found ${quote(line)}`;
    const key = `${image}#${index}`;
    if (keys.has(key)) return `${key} stands there twice`;
    keys.add(key);
    return [image, caption ?? ''];
  });
}

/**
 * Captions by photo: lines of `photo.jpg,caption` below a header. The first comma divides; a
 * caption may be quoted as in a CSV file or stand there as it is, commas and quotes included.
 * @throws FormatError
 */
export function parseKaggleCaptions(text: string, source: string): TextCaptions {
  const [header, ...lines] = numberedLines(text);
  if (header?.[1].replace(/\s/g, '') !== 'image,caption') {
    throw new FormatError(
      source,
      `line ${header?.[0] ?? 1}: expected the header "image,caption", found ${quote(header?.[1] ?? '')}`,
    );
  }
  return captionsOf(lines, source, (line) => {
    const comma = line.indexOf(',');
    const image = line.slice(0, Math.max(0, comma)).trim();
    const field = line.slice(comma + 1).trim();
    if (image === '') return `expected "photo.jpg,caption", found ${quote(line)}`;
    const quoted = /^"(?:[^"]|"")*"$/.test(field);
    return [image, quoted ? field.slice(1, -1).replaceAll('""', '"') : field];
  });
}

/** @param read the photo and the caption of a line, or what is wrong with it. */
function captionsOf(
  lines: Iterable<readonly [number: number, line: string]>,
  source: string,
  read: (line: string) => readonly [image: string, caption: string] | string,
): TextCaptions {
  const captions = new Map<string, string[]>();
  const leftOut = new LeftOut(source);
  let kept = 0;
  for (const [number, line] of lines) {
    const found = read(line);
    const fault = typeof found === 'string' ? found : faultOfText(found[1], 'caption');
    if (typeof found === 'string' || fault !== undefined) {
      leftOut.add(`line ${number}`, fault ?? '');
      continue;
    }
    const [image, caption] = found;
    const others = captions.get(image);
    if (others) others.push(caption.trim());
    else captions.set(image, [caption.trim()]);
    kept++;
  }
  const notes = leftOut.notes(kept);
  if (captions.size === 0) throw new FormatError(source, 'holds no captions');
  return { captions, notes };
}

/** The splits by the lists, else by shares; and whether it is Flickr8k. */
async function divide(
  imageFolder: string,
  listFolders: readonly string[],
  { captions, notes }: TextCaptions,
  shares: ShareOptions,
): Promise<{ official: boolean; set: Required<Pick<CaptionDataset, 'splits' | 'notes'>> }> {
  const found = await readLists(listFolders);
  if (found && Object.values(shares).some((value) => value !== undefined)) {
    throw new UsageError(
      `${imageFolder}: lists beside it say which photos are in which split: leave out dev, test and seed`,
    );
  }
  const [fewest, most] = OFFICIAL_SIZES;
  const likeOfficial = captions.size >= fewest && captions.size <= most;
  const lists = found ?? randomLists([...captions.keys()], likeOfficial, shares);
  const listed = SPLIT_NAMES.flatMap((split) => lists[split]);
  const finder = new FileFinder(imageFolder, PHOTOS);
  const paths = new Map<string, string>();
  for (const image of listed) {
    const path = await finder.find(image);
    if (path !== undefined) paths.set(image, path);
  }
  const missing = listed.filter((image) => !paths.has(image));
  refuseFiles(PHOTOS, imageFolder, 'have no file', missing, listed.length);
  const without = listed.filter((image) => !captions.has(image));
  if (without.length > listed.length * MOST_LEFT_OUT) {
    refuseFiles(PHOTOS, imageFolder, 'have no caption', without, listed.length);
  }
  const open = (images: readonly string[]): CaptionedImage[] =>
    images.flatMap((image) => {
      const of = captions.get(image);
      return of ? [{ id: image, image: { path: paths.get(image) ?? '' }, captions: of }] : [];
    });
  const { train, dev, test } = lists;
  return {
    official: found !== undefined || likeOfficial,
    set: {
      splits: { train: open(train), dev: open(dev), test: open(test) },
      notes: [...notes, ...withoutCaptions(without)],
    },
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

function randomLists(
  images: readonly string[],
  likeOfficial: boolean,
  shares: ShareOptions,
): Record<SplitName, string[]> {
  const count = images.length;
  const official = {
    dev: OFFICIAL_DEV / count,
    test: (count - OFFICIAL_TRAIN - OFFICIAL_DEV) / count,
    seed: shares.seed,
  };
  const asked = shares.dev !== undefined || shares.test !== undefined;
  const { train, dev, test } = splitAtRandom(
    images.map((id) => ({ id })),
    likeOfficial && !asked ? official : shares,
  );
  const ids = (photos: readonly { id: string }[]) => photos.map(({ id }) => id);
  return { train: ids(train), dev: ids(dev), test: ids(test) };
}

function* numberedLines(text: string): Generator<[number: number, line: string]> {
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    if (line.trim() !== '') yield [index + 1, line];
  }
}

function lacks(path: string, what: string): FileError {
  return new FileError(path, `has no ${what}`);
}

function quote(line: string): string {
  return JSON.stringify(line.length > 80 ? `${line.slice(0, 80)}…` : line);
}
