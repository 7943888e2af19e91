/** What a captioner of clips is made of: a captioner, and how it puts the frames together. */
import { z } from 'zod';
import { firstIssue } from '../data/formats/schema-errors.js';
import { UsageError } from '../errors.js';
import { attentionSchema, captionerFields, checkWords } from './captioner-config.js';
import { cnnFeatureSize, cnnMapSize, cnnSchema } from './cnn.js';

/** The ways in which the frames of a clip come together: see `VideoCaptioner`. */
export const combinations = ['mean', 's2vt', 'attention'] as const;
export type Combination = (typeof combinations)[number];

const positive = z.int().positive();

/** A captioner's attention to the frames of a clip, or to the places of each of them. */
const clipAttentionSchema = attentionSchema.extend({
  kind: attentionSchema.shape.kind.meta({
    flag: '--attention <kind>',
    help: 'to frames (default with --combine attention: additive), or to places of their mean',
  }),
  /** Frames, rows and columns of the places; L is their product. One frame: the mean of them. */
  locations: z.tuple([positive, positive, positive]).readonly(),
  /** Adds a learned vector of when and where it is to each place: attention alone knows no order. */
  positions: z
    .boolean()
    .default(true)
    .meta({
      flag: '--no-positions',
      help: 'do not learn a vector for when and where each place is',
      needs: { attention: true },
    }),
});

/** The fields of the configuration of a captioner of clips, before it is checked whether they go together. */
export const videoCaptionerFields = captionerFields.extend({
  combine: z.enum(combinations).default('s2vt').meta({
    flag: '--combine <way>',
    help: 'the frames: their mean, a recurrent layer that reads them, or attention to them',
  }),
  /** T: the most frames of a clip. Of a longer one so many are taken, evenly over it. */
  frames: positive
    .max(10_000)
    .default(16)
    .meta({ flag: '--frames <count>', help: 'the most that are seen of a clip, evenly over it' }),
  /** Frames a second that are taken of a clip; without it, all that it has. */
  frameRate: z.number().positive().max(1000).optional().meta({
    flag: '--frame-rate <number>',
    help: 'frames a second that are taken of a clip (default: all)',
  }),
  attention: clipAttentionSchema.optional(),
  /** Makes the features of every frame from its pixels; without it, features come in. */
  cnn: cnnSchema
    .extend({
      size: cnnSchema.shape.size.meta({
        flag: '--size <pixels>',
        help: 'without features: side of the frames that go into the cnn',
      }),
      motion: z.boolean().default(false).meta({
        flag: '--motion',
        help: 'without features: show the cnn beside each frame how it differs from the one before',
      }),
    })
    .optional(),
});

/** What a captioner of clips is made of; enough to build it anew. */
export const videoCaptionerSchema = videoCaptionerFields.superRefine((config, context) => {
  const wrong = (message: string, ...path: string[]) =>
    context.addIssue({ code: 'custom', path, message });
  checkWords(config, wrong);
  const { attention, cnn, combine, featureSize, frames } = config;
  if (combine === 'attention' && !attention) wrong('is missing', 'attention');
  if (combine === 's2vt' && attention) {
    wrong('is not for s2vt, whose layers read all frames', 'attention');
  }
  if (attention) checkAttention(attention, combine, frames, wrong);
  if (!cnn) return;
  const side = cnnMapSize(cnn);
  const grid = seesGrids(config);
  const [, ...places] = attention?.locations ?? [];
  if (grid && places.some((extent) => extent !== side)) {
    wrong(
      `the cnn makes a grid of ${side} x ${side} places a frame, but attention.locations is ${attention?.locations.join(' x ')}`,
    );
  }
  const features = grid ? (cnn.filters.at(-1) ?? 3) : cnnFeatureSize(cnn);
  if (features !== featureSize) {
    wrong(`the cnn makes ${features} features but featureSize is ${featureSize}`);
  }
});

function checkAttention(
  { kind, locations: [T, H, W] }: z.output<typeof clipAttentionSchema>,
  combine: Combination,
  frames: number,
  wrong: (message: string, ...path: string[]) => void,
): void {
  if (combine === 'attention') {
    if (T !== frames) wrong(`has ${T} frames, not ${frames}`, 'attention', 'locations');
    if (kind === 'spatial-transformer') {
      wrong(
        'spatial-transformer moves a window over one picture, not through time: take another kind, or the mean of the frames',
        'attention',
        'kind',
      );
    }
  } else if (combine === 'mean') {
    if (T !== 1) wrong(`has ${T} frames, but their mean is one`, 'attention', 'locations');
    if (H * W === 1) wrong('has one place, the mean of all frames', 'attention', 'locations');
  }
}

/** Whether frames are seen as grids of places (L, D), not as one vector (D) each. */
export function seesGrids({ attention }: Pick<VideoCaptionerConfig, 'attention'>): boolean {
  const [, H = 1, W = 1] = attention?.locations ?? [];
  return H * W > 1;
}

/** A configuration as it is written: what has a default may be left out. */
export type VideoCaptionerConfig = z.input<typeof videoCaptionerSchema>;

/** A configuration with every default filled in. */
export type FullVideoConfig = z.output<typeof videoCaptionerSchema>;

/**
 * Fills in the defaults.
 * @param config a `VideoCaptionerConfig`, or anything that may be one.
 * @throws UsageError naming the field that is wrong, and what does not fit together
 */
export function fullVideoConfig(
  config: VideoCaptionerConfig | Readonly<Record<string, unknown>>,
): FullVideoConfig {
  const result = videoCaptionerSchema.safeParse(config);
  if (result.success) return result.data;
  throw new UsageError(firstIssue(result.error, config));
}
