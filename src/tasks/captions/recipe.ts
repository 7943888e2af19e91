/** How a model of captions is trained: what every recipe has, and what captions add to it. */
import { z } from 'zod';
import { batchLengths } from '../../data/captions/batches.js';
import { UsageError } from '../../errors.js';
import { recipeSchema } from '../../training/recipe.js';
import { samplingGrowths } from './scheduled-sampling.js';

/** What training makes better: the probability of true captions, or the reward of the model's own. */
export const objectives = ['cross-entropy', 'self-critical'] as const;

/** What the reward of a sample is compared with: see `SelfCritical`. */
export const baselines = ['greedy', 'leave-one-out'] as const;
export type Baseline = (typeof baselines)[number];

/** What the best epoch can be chosen by: dev's loss, or a score of the captions of dev. */
export const selections = ['loss', 'cider', 'bleu4'] as const;
export type Selection = (typeof selections)[number];

const positive = z.int().positive();
const share = z.number().min(0).lt(1);

/** Every field has a default; a model file carries the whole recipe. */
export const captionRecipeSchema = recipeSchema.extend({
  selfCritical: z
    .boolean()
    .default(false)
    .meta({
      flag: '--self-critical',
      help: "learn from the reward of the model's own captions instead of true ones",
      needs: { from: true },
    }),
  samples: positive.default(5).meta({
    flag: '--samples <count>',
    help: 'captions drawn for each image',
    needs: { selfCritical: true },
  }),
  baseline: z
    .enum(baselines)
    .default('leave-one-out')
    .meta({
      flag: '--baseline <kind>',
      help: 'what the reward of a drawn caption is compared with',
      needs: { selfCritical: true },
    }),
  batchSize: positive
    .default(128)
    .meta({ flag: '--batch-size <captions>', help: 'captions a step, drawn ones too' }),
  /** See `CaptionBatchesOptions`. */
  lengths: z.enum(batchLengths).optional().meta({
    flag: '--lengths <kind>',
    help: 'captions of one batch (default: equal, and grouped where each image costs much more than a caption)',
  }),
  labelSmoothing: share.default(0).meta({
    flag: '--label-smoothing <share>',
    help: 'of every target, spread over all words; never on dev',
  }),
  /** How it grows: see `sampledShare`. */
  scheduledSampling: z.number().min(0).max(1).default(0).meta({
    flag: '--scheduled-sampling <share>',
    help: "most of the words fed in that the model's own replace",
  }),
  samplingGrowth: z
    .enum(samplingGrowths)
    .default('linear')
    .meta({
      flag: '--sampling-growth <kind>',
      help: 'how that share grows',
      needs: { scheduledSampling: true },
    }),
  samplingEpochs: positive.default(10).meta({
    flag: '--sampling-epochs <count>',
    help: 'of linear growth; how slow the other is',
    needs: { scheduledSampling: true },
  }),
  augment: z.boolean().default(false).meta({
    flag: '--augment',
    help: 'change pictures a little in every epoch, where it is not features that are learned from',
  }),
  augmentShift: share.default(0.08).meta({
    flag: '--augment-shift <share>',
    help: 'of its sides a picture is moved',
    needs: { augment: true },
  }),
  augmentColours: share.default(0.2).meta({
    flag: '--augment-colours <share>',
    help: 'of brightness, contrast and saturation',
    needs: { augment: true },
  }),
  augmentFlip: z
    .boolean()
    .default(false)
    .meta({
      flag: '--augment-flip',
      help: 'mirror pictures, too: not if captions say left and right',
      needs: { augment: true },
    }),
  /** Patience and the schedule `plateau` follow it, too. */
  select: z.enum(selections).default('loss').meta({
    flag: '--select <measure>',
    help: 'the best epoch is the one with the best on dev',
  }),
  /** Default: `minimumCountFor` the captions. */
  minimumCount: positive.optional().meta({
    flag: '--minimum-count <times>',
    help: 'rarer words become <UNK> (default: 1 for every 1000 training captions, 1 to 5)',
  }),
  maxWords: positive
    .default(30)
    .meta({ flag: '--max-words <words>', help: 'longer captions are cut' }),
});

export type CaptionRecipe = z.infer<typeof captionRecipeSchema>;

/** @throws UsageError for what is about true captions, where the model learns from its own */
export function refuseIdleObjectives({
  selfCritical,
  lengths,
  labelSmoothing,
  scheduledSampling,
}: CaptionRecipe): void {
  if (!selfCritical) return;
  const ofTrueCaptions = lengths
    ? '--lengths'
    : labelSmoothing > 0
      ? '--label-smoothing'
      : scheduledSampling > 0 && '--scheduled-sampling';
  if (ofTrueCaptions) {
    throw new UsageError(
      `${ofTrueCaptions} is about learning from true captions, but --self-critical learns from the model's own: leave one out`,
    );
  }
}
