import { ShapeError } from '../errors.js';

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
  /** What to call it to people. */
  readonly name: string;
  /** The word before the colon in `openLabelledDataset`'s argument. */
  readonly format: string;
  /** The names of the classes; a label is a place in this list. */
  readonly classes: readonly string[];
  readonly splits: { readonly [K in LabelledSplit]: LabelledPictures };
  /** What people should know of what was read, a sentence each. */
  readonly notes?: readonly string[];
}

export const LABELLED_SPLITS = ['train', 'dev', 'test'] as const;
export type LabelledSplit = (typeof LABELLED_SPLITS)[number];

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
