/** What a model file holds of a classifier of clips. */
import { z } from 'zod';
import type { TensorTree } from '../../autograd/tree.js';
import { type Preprocessing, parsePreprocessing } from '../../data/pictures/preprocessing.js';
import { UsageError } from '../../errors.js';
import type { ModelKind } from '../../models/kind.js';
import type { ClipNetwork } from '../../models/video/network.js';
import { tensorsOfEncoder } from '../attached-encoder.js';
import { type FrameEncoder, type FrameReader, frameEncoderEntry } from '../frame-encoder.js';
import {
  planVideoClassifier,
  type VideoClassifierConfig,
  videoClassifierSchema,
} from './config.js';
import { videoClassifierRecipeSchema } from './recipe.js';

/** All that classifying a clip needs. */
export interface VideoClassifierModel {
  readonly config: VideoClassifierConfig;
  readonly network: ClipNetwork;
  readonly parameters: TensorTree;
  readonly state: TensorTree;
  /** The names of the classes. */
  readonly classes: readonly string[];
  /** How frames become numbers; undefined for sequences. */
  readonly preprocessing: Preprocessing | undefined;
  /** Frames a second that are taken of a video; undefined for all. */
  readonly rate: number | undefined;
  /** Makes features of frames, of a model that reads such as sequences. */
  readonly encoder?: FrameEncoder | undefined;
  /** Where such features come from: see `withReader`. */
  readonly reader?: FrameReader | undefined;
}

const extras = z.object({
  classes: z.array(z.string()),
  preprocessing: z.unknown().optional(),
  rate: z.number().positive().optional(),
  encoder: frameEncoderEntry.optional(),
});
export type VideoClassifierExtras = z.infer<typeof extras>;

export const videoClassifierKind: ModelKind<
  VideoClassifierConfig,
  VideoClassifierExtras,
  TensorTree,
  VideoClassifierModel
> = {
  kind: 'video-classifier',
  version: 1,
  config: videoClassifierSchema,
  extras,
  recipe: videoClassifierRecipeSchema,
  shapes: (config) => planVideoClassifier(config).shapes,
  stateShapes: (config) => planVideoClassifier(config).state,
  build({ config, parameters, state, extras, attached }, source) {
    const { classes, preprocessing, rate, encoder } = extras;
    if (classes.length !== config.classes) {
      throw new UsageError(
        `there are ${classes.length} names of classes, but the classifier has ${config.classes} classes`,
      );
    }
    if (encoder && (preprocessing === undefined || config.step.length !== 1)) {
      throw new UsageError(
        'the file holds an encoder of frames, but the model takes no features, or no frames are prepared for it',
      );
    }
    return {
      config,
      network: planVideoClassifier(config),
      parameters,
      state,
      classes,
      preprocessing:
        preprocessing === undefined ? undefined : parsePreprocessing(preprocessing, source),
      rate,
      encoder: encoder && { ...encoder, tensors: tensorsOfEncoder(attached) },
    };
  },
};
