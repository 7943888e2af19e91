/** Images as numbers, batch by batch: features or pixels, and each image once for several captions. */

import { type Augmentation, augment } from '../../data/pictures/augmentation.js';
import type { Pixels } from '../../data/pictures/pixels.js';
import { type Preprocessing, preprocess } from '../../data/pictures/preprocessing.js';
import type { Source } from '../../data/source.js';
import { ShapeError, ValueError } from '../../errors.js';
import { randomAt } from '../../random.js';
import { elementCount, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';

/** A captioner's inputs: features (N, D), or pixels (N, C, H, W) for one with a cnn of its own. */
export type ImageInputs = Source<Tensor>;

/** Inputs from values in memory: image i has `values` i S to (i + 1) S, S the size of `shape`. */
export function inputsFrom(values: Float32Array, shape: readonly number[]): ImageInputs {
  const each = elementCount(shape);
  if (values.length % each !== 0) {
    throw new ShapeError(`${values.length} values are no whole number of ${showShape(shape)}`);
  }
  return gathered(values.length / each, shape, (image, out, offset) =>
    out.set(values.subarray(image * each, (image + 1) * each), offset),
  );
}

/** Inputs that are kept in memory may take so many bytes; more are read when a batch needs them. */
export const MOST_IN_MEMORY = 4 * 2 ** 30;

/** Writes the values of image number `image` to `out` from `offset` on. */
type ReadImage = (image: number, out: Float32Array, offset: number, epoch?: number) => void;

/**
 * Inputs of `size` images from a reader. All are read now where they fit into `memory` bytes, and
 * otherwise some at a time, again for each batch.
 */
export function inputsThrough(
  size: number,
  shape: readonly number[],
  read: ReadImage,
  memory = MOST_IN_MEMORY,
): ImageInputs {
  const each = elementCount(shape);
  if (4 * size * each > memory) return gathered(size, shape, read);
  const values = new Float32Array(size * each);
  for (let image = 0; image < size; image++) read(image, values, image * each);
  return inputsFrom(values, shape);
}

function gathered(size: number, shape: readonly number[], read: ReadImage): ImageInputs {
  const each = elementCount(shape);
  // Kept from batch to batch: fresh memory of many megabytes costs more than filling it.
  let rows = new Float32Array(0);
  return {
    size,
    batch(images, epoch) {
      if (rows.length !== images.length * each) rows = new Float32Array(images.length * each);
      for (let n = 0; n < images.length; n++) read(images[n] ?? 0, rows, n * each, epoch);
      return empty('f32', [images.length, ...shape]).assign(rows);
    },
  };
}

/** Pictures as inputs of a captioner with a cnn of its own: each (3, height, width). */
export function pictureInputs(
  pictures: readonly Pixels[],
  preprocessing: Preprocessing,
): ImageInputs {
  const { width, height } = preprocessing;
  const each = 3 * width * height;
  const values = new Float32Array(pictures.length * each);
  for (const [index, pixels] of pictures.entries()) {
    preprocess(pixels, preprocessing, values, index * each);
  }
  return inputsFrom(values, [3, height, width]);
}

/**
 * The same from the bytes of the pictures, which stay in memory: less than a third of their numbers.
 * @param augmentation changes them a little in every epoch of training. Each change is a pure
 *   function of (seed, epoch, picture).
 */
export function byteInputs(
  pictures: readonly Pixels[],
  preprocessing: Preprocessing,
  augmentation?: Augmentation & { readonly seed: number },
): ImageInputs {
  const shape = [3, preprocessing.height, preprocessing.width];
  return gathered(pictures.length, shape, (image, out, offset, epoch) => {
    const picture = pictures[image];
    if (!picture) throw new ValueError(`there is no picture ${image}, only ${pictures.length}`);
    const shown =
      augmentation && epoch !== undefined
        ? augment(picture, augmentation, randomAt(augmentation.seed, 'augmentation', epoch, image))
        : picture;
    preprocess(shown, preprocessing, out, offset);
  });
}

/** The inputs of a batch, as `Captioner.loss` takes them. */
export interface SharedInputs {
  /** (M, ...). */
  readonly inputs: Tensor;
  /** Which images these are, M numbers. */
  readonly images: Int32Array;
  /** For each caption which of the M images it is about; undefined for the n-th. */
  readonly image: Int32Array | undefined;
}

/** Sharing costs a gather of the first states, so it must save at least a quarter of the rows. */
const mostImages = 0.75;

/**
 * The inputs of a batch's images: each image once where several captions are about it and that
 * saves at least a quarter of the rows, so that it is encoded, or its grid projected, only once.
 * @param options.epoch of training, see `Source`.
 * @param options.always whatever it saves: where an image costs much more than a caption.
 */
export function sharedInputs(
  inputs: ImageInputs,
  images: Int32Array,
  { epoch, always = false }: { readonly epoch?: number; readonly always?: boolean } = {},
): SharedInputs {
  const places = new Map<number, number>();
  for (const image of images) if (!places.has(image)) places.set(image, places.size);
  if (places.size > (always ? images.length - 1 : mostImages * images.length)) {
    return { inputs: inputs.batch(images, epoch), images, image: undefined };
  }
  const once = Int32Array.from(places.keys());
  return {
    inputs: inputs.batch(once, epoch),
    images: once,
    image: images.map((image) => places.get(image) ?? 0),
  };
}
