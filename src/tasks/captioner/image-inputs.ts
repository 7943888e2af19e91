/** Images as numbers, batch by batch: features or pixels, and each image once for several captions. */

import { type Augmentation, augment } from '../../data/pictures/augmentation.js';
import type { Pixels } from '../../data/pictures/pixels.js';
import { type Preprocessing, preprocess } from '../../data/pictures/preprocessing.js';
import type { Source } from '../../data/source.js';
import { scope } from '../../engine/engine.js';
import { ShapeError, ValueError } from '../../errors.js';
import { Captioner } from '../../models/captioner.js';
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

/**
 * A captioner as its model file will hold it, with features of its encoder as that is now: each image
 * goes through the tail once, however many captions are measured. Without a tail, both as they are.
 */
export function encodedOnce(
  captioner: Captioner,
  inputs: ImageInputs,
  { memory = MOST_IN_MEMORY } = {},
): { readonly captioner: Captioner; readonly inputs: ImageInputs } {
  const { tail, config, parameters } = captioner;
  if (!tail) return { captioner, inputs };
  const { attention, featureSize } = config;
  const [H = 1, W = 1] = attention?.locations ?? [];
  const shape = attention ? [H * W, featureSize] : [featureSize];
  const each = elementCount(shape);
  const features = inputsThrough(
    inputs.size,
    shape,
    (image, out, offset) => {
      using _image = scope();
      const encoded = captioner.features(inputs.batch([image])).dataSync();
      for (let i = 0; i < each; i++) out[offset + i] = encoded[i] ?? Number.NaN;
    },
    memory,
  );
  return { captioner: new Captioner(config, { parameters }), inputs: features };
}
