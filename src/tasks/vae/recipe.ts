/** How a variational autoencoder is trained: what every recipe has, and what its bound adds. */
import { z } from 'zod';
import { recipeSchema } from '../../training/recipe.js';

/** How a VAE is trained. */
export const vaeRecipeSchema = recipeSchema.extend({
  beta: z
    .number()
    .min(0)
    .default(1)
    .meta({ flag: '--beta <number>', help: 'what a nat of KL counts (Higgins et al. 2017)' }),
  betaWarmup: z.number().min(0).default(0).meta({
    flag: '--beta-warmup <epochs>',
    help: 'in which beta grows from 0 (Sønderby et al. 2016)',
  }),
  freeBits: z.number().min(0).default(0).meta({
    flag: '--free-bits <nats>',
    help: 'of KL that each latent value has for nothing (Kingma et al. 2016)',
  }),
  samples: z.int().positive().max(10_000).default(1).meta({
    flag: '--samples <count>',
    help: 'of a picture; several train the importance-weighted bound (Burda et al. 2016)',
  }),
  schedule: recipeSchema.shape.schedule
    .unwrap()
    .default('cosine')
    .meta({ flag: '--schedule <kind>', help: 'how the rate goes' }),
  /** Sums over pixels have larger gradients than means; Adam does not mind. */
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

export type VaeRecipe = z.infer<typeof vaeRecipeSchema>;
