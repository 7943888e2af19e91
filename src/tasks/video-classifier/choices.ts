/** What is asked of a classifier of clips, and the model that a set of clips makes of it. */
import { z } from 'zod';
import { PREPROCESSING, type Preprocessing } from '../../data/pictures/preprocessing.js';
import type { ClipDataset, LabelledClip } from '../../data/video/labelled-clips.js';
import { type SequenceScale, sequenceScaleOf } from '../../data/video/sequence-scale.js';
import { type Take, viewSchema } from '../../data/video/views.js';
import { UsageError } from '../../errors.js';
import type { ClipFeatures } from '../../features/clip-features.js';
import { initialise } from '../../models/parameters.js';
import { c3dSchema } from '../../models/video/c3d.js';
import { jiForms, jiSchema } from '../../models/video/ji.js';
import { lrcnSchema } from '../../models/video/lrcn.js';
import { videoResnetSchema, videoResnets } from '../../models/video/video-resnet.js';
import { randomAt } from '../../random.js';
import { attachedTensors } from '../attached-encoder.js';
import { frameEncoderEntry, preprocessingOf } from '../frame-encoder.js';
import type { EncodedFrames } from '../frame-features.js';
import {
  type ClipNetworkName,
  clipNetworks,
  HARDWIRED_CHANNELS,
  type VideoClassifierConfig,
  videoClassifierSchema,
} from './config.js';
import {
  type VideoClassifierExtras,
  type VideoClassifierModel,
  videoClassifierKind,
} from './kind.js';

const frames = viewSchema.shape.frames;
const take = viewSchema.shape.take;

/** The given part of a classifier's configuration; the data add their size and their classes. */
export const choices = z.object({
  model: z
    .enum(clipNetworks)
    .default('c3d')
    .meta({ flag: '--model <network>', help: '3-D convolutions, or recurrent over frames' }),
  size: z
    .string()
    .regex(
      /^[1-9]\d{0,3}(x[1-9]\d{0,3})?$/,
      'must be pixels, high x wide, such as 60x40, or one number',
    )
    .optional()
    .meta({
      flag: '--size <pixels>',
      help: 'of a frame, high x wide or both (default: as arrays have them; 112, for ji its own)',
    }),
  resize: z.enum(['squash', 'centre-crop']).default('centre-crop').meta({
    flag: '--resize <kind>',
    help: 'how a frame comes to its size: whole, or its middle in its own proportions',
  }),
  grey: z
    .boolean()
    .default(false)
    .meta({ flag: '--grey', help: 'without colours; clips that have none are seen so anyway' }),
  rate: z.number().positive().max(1000).optional().meta({
    flag: '--frame-rate <number>',
    help: 'frames a second that are taken of a video (default: all)',
  }),
  points: z
    .int()
    .min(1)
    .max(16)
    .optional()
    .meta({
      flag: '--points <coordinates>',
      help: 'the numbers of a sequence are points of so many coordinates, such as joints: each clip is centred',
      needs: { model: ['lrcn'] },
    }),
  frames: frames.optional().meta({ ...frames.meta() }),
  take: take.optional().meta({ ...take.meta() }),
  dropout: videoClassifierSchema.shape.dropout,
  motion: videoClassifierSchema.shape.motion,
  width: videoResnetSchema.shape.width.meta({
    ...videoResnetSchema.shape.width.meta(),
    needs: { model: ['c3d', ...videoResnets] },
  }),
  ji: jiSchema.prefault({}),
  c3d: c3dSchema.omit({ width: true }).prefault({}),
  resnet: videoResnetSchema.omit({ width: true }).prefault({}),
  lrcn: lrcnSchema.prefault({}),
});
export type Choices = z.output<typeof choices>;

/** How torchvision's weights of networks for clips were trained. */
const KINETICS = {
  scale: PREPROCESSING.imagenet.scale,
  mean: [0.43216, 0.394666, 0.37645],
  standardDeviation: [0.22803, 0.22145, 0.216989],
} as const;

/** Pixels of a frame, unless something is asked for; C3D's. */
const DEFAULT_SIDE = 112;
const DEFAULT_FRAMES = 16;
/** Of whole clips. */
const MOST_FRAMES = 1000;

