/** What a classifier of clips is made of: its configuration, and the network that this describes. */
import { z } from 'zod';
import { sequenceScaleSchema } from '../../data/video/sequence-scale.js';
import { viewSchema } from '../../data/video/views.js';
import { UsageError } from '../../errors.js';
import { c3dSchema, planC3d } from '../../models/video/c3d.js';
import { jiSchema, planJi } from '../../models/video/ji.js';
import { lrcnSchema, planLrcn } from '../../models/video/lrcn.js';
import { seeingMotion } from '../../models/video/motion.js';
import type { ClipNetwork } from '../../models/video/network.js';
import {
  planVideoResnet,
  videoResnetSchema,
  videoResnets,
} from '../../models/video/video-resnet.js';

/** Networks that can classify clips. */
export const clipNetworks = ['ji', 'c3d', ...videoResnets, 'lrcn'] as const;
export type ClipNetworkName = (typeof clipNetworks)[number];

const positive = z.int().positive();

/** What a classifier of clips is, as a model file holds it. */
export const videoClassifierSchema = z.object({
  network: z.enum(clipNetworks),
  classes: z.int().min(2).max(100_000),
  /** (C, H, W) of a frame, as it goes into the network; of sequences (D). */
  step: z.union([z.tuple([positive]), z.tuple([positive, positive, positive])]),
  view: viewSchema,
  /** Of sequences. */
  scale: sequenceScaleSchema.optional(),
  dropout: z.number().min(0).lt(1).default(0.5).meta({
    flag: '--dropout <share>',
    help: 'of the values before each affine layer, and of those that go into a recurrent one',
  }),
  /** See `withMotion`. */
  motion: z
    .boolean()
    .default(false)
    .meta({
      flag: '--motion',
      help: 'beside each step, how it differs from the one before; the hardwired layer of ji has that',
      needs: { model: ['c3d', ...videoResnets, 'lrcn'] },
    }),
  ji: jiSchema.optional(),
  c3d: c3dSchema.optional(),
  resnet: videoResnetSchema.optional(),
  lrcn: lrcnSchema.optional(),
});
export type VideoClassifierConfig = z.output<typeof videoClassifierSchema>;

/** Channels that `ji` sees of a grey frame: see `hardwired`. */
export const HARDWIRED_CHANNELS = 5;

/** The network of a configuration. @throws UsageError for one that takes other clips */
export function planVideoClassifier(config: VideoClassifierConfig): ClipNetwork {
  return config.motion ? seeingMotion(plan(config, 2)) : plan(config, 1);
}

/** @param times so many times the channels of the clips */
function plan(config: VideoClassifierConfig, times: number): ClipNetwork {
  const { network, classes, step, view } = config;
  const [C, H, W] = [step[0] * times, step[1], step[2]];
  if (H === undefined || W === undefined) {
    if (network === 'lrcn') return planLrcn(lrcnSchema.parse(config.lrcn ?? {}), C, classes);
    throw new UsageError(
      `${network} looks at frames, but these are sequences of ${step[0]} numbers a step: take lrcn`,
    );
  }
  if (view.take === 'whole' && network !== 'lrcn') {
    throw new UsageError(
      `${network} sees as many frames of every clip: take a window of them, or some spread evenly`,
    );
  }
  const clip = [C, view.frames, H, W] as const;
  switch (network) {
    case 'ji':
      return planJi(jiSchema.parse(config.ji ?? {}), clip, classes);
    case 'c3d':
      return planC3d(c3dSchema.parse(config.c3d ?? {}), clip, classes);
    case 'lrcn':
      return planLrcn(lrcnSchema.parse(config.lrcn ?? {}), clip, classes);
    case 'r3d':
    case 'mc3':
    case 'r2plus1d':
      return planVideoResnet(network, videoResnetSchema.parse(config.resnet ?? {}), clip, classes);
  }
}

/** `c3d, 16 frames of 60x40, 20 classes`. */
export function describeVideoClassifier({
  network,
  step: [C, H, W],
  view: { take, frames },
}: VideoClassifierConfig): string {
  if (H === undefined) return `${network}, ${C} numbers a step`;
  const seen = take === 'whole' ? 'whole clips' : `${frames} frames`;
  return `${network}, ${seen} of ${H}x${W}`;
}
