/** How a captioner of pictures is trained: as all models of captions, and its encoder along with it. */
import { z } from 'zod';
import { squeezenetModules } from '../../models/encoders/squeezenet.js';
import { captionRecipeSchema } from '../captions/recipe.js';

/** Every field has a default; a model file carries the whole recipe. */
export const captionerRecipeSchema = captionRecipeSchema.extend({
  /** The module from which on the encoder, a SqueezeNet, is trained along: see `SqueezenetTail`. */
  finetuneEncoder: z.enum(squeezenetModules).optional().meta({
    flag: '--finetune-encoder <module>',
    help: 'train the encoder along: SqueezeNet, from this module on, such as features.9',
  }),
  encoderRate: z
    .number()
    .positive()
    .default(0.1)
    .meta({
      flag: '--encoder-rate <share>',
      help: 'of the rate: how fast the encoder learns',
      needs: { finetuneEncoder: true },
    }),
  lengths: captionRecipeSchema.shape.lengths.meta({
    flag: '--lengths <kind>',
    help: 'captions of one batch (default: equal, and grouped with --finetune-encoder)',
  }),
});

export type CaptionerRecipe = z.infer<typeof captionerRecipeSchema>;
