import { scope } from '../../engine/engine.js';
import { UsageError } from '../../errors.js';
import { Captioner } from '../../models/captioner.js';
import { elementCount } from '../../tensor/shape.js';
import type { ImageInputs } from './evaluate.js';
import { inputsThrough, MOST_IN_MEMORY } from './examples.js';
import type { CaptionerRecipe } from './recipe.js';

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
      const seen = captioner.features(inputs.batch([image])).dataSync();
      for (let i = 0; i < each; i++) out[offset + i] = seen[i] ?? Number.NaN;
    },
    memory,
  );
  return { captioner: new Captioner(config, { parameters }), inputs: features };
}

/** @throws UsageError when a recipe trains another end of an encoder than the captioner has. */
export function requireSameTail({ tail }: Captioner, { finetuneEncoder }: CaptionerRecipe): void {
  if (tail?.from === finetuneEncoder) return;
  const of = (from: string | undefined) => (from ? `the encoder from ${from} on` : 'no encoder');
  throw new UsageError(
    `the recipe trains ${of(finetuneEncoder)} along, but the captioner has ${of(tail?.from)} to train`,
  );
}
