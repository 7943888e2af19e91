import type { EncodedCaption } from '../../data/captions/batches.js';
import type { CaptionedImage } from '../../data/captions/captioned-images.js';
import { type Augmentation, augment } from '../../data/pictures/augmentation.js';
import type { Pixels } from '../../data/pictures/pixels.js';
import { type Preprocessing, preprocess } from '../../data/pictures/preprocessing.js';
import { isUnspaced, tokenize } from '../../data/text/tokenize.js';
import { Vocabulary } from '../../data/text/vocabulary.js';
import { ShapeError, ValueError } from '../../errors.js';
import { randomAt } from '../../random.js';
import { elementCount, showShape } from '../../tensor/shape.js';
import { empty } from '../../tensor/tensor.js';
import type { ImageInputs } from './evaluate.js';

/** The words that a captioner learns: those of the training captions. */
export function vocabularyOf(images: readonly CaptionedImage[], minimumCount: number): Vocabulary {
  const captions = images.flatMap(({ captions, words }) => words ?? captions.map(tokenize));
  const unspaced = images.some(({ captions, words }) => !words && captions.some(isUnspaced));
  return Vocabulary.build(captions, { minimumCount, unspaced });
}

/**
 * All captions of all images as word indices; longer ones are cut to `maxWords` words.
 * @throws ValueError when there is none.
 */
export function encodeCaptions(
  images: readonly CaptionedImage[],
  vocabulary: Vocabulary,
  maxWords: number,
): EncodedCaption[] {
  const wordsOf = (caption: string) => vocabulary.tokenize(caption);
  const encoded = images.flatMap(({ captions, words = captions.map(wordsOf) }, imageIndex) =>
    words.map((tokens) => ({ imageIndex, words: vocabulary.encode(tokens.slice(0, maxWords)) })),
  );
  if (encoded.length === 0)
    throw new ValueError('there are no captions to learn from or measure on');
  return encoded;
}

/** A digest of captions and their order (FNV-1a, 32 bits): a resumed run must meet the same. */
export function fingerprint(captions: readonly EncodedCaption[]): string {
  let hash = 0x811c9dc5;
  for (const { imageIndex, words } of captions) {
    for (const value of [imageIndex, words.length, ...words]) {
      hash = Math.imul(hash ^ value, 0x01000193);
    }
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}

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
type ReadImage = (image: number, out: Float32Array, offset: number) => void;

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
    batch(images) {
      if (rows.length !== images.length * each) rows = new Float32Array(images.length * each);
      for (let n = 0; n < images.length; n++) read(images[n] ?? 0, rows, n * each);
      return empty('f32', [images.length, ...shape]).assign(rows);
    },
  };
}

/** Pictures as inputs of a captioner that sees by itself: each (3, height, width). */
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
 * @param augmentation changes them a little anew in every epoch of training. What a picture looks like
 *   is a pure function of (seed, epoch, picture).
 */
export function byteInputs(
  pictures: readonly Pixels[],
  preprocessing: Preprocessing,
  augmentation?: Augmentation & { readonly seed: number },
): ImageInputs {
  const shape = [3, preprocessing.height, preprocessing.width];
  const seenAs = (change: (picture: Pixels, image: number) => Pixels) =>
    gathered(pictures.length, shape, (image, out, offset) => {
      const picture = pictures[image];
      if (!picture) throw new ValueError(`there is no picture ${image}, only ${pictures.length}`);
      preprocess(change(picture, image), preprocessing, out, offset);
    });
  const unchanged = seenAs((picture) => picture);
  if (!augmentation) return unchanged;
  const { seed, ...options } = augmentation;
  return {
    ...unchanged,
    inEpoch: (epoch) =>
      seenAs((picture, image) =>
        augment(picture, options, randomAt(seed, 'augmentation', epoch, image)),
      ),
  };
}
