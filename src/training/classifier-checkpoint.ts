import { z } from 'zod';
import { type SafetensorsFile, safetensorsChunks } from '../data/formats/safetensors.js';
import { scope } from '../engine/engine.js';
import { FormatError, UsageError } from '../errors.js';
import { type ClassifierParameters, classifierParameters } from '../models/classifier.js';
import {
  type ClassifierPlan,
  classifierSchema,
  fullClassifier,
  planClassifier,
} from '../models/classifier-config.js';
import { formOnly } from '../models/parameter-maker.js';
import { readEntry } from './checkpoint-metadata.js';
import { type ClassifierProgress, classifierProgressSchema } from './classifier-progress.js';
import { type ClassifierRecipe, classifierRecipeSchema } from './classifier-recipe.js';
import type { Optimiser } from './optimisers.js';
import { requireConsistent } from './progress.js';
import { restored, restoreInto, saved } from './saved-tensors.js';
import { createOptimiser } from './trainer.js';

/** The transformers' optimiser and the network's: they may go at different rates. */
export interface ClassifierOptimisers {
  readonly transformers: Optimiser;
  readonly network: Optimiser;
}

/** Where training stands. */
export interface ClassifierTraining {
  readonly recipe: ClassifierRecipe;
  readonly optimisers: ClassifierOptimisers;
  readonly progress: ClassifierProgress;
  /** The dataset as it was named, and a digest of its training pictures. */
  readonly dataset: { readonly name: string; readonly fingerprint: string };
}

/** What one model file holds: all that classifying a picture needs, and all that training needs. */
export interface ClassifierCheckpoint {
  readonly plan: ClassifierPlan;
  readonly parameters: ClassifierParameters;
  /** The names of the classes. */
  readonly classes: readonly string[];
  readonly training: ClassifierTraining | undefined;
}

const format = 'glimpse classifier';
const version = '1';

const trainingSchema = z.object({
  recipe: classifierRecipeSchema,
  progress: classifierProgressSchema,
  dataset: z.object({ name: z.string(), fingerprint: z.string() }),
  steps: z.int().min(0),
});

/** Optimisers at rest. */
export function classifierOptimisers(
  recipe: ClassifierRecipe,
  { transformers, network }: ClassifierParameters,
): ClassifierOptimisers {
  return {
    transformers: createOptimiser(recipe, transformers),
    network: createOptimiser(recipe, network),
  };
}

/** A checkpoint as the pieces of one safetensors file. Nothing in it is executable. */
export function encodeClassifier(checkpoint: ClassifierCheckpoint): Uint8Array[] {
  const { plan, parameters, classes, training } = checkpoint;
  const metadata: Record<string, string> = {
    format,
    version,
    classifier: JSON.stringify(plan.config),
    classes: JSON.stringify(classes),
  };
  const tensors = [...saved('classifier', parameters)];
  if (training) {
    const { recipe, progress, dataset, optimisers } = training;
    const { steps } = optimisers.network;
    metadata.training = JSON.stringify({ recipe, progress, dataset, steps });
    for (const part of ['transformers', 'network'] as const) {
      tensors.push(...saved(`optimiser.${part}`, optimisers[part].state));
    }
  }
  return safetensorsChunks(tensors, metadata);
}

/**
 * Reads what `encodeClassifier` wrote. The tensors belong to the scope that is open around the call, or
 * to nobody.
 * @param source the name of the file in errors.
 * @throws FormatError naming the first thing that is missing or does not fit.
 */
export function decodeClassifier(file: SafetensorsFile, source: string): ClassifierCheckpoint {
  const { metadata } = file;
  if (metadata.format !== format || metadata.version !== version) {
    throw new FormatError(
      source,
      `not a classifier: its metadata names ${metadata.format ?? 'no format'}, version ${metadata.version ?? '?'}, not ${format}, version ${version}`,
    );
  }
  using work = scope();
  const read = <T>(key: string, schema: z.ZodType<T>): T =>
    readEntry(metadata, key, schema, source);
  const plan = planOf(read('classifier', classifierSchema), source);
  const classes = read('classes', z.array(z.string()));
  if (classes.length !== plan.config.classes) {
    throw new FormatError(
      source,
      `metadata entry classes: ${classes.length} names, but the classifier has ${plan.config.classes} classes`,
    );
  }
  const form = classifierParameters(plan, formOnly(dtypeOf(file)));
  const parameters = restored('classifier', form, file, source);
  const training = metadata.training
    ? trainingOf(read('training', trainingSchema), parameters, file, source)
    : undefined;
  work.keep([
    parameters,
    training?.optimisers.transformers.state ?? {},
    training?.optimisers.network.state ?? {},
  ]);
  return { plan, parameters, classes, training };
}

function planOf(config: z.infer<typeof classifierSchema>, source: string): ClassifierPlan {
  try {
    return planClassifier(fullClassifier(config));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new FormatError(source, `metadata entry ${error.message}`, { cause: error });
  }
}

function dtypeOf({ tensors }: SafetensorsFile) {
  const own = [...tensors].find(([name]) => name.startsWith('classifier.network.'));
  return own?.[1].dtype === 'F64' ? 'f64' : 'f32';
}

function trainingOf(
  { recipe, progress, dataset, steps }: z.infer<typeof trainingSchema>,
  parameters: ClassifierParameters,
  file: SafetensorsFile,
  source: string,
): ClassifierTraining {
  requireConsistent(progress, steps, source);
  const optimisers = classifierOptimisers(recipe, parameters);
  for (const part of ['transformers', 'network'] as const) {
    restoreInto(`optimiser.${part}`, optimisers[part].state, file, source);
    optimisers[part].steps = steps;
  }
  return { recipe, optimisers, progress, dataset };
}
