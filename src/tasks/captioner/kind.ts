/** What a model file holds of a captioner, and how files of Glimpse 0.1 are read. */
import { z } from 'zod';
import type { SafetensorsFile } from '../../data/formats/safetensors.js';
import { isRecord } from '../../data/formats/strict-json.js';
import { type Preprocessing, parsePreprocessing } from '../../data/pictures/preprocessing.js';
import { Vocabulary } from '../../data/text/vocabulary.js';
import { UsageError } from '../../errors.js';
import { Captioner } from '../../models/captioner.js';
import { captionerSchema, type FullConfig } from '../../models/captioner-config.js';
import { type CaptionerParameters, captionerShapes } from '../../models/captioner-parameters.js';
import type { SavedEncoder } from '../../models/encoders/encoder.js';
import type { ModelKind, ModelParts } from '../../models/kind.js';
import { captionerRecipeSchema } from './recipe.js';

/** All that a caption needs besides the photo. */
export interface CaptionerModel {
  readonly captioner: Captioner;
  readonly vocabulary: Vocabulary;
  /** How photos become numbers; undefined when the captioner takes features of an unknown encoder. */
  readonly preprocessing: Preprocessing | undefined;
  /** Makes features of photos; undefined when the captioner sees by itself, or takes no photos. */
  readonly encoder: SavedEncoder | undefined;
}

/** Said of a model without preprocessing: it has no eyes at all. */
export const FEATURES_ONLY =
  'the model takes features, not photos, since it was trained without the encoder that made them';

const extras = z.object({
  vocabulary: z.unknown(),
  preprocessing: z.unknown().optional(),
  /** An encoder, but for its tensors, which are attached. */
  encoder: z.object({ kind: z.string(), metadata: z.unknown() }).optional(),
});
type Extras = z.infer<typeof extras>;

const encoderPrefix = 'encoder.';

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
    requireSeeing(config, preprocessing, encoder !== undefined);
    const tensors = [...attached].map(
      ([name, tensor]) => [name.slice(encoderPrefix.length), tensor] as const,
    );
    return {
      captioner: new Captioner(config, { parameters }),
      vocabulary,
      preprocessing,
      encoder: encoder && { ...encoder, tensors: new Map(tensors) },
    };
  },
  earlier: { format: 'glimpse captioner', upgrade },
};

/**
 * What a model file holds of a captioner. What of an encoder was trained along stands in the encoder, so
 * who reads the model need not know of it.
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
    attached: new Map(
      [...(encoder?.tensors ?? [])].map(([name, tensor]) => [`${encoderPrefix}${name}`, tensor]),
    ),
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

/** @throws UsageError when photos cannot become what the captioner takes */
function requireSeeing(
  { vision }: FullConfig,
  preprocessing: Preprocessing | undefined,
  encoded: boolean,
): void {
  if (!preprocessing) {
    if (!vision && !encoded) return;
    throw new UsageError(
      'the model takes photos, but the file does not say how they are preprocessed',
    );
  }
  const { width, height } = preprocessing;
  if (vision && (width !== vision.size || height !== vision.size)) {
    throw new UsageError(
      `the captioner sees pictures of ${vision.size} x ${vision.size} pixels, but preprocessing makes ${width} x ${height}`,
    );
  }
}

/** The file of a captioner of Glimpse 0.1 in today's form. */
function upgrade(file: SafetensorsFile): SafetensorsFile {
  const { metadata, tensors } = file;
  const { finetuneEncoder } = oldTraining.safeParse(parse(metadata.training)).data?.recipe ?? {};
  const renamed = (name: string) => {
    if (name.startsWith('captioner.')) return name.replace(/^captioner\./, 'model.');
    const moved = finetuneEncoder
      ? name.replace(/^optimiser\.(\w+)\.encoder\./, 'optimiser.encoder.$1.')
      : name;
    return moved.replace(/^optimiser\.(m|v|velocity)\./, 'optimiser.captioner.$1.');
  };
  const { vocabulary, preprocessing, encoder } = metadata;
  const json = [
    ...Object.entries({ vocabulary, preprocessing, encoder }).flatMap(([name, text]) =>
      text === undefined ? [] : [`"${name}":${text}`],
    ),
  ];
  return {
    ...file,
    tensors: new Map([...tensors].map(([name, tensor]) => [renamed(name), tensor])),
    metadata: {
      format: 'glimpse model',
      version: '2',
      kind: 'captioner',
      kindVersion: metadata.version ?? '',
      config: configOf(metadata.captioner ?? ''),
      extras: `{${json.join(',')}}`,
      ...(metadata.training && { training: trainingOf(metadata.training, metadata.baseline) }),
    },
  };
}

/** What was left out had other defaults. */
function configOf(text: string): string {
  const config = parse(text);
  if (!isRecord(config)) return text;
  return JSON.stringify({ normaliseFeatures: false, dropout: 0, ...config });
}

const oldMeasures = {
  devLoss: z.number(),
  devCider: z.number().optional(),
  devBleu4: z.number().optional(),
};
type OldMeasures = z.infer<z.ZodObject<typeof oldMeasures>>;

const oldTraining = z.object({
  recipe: z.looseObject({
    finetuneEncoder: z.string().optional(),
    objective: z.string().optional(),
  }),
  progress: z.looseObject({
    epochLoss: z.number(),
    epochWords: z.number(),
    epochReward: z.number().default(0),
    epochSamples: z.number().default(0),
    best: z.object({ epoch: z.number(), ...oldMeasures }).optional(),
    history: z.array(
      z.looseObject({ trainLoss: z.number(), trainReward: z.number().optional(), ...oldMeasures }),
    ),
  }),
  dataset: z.unknown(),
  optimiser: z.object({ kind: z.string(), steps: z.number() }),
});

/** Where training stood, with today's names; text that is something else is left for the reader to refuse. */
function trainingOf(text: string, baseline: string | undefined): string {
  const parsed = oldTraining.safeParse(parse(text));
  if (!parsed.success) return text;
  const { recipe, progress, dataset, optimiser } = parsed.data;
  const { objective, ...rest } = recipe;
  const { epochLoss, epochWords, epochReward, epochSamples, best, history, ...place } = progress;
  const dev = ({ devLoss, devCider, devBleu4 }: OldMeasures) => ({
    loss: devLoss,
    ...(devCider !== undefined && { cider: devCider }),
    ...(devBleu4 !== undefined && { bleu4: devBleu4 }),
  });
  const { kind, steps } = optimiser;
  return JSON.stringify({
    recipe: { ...rest, selfCritical: objective === 'self-critical' },
    dataset,
    optimiser: {
      kind,
      steps: { captioner: steps, ...(recipe.finetuneEncoder !== undefined && { encoder: steps }) },
    },
    progress: {
      ...place,
      sums: {
        ...(epochWords > 0 && { loss: { total: epochLoss, count: epochWords } }),
        ...(epochSamples > 0 && { reward: { total: epochReward, count: epochSamples } }),
      },
      ...(best && { best: { epoch: best.epoch, dev: dev(best) } }),
      history: history.map(({ trainLoss, trainReward, devLoss, devCider, devBleu4, ...epoch }) => ({
        ...epoch,
        train: { loss: trainLoss, ...(trainReward !== undefined && { reward: trainReward }) },
        dev: dev({ devLoss, devCider, devBleu4 }),
      })),
    },
    task: baseline === undefined ? {} : { baseline: parse(baseline) },
  });
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
