/** Reads labelled pictures from the arrays of a `.npz` file. */
import { basename } from 'node:path';
import { FormatError } from '../../errors.js';
import { NpzFile } from '../formats/npz.js';
import type { SplitName } from '../splits.js';
import type { LabelledDataset, LabelledPictures } from './labelled-pictures.js';
import { divideLabelled, type LabelledShares, numberedClasses } from './labelled-pictures.js';

/** Usual names of the two arrays of each split, in lower case. */
const NAMES: Readonly<Record<SplitName, readonly (readonly [string, string])[]>> = {
  train: [
    ['x_train', 'y_train'],
    ['train_images', 'train_labels'],
    ['images', 'labels'],
    ['x', 'y'],
  ],
  dev: [
    ['x_valid', 'y_valid'],
    ['x_val', 'y_val'],
    ['x_dev', 'y_dev'],
    ['val_images', 'val_labels'],
  ],
  test: [
    ['x_test', 'y_test'],
    ['test_images', 'test_labels'],
  ],
};

/** More classes than any set has. */
const MOST_CLASSES = 100_000;

interface NumberArray {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

/**
 * Pictures and labels as numpy saves them, in one `.npz` file: `X_train` and `y_train`, `_valid` and
 * `_test` as far as they are there, `train_images` and `train_labels` (MedMNIST), or `images` and
 * `labels`. Pictures are (N, H, W), (N, H, W, C), (N, C, H, W) or rows of square grey pictures, in
 * bytes or in floats from 0 to 1; labels are (N) or (N, 1) whole numbers from 0 on.
 *
 * @throws FileError; FormatError naming file and array.
 */
export async function openPictureArrays(
  path: string,
  shares: LabelledShares = {},
): Promise<LabelledDataset> {
  const file = await NpzFile.open(path);
  try {
    const [train, dev, test] = [
      await readSplit(file, 'train'),
      await readSplit(file, 'dev'),
      await readSplit(file, 'test'),
    ];
    if (!train) {
      throw new FormatError(
        path,
        `has no arrays X_train and y_train or images and labels, only ${file.names().join(', ')}`,
      );
    }
    return {
      name: basename(path),
      format: 'npz',
      classes: numberedClasses([train, dev, test]),
      splits: divideLabelled({ train, dev, test }, shares, path),
    };
  } finally {
    file.close();
  }
}

async function readSplit(file: NpzFile, split: SplitName): Promise<LabelledPictures | undefined> {
  const called = new Map(file.names().map((name) => [name.toLowerCase(), name]));
  for (const [pictures, labels] of NAMES[split]) {
    const [x, y] = [called.get(pictures), called.get(labels)];
    if (x !== undefined && y !== undefined) {
      return labelledFromArrays(await readNumbers(file, x), await readNumbers(file, y), [
        `${file.path}, ${x}`,
        `${file.path}, ${y}`,
      ]);
    }
  }
  return undefined;
}

async function readNumbers(file: NpzFile, name: string): Promise<NumberArray> {
  const array = await file.array(name);
  return { shape: array.shape, values: array.values() };
}

/** @throws FormatError where the two are no pictures and their labels. */
export function labelledFromArrays(
  pictures: NumberArray,
  labels: NumberArray,
  [pictureSource, labelSource]: readonly [string, string],
): LabelledPictures {
  const [count = 0] = pictures.shape;
  const [N, one = 1] = labels.shape;
  if (N !== count || one !== 1 || labels.shape.length > 2) {
    throw new FormatError(
      labelSource,
      `(${labels.shape.join(', ')}) are no labels (N) or (N, 1) of the ${count} pictures`,
    );
  }
  const numbersOfClasses = Float64Array.from(labels.values);
  const bad = numbersOfClasses.findIndex(
    (label) => !(Number.isInteger(label) && label >= 0 && label < MOST_CLASSES),
  );
  if (bad >= 0) {
    throw new FormatError(
      labelSource,
      `label ${bad} is ${numbersOfClasses[bad]}, no number of a class`,
    );
  }
  const laid = layoutOf(pictures.shape, pictureSource);
  return {
    channels: laid.channels,
    height: laid.height,
    width: laid.width,
    values: planes(numbers(pictures.values, pictureSource), laid),
    labels: Int32Array.from(numbersOfClasses),
  };
}

interface Layout {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly channelsLast: boolean;
}

function layoutOf(shape: readonly number[], source: string): Layout {
  const [, a = 0, b = 0, c = 0] = shape;
  const side = Math.sqrt(a);
  const few = (channels: number) => channels === 1 || channels === 3;
  const grey = { channels: 1, channelsLast: false };
  if (a * (b || 1) * (c || 1) > 0) {
    if (shape.length === 2 && Number.isInteger(side)) return { ...grey, height: side, width: side };
    if (shape.length === 3) return { ...grey, height: a, width: b };
    if (shape.length === 4 && few(c))
      return { channels: c, height: a, width: b, channelsLast: true };
    if (shape.length === 4 && few(a))
      return { channels: a, height: b, width: c, channelsLast: false };
  }
  throw new FormatError(
    source,
    `(${shape.join(', ')}) are no pictures: (N, H, W), (N, H, W, C), (N, C, H, W) with 1 or 3 channels, or (N, S S)`,
  );
}

/** Bytes as they are, floats from 0 to 1 in f32. */
function numbers(values: ArrayLike<number>, source: string): Uint8Array | Float32Array {
  if (values instanceof Uint8Array) return values;
  if (!(values instanceof Float32Array || values instanceof Float64Array)) {
    throw new FormatError(
      source,
      'pictures are bytes (uint8) or floats from 0 to 1, not other integers',
    );
  }
  const bad = values.findIndex((value) => !(value >= 0 && value <= 1));
  if (bad >= 0) {
    throw new FormatError(
      source,
      `element ${bad} is ${values[bad]}: floats are from 0 to 1; save bytes, or divide by 255`,
    );
  }
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

function planes(
  values: Uint8Array | Float32Array,
  { channels, height, width, channelsLast }: Layout,
): Uint8Array | Float32Array {
  if (!channelsLast || channels === 1) return values;
  const out = values.slice();
  const area = height * width;
  for (let i = 0; i < values.length; i++) {
    const [picture, within] = [Math.floor(i / (area * channels)), i % (area * channels)];
    const [place, channel] = [Math.floor(within / channels), within % channels];
    out[(picture * channels + channel) * area + place] = values[i] ?? 0;
  }
  return out;
}
