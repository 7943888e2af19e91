/** What a model file holds of an autoencoder. */
import { z } from 'zod';
import {
  type AutoencoderConfig,
  type AutoencoderParameters,
  type AutoencoderPlan,
  autoencoderSchema,
  autoencoderShapes,
  planAutoencoder,
} from '../../models/generative/autoencoder.js';
import type { ModelKind } from '../../models/kind.js';
import { autoencoderRecipeSchema } from './recipe.js';

/** All that coding pictures and bringing them back needs. */
export interface AutoencoderModel {
  readonly plan: AutoencoderPlan;
  readonly parameters: AutoencoderParameters;
}

const extras = z.object({});

export const autoencoderKind: ModelKind<
  AutoencoderConfig,
  z.infer<typeof extras>,
  AutoencoderParameters,
  AutoencoderModel
> = {
  kind: 'autoencoder',
  version: 1,
  config: autoencoderSchema,
  extras,
  recipe: autoencoderRecipeSchema,
  shapes: (config) => autoencoderShapes(planAutoencoder(config)),
  build: ({ config, parameters }) => ({ plan: planAutoencoder(config), parameters }),
};
