/** What a model file holds of a classifier, and how files of Glimpse 0.1 are read. */
import { z } from 'zod';
import type { SafetensorsFile } from '../../data/formats/safetensors.js';
import { jsonOf } from '../../data/formats/strict-json.js';
import { UsageError } from '../../errors.js';
import type { ModelKind } from '../../models/kind.js';
import {
  type ClassifierConfig,
  type ClassifierParameters,
  type ClassifierPlan,
  classifierSchema,
  classifierShapes,
  planClassifier,
} from './config.js';
import { classifierRecipeSchema } from './recipe.js';

/** All that classifying a picture needs. */
export interface ClassifierModel {
  readonly plan: ClassifierPlan;
  readonly parameters: ClassifierParameters;
  /** The names of the classes. */
  readonly classes: readonly string[];
}

const extras = z.object({ classes: z.array(z.string()) });
type Extras = z.infer<typeof extras>;

export const classifierKind: ModelKind<
  ClassifierConfig,
  Extras,
  ClassifierParameters,
  ClassifierModel
> = {
  kind: 'classifier',
  version: 1,
  config: classifierSchema,
  extras,
  recipe: classifierRecipeSchema,
  shapes: (config) => classifierShapes(planClassifier(config)),
  build({ config, parameters, extras: { classes } }) {
    if (classes.length !== config.classes) {
      throw new UsageError(
        `there are ${classes.length} names of classes, but the classifier has ${config.classes} classes`,
      );
    }
    return { plan: planClassifier(config), parameters, classes };
  },
  earlier: { format: 'glimpse classifier', upgrade },
};

/** The file of a classifier of Glimpse 0.1 in today's form. */
function upgrade(file: SafetensorsFile): SafetensorsFile {
  const { metadata, tensors } = file;
  const renamed = [...tensors].map(
    ([name, tensor]) => [name.replace(/^classifier\./, 'model.'), tensor] as const,
  );
  return {
    ...file,
    tensors: new Map(renamed),
    metadata: {
      config: metadata.classifier ?? '',
      extras: `{"classes":${metadata.classes ?? 'null'}}`,
      ...(metadata.training && { training: trainingOf(metadata.training) }),
    },
  };
}

const oldMeasures = {
  devLoss: z.number(),
  devError: z.number(),
  devOverlap: z.number().optional(),
};
const oldTraining = z.object({
  recipe: z.looseObject({ optimiser: z.string() }),
  progress: z.looseObject({
    lossSum: z.number(),
    mistakes: z.number(),
    pictures: z.number(),
    best: z.object({ epoch: z.number(), ...oldMeasures }).optional(),
    history: z.array(
      z.looseObject({ trainLoss: z.number(), trainError: z.number(), ...oldMeasures }),
    ),
  }),
  dataset: z.unknown(),
  steps: z.number(),
});

/** Where training stood, with today's names; text that is something else is left for the reader to refuse. */
function trainingOf(text: string): string {
  const parsed = oldTraining.safeParse(jsonOf(text));
  if (!parsed.success) return text;
  const { recipe, progress, dataset, steps } = parsed.data;
  const { lossSum, mistakes, pictures, best, history, ...rest } = progress;
  const devOf = ({ devLoss, devError, devOverlap }: z.infer<z.ZodObject<typeof oldMeasures>>) => ({
    loss: devLoss,
    error: devError,
    ...(devOverlap !== undefined && { overlap: devOverlap }),
  });
  const sums = pictures > 0 && {
    loss: { total: lossSum, count: pictures },
    error: { total: mistakes, count: pictures },
  };
  return JSON.stringify({
    recipe,
    dataset,
    optimiser: { kind: recipe.optimiser, steps: { transformers: steps, network: steps } },
    progress: {
      ...rest,
      sums: sums || {},
      ...(best && { best: { epoch: best.epoch, dev: devOf(best) } }),
      history: history.map(
        ({ trainLoss, trainError, devLoss, devError, devOverlap, ...epoch }) => ({
          ...epoch,
          train: { loss: trainLoss, error: trainError },
          dev: devOf({ devLoss, devError, devOverlap }),
        }),
      ),
    },
    task: null,
  });
}
