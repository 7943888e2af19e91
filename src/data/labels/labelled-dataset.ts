/** Opens any set of labelled pictures: by the name of its format, or by what lies in its folder. */
import { extname } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import {
  countSetting,
  type SetFormat,
  SetFormats,
  splitSettings,
  withSettings,
} from '../dataset-settings.js';
import { isFolder, namesIn } from '../formats/folders.js';
import { photosBelow } from '../pictures/photo-files.js';
import { openCifar10 } from './cifar10.js';
import {
  classesIn,
  holdsClassFolders,
  openClassFolders,
  openPhotoFolder,
  splitFolders,
} from './class-folders.js';
import type { LabelledDataset } from './labelled-pictures.js';
import { holdsMnist, openMnist } from './mnist.js';
import { openPictureArrays } from './picture-arrays.js';

/** Options beside the name of a set. */
export interface LabelledOptions {
  /** Stop at a photo that cannot be read (default), or leave it out; only for folders of photos. */
  readonly onBadPhoto?: 'stop' | 'skip' | undefined;
}

const size = countSetting
  .refine((pixels) => pixels >= 1 && pixels <= 4096, 'must be from 1 to 4096')
  .optional();

const photoSettings = z.strictObject({ size, grey: z.stringbool().optional(), ...splitSettings });

const FORMATS: Readonly<Record<string, SetFormat<LabelledDataset, LabelledOptions>>> = {
  idx: {
    usage: 'idx:<folder>[,dev=0.1][,seed=0]',
    explanation: 'MNIST and its kin: train-images-idx3-ubyte and the others, gzipped or not',
    open: inArrays(z.strictObject(splitSettings), openMnist),
  },
  npz: {
    usage: 'npz:<file>[,dev=0.1][,test=0][,seed=0]',
    explanation: 'numpy arrays X_train, y_train, X_valid, …; train_images, …; images and labels',
    open: inArrays(z.strictObject(splitSettings), openPictureArrays),
  },
  cifar10: {
    usage: 'cifar10:<folder>[,dev=0.1][,seed=0]',
    explanation: 'CIFAR-10, binary version: data_batch_1.bin, …, test_batch.bin',
    open: inArrays(z.strictObject(splitSettings), openCifar10),
  },
  folder: {
    usage: 'folder:<folder>[,size=64][,grey=yes][,dev=0.1][,test=0][,seed=0]',
    explanation: 'a folder of photos for each class; or such folders in train, val, test',
    open: withSettings(photoSettings, (path, settings, { onBadPhoto }: LabelledOptions) =>
      openClassFolders(path, { ...settings, onBadPhoto }),
    ),
  },
};

/** What learns from pictures alone takes photos of no class, too. */
const WITH_PHOTOS: typeof FORMATS = {
  ...FORMATS,
  photos: {
    usage: 'photos:<folder>[,size=64][,grey=yes][,dev=0.1][,test=0][,seed=0]',
    explanation: 'all photos in a folder, and in those inside it, whatever they show',
    open: withSettings(photoSettings, (path, settings, { onBadPhoto }: LabelledOptions) =>
      openPhotoFolder(path, { ...settings, onBadPhoto }),
    ),
  },
};

const formats = new SetFormats('A set of labelled pictures', FORMATS, recognise);

/** What `openLabelledDataset` accepts, a line each, for error messages and help texts. */
export const LABELLED_FORMATS = formats.lines;

/**
 * Opens a set of labelled pictures: `idx:<folder>`, `npz:<file>,dev=0.2`, or just a file or folder,
 * whose format is then recognised. The pictures are in memory afterwards.
 *
 * @throws UsageError, listing the formats, when `specification` is none of them or not there; FileError and
 *   FormatError as the format's own function.
 */
export async function openLabelledDataset(
  specification: string,
  options: LabelledOptions = {},
): Promise<LabelledDataset> {
  return formats.open(specification, options);
}

const pictureFormats = new SetFormats('A set of pictures', WITH_PHOTOS, async (path) => {
  const known = await recognise(path);
  if (known === undefined ? !(await isFolder(path)) : known !== 'folder') return known;
  const { parts } = await splitFolders(path);
  if ((await classesIn(parts.get('train') ?? path)).size > 1) return known;
  return (await photosBelow(path)).length > 0 ? 'photos' : undefined;
});

/**
 * Opens a set of pictures for a model that needs no classes: labelled ones, as `openLabelledDataset`, or photos
 * in a folder, `photos:<folder>`.
 * @throws as `openLabelledDataset`
 */
export async function openPictureSet(
  specification: string,
  options: LabelledOptions = {},
): Promise<LabelledDataset> {
  return pictureFormats.open(specification, options);
}

async function recognise(path: string): Promise<string | undefined> {
  if (!(await isFolder(path))) return extname(path).toLowerCase() === '.npz' ? 'npz' : undefined;
  if (await holdsMnist(path)) return 'idx';
  if ((await namesIn(path)).has('data_batch_1.bin')) return 'cifar10';
  return (await holdsClassFolders(path)) ? 'folder' : undefined;
}

/** Of a format without photo files, of which some could be left out. */
function inArrays<S>(
  schema: z.ZodType<S>,
  open: (path: string, settings: S) => Promise<LabelledDataset>,
): SetFormat<LabelledDataset, LabelledOptions>['open'] {
  return withSettings(schema, (path, settings, { onBadPhoto }: LabelledOptions) => {
    if (onBadPhoto !== 'skip') return open(path, settings);
    throw new UsageError(
      `${path} holds no photo files, of which some could be left out (--skip-bad): leave that out`,
    );
  });
}
