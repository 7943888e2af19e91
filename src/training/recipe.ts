import { z } from 'zod';
import { batchLengths } from '../data/captions/batches.js';
import { firstIssue } from '../data/formats/schema-errors.js';
import { UsageError } from '../errors.js';
import { squeezenetModules } from '../models/encoders/squeezenet.js';
import { optimiserKinds } from './optimisers.js';
import { selections } from './progress.js';
import { schedules } from './schedule.js';
import { samplingGrowths } from './scheduled-sampling.js';

/** What training makes better: the probability of true captions, or the reward of the model's own. */
export const objectives = ['cross-entropy', 'self-critical'] as const;

/** What the reward of a sample is compared with: see `SelfCritical`. */
export const baselines = ['greedy', 'leave-one-out'] as const;
export type Baseline = (typeof baselines)[number];

/** How a captioner is trained. Every field has a default; a checkpoint carries the whole recipe. */
export const recipeSchema = z.object({
  objective: z.enum(objectives).default('cross-entropy'),
  /** Of self-critical training: captions drawn for each image. */
  samples: z.int().positive().default(5),
  baseline: z.enum(baselines).default('leave-one-out'),
  optimiser: z.enum(optimiserKinds).default('adam'),
  /** Of AdamW: share of the rate by which matrices shrink at each step. */
  weightDecay: z.number().min(0).lt(1).default(0.01),
  /** The highest learning rate, which schedule and warm-up lower: see `rateAt`. */
  rate: z.number().positive().default(1e-3),
  /** The module from which on the encoder, a SqueezeNet, is trained along: see `SqueezenetTail`. */
  finetuneEncoder: z.enum(squeezenetModules).exactOptional(),
  /** Share of the rate at which the encoder learns. */
  encoderRate: z.number().positive().default(0.1),
  schedule: z.enum(schedules).default('decay'),
  /** Steps in which the rate grows linearly from nearly nothing. */
  warmup: z.int().min(0).default(0),
  /** Of the schedule `decay`: the rate is multiplied by this after every epoch. */
  decay: z.number().positive().max(1).default(0.9),
  /** Of SGD. */
  momentum: z.number().min(0).lt(1).default(0.9),
  /** Largest global norm of the gradients. */
  clip: z.number().positive().default(5),
  /** Captions a step, drawn ones too. */
  batchSize: z.int().positive().default(128),
  /** Which captions share a batch: see `CaptionBatchesOptions`. */
  lengths: z.enum(batchLengths).default('equal'),
  /** Share of every target that is spread over all words (label smoothing); never on dev. */
  labelSmoothing: z.number().min(0).lt(1).default(0),
  /** Share of the words fed in that the model's own replace, and how it grows: see `sampledShare`. */
  scheduledSampling: z.number().min(0).max(1).default(0),
  samplingGrowth: z.enum(samplingGrowths).default('linear'),
  samplingEpochs: z.int().positive().default(10),
  /** Whether the pictures that are trained on change a little in every epoch: see `augment`. */
  augment: z.boolean().default(false),
  /** Share of its sides by which a picture is moved at most. */
  augmentShift: z.number().min(0).lt(1).default(0.08),
  /** Most change of brightness, contrast and saturation. */
  augmentColours: z.number().min(0).lt(1).default(0.2),
  /** Whether pictures are mirrored, too. */
  augmentFlip: z.boolean().default(false),
  /** Most passes over the training captions. */
  epochs: z.int().positive().default(20),
  /** What the best epoch is chosen by, and what patience and the schedule `plateau` look at. */
  select: z.enum(selections).default('loss'),
  /** Epochs without a better one on dev before training stops. */
  patience: z.int().positive().default(3),
  /** Words that occur less often in the training captions become `<UNK>`. Default: `minimumCountFor` them. */
  minimumCount: z.int().positive().exactOptional(),
  /** Longer captions are cut to so many words. */
  maxWords: z.int().positive().default(30),
  /** Order of the data, initial weights, dropout. */
  seed: z.int().min(0).default(1),
});

export type Recipe = z.infer<typeof recipeSchema>;

/** A recipe with what is left out filled in. @throws UsageError naming the field that is wrong */
export function fullRecipe(options: z.input<typeof recipeSchema> = {}): Recipe {
  const result = recipeSchema.safeParse(options);
  if (result.success) return result.data;
  throw new UsageError(`recipe: ${firstIssue(result.error, options)}`);
}
