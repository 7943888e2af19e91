import { z } from 'zod';
import { firstIssue } from '../data/formats/schema-errors.js';
import { distortions } from '../data/labels/distortions.js';
import type { SplitName } from '../data/splits.js';
import { UsageError } from '../errors.js';
import { optimiserKinds } from './optimisers.js';
import { schedules } from './schedule.js';

/** How a classifier is trained. Every field has a default; a checkpoint carries the whole recipe. */
export const classifierRecipeSchema = z.object({
  /** What happens to each picture in each epoch. */
  distort: z.enum(distortions).default('none'),
  optimiser: z.enum(optimiserKinds).default('adam'),
  /** Of AdamW: share of the rate by which matrices and filters shrink at each step. */
  weightDecay: z.number().min(0).lt(1).default(0.01),
  /** The highest learning rate, which schedule and warm-up lower: see `rateAt`. */
  rate: z.number().positive().default(1e-3),
  /** The transformers' share of that rate. */
  transformerRate: z.number().min(0).max(1).default(1),
  schedule: z.enum(schedules).default('cosine'),
  warmup: z.int().min(0).default(0),
  /** Of the schedule `decay`: the rate is multiplied by this after every epoch. */
  decay: z.number().positive().max(1).default(0.9),
  /** Of SGD. */
  momentum: z.number().min(0).lt(1).default(0.9),
  /** Largest global norm of the gradients. */
  clip: z.number().positive().default(5),
  /** Pictures a step. */
  batchSize: z.int().positive().default(128),
  /** Share of every target that is spread over all classes; never on dev. */
  labelSmoothing: z.number().min(0).lt(1).default(0),
  epochs: z.int().positive().default(10),
  /** Epochs without a better one on dev before training stops. */
  patience: z.int().positive().default(10),
  /** Order of the pictures, distortions, initial weights, dropout. */
  seed: z.int().min(0).default(1),
});

export type ClassifierRecipe = z.infer<typeof classifierRecipeSchema>;

/** A recipe with what is left out filled in. @throws UsageError naming the field that is wrong */
export function fullClassifierRecipe(
  options: z.input<typeof classifierRecipeSchema> = {},
): ClassifierRecipe {
  const result = classifierRecipeSchema.safeParse(options);
  if (result.success) return result.data;
  throw new UsageError(`recipe: ${firstIssue(result.error, options)}`);
}

/** The seed of a split's distortions: the three are distorted differently. */
export function distortionSeed(split: SplitName, seed: number): number {
  return 3 * seed + { train: 0, dev: 1, test: 2 }[split];
}
