import type { Tensor } from '../../tensor/tensor.js';
import type { ImageInputs } from './evaluate.js';

/** What a captioner is shown of a batch, as `Captioner.loss` takes it. */
export interface SharedInputs {
  /** (M, ...). */
  readonly inputs: Tensor;
  /** Which images these are, M numbers. */
  readonly images: Int32Array;
  /** For each caption which of the M images it is about; undefined for the n-th. */
  readonly image: Int32Array | undefined;
}

/** Sharing costs a gather of the first states: below a quarter of the rows it is not worth that. */
const worthwhile = 0.75;

/**
 * The inputs of a batch's images: each image once where several captions are about it and that
 * saves at least a quarter of the rows, so that it is looked at, or its grid projected, only once.
 * @param options.always whatever it saves: where an image is much dearer than a caption.
 */
export function sharedInputs(
  inputs: ImageInputs,
  images: Int32Array,
  { always = false } = {},
): SharedInputs {
  const places = new Map<number, number>();
  for (const image of images) if (!places.has(image)) places.set(image, places.size);
  if (places.size > (always ? images.length - 1 : worthwhile * images.length)) {
    return { inputs: inputs.batch(images), images, image: undefined };
  }
  const once = Int32Array.from(places.keys());
  return {
    inputs: inputs.batch(once),
    images: once,
    image: images.map((image) => places.get(image) ?? 0),
  };
}
