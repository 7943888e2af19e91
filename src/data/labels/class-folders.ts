/** Reads labelled photos from a folder for each class. */
import { basename, join } from 'node:path';
import { FormatError } from '../../errors.js';
import { contentOf, nameOfSet } from '../formats/folders.js';
import {
  firstFew,
  isFaultOfFile,
  leftOutNote,
  refuseIfMany,
  unreadableNote,
} from '../formats/notes.js';
import { isPhotoName, isUnreadPhotoName, photosBelow } from '../pictures/photo-files.js';
import { loadPixels } from '../pictures/photos.js';
import { colourPlanes, greyPlane } from '../pictures/pixels.js';
import type { SplitName } from '../splits.js';
import { splitNamed } from '../splits.js';
import type { LabelledDataset, LabelledPictures } from './labelled-pictures.js';
import { divideLabelled, type LabelledShares } from './labelled-pictures.js';

/** How photos of any size become pictures of one size. */
export interface ClassFolderOptions extends LabelledShares {
  /** Pixels across and down (default 64); proportions are not kept. */
  readonly size?: number | undefined;
  /** One plane of grey instead of red, green and blue. */
  readonly grey?: boolean | undefined;
  /** Stop at a photo that cannot be read (default), or leave it out and say so in the set's notes. */
  readonly onBadPhoto?: 'stop' | 'skip' | undefined;
}

/** More bytes than one array holds. */
const MOST_BYTES = 2 ** 32;
/** Photos that are decoded at the same time. */
const AT_ONCE = 8;

interface ClassPhoto {
  readonly path: string;
  readonly label: number;
}

/**
 * A folder of photos for each class, `cats/1.jpg`, `dogs/2.jpg`; or such folders in `train`, `val` (or
 * `dev`) and `test`. Photos may lie in folders inside that of their class. Links are followed, hidden
 * names and files of operating systems are ignored. Classes are sorted by name. All photos are decoded, and kept in memory.
 *
 * @throws FileError; FormatError for a set of one class, a class without photos or that train lacks, or
 *   a photo that cannot be decoded; MissingDependencyError without the package `sharp`.
 */
export async function openClassFolders(
  folder: string,
  { size = 64, grey = false, onBadPhoto = 'stop', ...shares }: ClassFolderOptions = {},
): Promise<LabelledDataset> {
  const { parts, others } = await splitFolders(folder);
  const trainFolder = parts.get('train');
  if (trainFolder === undefined) {
    throw new FormatError(folder, 'has folders val or test, but none called train');
  }
  const found = await classesIn(trainFolder);
  const classes = [...found.keys()];
  const [only] = classes;
  if (only === undefined) {
    throw new FormatError(trainFolder, 'holds no folders of photos: each class needs one');
  }
  if (classes.length === 1) {
    throw new FormatError(
      trainFolder,
      `has one class, ${only}: a classifier tells two or more apart`,
    );
  }
  const toLearn = await photosOf(trainFolder, classes);
  const empty = classes.find((_, label) => toLearn.every((photo) => photo.label !== label));
  if (empty !== undefined) {
    throw new FormatError(
      found.get(empty) ?? trainFolder,
      'is a class without photos: put some in, or remove the folder',
    );
  }
  // Why photos are left out; undefined where none may be.
  const bad: string[] | undefined = onBadPhoto === 'skip' ? [] : undefined;
  const load = async (split: SplitName) => {
    const part = parts.get(split);
    if (part === undefined) return undefined;
    const photos = await photosOf(part, classes);
    if (photos.length === 0) throw new FormatError(part, 'holds no folders of photos');
    return loadAll(photos, { size, grey, bad }, part);
  };
  const train = await loadAll(toLearn, { size, grey, bad }, trainFolder);
  const unreadable = classes.filter((_, label) => !train.labels.includes(label));
  if (unreadable.length > 0) {
    throw new FormatError(
      trainFolder,
      `no photo of ${firstFew(unreadable)} can be read. The first: ${bad?.[0]}`,
    );
  }
  const [dev, test] = [await load('dev'), await load('test')];
  const splits = divideLabelled({ train, dev, test }, shares, folder);
  const learned = new Set(splits.train.labels);
  const lost = classes.filter((_, label) => !learned.has(label));
  if (lost.length > 0) {
    throw new FormatError(
      folder,
      `all photos of the ${lost.length === 1 ? 'class' : 'classes'} ${firstFew(lost)} fell to dev and test: add photos, hold out less (dev=, test=) or choose another seed=`,
    );
  }
  const unread = await photosBelow(trainFolder, isUnreadPhotoName);
  const beside = (await contentOf(trainFolder)).files.filter(isPhotoName);
  return {
    name: nameOfSet(folder),
    format: 'folder',
    classes,
    splits,
    notes: [
      ...unreadableNote(bad ?? []),
      ...leftOutNote(unread, 'photo', ['a format that is not read', 'formats that are not read']),
      ...leftOutNote(others, 'folder', ['the name of no split', 'the names of no split']),
      ...leftOutNote(beside, 'photo', ['no folder of a class', 'no folders of a class']),
    ],
  };
}

