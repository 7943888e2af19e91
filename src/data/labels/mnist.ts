/** Reads MNIST and the sets that are stored in the same files. */
import { join } from 'node:path';
import { FormatError } from '../../errors.js';
import { nameOfSet, namesIn } from '../formats/folders.js';
import { parseIdx } from '../formats/idx.js';
import { readUnpacked } from '../formats/stored-bytes.js';
import type { LabelledDataset, LabelledPictures } from './labelled-pictures.js';
import { divideLabelled, type LabelledShares, numberedClasses } from './labelled-pictures.js';

const PICTURES = {
  train: /^(.*)train-images[-.]idx3-ubyte(\.gz)?$/,
  test: /^(.*)(?:t10k|test)-images[-.]idx3-ubyte(\.gz)?$/,
} as const;

/**
 * MNIST, and sets that are stored in the same way (Fashion-MNIST, KMNIST): a folder with
 * `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same of `t10k`, gzipped or not.
 *
 * @throws FileError; FormatError naming file and byte, or a file that is missing.
 */
export async function openMnist(
  folder: string,
  shares: LabelledShares = {},
): Promise<LabelledDataset> {
  const names = await namesIn(folder);
  const train = await readPart(folder, names, PICTURES.train);
  if (!train) throw new FormatError(folder, 'has no file train-images-idx3-ubyte or …ubyte.gz');
  const test = await readPart(folder, names, PICTURES.test);
  return {
    name: nameOfSet(folder),
    format: 'idx',
    classes: numberedClasses([train, test]),
    splits: divideLabelled({ train, test }, shares, folder),
  };
}

/** Whether a folder holds pictures of this form. */
export async function holdsMnist(folder: string): Promise<boolean> {
  return [...(await namesIn(folder))].some((name) => PICTURES.train.test(name));
}

async function readPart(
  folder: string,
  names: ReadonlySet<string>,
  pattern: RegExp,
): Promise<LabelledPictures | undefined> {
  // With a file both packed and unpacked, the unpacked one.
  const found = [...names].filter((name) => pattern.test(name)).sort((a, b) => a.length - b.length);
  const [pictures] = found;
  if (pictures === undefined) return undefined;
  const wanted = pictures
    .replace('-images', '-labels')
    .replace('idx3', 'idx1')
    .replace(/\.gz$/, '');
  const labels = [wanted, `${wanted}.gz`].find((name) => names.has(name));
  if (labels === undefined)
    throw new FormatError(join(folder, wanted), `is missing beside ${pictures}`);
  return labelledFrom(
    [await readUnpacked(join(folder, pictures)), join(folder, pictures)],
    [await readUnpacked(join(folder, labels)), join(folder, labels)],
  );
}

/** Pictures and labels of two IDX files that belong together. @throws FormatError */
export function labelledFrom(
  [pictureBytes, pictureSource]: readonly [Uint8Array, string],
  [labelBytes, labelSource]: readonly [Uint8Array, string],
): LabelledPictures {
  const pictures = parseIdx(pictureBytes, pictureSource);
  const labels = parseIdx(labelBytes, labelSource);
  const [count = 0, height = 0, width = 0] = pictures.shape;
  if (pictures.shape.length !== 3 || height * width === 0) {
    throw new FormatError(
      pictureSource,
      `(${pictures.shape.join(', ')}) are no pictures (N, H, W)`,
    );
  }
  if (labels.shape.length !== 1 || labels.shape[0] !== count) {
    throw new FormatError(
      labelSource,
      `(${labels.shape.join(', ')}) are no labels of the ${count} pictures in ${pictureSource}`,
    );
  }
  return {
    channels: 1,
    height,
    width,
    values: pictures.values,
    labels: Int32Array.from(labels.values),
  };
}
