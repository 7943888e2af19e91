/** Training a captioner of pictures, with the end of its encoder where that is trained along. */
import { UsageError } from '../../errors.js';
import type { Captioner } from '../../models/captioner.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { CaptionData } from '../captions/objectives.js';
import { CaptionTask } from '../captions/task.js';
import { encodedOnce } from './image-inputs.js';
import type { CaptionerRecipe } from './recipe.js';

/** A captioner, its captions and its recipe as a task. */
export class CaptionerTask extends CaptionTask<Tensor> {
  /**
   * @throws UsageError as `CaptionTask`, and when the recipe trains another end of an encoder than the
   *   captioner has.
   */
  constructor(captioner: Captioner, recipe: CaptionerRecipe, data: CaptionData) {
    requireSameTail(captioner, recipe);
    super(
      captioner,
      recipe,
      { ...data, costly: captioner.tail !== undefined },
      {
        encoderRate: recipe.encoderRate,
        measured: (inputs) => encodedOnce(captioner, inputs),
      },
    );
  }
}

/** @throws UsageError when a recipe trains another end of an encoder than the captioner has. */
export function requireSameTail({ tail }: Captioner, { finetuneEncoder }: CaptionerRecipe): void {
  if (tail?.from === finetuneEncoder) return;
  const of = (from: string | undefined) => (from ? `the encoder from ${from} on` : 'no encoder');
  throw new UsageError(
    `the recipe trains ${of(finetuneEncoder)} along, but the captioner has ${of(tail?.from)} to train`,
  );
}