/**
 * All photos in a folder, and in the folders inside it, whatever they show: of one class, `photos`. As
 * `openClassFolders`, but for that.
 * @throws as `openClassFolders`; FormatError for a folder without photos
 */
export async function openPhotoFolder(
  folder: string,
  { size = 64, grey = false, onBadPhoto = 'stop', ...shares }: ClassFolderOptions = {},
): Promise<LabelledDataset> {
  const found = (await photosBelow(folder)).map((path) => ({ path: join(folder, path), label: 0 }));
  if (found.length === 0) throw new FormatError(folder, 'holds no photos');
  const bad: string[] | undefined = onBadPhoto === 'skip' ? [] : undefined;
  const train = await loadAll(found, { size, grey, bad }, folder);
  const unread = await photosBelow(folder, isUnreadPhotoName);
  return {
    name: nameOfSet(folder),
    format: 'photos',
    classes: ['photos'],
    splits: divideLabelled({ train }, shares, folder),
    notes: [
      ...unreadableNote(bad ?? []),
      ...leftOutNote(unread, 'photo', ['a format that is not read', 'formats that are not read']),
    ],
  };
}

/** Whether a folder looks like this: folders with photos in them. */
export async function holdsClassFolders(folder: string): Promise<boolean> {
  const { parts } = await splitFolders(folder);
  const found = await classesIn(parts.get('train') ?? folder);
  for (const path of found.values()) if ((await photosBelow(path)).length > 0) return true;
  return false;
}

/**
 * The folder of each split; where there is only one set, that is train. @throws FormatError for two
 * folders of one split
 */
export async function splitFolders(
  folder: string,
): Promise<{ parts: Map<SplitName, string>; others: readonly string[] }> {
  const named = new Map<SplitName, string>();
  const others: string[] = [];
  for (const name of (await contentOf(folder)).folders) {
    const split = splitNamed(name);
    const first = split && named.get(split);
    if (first !== undefined) {
      throw new FormatError(folder, `${basename(first)} and ${name} are both ${split}: keep one`);
    }
    if (split === undefined) others.push(name);
    else named.set(split, join(folder, name));
  }
  if (named.has('train')) return { parts: named, others };
  const only = named.size > 0 && others.length === 0;
  return { parts: only ? named : new Map([['train', folder]]), others: [] };
}

/** The folders of classes by the classes' names, sorted. @throws FormatError for two of one name */
export async function classesIn(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of (await contentOf(folder)).folders) {
    // Names that look the same are the same: a space at the end, letters of a Mac.
    const plain = name.trim().normalize('NFC');
    const other = found.get(plain);
    if (other !== undefined) {
      throw new FormatError(
        folder,
        `has two folders of the class ${plain}: put their content into one`,
      );
    }
    found.set(plain, join(folder, name));
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function photosOf(folder: string, classes: readonly string[]): Promise<ClassPhoto[]> {
  const found = await classesIn(folder);
  for (const [name, path] of found) {
    if (classes.includes(name)) continue;
    throw new FormatError(
      path,
      `is a class that has no folder in train, which has ${firstFew(classes)}`,
    );
  }
  const photos: ClassPhoto[] = [];
  for (const [label, name] of classes.entries()) {
    const path = found.get(name);
    for (const photo of path === undefined ? [] : await photosBelow(path)) {
      photos.push({ path: join(path ?? '', photo), label });
    }
  }
  return photos;
}

async function loadAll(
  photos: readonly ClassPhoto[],
  { size, grey, bad }: { size: number; grey: boolean; bad: string[] | undefined },
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
  const labels: number[] = [];
  const reasons: string[] = [];
  for (let first = 0; first < photos.length; first += AT_ONCE) {
    const some = photos.slice(first, first + AT_ONCE);
    const decoded = await Promise.allSettled(
      some.map(({ path }) => loadPixels({ path }, { width: size, height: size, resize: 'squash' })),
    );
    for (const [i, outcome] of decoded.entries()) {
      if (outcome.status === 'rejected') {
        const { reason } = outcome;
        if (!bad || !isFaultOfFile(reason)) throw reason;
        reasons.push(reason.message);
        continue;
      }
      const planes = grey ? greyPlane(outcome.value) : colourPlanes(outcome.value);
      values.set(planes, labels.length * length);
      labels.push(some[i]?.label ?? 0);
    }
  }
  refuseIfMany(source, reasons, photos.length);
  bad?.push(...reasons);
  return {
    channels,
    height: size,
    width: size,
    values: values.subarray(0, labels.length * length),
    labels: Int32Array.from(labels),
  };
}
