/** How a captioner of clips is trained: as all models of captions. */
import type { z } from 'zod';
import { captionRecipeSchema } from '../captions/recipe.js';

const { batchSize, lengths, augment } = captionRecipeSchema.shape;

/** Every field has a default; a model file carries the whole recipe. */
export const videoCaptionerRecipeSchema = captionRecipeSchema.extend({
  batchSize: batchSize
    .unwrap()
    .default(32)
    .meta({ ...batchSize.meta() }),
  lengths: lengths.meta({
    flag: '--lengths <kind>',
    help: 'captions of one batch (default: grouped, and equal where features of frames come in)',
  }),
  augment: augment.meta({
    flag: '--augment',
    help: 'change the frames of a clip a little in every epoch, all in the same way',
  }),
});

export type VideoCaptionerRecipe = z.infer<typeof videoCaptionerRecipeSchema>;
