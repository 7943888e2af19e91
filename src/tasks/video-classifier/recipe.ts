/** How a classifier of clips is trained: what every recipe has, and how clips are changed in each epoch. */
import { z } from 'zod';
import { videoResnets } from '../../models/video/video-resnet.js';
import { recipeSchema } from '../../training/recipe.js';

/** Flow is computed once for a clip: what ji sees can be moved, but in no other way be changed. */
const ofChanged = { model: ['c3d', ...videoResnets, 'lrcn'] };

const share = z.number().min(0).max(1).default(0);

/** How a classifier of clips is trained. */
export const videoClassifierRecipeSchema = recipeSchema.extend({
  labelSmoothing: z.number().min(0).lt(1).default(0).meta({
    flag: '--label-smoothing <share>',
    help: 'of every target, spread over all classes; never on dev',
  }),
  shift: share.meta({
    flag: '--shift <share>',
    help: 'of their sides, by which frames of a clip are moved at most, all alike; of sequences: of their deviation',
  }),
  zoom: share.meta({
    flag: '--zoom <share>',
    help: 'by which frames of a clip, or the numbers of a sequence, are made larger or smaller at most, all alike',
    needs: ofChanged,
  }),
  stretch: share.meta({
    flag: '--stretch <share>',
    help: 'by which frames of a clip are made wider or narrower at most, or each axis of points longer or shorter',
    needs: ofChanged,
  }),
  bend: share.meta({
    flag: '--bend <share>',
    help: 'of their sides, by which places of a frame are moved by a smooth random field, all frames of a clip alike',
    needs: ofChanged,
  }),
  trim: z.number().min(0).lt(1).default(0).meta({
    flag: '--trim <share>',
    help: 'of a clip, that is left out at most, at its begin and its end together',
  }),
  flip: z.boolean().default(false).meta({
    flag: '--flip',
    help: 'mirror every other clip: not for classes that tell left from right',
    needs: ofChanged,
  }),
  noise: z
    .number()
    .min(0)
    .default(0)
    .meta({
      flag: '--noise <share>',
      help: 'added to every number of a sequence, as a share of their deviation',
      needs: { model: ['lrcn'] },
    }),
  turn: z.number().min(0).max(180).default(0).meta({
    flag: '--turn <degrees>',
    help: 'by which frames of a clip are turned at most; points in space: about their second axis, which stands upright',
    needs: ofChanged,
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