/** A saved configuration in the words of the flags. */
export function choicesOf(config: VideoClassifierConfig): Readonly<Record<string, unknown>> {
  const { network, view, step, c3d, resnet, ...rest } = config;
  const [, H, W] = step;
  return {
    ...rest,
    ...view,
    model: network,
    ...(H !== undefined && { size: H === W ? `${H}` : `${H}x${W}` }),
    width: (c3d ?? resnet)?.width,
    c3d,
    resnet,
  };
}

/**
 * A model for a set of clips, with fresh weights.
 * @param options.asKinetics frames become numbers as torchvision's weights were trained with.
 * @param options.made features of the frames, which the network reads instead of them.
 * @throws UsageError when what is asked does not fit the clips
 */
export function freshModel(
  asked: Choices,
  { splits, classes, name }: ClipDataset,
  seed: number,
  {
    asKinetics = false,
    made,
  }: { readonly asKinetics?: boolean; readonly made?: EncodedFrames | undefined } = {},
): { config: VideoClassifierConfig; extras: VideoClassifierExtras; model: VideoClassifierModel } {
  const first = splits.train[0];
  if (!first) throw new UsageError(`${name}: there are no train clips`);
  const preprocessing = made
    ? preprocessingOf(made.encoder, made.features.path)
    : preprocessingFor(asked, first, asKinetics);
  const config = made
    ? configForFeatures(asked, made.features, splits.train, classes.length)
    : configFor(asked, first, {
        preprocessing,
        scale: scaleFor(asked, splits.train),
        classes: classes.length,
      });
  const rate = made ? made.features.sampling.rate : asked.rate;
  const extras: VideoClassifierExtras = {
    classes: [...classes],
    ...(preprocessing && { preprocessing }),
    ...(rate !== undefined && { rate }),
    ...(made && { encoder: frameEncoderEntry.parse(made.encoder) }),
  };
  const parameters = initialise(videoClassifierKind.shapes(config), randomAt(seed, 'weights'));
  const state = initialise(
    videoClassifierKind.stateShapes?.(config) ?? {},
    randomAt(seed, 'state'),
  );
  const attached = made ? attachedTensors(made.encoder) : new Map();
  const parts = { config, extras, parameters, state, attached };
  return { config, extras, model: videoClassifierKind.build(parts, name) };
}

/** A network that reads the features of frames as a sequence. */
function configForFeatures(
  asked: Choices,
  features: ClipFeatures,
  train: readonly LabelledClip[],
  classes: number,
): VideoClassifierConfig {
  const { take = 'whole', dropout, model } = asked;
  const frames = asked.frames ?? features.sampling.frames ?? mostFrames(take);
  const sequences = {
    *[Symbol.iterator]() {
      for (const { id } of train) yield features.pooled(id);
    },
  };
  return videoClassifierSchema.parse({
    network: model,
    classes,
    step: [features.D],
    view: { take, frames },
    scale: sequenceScaleOf(sequences, undefined),
    dropout,
    ...partsFor(model, asked, asked.width),
  });
}

/** Frames that are seen, where nothing is asked. */
function mostFrames(take: Take): number {
  return take === 'whole' ? MOST_FRAMES : DEFAULT_FRAMES;
}

/** Flags about what a network sees that is not given features. */
const ABOUT_FRAMES = {
  size: '--size',
  resize: '--resize',
  grey: '--grey',
  points: '--points',
  'lrcn.filters': '--filters',
  'lrcn.features': '--frame-features',
} as const;

/**
 * @param given the flags that were given.
 * @param encoded the flag that asks for features.
 * @throws UsageError for flags about frames that a network of features does not see, and other networks
 */
export function refuseFramesBesideFeatures(
  given: Readonly<Record<string, unknown>>,
  { model }: Choices,
  encoded: string,
): void {
  if (model !== 'lrcn') {
    throw new UsageError(
      `${model} looks at frames, but ${encoded} gives features of them, which are sequences: add --model lrcn`,
    );
  }
  const lrcn = typeof given.lrcn === 'object' ? given.lrcn : {};
  const names = [...Object.keys(given), ...Object.keys(lrcn ?? {}).map((name) => `lrcn.${name}`)];
  const found = Object.entries(ABOUT_FRAMES).find(([name]) => names.includes(name));
  if (found) {
    throw new UsageError(
      `${found[1]} is for a model that sees frames itself, but ${encoded} gives it features: leave one out`,
    );
  }
}

