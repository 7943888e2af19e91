/** The captioner of clips as a kind of model: what its file holds, and what that makes. */
import { z } from 'zod';
import { type Preprocessing, parsePreprocessing } from '../../data/pictures/preprocessing.js';
import { Vocabulary } from '../../data/text/vocabulary.js';
import { UsageError } from '../../errors.js';
import type { CaptionerParameters } from '../../models/captioner-parameters.js';
import type { ModelKind, ModelParts } from '../../models/kind.js';
import { VideoCaptioner, videoCaptionerShapes } from '../../models/video-captioner.js';
import { type FullVideoConfig, videoCaptionerSchema } from '../../models/video-captioner-config.js';
import { attachedTensors, tensorsOfEncoder } from '../attached-encoder.js';
import { type FrameEncoder, frameEncoderEntry } from '../frame-encoder.js';
import { videoCaptionerRecipeSchema } from './recipe.js';

/** All that a caption needs besides the clip. */
export interface VideoCaptionerModel {
  readonly captioner: VideoCaptioner;
  readonly vocabulary: Vocabulary;
  /** How frames become numbers; undefined when the captioner takes features of an unknown encoder. */
  readonly preprocessing: Preprocessing | undefined;
  /** Makes features of frames; undefined when the captioner has a cnn of its own, or takes no clips. */
  readonly encoder?: FrameEncoder | undefined;
}

const extras = z.object({
  vocabulary: z.unknown(),
  preprocessing: z.unknown().optional(),
  encoder: frameEncoderEntry.optional(),
});
export type VideoCaptionerExtras = z.infer<typeof extras>;

export const videoCaptionerKind: ModelKind<
  FullVideoConfig,
  VideoCaptionerExtras,
  CaptionerParameters,
  VideoCaptionerModel
> = {
  kind: 'video-captioner',
  version: 1,
  config: videoCaptionerSchema,
  extras,
  recipe: videoCaptionerRecipeSchema,
  shapes: videoCaptionerShapes,
  build({ config, parameters, extras: { encoder, ...json }, attached }, source) {
    const vocabulary = Vocabulary.fromJSON(json.vocabulary, source);
    if (vocabulary.size !== config.vocabularySize) {
      throw new UsageError(
        `the vocabulary has ${vocabulary.size} words but the captioner was built for ${config.vocabularySize}`,
      );
    }
    const preprocessing =
      json.preprocessing === undefined ? undefined : parsePreprocessing(json.preprocessing, source);
    requirePreprocessing(config, preprocessing, encoder !== undefined);
    return {
      captioner: new VideoCaptioner(config, { parameters }),
      vocabulary,
      preprocessing,
      encoder: encoder && { ...encoder, tensors: tensorsOfEncoder(attached) },
    };
  },
};

/** @throws UsageError when the preprocessing does not make what the captioner takes */
function requirePreprocessing(
  { cnn }: FullVideoConfig,
  preprocessing: Preprocessing | undefined,
  encoded: boolean,
): void {
  if (cnn && encoded) {
    throw new UsageError('the captioner has a cnn of its own, but the file holds an encoder, too');
  }
  const takesFrames = cnn !== undefined || encoded;
  if (takesFrames !== Boolean(preprocessing)) {
    throw new UsageError(
      takesFrames
        ? 'the model takes frames, but the file does not say how they are preprocessed'
        : 'the model takes features of frames, but the file says how frames are preprocessed',
    );
  }
  if (cnn && (preprocessing?.width !== cnn.size || preprocessing.height !== cnn.size)) {
    throw new UsageError(
      `the captioner sees frames of ${cnn.size} x ${cnn.size} pixels, but preprocessing makes ${preprocessing?.width} x ${preprocessing?.height}`,
    );
  }
}

/** What a model file holds of a captioner of clips. */
export function videoCaptionerParts({
  captioner: { config, parameters },
  vocabulary,
  preprocessing,
  encoder,
}: VideoCaptionerModel): ModelParts<FullVideoConfig, VideoCaptionerExtras, CaptionerParameters> {
  return {
    config,
    extras: {
      vocabulary,
      ...(preprocessing && { preprocessing }),
      ...(encoder && { encoder: frameEncoderEntry.parse(encoder) }),
    },
    parameters,
    state: {},
    attached: encoder ? attachedTensors(encoder) : new Map(),
  };
}
