/** How anything is trained: the part of a recipe that the loop reads, to which kinds of models add fields. */
import { z } from 'zod';
import { firstIssue } from '../data/formats/schema-errors.js';
import { UsageError } from '../errors.js';
import { optimiserKinds } from './optimisers.js';

/** How the learning rate goes over a run. */
export const schedules = ['constant', 'decay', 'cosine', 'plateau'] as const;
export type Schedule = (typeof schedules)[number];

/** Every field has a default; a model file carries the whole recipe. `meta` is its flag: see `flagsOf`. */
export const recipeSchema = z.object({
  optimiser: z
    .enum(optimiserKinds)
    .default('adam')
    .meta({ flag: '--optimiser <kind>', help: 'what moves the parameters' }),
  weightDecay: z
    .number()
    .min(0)
    .lt(1)
    .default(0.01)
    .meta({
      flag: '--weight-decay <share>',
      help: 'of the rate, by which matrices and filters shrink at each step',
      needs: { optimiser: ['adamw'] },
    }),
  rate: z
    .number()
    .positive()
    .default(1e-3)
    .meta({ flag: '--rate <number>', help: 'highest learning rate' }),
  schedule: z
    .enum(schedules)
    .default('decay')
    .meta({ flag: '--schedule <kind>', help: 'how the rate goes' }),
  decay: z
    .number()
    .positive()
    .max(1)
    .default(0.9)
    .meta({
      flag: '--decay <factor>',
      help: 'of the rate, after every epoch',
      needs: { schedule: ['decay'] },
    }),
  warmup: z
    .int()
    .min(0)
    .default(0)
    .meta({ flag: '--warmup <steps>', help: 'in which the rate grows' }),
  momentum: z
    .number()
    .min(0)
    .lt(1)
    .default(0.9)
    .meta({
      flag: '--momentum <number>',
      help: 'of the steps before',
      needs: { optimiser: ['sgd'] },
    }),
  clip: z
    .number()
    .positive()
    .default(5)
    .meta({ flag: '--clip <norm>', help: 'largest norm of all gradients together' }),
  batchSize: z
    .int()
    .positive()
    .default(128)
    .meta({ flag: '--batch-size <count>', help: 'examples a step' }),
  epochs: z
    .int()
    .positive()
    .default(20)
    .meta({ flag: '--epochs <count>', help: 'most passes over the data' }),
  patience: z
    .int()
    .positive()
    .default(3)
    .meta({ flag: '--patience <epochs>', help: 'stop after so many that are no better on dev' }),
  seed: z
    .int()
    .min(0)
    .default(1)
    .meta({ flag: '--seed <number>', help: 'of weights, order and all that is drawn' }),
});

export type Recipe = z.infer<typeof recipeSchema>;

/** A recipe of a kind of model with what is left out filled in. @throws UsageError naming the field that is wrong */
export function fullRecipe<R, I = Readonly<Record<string, unknown>>>(
  schema: z.ZodType<R, I>,
  options?: NoInfer<I>,
): R {
  const result = schema.safeParse(options ?? {});
  if (result.success) return result.data;
  throw new UsageError(`recipe: ${firstIssue(result.error, options)}`);
}

/** The part of a recipe that a schedule needs. */
export interface ScheduleOptions {
  readonly schedule: Schedule;
  /** The highest rate. */
  readonly rate: number;
  /** Of `decay`: the factor of an epoch. */
  readonly decay: number;
  /** Steps in which the rate grows from nearly nothing. */
  readonly warmup: number;
  /** Of the whole run. */
  readonly epochs: number;
}

/** Where in a run a step is taken. */
export interface StepPlace {
  /** Steps before this one, and of one epoch. */
  readonly step: number;
  readonly stepsPerEpoch: number;
  /** Epochs so far after which dev was no better than before. */
  readonly epochsInVain: number;
}

/**
 * The learning rate of a step: a pure function of where the run stands, so that a run that is
 * resumed goes on with the very same rates. With s the number of steps before this one and S the
 * steps of the whole run:
 *
 *     warm-up    rate (s + 1) / warmup                                    while s < warmup
 *     constant   rate
 *     decay      rate decay^epoch
 *     cosine     rate (1 + cos(π (s - warmup) / (S - warmup))) / 2
 *     plateau    rate / 2^(epochs after which dev was no better)
 *
 * During warm-up the other schedules' factors count as well, except cosine's, which begins then.
 * Source of cosine: Loshchilov and Hutter 2017, without restarts; of warm-up: Goyal et al. 2017.
 */
export function rateAt(options: ScheduleOptions, place: StepPlace): number {
  const { rate, warmup } = options;
  const grown = place.step < warmup ? (place.step + 1) / warmup : 1;
  return rate * grown * factorAt(options, place);
}

function factorAt(
  { schedule, decay, warmup, epochs }: ScheduleOptions,
  { step, stepsPerEpoch, epochsInVain }: StepPlace,
): number {
  switch (schedule) {
    case 'constant':
      return 1;
    case 'decay':
      return decay ** Math.floor(step / stepsPerEpoch);
    case 'cosine': {
      const total = epochs * stepsPerEpoch - warmup;
      const done = Math.max(0, step - warmup);
      return total > 0 ? (1 + Math.cos(Math.PI * Math.min(1, done / total))) / 2 : 1;
    }
    case 'plateau':
      return 0.5 ** epochsInVain;
  }
}
