/** How a classifier is trained: what every recipe has, and what pictures add to it. */
import { z } from 'zod';
import { distortions } from '../../data/labels/distortions.js';
import type { SplitName } from '../../data/splits.js';
import { recipeSchema } from '../../training/recipe.js';

/** How a classifier is trained. */
export const classifierRecipeSchema = recipeSchema.extend({
  distort: z
    .enum(distortions)
    .default('none')
    .meta({ flag: '--distort <kind>', help: 'what happens to each picture in each epoch' }),
  transformerRate: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .meta({
      flag: '--transformer-rate <share>',
      help: "of the rate: the transformers'",
      needs: { model: ['st-fcn', 'st-cnn', 'st-squeezenet'] },
    }),
  schedule: recipeSchema.shape.schedule
    .unwrap()
    .default('cosine')
    .meta({ flag: '--schedule <kind>', help: 'how the rate goes' }),
  labelSmoothing: z.number().min(0).lt(1).default(0).meta({
    flag: '--label-smoothing <share>',
    help: 'of every target, spread over all classes; never on dev',
  }),
  epochs: z
    .int()
    .positive()
    .default(10)
    .meta({ flag: '--epochs <count>', help: 'most passes over the pictures' }),
  patience: z
    .int()
    .positive()
    .default(10)
    .meta({ flag: '--patience <epochs>', help: 'stop after so many that are no better on dev' }),
});

export type ClassifierRecipe = z.infer<typeof classifierRecipeSchema>;

/** The seed of a split's distortions: the three are distorted differently. */
export function distortionSeed(split: SplitName, seed: number): number {
  return 3 * seed + { train: 0, dev: 1, test: 2 }[split];
}
