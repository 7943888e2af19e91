/** Labelled pictures in memory: what a set is, its fingerprint, and how it is divided into splits. */
import { FormatError, ShapeError, UsageError } from '../../errors.js';
import { Random } from '../../random.js';
import type { SplitName } from '../splits.js';

/** Pictures of one size, each with the number of its class, in memory. */
export interface LabelledPictures {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** (N, C, H, W): bytes, of which 255 is white, or numbers from 0 to 1. */
  readonly values: Uint8Array | Float32Array;
  /** (N): from 0 on. */
  readonly labels: Int32Array;
}

/** A set of labelled pictures, divided into what is trained on, tuned on and judged on. */
export interface LabelledDataset {
  /** Its name in reports. */
  readonly name: string;
  /** The word before the colon in `openLabelledDataset`'s argument. */
  readonly format: string;
  /** The names of the classes; a label is a place in this list. */
  readonly classes: readonly string[];
  readonly splits: { readonly [K in SplitName]: LabelledPictures };
  /** What the user should know about the files that were read, a sentence each. */
  readonly notes?: readonly string[];
}

/** How a picture is laid out: (C, H, W). */
export type PictureShape = readonly [channels: number, height: number, width: number];

/** (C, H, W) of each of the pictures. */
export function shapeOf({ channels, height, width }: LabelledPictures): PictureShape {
  return [channels, height, width];
}

/** Writes a picture as numbers from 0 to 1: planes (C, H, W) from `offset` on. */
export function pictureInto(
  pictures: LabelledPictures,
  index: number,
  out: Float32Array,
  offset = 0,
): void {
  const { values } = pictures;
  const size = sizeOf(pictures);
  const one = values.subarray(index * size, (index + 1) * size);
  if (index < 0 || one.length !== size) {
    throw new ShapeError(`there is no picture ${index}, only ${pictures.labels.length}`);
  }
  if (one instanceof Float32Array) out.set(one, offset);
  else for (let i = 0; i < size; i++) out[offset + i] = (one[i] ?? 0) / 255;
}

/** Some of the pictures, copied. */
export function pickPictures(
  pictures: LabelledPictures,
  indices: ArrayLike<number>,
): LabelledPictures {
  const size = sizeOf(pictures);
  const length = indices.length * size;
  const values =
    pictures.values instanceof Float32Array ? new Float32Array(length) : new Uint8Array(length);
  const labels = new Int32Array(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] ?? 0;
    values.set(pictures.values.subarray(index * size, (index + 1) * size), i * size);
    labels[i] = pictures.labels[index] ?? 0;
  }
  return { ...pictures, values, labels };
}

/** A number that changes when a picture or a label does: FNV-1a over the bytes, in hexadecimal. */
export function labelledFingerprint({ values, labels }: LabelledPictures): string {
  let hash = 0x811c9dc5;
  for (const { buffer, byteOffset, byteLength } of [values, labels]) {
    for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) {
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}

function sizeOf({ channels, height, width }: LabelledPictures): number {
  return channels * height * width;
}

/** How parts that a set lacks are taken from train: shares from 0 to 1, by a seed. */
export interface LabelledShares {
  /** Held out from train to tune on, where the set has no such part (default a tenth). */
  readonly dev?: number | undefined;
  /** Held out to judge on, where the set has no such part (default none). */
  readonly test?: number | undefined;
  readonly seed?: number | undefined;
}

/** The parts that a set comes with. */
export type Parts = { readonly train: LabelledPictures } & {
  readonly [K in Exclude<SplitName, 'train'>]?: LabelledPictures | undefined;
};

/**
 * The three splits of a set that comes with one, two or three: what is missing is drawn from train
 * without replacement, the same for the same seed.
 * @throws UsageError for shares that leave nothing for train; FormatError when parts differ in size.
 */
export function divideLabelled(
  { train, dev, test }: Parts,
  { dev: devShare = 0.1, test: testShare = 0, seed = 0 }: LabelledShares,
  source: string,
): LabelledDataset['splits'] {
  for (const [name, part] of Object.entries({ dev, test })) {
    if (!part || `${shapeOf(part)}` === `${shapeOf(train)}`) continue;
    throw new FormatError(
      source,
      `its ${name} pictures are (${shapeOf(part).join(', ')}), those of train (${shapeOf(train).join(', ')})`,
    );
  }
  const count = train.labels.length;
  const held = (part: LabelledPictures | undefined, share: number) =>
    part || share === 0 ? 0 : Math.max(1, Math.round(count * share));
  const [forDev, forTest] = [held(dev, devShare), held(test, testShare)];
  if (!(forDev + forTest < count)) {
    throw new UsageError(
      `${source}: dev=${devShare} and test=${testShare} leave none of ${count} pictures for train`,
    );
  }
  if (forDev + forTest === 0) return { train, dev: dev ?? none(train), test: test ?? none(train) };
  const order = new Random(seed).shuffle(Int32Array.from({ length: count }, (_, i) => i));
  const drawn = (begin: number, end: number) =>
    pickPictures(train, order.subarray(begin, end).sort());
  return {
    train: drawn(forDev + forTest, count),
    dev: dev ?? drawn(0, forDev),
    test: test ?? drawn(forDev, forDev + forTest),
  };
}

function none(like: LabelledPictures): LabelledPictures {
  return pickPictures(like, []);
}

/** As many classes as the highest label says, named by their numbers. */
export function numberedClasses(parts: readonly (LabelledPictures | undefined)[]): string[] {
  let highest = 0;
  for (const part of parts)
    for (const label of part?.labels ?? []) highest = Math.max(highest, label);
  return Array.from({ length: highest + 1 }, (_, label) => `${label}`);
}
