/** Preprocessing: how the pixels of a picture become the input of a network. */
import { z } from 'zod';
import { FormatError, ShapeError } from '../../errors.js';
import { firstIssue } from '../formats/schema-errors.js';
import type { Pixels } from './pixels.js';

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
   * the size, proportions kept, what is beyond it cut off evenly on both sides.
   */
  readonly resize: 'squash' | 'centre-crop';
  /** value = (byte * scale - mean[c]) / standardDeviation[c], c = red, green, blue. */
  readonly scale: number;
  readonly mean: readonly [number, number, number];
  readonly standardDeviation: readonly [number, number, number];
  /**
   * Pixels across and down to which the picture is brought before its middle, `width` by `height`, is
   * cut out of it (default: the same, so that nothing more is cut off).
   */
  readonly cutFrom?: readonly [width: number, height: number];
  /** How the pixels of another size are computed (default: `lanczos`). */
  readonly resample?: Resampling;
}

/** The part of a preprocessing that says how large the picture becomes. */
export type PictureSize = Pick<
  Preprocessing,
  'width' | 'height' | 'resize' | 'cutFrom' | 'resample'
>;

export const resamplings = ['nearest', 'bilinear', 'bicubic', 'lanczos'] as const;
export type Resampling = (typeof resamplings)[number];

export const preprocessingNames = ['imagenet', 'mobilenet', 'clip'] as const;
export type PreprocessingName = (typeof preprocessingNames)[number];

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
  /** OpenAI's for CLIP: the middle square, with mean and deviation of its own photos. */
  clip: {
    width: 224,
    height: 224,
    resize: 'centre-crop',
    scale: 1 / 255,
    mean: [0.48145466, 0.4578275, 0.40821073],
    standardDeviation: [0.26862954, 0.26130258, 0.27577711],
    resample: 'bicubic',
  },
};

/**
 * Bytes that a network needs for each pixel of a photo: what goes in and its first maps. So many are
 * SqueezeNet's (96 maps at half the size, as numbers of 4 bytes, and what they are pooled to); those of
 * other networks are of that order.
 */
const BYTES_A_PIXEL = 160;
/** So much memory may the photos of one run of a network need. */
const MOST_BYTES = 2 ** 31;

/** The largest square that a network may ask for, in pixels across. */
export const LARGEST_SIDE = Math.floor(Math.sqrt(MOST_BYTES / BYTES_A_PIXEL));

/**
 * Refuses a size of photos that does not fit into memory.
 * @param photos how many go through the network at once.
 * @throws FormatError naming the size, what it needs and the limit.
 */
export function checkInputSize(
  { width, height }: Pick<Preprocessing, 'width' | 'height'>,
  source: string,
  photos = 1,
): void {
  const bytes = photos * width * height * BYTES_A_PIXEL;
  if (bytes <= MOST_BYTES) return;
  const [needed, most] = [bytes, MOST_BYTES].map((count) => (count / 1e9).toFixed(1));
  const what = photos === 1 ? 'a photo' : `${photos} photos at once`;
  throw new FormatError(
    source,
    `asks for ${what} of ${width}x${height} pixels, which takes a network about ${needed} GB (${BYTES_A_PIXEL} bytes a pixel); the limit is ${most} GB, one photo of ${LARGEST_SIDE}x${LARGEST_SIDE}`,
  );
}

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
  cutFrom: z.tuple([side, side]).exactOptional(),
  resample: z.enum(resamplings).exactOptional(),
});

/**
 * The preprocessing that a model file describes.
 *
 * @param source the name of the file in errors.
 * @throws FormatError naming the first field that is missing or impossible, or a size that no memory
 *   holds.
 */
export function parsePreprocessing(json: unknown, source: string): Preprocessing {
  const result = schema.safeParse(json);
  if (result.success) {
    const { width, height, cutFrom: [across, down] = [width, height] } = result.data;
    checkInputSize({ width: across, height: down }, source);
    if (across >= width && down >= height) return result.data;
    throw new FormatError(
      source,
      `preprocessing: ${width}x${height} pixels cannot be cut out of ${across}x${down}`,
    );
  }
  const isWhole = result.error.issues[0]?.path.length === 0;
  const problem = firstIssue(result.error, json);
  throw new FormatError(source, `preprocessing, ${isWhole ? 'the whole: ' : ''}${problem}`);
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

/** A preprocessing in words: `squashed to 224x224; byte / 127.5 - 1`. */
export function describePreprocessing(preprocessing: Preprocessing): string {
  const { width, height, resize, cutFrom, resample, scale, mean, standardDeviation } =
    preprocessing;
  const size = (cutFrom ?? [width, height]).join('x');
  const cut = cutFrom ? `, the middle ${width}x${height} of it` : '';
  const shape = resize === 'squash' ? `squashed to ${size}` : `the middle as ${size}`;
  const divisor = Number((1 / scale).toPrecision(6));
  const scaled = divisor === 1 ? 'byte' : `byte / ${divisor}`;
  const isMoved = mean.some((value) => value !== 0);
  const moved = isMoved ? `${scaled} - ${ofColours(mean)}` : scaled;
  const isDivided = standardDeviation.some((value) => value !== 1);
  const value = isDivided
    ? `${isMoved ? `(${moved})` : moved} / ${ofColours(standardDeviation)}`
    : moved;
  return `${shape}${cut}${resample ? ` (${resample})` : ''}; ${value}`;
}

/** Three numbers, one if they are the same. */
function ofColours(values: readonly number[]): string {
  const [first] = values;
  return values.every((value) => value === first) ? `${first}` : `(${values.join(', ')})`;
}
