/** Reads CIFAR-10 in its binary version. */
import { join } from 'node:path';
import { FormatError } from '../../errors.js';
import { readBytes, readText } from '../formats/files.js';
import { nameOfSet, namesIn } from '../formats/folders.js';
import type { LabelledDataset, LabelledPictures } from './labelled-pictures.js';
import { divideLabelled, type LabelledShares } from './labelled-pictures.js';

const CLASSES: readonly string[] = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
];
const SIDE = 32;
const PICTURE = 3 * SIDE * SIDE;
const RECORD = 1 + PICTURE;

/**
 * Pictures of CIFAR-10's binary version (Krizhevsky 2009), records of 3073 bytes: the label, then the
 * red, green and blue plane of 32 x 32.
 * @throws FormatError naming the byte where a record is cut short or a label is no class.
 */
export function parseCifar10(files: readonly (readonly [Uint8Array, string])[]): LabelledPictures {
  const counts = files.map(([bytes, source]) => {
    if (bytes.length % RECORD === 0) return bytes.length / RECORD;
    const last = bytes.length - (bytes.length % RECORD);
    throw new FormatError(
      source,
      `ends at byte ${bytes.length}, within the record of ${RECORD} bytes at byte ${last}`,
    );
  });
  const count = counts.reduce((sum, one) => sum + one, 0);
  const values = new Uint8Array(count * PICTURE);
  const labels = new Int32Array(count);
  let index = 0;
  for (const [bytes, source] of files) {
    for (let at = 0; at < bytes.length; at += RECORD, index++) {
      const label = bytes[at] ?? 0;
      if (label >= CLASSES.length) {
        throw new FormatError(source, `byte ${at}: the label ${label} is none of 0 to 9`);
      }
      labels[index] = label;
      values.set(bytes.subarray(at + 1, at + RECORD), index * PICTURE);
    }
  }
  return { channels: 3, height: SIDE, width: SIDE, values, labels };
}

/**
 * CIFAR-10's binary version: a folder with `data_batch_1.bin` to `_5.bin` and `test_batch.bin`.
 * `batches.meta.txt` names the classes where it is there.
 * @throws FileError, FormatError
 */
export async function openCifar10(
  folder: string,
  shares: LabelledShares = {},
): Promise<LabelledDataset> {
  const names = await namesIn(folder);
  const read = async (wanted: readonly string[]) =>
    parseCifar10(
      await Promise.all(
        wanted.map(
          async (name) => [await readBytes(join(folder, name)), join(folder, name)] as const,
        ),
      ),
    );
  const batches = [...names].filter((name) => /^data_batch_\d+\.bin$/.test(name)).sort();
  const train = await read(batches);
  if (train.labels.length === 0)
    throw new FormatError(folder, 'has no pictures in data_batch_1.bin');
  const test = names.has('test_batch.bin') ? await read(['test_batch.bin']) : undefined;
  return {
    name: nameOfSet(folder),
    format: 'cifar10',
    classes: names.has('batches.meta.txt')
      ? await classesIn(join(folder, 'batches.meta.txt'))
      : CLASSES,
    splits: divideLabelled({ train, test }, shares, folder),
  };
}

async function classesIn(path: string): Promise<string[]> {
  const classes = (await readText(path)).split(/\r?\n/).filter((line) => line !== '');
  if (classes.length === CLASSES.length) return classes;
  throw new FormatError(path, `names ${classes.length} classes, not ${CLASSES.length}`);
}
