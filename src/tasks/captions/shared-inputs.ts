/** The inputs of a batch of captions: each image or clip once, where several captions are about it. */
import { batchOf, type Source } from '../../data/source.js';
import type { Tensor } from '../../tensor/tensor.js';

/** The inputs of a batch, as `CaptionModel.loss` takes them. */
export interface SharedInputs<I = Tensor> {
  /** Of M images or clips. */
  readonly inputs: I;
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
export async function sharedInputs<I>(
  inputs: Source<I>,
  images: Int32Array,
  { epoch, always = false }: { readonly epoch?: number; readonly always?: boolean } = {},
): Promise<SharedInputs<I>> {
  const places = new Map<number, number>();
  for (const image of images) if (!places.has(image)) places.set(image, places.size);
  if (places.size > (always ? images.length - 1 : mostImages * images.length)) {
    return { inputs: await batchOf(inputs, images, epoch), images, image: undefined };
  }
  const once = Int32Array.from(places.keys());
  return {
    inputs: await batchOf(inputs, once, epoch),
    images: once,
    image: images.map((image) => places.get(image) ?? 0),
  };
}
