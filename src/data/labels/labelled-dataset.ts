/** Opens any set of labelled pictures: by the name of its format, or by what lies in its folder. */
import { extname } from 'node:path';
import { z } from 'zod';
import { FileError, UsageError } from '../../errors.js';
import {
  countSetting,
  readSettings,
  splitSettings,
  splitSpecification,
  withoutSettings,
} from '../dataset-settings.js';
import { isFolder, namesIn } from '../formats/folders.js';
import { openCifar10 } from './cifar10.js';
import { holdsClassFolders, openClassFolders } from './class-folders.js';
import type { LabelledDataset } from './labelled-pictures.js';
import { holdsMnist, openMnist } from './mnist.js';
import { openPictureArrays } from './picture-arrays.js';

/** Options beside the name of a set. */
export interface LabelledOptions {
  /** Stop at a photo that cannot be read (default), or leave it out; only for folders of photos. */
  readonly onBadPhoto?: 'stop' | 'skip' | undefined;
}

interface Format {
  readonly usage: string;
  readonly explanation: string;
  readonly open: (rest: string, options: LabelledOptions) => Promise<LabelledDataset>;
}

const size = countSetting
  .refine((pixels) => pixels >= 1 && pixels <= 4096, 'must be from 1 to 4096')
  .optional();

const FORMATS: Readonly<Record<string, Format>> = {
  idx: {
    usage: 'idx:<folder>[,dev=0.1][,seed=0]',
    explanation: 'MNIST and its kin: train-images-idx3-ubyte and the others, gzipped or not',
    open: withSettings(z.strictObject(splitSettings), openMnist),
  },
  npz: {
    usage: 'npz:<file>[,dev=0.1][,test=0][,seed=0]',
    explanation: 'numpy arrays X_train, y_train, X_valid, …; train_images, …; images and labels',
    open: withSettings(z.strictObject(splitSettings), openPictureArrays),
  },
  cifar10: {
    usage: 'cifar10:<folder>[,dev=0.1][,seed=0]',
    explanation: 'CIFAR-10, binary version: data_batch_1.bin, …, test_batch.bin',
    open: withSettings(z.strictObject(splitSettings), openCifar10),
  },
  folder: {
    usage: 'folder:<folder>[,size=64][,grey=yes][,dev=0.1][,test=0][,seed=0]',
    explanation: 'a folder of photos for each class; or such folders in train, val, test',
    open: withSettings(
      z.strictObject({ size, grey: z.stringbool().optional(), ...splitSettings }),
      openClassFolders,
      true,
    ),
  },
};

/** What `openLabelledDataset` accepts, a line each, for error messages and help texts. */
export const LABELLED_FORMATS: readonly string[] = Object.values(FORMATS).map(
  ({ usage, explanation }) => `${usage}  (${explanation})`,
);

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
  const { name, rest } = splitSpecification(specification);
  const format = name !== undefined && Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
  if (format) return format.open(rest, options);
  const recognised = await recognise(withoutSettings(specification)).catch((error: unknown) => {
    if (error instanceof FileError) throw unknown(error.message);
    throw error;
  });
  const found = recognised === undefined ? undefined : FORMATS[recognised];
  if (!found) throw unknown(`${JSON.stringify(specification)} is of no known format.`);
  return found.open(specification, options);
}

async function recognise(path: string): Promise<keyof typeof FORMATS | undefined> {
  if (!(await isFolder(path))) return extname(path).toLowerCase() === '.npz' ? 'npz' : undefined;
  if (await holdsMnist(path)) return 'idx';
  if ((await namesIn(path)).has('data_batch_1.bin')) return 'cifar10';
  return (await holdsClassFolders(path)) ? 'folder' : undefined;
}

function withSettings<T>(
  schema: z.ZodType<T>,
  open: (path: string, settings: T & LabelledOptions) => Promise<LabelledDataset>,
  takesPhotos = false,
): Format['open'] {
  return async (rest, { onBadPhoto }) => {
    const { path, settings } = readSettings(rest, schema, unknown);
    if (onBadPhoto === 'skip' && !takesPhotos) {
      throw new UsageError(
        `${path} holds no photo files, of which some could be left out (--skip-bad): leave that out`,
      );
    }
    return open(path, { ...settings, onBadPhoto });
  };
}

function unknown(reason: string): UsageError {
  return new UsageError(
    `${reason}\nA set of labelled pictures is one of:\n  ${LABELLED_FORMATS.join('\n  ')}`,
  );
}
