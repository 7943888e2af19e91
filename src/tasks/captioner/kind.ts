/** The captioner as a kind of model: what its file holds, and what that makes. */
import { z } from 'zod';
import { type Preprocessing, parsePreprocessing } from '../../data/pictures/preprocessing.js';
import { Vocabulary } from '../../data/text/vocabulary.js';
import { UsageError } from '../../errors.js';
import { Captioner } from '../../models/captioner.js';
import {
  type CaptionerConfig,
  captionerSchema,
  type FullConfig,
} from '../../models/captioner-config.js';
import { type CaptionerParameters, captionerShapes } from '../../models/captioner-parameters.js';
import type { SavedEncoder } from '../../models/encoders/encoder.js';
import type { ModelKind, ModelParts } from '../../models/kind.js';
import { attachedTensors, encoderEntry, tensorsOfEncoder } from '../attached-encoder.js';
import { upgrade } from './earlier-files.js';
import { captionerRecipeSchema } from './recipe.js';

/** All that a caption needs besides the photo. */
export interface CaptionerModel {
  readonly captioner: Captioner;
  readonly vocabulary: Vocabulary;
  /** How photos become numbers; undefined when the captioner takes features of an unknown encoder. */
  readonly preprocessing: Preprocessing | undefined;
  /** Makes features of photos; undefined when the captioner has a cnn of its own, or takes no photos. */
  readonly encoder: SavedEncoder | undefined;
}

/** The message for a model without preprocessing. */
export const FEATURES_ONLY =
  'the model takes features, not photos, since it was trained without the encoder that made them';

/** What the numbers of attention mean that models give for each word. */
export interface AttentionForm {
  /**
   * `weights`: one for each place of the grid, row by row. `window`: the 6 numbers of an affine map,
   * row by row, from coordinates in the glimpse to coordinates in the picture, all from -1 to 1.
   */
  readonly form: 'weights' | 'window';
  /** Rows and columns of the grid. */
  readonly locations: readonly [H: number, W: number];
}

/** The form that models give together; undefined when one has none, or they differ. */
export function attentionFormOf(models: readonly CaptionerModel[]): AttentionForm | undefined {
  const forms = models.map(({ captioner: { config } }) => formOf(config));
  const [first] = forms;
  return forms.every((form) => JSON.stringify(form) === JSON.stringify(first)) ? first : undefined;
}

function formOf({ attention }: CaptionerConfig): AttentionForm | undefined {
  if (!attention) return undefined;
  const form = attention.kind === 'spatial-transformer' ? 'window' : 'weights';
  return { form, locations: attention.locations };
}

const extras = z.object({
  vocabulary: z.unknown(),
  preprocessing: z.unknown().optional(),
  encoder: encoderEntry.optional(),
});
type Extras = z.infer<typeof extras>;

export const captionerKind: ModelKind<FullConfig, Extras, CaptionerParameters, CaptionerModel> = {
  kind: 'captioner',
  version: 1,
  config: captionerSchema,
  extras,
  recipe: captionerRecipeSchema,
  shapes: captionerShapes,
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
      captioner: new Captioner(config, { parameters }),
      vocabulary,
      preprocessing,
      encoder: encoder && { ...encoder, tensors: tensorsOfEncoder(attached) },
    };
  },
  earlier: { format: 'glimpse captioner', upgrade },
};

/**
 * What a model file holds of a captioner. The part of an encoder that was trained along is saved with the
 * encoder, so that readers of the file need not know of it.
 */
export function captionerParts(
  model: CaptionerModel,
): ModelParts<FullConfig, Extras, CaptionerParameters> {
  const { captioner, vocabulary, preprocessing } = model;
  const { encoder: _, ...parameters } = captioner.parameters;
  const encoder = encoderAsItIs(model);
  return {
    config: captioner.config,
    extras: {
      vocabulary,
      ...(preprocessing && { preprocessing }),
      ...(encoder && { encoder: { kind: encoder.kind, metadata: encoder.metadata } }),
    },
    parameters,
    state: {},
    attached: encoder ? attachedTensors(encoder) : new Map(),
  };
}

/** The encoder with what was trained along with the captioner. */
function encoderAsItIs({ captioner: { tail }, encoder }: CaptionerModel): SavedEncoder | undefined {
  if (!tail) return encoder;
  if (encoder) return tail.savedInto(encoder);
  throw new UsageError(
    `the captioner trained its encoder from ${tail.from} on, so the model file needs the encoder`,
  );
}

/** @throws UsageError when the preprocessing does not make what the captioner takes */
function requirePreprocessing(
  { cnn }: FullConfig,
  preprocessing: Preprocessing | undefined,
  encoded: boolean,
): void {
  if (!preprocessing) {
    if (!cnn && !encoded) return;
    throw new UsageError(
      'the model takes photos, but the file does not say how they are preprocessed',
    );
  }
  const { width, height } = preprocessing;
  if (cnn && (width !== cnn.size || height !== cnn.size)) {
    throw new UsageError(
      `the captioner sees pictures of ${cnn.size} x ${cnn.size} pixels, but preprocessing makes ${width} x ${height}`,
    );
  }
}
