import { z } from 'zod';
import { type SafetensorsFile, safetensorsChunks } from '../data/formats/safetensors.js';
import type { SafetensorsTensor } from '../data/formats/safetensors-dtypes.js';
import { type Preprocessing, parsePreprocessing } from '../data/pictures/preprocessing.js';
import { Vocabulary } from '../data/text/vocabulary.js';
import { scope } from '../engine/engine.js';
import { FormatError, UsageError } from '../errors.js';
import { Captioner } from '../models/captioner.js';
import { type CaptionerConfig, type FullConfig, fullConfig } from '../models/captioner-config.js';
import { initialParameters } from '../models/captioner-parameters.js';
import type { SavedEncoder } from '../models/encoders/encoder.js';
import { tailForm } from '../models/encoders/squeezenet-tail.js';
import { formOnly } from '../models/parameter-maker.js';
import { Random } from '../random.js';
import {
  checkFormat,
  configSchema,
  encoderSchema,
  format,
  readEntry,
  trainingSchema,
  version,
} from './checkpoint-metadata.js';
import type { Optimiser } from './optimisers.js';
import { requireConsistent } from './progress.js';
import type { Recipe } from './recipe.js';
import { restored, restoreInto, saved } from './saved-tensors.js';
import { createOptimiser, type Progress } from './trainer.js';

/** Where a training run stands. */
export interface TrainingState {
  readonly recipe: Recipe;
  readonly optimiser: Optimiser;
  readonly progress: Progress;
  /** The dataset as it was named, and a digest of its captions: a resumed run must see the same. */
  readonly dataset: { readonly name: string; readonly fingerprint: string };
}

/**
 * All that a caption needs besides the photo, and all that training needs to continue: what one
 * model file holds.
 */
export interface Checkpoint {
  readonly captioner: Captioner;
  readonly vocabulary: Vocabulary;
  /** How photos become numbers; undefined when the captioner takes features of an unknown encoder. */
  readonly preprocessing: Preprocessing | undefined;
  /** Makes features of photos; undefined when the captioner sees by itself, or takes no photos. */
  readonly encoder: SavedEncoder | undefined;
  readonly training: TrainingState | undefined;
}

/** Said of a model without preprocessing: it has no eyes at all. */
export const FEATURES_ONLY =
  'the model takes features, not photos, since it was trained without the encoder that made them';

/**
 * A checkpoint as the pieces of one safetensors file: tensors under `captioner.`, `optimiser.`
 * and `encoder.`, everything else as JSON in the metadata. Nothing in it is executable. What of an
 * encoder was trained along stands in the encoder, so who reads the model need not know of it.
 */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array[] {
  const { captioner, vocabulary, preprocessing, training } = checkpoint;
  const { encoder: _, ...own } = captioner.parameters;
  const encoder = encoderAsItIs(checkpoint);
  const tensors: [string, SafetensorsTensor][] = [
    ...saved('captioner', own),
    ...(training ? saved('optimiser', training.optimiser.state) : []),
    ...[...(encoder?.tensors ?? [])].map(([name, tensor]): [string, SafetensorsTensor] => [
      `encoder.${name}`,
      tensor,
    ]),
  ];
  const metadata: Record<string, string> = {
    format,
    version,
    captioner: JSON.stringify(captioner.config),
    random: captioner.random.save(),
    vocabulary: JSON.stringify(vocabulary),
  };
  if (preprocessing) metadata.preprocessing = JSON.stringify(preprocessing);
  if (captioner.baseline !== undefined) metadata.baseline = JSON.stringify(captioner.baseline);
  if (encoder) {
    metadata.encoder = JSON.stringify({ kind: encoder.kind, metadata: encoder.metadata });
  }
  if (training) {
    const { recipe, progress, dataset, optimiser } = training;
    const { kind, steps } = optimiser;
    metadata.training = JSON.stringify({ recipe, progress, dataset, optimiser: { kind, steps } });
  }
  return safetensorsChunks(tensors, metadata);
}

/** The encoder with what was trained along with the captioner. */
function encoderAsItIs({ captioner: { tail }, encoder }: Checkpoint): SavedEncoder | undefined {
  if (!tail) return encoder;
  if (encoder) return tail.savedInto(encoder);
  throw new UsageError(
    `the captioner trained its encoder from ${tail.from} on, so the model file needs the encoder`,
  );
}

/**
 * Reads what `encodeCheckpoint` wrote. The tensors belong to the scope that is open around the
 * call, or to nobody.
 * @param source the name of the file in errors.
 * @throws FormatError naming the first thing that is missing or does not fit; nothing is then left
 *   on the heap.
 */
