import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FormatError } from '../errors.js';
import type { Pixels } from './captioned-images.js';
import { divideLabelled, type LabelledShares } from './divide-labelled.js';
import { asFileError } from './files.js';
import type { LabelledDataset, LabelledPictures, LabelledSplit } from './labelled-pictures.js';
import { isPhotoName } from './photo-files.js';
import { loadPixels } from './photos.js';
import { splitNamed } from './splits.js';

/** How photos of any size become pictures of one. */
export interface ClassFolderOptions extends LabelledShares {
  /** Pixels across and down (default 64); proportions are not kept. */
  readonly size?: number | undefined;
  /** One plane of grey instead of red, green and blue. */
  readonly grey?: boolean | undefined;
}

/** More bytes than one array holds. */
const MOST_BYTES = 2 ** 32;
/** Photos that are decoded at a time. */
const AT_ONCE = 8;

interface ClassPhoto {
  readonly path: string;
  readonly label: number;
}

/**
 * A folder of photos for each class, `cats/1.jpg`, `dogs/2.jpg`; or such folders in `train`, `val` (or
 * `dev`) and `test`. Classes are sorted by name. All photos are decoded, and kept in memory.
 *
 * @throws FileError; FormatError for a folder without photos, a class that train lacks, or a photo that
 *   cannot be decoded; MissingDependencyError without the package `sharp`.
 */
export async function openClassFolders(
  folder: string,
  { size = 64, grey = false, ...shares }: ClassFolderOptions = {},
): Promise<LabelledDataset> {
  const parts = await splitFolders(folder);
  const classes = await foldersIn(parts.get('train') ?? folder);
  const load = async (split: LabelledSplit) => {
    const part = parts.get(split);
    if (part === undefined) return undefined;
    const photos = await photosOf(part, classes);
    if (photos.length === 0) throw new FormatError(part, 'holds no folders of photos');
    return loadAll(photos, { size, grey }, part);
  };
  const [train, dev, test] = [await load('train'), await load('dev'), await load('test')];
  if (!train) throw new FormatError(folder, 'has folders val or test, but none called train');
  return {
    name: basename(folder),
    format: 'folder',
    classes,
    splits: divideLabelled({ train, dev, test }, shares, folder),
  };
}

/** Whether a folder looks like this: folders with photos in them. */
export async function holdsClassFolders(folder: string): Promise<boolean> {
  const parts = await splitFolders(folder);
  const train = parts.get('train') ?? folder;
  return (await photosOf(train, await foldersIn(train))).length > 0;
}

/** The folder of each split; where there is only one set, that is train. */
async function splitFolders(folder: string): Promise<Map<LabelledSplit, string>> {
  const named = new Map<LabelledSplit, string>();
  for (const name of await foldersIn(folder)) {
    const split = splitNamed(name);
    if (split !== undefined && !named.has(split)) named.set(split, join(folder, name));
  }
  return named.has('train') ? named : new Map([['train', folder]]);
}

async function foldersIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    throw asFileError(folder, 'read', error);
  }
}

async function photosOf(folder: string, classes: readonly string[]): Promise<ClassPhoto[]> {
  const unknown = (await foldersIn(folder)).find((name) => !classes.includes(name));
  if (unknown !== undefined) {
    throw new FormatError(join(folder, unknown), 'is a class that has no folder in train');
  }
  const photos: ClassPhoto[] = [];
  for (const [label, name] of classes.entries()) {
    const names = await readdir(join(folder, name)).catch(() => []);
    for (const photo of names.filter(isPhotoName).sort()) {
      photos.push({ path: join(folder, name, photo), label });
    }
  }
  return photos;
}

async function loadAll(
  photos: readonly ClassPhoto[],
  { size, grey }: { size: number; grey: boolean },
  source: string,
): Promise<LabelledPictures> {
  const channels = grey ? 1 : 3;
  const length = channels * size * size;
  if (photos.length * length > MOST_BYTES) {
    throw new FormatError(
      source,
      `${photos.length} photos of ${size}x${size} pixels are more than fits in memory: choose a smaller size=`,
    );
  }
  const values = new Uint8Array(photos.length * length);
  for (let first = 0; first < photos.length; first += AT_ONCE) {
    const some = photos.slice(first, first + AT_ONCE);
    const decoded = await Promise.all(
      some.map(({ path }) => loadPixels({ path }, { width: size, height: size, resize: 'squash' })),
    );
    for (const [i, pixels] of decoded.entries()) {
      values.set(grey ? greyPlane(pixels) : colourPlanes(pixels), (first + i) * length);
    }
  }
  const labels = Int32Array.from(photos, ({ label }) => label);
  return { channels, height: size, width: size, values, labels };
}

/** A picture's red, green and blue one plane after the other. */
export function colourPlanes({ data }: Pixels): Uint8Array {
  const area = data.length / 3;
  return Uint8Array.from(data, (_, i) => data[(i % area) * 3 + Math.floor(i / area)] ?? 0);
}

/** A picture's brightness as ITU-R BT.601 weighs the colours. */
export function greyPlane({ data }: Pixels): Uint8Array {
  return Uint8Array.from({ length: data.length / 3 }, (_, i) => {
    const [red = 0, green = 0, blue = 0] = data.subarray(3 * i, 3 * i + 3);
    return Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
  });
}
