/** What a model file holds of a variational autoencoder. */
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import {
  planVae,
  type VaeConfig,
  type VaeParameters,
  type VaePlan,
  vaeSchema,
  vaeShapes,
} from '../../models/generative/vae.js';
import type { ModelKind } from '../../models/kind.js';
import { vaeRecipeSchema } from './recipe.js';

/** All that coding and drawing pictures needs. */
export interface VaeModel {
  readonly plan: VaePlan;
  readonly parameters: VaeParameters;
  /** The names of the classes that it is told of; none of a model that is told of none. */
  readonly classes: readonly string[];
}

const extras = z.object({ classes: z.array(z.string()) });
type Extras = z.infer<typeof extras>;

export const vaeKind: ModelKind<VaeConfig, Extras, VaeParameters, VaeModel> = {
  kind: 'vae',
  version: 1,
  config: vaeSchema,
  extras,
  recipe: vaeRecipeSchema,
  shapes: (config) => vaeShapes(planVae(config)),
  build({ config, parameters, extras: { classes } }) {
    if (classes.length !== config.classes) {
      throw new UsageError(
        `there are ${classes.length} names of classes, but the model is told of ${config.classes}`,
      );
    }
    return { plan: planVae(config), parameters, classes };
  },
};
