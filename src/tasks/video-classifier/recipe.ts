/** How a classifier of clips is trained: what every recipe has, and how clips are changed in each epoch. */
import { z } from 'zod';
import { recipeSchema } from '../../training/recipe.js';

const share = z.number().min(0).max(1).default(0);
const frames = { model: ['c3d', 'r3d', 'mc3', 'r2plus1d', 'lrcn', 'ji'] };

/** How a classifier of clips is trained. */
export const videoClassifierRecipeSchema = recipeSchema.extend({
  labelSmoothing: z.number().min(0).lt(1).default(0).meta({
    flag: '--label-smoothing <share>',
    help: 'of every target, spread over all classes; never on dev',
  }),
  shift: share.meta({
    flag: '--shift <share>',
    help: 'of their sides, by which frames of a clip are moved at most, all alike',
    needs: frames,
  }),
  zoom: share.meta({
    flag: '--zoom <share>',
    help: 'by which frames of a clip are made larger or smaller at most, all alike',
    needs: frames,
  }),
  flip: z.boolean().default(false).meta({
    flag: '--flip',
    help: 'mirror every other clip: not for classes that tell left from right',
    needs: frames,
  }),
  noise: z
    .number()
    .min(0)
    .default(0)
    .meta({
      flag: '--noise <deviation>',
      help: 'added to every number of a sequence, in its own units',
      needs: { model: ['lrcn'] },
    }),
  schedule: recipeSchema.shape.schedule
    .unwrap()
    .default('cosine')
    .meta({ flag: '--schedule <kind>', help: 'how the rate goes' }),
  batchSize: z
    .int()
    .positive()
    .default(16)
    .meta({ flag: '--batch-size <count>', help: 'clips a step' }),
  epochs: z
    .int()
    .positive()
    .default(30)
    .meta({ flag: '--epochs <count>', help: 'most passes over the clips' }),
  patience: z
    .int()
    .positive()
    .default(1000)
    .meta({ flag: '--patience <epochs>', help: 'stop after so many that are no better on dev' }),
});

export type VideoClassifierRecipe = z.infer<typeof videoClassifierRecipeSchema>;
