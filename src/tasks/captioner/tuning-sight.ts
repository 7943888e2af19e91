import type { CaptionedImage } from '../../data/captions/captioned-images.js';
import type { Augmentation } from '../../data/pictures/augmentation.js';
import { scope } from '../../engine/engine.js';
import type { SavedEncoder } from '../../models/encoders/encoder.js';
import { squeezenetGrid } from '../../models/encoders/squeezenet.js';
import { SqueezenetTail } from '../../models/encoders/squeezenet-tail.js';
import { copyInto } from '../../tensor/arithmetic.js';
import { empty } from '../../tensor/tensor.js';
import type { ImageInputs } from './evaluate.js';
import { byteInputs } from './examples.js';
import type { Sight } from './prepare.js';
import { PhotoLoader } from './readable-images.js';

/**
 * Photos for a captioner that trains the end of its encoder along: what goes into that end. The bytes
 * of all photos stay in memory, and the part of the encoder before it runs anew for every batch.
 * @param from the module that the end begins with, such as `features.9`.
 * @throws UsageError when the encoder is no SqueezeNet, or has no such module.
 */
export function sightForTuning(
  encoder: SavedEncoder,
  from: string,
  { grid = false } = {},
): Sight & { readonly tail: SqueezenetTail } {
  const tail = new SqueezenetTail(encoder, from);
  const { preprocessing } = tail;
  const [C, H, W] = squeezenetGrid(preprocessing.height, preprocessing.width);
  const photos = new PhotoLoader(preprocessing);
  const inputs = async (
    images: readonly CaptionedImage[],
    augmentation?: Augmentation & { readonly seed: number },
  ) => {
    const pictures = await photos.load(images);
    return beforeTail(tail, byteInputs(pictures, preprocessing, augmentation));
  };
  return {
    preprocessing,
    encoder,
    tail,
    shape: grid ? [H * W, C] : [C],
    locations: grid ? [H, W] : undefined,
    unreadable: (images) => photos.unreadable(images),
    inputs: (images) => inputs(images),
    augmented: inputs,
  };
}

/** Pictures as what goes into the tail, one at a time: so little is in memory, and that is in the cache. */
function beforeTail(tail: SqueezenetTail, pictures: ImageInputs): ImageInputs {
  const { inEpoch } = pictures;
  return {
    size: pictures.size,
    batch(images) {
      const out = empty('f32', [images.length, ...tail.inputShape]);
      for (let n = 0; n < images.length; n++) {
        using _picture = scope();
        const seen = tail.before(pictures.batch([images[n] ?? 0]));
        copyInto(out.at(n), seen.view(...tail.inputShape));
      }
      return out;
    },
    ...(inEpoch && { inEpoch: (epoch) => beforeTail(tail, inEpoch(epoch)) }),
  };
}