export function decodeCheckpoint(file: SafetensorsFile, source: string): Checkpoint {
  checkFormat(file.metadata, source);
  using work = scope();
  const read = <T>(key: string, schema: z.ZodType<T>): T =>
    readEntry(file.metadata, key, schema, source);
  const config = read('captioner', configSchema);
  const vocabulary = Vocabulary.fromJSON(read('vocabulary', z.unknown()), source);
  if (vocabulary.size !== config.vocabularySize) {
    throw new FormatError(
      source,
      `the vocabulary has ${vocabulary.size} words but the captioner was built for ${config.vocabularySize}`,
    );
  }
  const captioner = captionerOf(file, config, source);
  const { preprocessing, encoder } = file.metadata;
  const takesPhotos = (preprocessing ?? encoder ?? config.vision) !== undefined;
  const checkpoint: Checkpoint = {
    captioner,
    vocabulary,
    preprocessing: takesPhotos
      ? preprocessingOf(read('preprocessing', z.unknown()), config, source)
      : undefined,
    encoder: file.metadata.encoder ? encoderOf(file, read('encoder', encoderSchema)) : undefined,
    training: file.metadata.training
      ? trainingOf(file, read('training', trainingSchema), captioner, source)
      : undefined,
  };
  work.keep([captioner.parameters, checkpoint.training?.optimiser.state ?? {}]);
  return checkpoint;
}

function captionerOf(file: SafetensorsFile, config: CaptionerConfig, source: string): Captioner {
  const dtype = file.tensors.get('captioner.embedding.W')?.dtype === 'F64' ? 'f64' : 'f32';
  try {
    const full = fullConfig(config);
    checkExtent(file, full, source);
    const random = Random.restore(file.metadata.random ?? '');
    const form = initialParameters(full, formOnly(dtype));
    const parameters = restored('captioner', form, file, source);
    const baseline =
      file.metadata.baseline === undefined
        ? undefined
        : readEntry(file.metadata, 'baseline', z.number(), source);
    return new Captioner(full, { parameters, random, baseline });
  } catch (error) {
    if (error instanceof FormatError && error.source === source) throw error;
    if (!(error instanceof FormatError || error instanceof UsageError)) throw error;
    throw new FormatError(source, `metadata: ${error.message}`, { cause: error });
  }
}

/**
 * A configuration must be one that this file can have. Of sizes only forms are made before they are
 * compared with the tensors, so a lie costs nothing; but every layer is a form of its own.
 */
function checkExtent({ tensors }: SafetensorsFile, config: FullConfig, source: string): void {
  const own = [...tensors.keys()].filter((name) => name.startsWith('captioner.')).length;
  if (config.layers > own) {
    throw new FormatError(
      source,
      `metadata entry captioner: it describes ${config.layers} layers, but the captioner's tensors are ${own}`,
    );
  }
  for (const name of ['nullWord', 'startWord', 'endWord'] as const) {
    if (config[name] >= config.vocabularySize) {
      throw new FormatError(
        source,
        `metadata entry captioner: ${name} is ${config[name]}, but there are ${config.vocabularySize} words`,
      );
    }
  }
}

/** How photos become numbers: for a captioner that sees by itself, pictures of its size. */
function preprocessingOf(json: unknown, { vision }: CaptionerConfig, source: string) {
  const preprocessing = parsePreprocessing(json, source);
  const { width, height } = preprocessing;
  if (vision && (width !== vision.size || height !== vision.size)) {
    throw new FormatError(
      source,
      `the captioner sees pictures of ${vision.size} x ${vision.size} pixels, but preprocessing makes ${width} x ${height}`,
    );
  }
  return preprocessing;
}

function encoderOf(
  { tensors }: SafetensorsFile,
  { kind, metadata }: z.infer<typeof encoderSchema>,
): SavedEncoder {
  const prefix = 'encoder.';
  const own = [...tensors].filter(([name]) => name.startsWith(prefix));
  return {
    kind,
    metadata,
    tensors: new Map(own.map(([name, tensor]) => [name.slice(prefix.length), tensor])),
  };
}

function trainingOf(
  file: SafetensorsFile,
  { recipe, progress, dataset, optimiser: { kind, steps } }: z.infer<typeof trainingSchema>,
  captioner: Captioner,
  source: string,
): TrainingState {
  requireConsistent(progress, steps, source);
  const { finetuneEncoder: from } = recipe;
  const encoder = from === undefined ? {} : tailForm(from, captioner.parameters.embedding.W.float);
  const trained = { ...captioner.parameters, encoder };
  const optimiser = createOptimiser({ ...recipe, optimiser: kind }, trained);
  restoreInto('optimiser', optimiser.state, file, source);
  optimiser.steps = steps;
  return { recipe, optimiser, dataset, progress: { ...progress, best: progress.best } };
}
