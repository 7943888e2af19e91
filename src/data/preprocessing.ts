import { z } from 'zod';
import { FormatError, ShapeError } from '../errors.js';
import type { Pixels } from './captioned-images.js';

/**
 * How a picture becomes numbers for a network. A model file carries it, so that a photo is
 * treated in the same way when features are extracted, a model is trained, and a caption is asked
 * for.
 */
export interface Preprocessing {
  /** Pixels across and down that the network expects. */
  readonly width: number;
  readonly height: number;
  /**
   * `squash`: the whole picture, its proportions not kept. `centre-crop`: scaled until it covers
   * the size, proportions kept, what juts out cut off evenly.
   */
  readonly resize: 'squash' | 'centre-crop';
  /** value = (byte * scale - mean[c]) / standardDeviation[c], c = red, green, blue. */
  readonly scale: number;
  readonly mean: readonly [number, number, number];
  readonly standardDeviation: readonly [number, number, number];
}

export type PreprocessingName = 'imagenet' | 'mobilenet';

/** Recipes by name; `{ ...PREPROCESSING.imagenet, width: 32, height: 32 }` adapts one. */
export const PREPROCESSING: Readonly<Record<PreprocessingName, Preprocessing>> = {
  /** torchvision's: bytes / 255, then ImageNet's mean and standard deviation. */
  imagenet: {
    width: 224,
    height: 224,
    resize: 'squash',
    scale: 1 / 255,
    mean: [0.485, 0.456, 0.406],
    standardDeviation: [0.229, 0.224, 0.225],
  },
  /** Keras's for MobileNet: bytes / 127.5 - 1, so from -1 to 1. */
  mobilenet: {
    width: 224,
    height: 224,
    resize: 'squash',
    scale: 1 / 127.5,
    mean: [1, 1, 1],
    standardDeviation: [1, 1, 1],
  },
};

const side = z.int().min(1).max(16384);
const three = z.tuple([z.number(), z.number(), z.number()]);
const positive = z.number().positive();
const schema = z.object({
  width: side,
  height: side,
  resize: z.enum(['squash', 'centre-crop']),
  scale: positive,
  mean: three,
  standardDeviation: z.tuple([positive, positive, positive]),
});

/**
 * The preprocessing that a model file describes.
 *
 * @param source the name of the file in errors.
 * @throws FormatError naming the first field that is missing or impossible.
 */
export function parsePreprocessing(json: unknown, source: string): Preprocessing {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue && issue.path.length > 0 ? issue.path.join('.') : 'the whole';
  throw new FormatError(source, `preprocessing, ${field}: ${issue?.message ?? 'invalid'}`);
}

/**
 * Writes one picture as a network reads it: (3, height, width), the red plane first.
 *
 *     out[offset + (c * height + y) * width + x] = (byte * scale - mean[c]) / standardDeviation[c]
 *
 * @throws ShapeError when the picture does not have the expected size or `out` has too little room.
 */
export function preprocess(
  pixels: Pixels,
  preprocessing: Preprocessing,
  out: Float32Array,
  offset = 0,
): void {
  const { width, height, scale, mean, standardDeviation } = preprocessing;
  if (pixels.width !== width || pixels.height !== height) {
    throw new ShapeError(
      `The picture is ${pixels.width}x${pixels.height} pixels, the network expects ${width}x${height}: load it with loadPixels.`,
    );
  }
  const area = width * height;
  if (pixels.data.length !== area * 3) {
    throw new ShapeError(
      `A picture of ${width}x${height} pixels needs ${area * 3} bytes, not ${pixels.data.length}.`,
    );
  }
  if (!Number.isInteger(offset) || offset < 0 || offset + area * 3 > out.length) {
    throw new ShapeError(
      `A picture of 3x${height}x${width} values does not fit at ${offset} in ${out.length} values.`,
    );
  }
  const { data } = pixels;
  for (let c = 0; c < 3; c++) {
    const values = Float32Array.from(
      { length: 256 },
      (_, byte) => (byte * scale - (mean[c] ?? 0)) / (standardDeviation[c] ?? 1),
    );
    const plane = offset + c * area;
    for (let i = 0; i < area; i++) out[plane + i] = values[data[i * 3 + c] ?? 0] ?? 0;
  }
}
