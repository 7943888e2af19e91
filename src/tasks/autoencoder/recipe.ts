/** How an autoencoder is trained: what every recipe has, and what noise and sparse codes add. */
import { z } from 'zod';
import { pictureNoises } from '../../data/labels/picture-noise.js';
import { recipeSchema } from '../../training/recipe.js';

const noisy = pictureNoises.filter((noise) => noise !== 'none');

/** How an autoencoder is trained. */
export const autoencoderRecipeSchema = recipeSchema.extend({
  noise: z
    .enum(pictureNoises)
    .default('none')
    .meta({ flag: '--noise <kind>', help: 'on what goes in; what comes back is to be without' }),
  noiseLevel: z
    .number()
    .min(0)
    .max(1)
    .default(0.3)
    .meta({
      flag: '--noise-level <number>',
      help: 'deviation of gaussian noise, or the share of pixels that are changed',
      needs: { noise: noisy },
    }),
  sparsity: z.number().min(0).default(0).meta({
    flag: '--sparsity <weight>',
    help: 'what the absolute values of a code cost (0: nothing)',
  }),
  schedule: recipeSchema.shape.schedule
    .unwrap()
    .default('cosine')
    .meta({ flag: '--schedule <kind>', help: 'how the rate goes' }),
  clip: z
    .number()
    .positive()
    .default(1000)
    .meta({ flag: '--clip <norm>', help: 'largest norm of all gradients together' }),
  patience: z
    .int()
    .positive()
    .default(10)
    .meta({ flag: '--patience <epochs>', help: 'stop after so many that are no better on dev' }),
});

export type AutoencoderRecipe = z.infer<typeof autoencoderRecipeSchema>;