/** How sequences become numbers, by those of train; undefined for frames. @throws UsageError unless points fill a step */
function scaleFor({ points }: Choices, train: readonly LabelledClip[]): SequenceScale | undefined {
  const sequences = train.flatMap(({ clip }) => ('D' in clip ? [clip] : []));
  const [first] = sequences;
  if (!first) {
    if (points === undefined) return undefined;
    throw new UsageError('--points is about sequences of numbers, but these clips have frames');
  }
  if (first.D % (points ?? 1) !== 0) {
    throw new UsageError(
      `--points ${points}: ${first.D} numbers a step are no points of ${points} coordinates`,
    );
  }
  return sequenceScaleOf(sequences, points);
}

/** How frames become numbers, from about -1 to 1; undefined for sequences. */
function preprocessingFor(
  asked: Choices,
  { clip }: LabelledClip,
  asKinetics: boolean,
): Preprocessing | undefined {
  if ('D' in clip) return undefined;
  const [height, width] = sizeAsked(asked) ?? sizeOf(asked, clip);
  if (asKinetics) {
    return { ...KINETICS, width, height, resize: asked.resize };
  }
  const half: [number, number, number] = [0.5, 0.5, 0.5];
  const { scale } = PREPROCESSING.imagenet;
  return { width, height, resize: asked.resize, scale, mean: half, standardDeviation: half };
}

function sizeAsked({ size }: Choices): [H: number, W: number] | undefined {
  if (size === undefined) return undefined;
  const [height = 1, width = height] = size.split('x').map(Number);
  return [height, width];
}

function sizeOf(
  { model, ji }: Choices,
  clip: Exclude<LabelledClip['clip'], { D: number }>,
): readonly [number, number] {
  if (model === 'ji') return jiForms[ji.form].picture;
  if ('path' in clip) return [DEFAULT_SIDE, DEFAULT_SIDE];
  const { height, width } = 'draw' in clip ? clip.draw() : clip;
  return [height, width];
}

function channelsOf(
  { model, grey }: Choices,
  clip: Exclude<LabelledClip['clip'], { D: number }>,
): number {
  if (model === 'ji') return HARDWIRED_CHANNELS;
  if (grey) return 1;
  if ('path' in clip) return 3;
  return ('draw' in clip ? clip.draw() : clip).channels;
}

function configFor(
  asked: Choices,
  { clip, id }: LabelledClip,
  {
    preprocessing,
    scale,
    classes,
  }: {
    readonly preprocessing: Preprocessing | undefined;
    readonly scale: SequenceScale | undefined;
    readonly classes: number;
  },
): VideoClassifierConfig {
  const { model, width, dropout, motion } = asked;
  const isSequence = 'D' in clip;
  if (isSequence) refuseForSequences(asked, id);
  const take = asked.take ?? (isSequence ? 'whole' : 'window');
  const form = model === 'ji' ? jiForms[asked.ji.form].frames : DEFAULT_FRAMES;
  const frames = asked.frames ?? (take === 'whole' ? MOST_FRAMES : form);
  const step: VideoClassifierConfig['step'] = isSequence
    ? [clip.D]
    : [channelsOf(asked, clip), preprocessing?.height ?? 1, preprocessing?.width ?? 1];
  return videoClassifierSchema.parse({
    network: model,
    classes,
    step,
    view: { take, frames },
    scale,
    dropout,
    motion,
    ...partsFor(model, asked, width),
  });
}

/** The part of a configuration that the network's own schema describes. */
function partsFor(model: ClipNetworkName, asked: Choices, width: number) {
  if (model === 'ji') return { ji: asked.ji };
  if (model === 'c3d') return { c3d: { ...asked.c3d, width } };
  if (model === 'lrcn') return { lrcn: asked.lrcn };
  return { resnet: { ...asked.resnet, width } };
}

function refuseForSequences({ model, size, grey, rate }: Choices, id: string): void {
  const flag =
    size !== undefined ? '--size' : grey ? '--grey' : rate !== undefined && '--frame-rate';
  if (model !== 'lrcn') {
    throw new UsageError(
      `${model} looks at frames, but ${id} is a sequence of numbers: add --model lrcn`,
    );
  }
  if (flag) {
    throw new UsageError(
      `${flag} is about frames, but ${id} is a sequence of numbers: leave it out`,
    );
  }
}
