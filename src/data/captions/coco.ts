/**
 * Captions as Microsoft COCO has them.
 *
 * Chen et al., "Microsoft COCO Captions", 2015: an object of `images: [{ id, file_name }]` and
 * `annotations: [{ image_id, caption }]`.
 */
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { FileError, FormatError, UsageError } from '../../errors.js';
import { readJson } from '../formats/files.js';
import { isFolder, namesIn } from '../formats/folders.js';
import { locateFiles, plainName, refuseTwoNames } from '../formats/locate-files.js';
import { faultOfText, LeftOut, withoutCaptions } from '../formats/notes.js';
import { PHOTOS } from '../pictures/photo-files.js';
import { type ShareOptions, splitAtRandom } from '../splits.js';
import type { CaptionDataset, CaptionedImage } from './captioned-images.js';

const id = z.union([z.int(), z.string().min(1)]);
const cocoSchema = z.object({
  images: z.array(z.object({ id, file_name: z.string().min(1) })),
  annotations: z.array(
    z.object({ image_id: id, caption: z.unknown().optional(), bbox: z.unknown().optional() }),
  ),
});

/** How a COCO set is opened. */
export interface CocoOptions extends ShareOptions {
  /** Folder of the photos (default: the usual places beside the captions). */
  readonly images?: string | undefined;
  /** Of the files in a folder, those of this year. */
  readonly year?: string | undefined;
}

const FILE = /^captions_(train|val)(\d*)\.json$/;

/**
 * Opens one file of COCO captions, or a folder with `captions_train<year>.json` and
 * `captions_val<year>.json` in it or in its `annotations/`. With both files train is train and val
 * is dev; one file alone is divided at random, a tenth each for dev and test unless told otherwise.
 * Photos are looked for in `<split><year>/`, `images/<split><year>/`, `images/` and the folder
 * itself. A photo is known by its `file_name`, in
 * results by its id; photos without captions are left out, and said so, as are captions without text.
 *
 * @throws FileError; FormatError naming the entry that is wrong, an annotation of no image, photos
 *   without a file; UsageError when the files of several years are there and none is chosen.
 */
export async function openCoco(path: string, options: CocoOptions = {}): Promise<CaptionDataset> {
  if (!(await isFolder(path))) {
    const set = await readCoco(path, dirname(path), ['.', 'images'], options);
    return divided(set, basename(path), options);
  }
  const { folder, files } = await findFiles(path, options.year);
  const open = (file: string) => {
    const [, split = '', year = ''] = FILE.exec(file) ?? [];
    const places = [`${split}${year}`, join('images', `${split}${year}`), 'images', '.'];
    return readCoco(join(folder, file), path, places, options);
  };
  const [train, val] = ['train', 'val'].map((split) => files.find((f) => f.includes(split)));
  const name = `COCO${/\d+/.exec(files[0] ?? '')?.[0].replace(/^/, ' ') ?? ''}`;
  if (train === undefined || val === undefined) {
    return divided(await open(train ?? val ?? ''), name, options);
  }
  if (options.dev !== undefined || options.test !== undefined || options.seed !== undefined) {
    throw new UsageError(
      `${path} has a train and a val file: dev, test and seed are for one file alone (coco:${join(folder, train)})`,
    );
  }
  const [trainSet, devSet] = [await open(train), await open(val)];
  return {
    name,
    format: 'coco',
    splits: { train: trainSet.images, dev: devSet.images, test: [] },
    order: [...trainSet.order, ...devSet.order],
    notes: [...trainSet.notes, ...devSet.notes],
  };
}

/** Whether a folder holds COCO captions. */
export async function holdsCoco(folder: string): Promise<boolean> {
  return (await captionFiles(folder)).files.length > 0;
}

async function captionFiles(path: string): Promise<{ folder: string; files: string[] }> {
  const names = await namesIn(path);
  const inside = join(path, 'annotations');
  const folder = names.has('annotations') && (await isFolder(inside)) ? inside : path;
  const files = [...(await namesIn(folder))].filter((name) => FILE.test(name)).sort();
  return { folder, files };
}

async function findFiles(path: string, year: string | undefined) {
  const { folder, files } = await captionFiles(path);
  const chosen = files.filter((file) => year === undefined || FILE.exec(file)?.[2] === year);
  if (chosen.length === 0) {
    const which = year === undefined ? '' : ` of ${year}`;
    throw new FileError(folder, `has no captions_train*.json or captions_val*.json${which}`);
  }
  const years = new Set(chosen.map((file) => FILE.exec(file)?.[2]));
  if (years.size > 1) {
    throw new UsageError(`${folder} has captions of ${[...years].join(' and ')}: add ,year=`);
  }
  return { folder, files: chosen };
}

interface CocoSet {
  readonly images: readonly CaptionedImage[];
  /** All photos that the file lists, in its order. */
  readonly order: readonly string[];
  readonly notes: readonly string[];
}

async function readCoco(
  path: string,
  root: string,
  folders: readonly string[],
  { images: chosen }: CocoOptions,
): Promise<CocoSet> {
  const { images, annotations } = await readJson(path, cocoSchema);
  if (annotations.length === 0) throw new FormatError(path, 'holds no captions');
  if (annotations.every(({ caption }) => caption === undefined)) {
    const boxes = annotations.some(({ bbox }) => bbox !== undefined) ? ', but boxes' : '';
    throw new FormatError(
      path,
      `annotations.0: the caption is missing, and no other has one${boxes}: captions are in files like captions_train2017.json`,
    );
  }
  const captions = new Map<string, string[]>();
  const order = images.map(({ file_name }) => plainName(file_name));
  for (const [index, image] of images.entries()) {
    if (captions.has(`${image.id}`)) {
      throw new FormatError(path, `images.${index}: the id ${image.id} stands there twice`);
    }
    captions.set(`${image.id}`, []);
  }
  if (new Set(order).size < order.length) {
    const twice = order.find((name, index) => order.indexOf(name) < index);
    throw new FormatError(path, `images: two have the file_name ${twice}`);
  }
  const leftOut = new LeftOut(path);
  for (const [index, { image_id, caption }] of annotations.entries()) {
    const list = captions.get(`${image_id}`);
    if (!list) throw new FormatError(path, `annotations.${index}: there is no image ${image_id}`);
    const fault = faultOfText(caption, 'caption');
    if (fault !== undefined) leftOut.add(`annotations.${index}`, fault);
    else if (typeof caption === 'string') list.push(caption.trim());
  }
  const faulty = leftOut.notes([...captions.values()].flat().length);
  const located = await locateFiles(order, { kind: PHOTOS, source: path, root, folders, chosen });
  refuseTwoNames(PHOTOS, order, located.paths, path);
  const all = images.map((image, index) => ({
    id: order[index] ?? '',
    resultId: `${image.id}`,
    image: { path: located.paths[index] ?? '' },
    captions: captions.get(`${image.id}`) ?? [],
  }));
  const captioned = all.filter((image) => image.captions.length > 0);
  const without = all.filter((image) => image.captions.length === 0).map(({ id }) => id);
  const notes = [...faulty, ...located.notes, ...withoutCaptions(without)];
  return { images: captioned, order, notes: notes.map((note) => `${basename(path)}: ${note}`) };
}

function divided(
  { images, order, notes }: CocoSet,
  name: string,
  shares: ShareOptions,
): CaptionDataset {
  return { name, format: 'coco', splits: splitAtRandom(images, shares), order, notes };
}
