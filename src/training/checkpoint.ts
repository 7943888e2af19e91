import { z } from 'zod';
import { leaves, mapTree, type TensorTree } from '../autograd/tree.js';
import { firstIssue } from '../data/issues.js';
import { type Preprocessing, parsePreprocessing } from '../data/preprocessing.js';
import { type SafetensorsFile, safetensorsChunks } from '../data/safetensors.js';
import type { SafetensorsTensor } from '../data/safetensors-dtypes.js';
import { Vocabulary } from '../data/vocabulary.js';
import type { FloatDType } from '../engine/blas.js';
import { scope } from '../engine/engine.js';
import { FormatError, UsageError } from '../errors.js';
import { Captioner } from '../models/captioner.js';
import { attentionKinds, cells, contextUses, initialStates } from '../models/captioner-config.js';
import type { SavedEncoder } from '../models/encoder-interface.js';
import { Random } from '../random.js';
import { showShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { type Optimiser, optimiserKinds } from './optimisers.js';
import { type Recipe, recipeSchema } from './recipe.js';
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

const format = 'glimpse captioner';
const version = '1';

const positive = z.int().positive();
const configSchema = z.object({
  cell: z.enum(cells),
  featureSize: positive,
  normaliseFeatures: z.boolean(),
  embeddingSize: positive,
  hiddenSize: positive,
  vocabularySize: positive,
  dropout: z.number().min(0).lt(1),
  nullWord: z.int().min(0),
  startWord: z.int().min(0),
  endWord: z.int().min(0),
  vision: z.object({ size: positive, filters: z.array(positive) }).optional(),
  layers: positive.default(1),
  tiedEmbeddings: z.boolean().default(false),
  layerNorm: z.boolean().default(false),
  dropoutKind: z.enum(['elementwise', 'variational']).default('elementwise'),
  attention: z
    .object({
      kind: z.enum(attentionKinds),
      locations: z.tuple([positive, positive]),
      valueSize: positive,
      size: positive,
      glimpse: positive.default(3),
      gate: z.boolean().default(false),
      doublyStochastic: z.number().min(0).default(0),
      entropy: z.number().min(0).default(0.002),
      initialState: z.enum(initialStates).default('image'),
      context: z.enum(contextUses).default('cell'),
      positions: z.boolean().default(false),
    })
    .optional(),
});

type Config = z.infer<typeof configSchema>;

const devMeasures = {
  devLoss: z.number(),
  devCider: z.number().optional(),
  devBleu4: z.number().optional(),
};

const progressSchema = z.object({
  epoch: z.int().min(0),
  batch: z.int().min(0),
  epochLoss: z.number(),
  epochWords: z.number(),
  epochReward: z.number().default(0),
  epochSamples: z.number().default(0),
  seconds: z.number(),
  best: z.object({ epoch: positive, ...devMeasures }).optional(),
  history: z.array(
    z.object({
      epoch: positive,
      trainLoss: z.number(),
      trainReward: z.number().optional(),
      ...devMeasures,
      rate: z.number(),
      seconds: z.number(),
    }),
  ),
});

const trainingSchema = z.object({
  recipe: recipeSchema,
  progress: progressSchema,
  dataset: z.object({ name: z.string(), fingerprint: z.string() }),
  optimiser: z.object({ kind: z.enum(optimiserKinds), steps: z.int().min(0) }),
});

const encoderSchema = z.object({ kind: z.string(), metadata: z.unknown() });

/**
 * A checkpoint as the pieces of one safetensors file: tensors under `captioner.`, `optimiser.`
 * and `encoder.`, everything else as JSON in the metadata. Nothing in it is executable.
 */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array[] {
  const { captioner, vocabulary, preprocessing, encoder, training } = checkpoint;
  const tensors: [string, SafetensorsTensor][] = [
    ...saved('captioner', captioner.parameters),
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

/**
 * Reads what `encodeCheckpoint` wrote. The tensors belong to the scope that is open around the
 * call, or to nobody.
 * @param source the name of the file in errors.
 * @throws FormatError naming the first thing that is missing or does not fit; nothing is then left
 *   on the heap.
 */
export function decodeCheckpoint(file: SafetensorsFile, source: string): Checkpoint {
  if (file.metadata.format !== format || file.metadata.version !== version) {
    const found = file.metadata.format ?? 'no format';
    throw new FormatError(
      source,
      `not a Glimpse model: its metadata names ${found}, version ${file.metadata.version ?? '?'}, not ${format}, version ${version}`,
    );
  }
  using work = scope();
  const read = <T>(key: string, schema: z.ZodType<T>): T => parse(file, source, key, schema);
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
      ? parsePreprocessing(read('preprocessing', z.unknown()), source)
      : undefined,
    encoder: file.metadata.encoder ? encoderOf(file, read('encoder', encoderSchema)) : undefined,
    training: file.metadata.training
      ? trainingOf(file, read('training', trainingSchema), captioner, source)
      : undefined,
  };
  work.keep([captioner.parameters, checkpoint.training?.optimiser.state ?? {}]);
  return checkpoint;
}

function captionerOf(file: SafetensorsFile, config: Config, source: string): Captioner {
  checkExtent(file, config, source);
  const dtype = file.tensors.get('captioner.embedding.W')?.dtype === 'F64' ? 'f64' : 'f32';
  try {
    const random = Random.restore(file.metadata.random ?? '');
    const fresh = new Captioner(
      { ...config, vision: config.vision, attention: config.attention },
      { dtype, random: new Undrawn() },
    );
    const parameters = restored('captioner', fresh.parameters, file, source);
    const baseline =
      file.metadata.baseline === undefined
        ? undefined
        : parse(file, source, 'baseline', z.number());
    return new Captioner(fresh.config, { parameters, random, baseline });
  } catch (error) {
    if (error instanceof FormatError && error.source === source) throw error;
    if (!(error instanceof FormatError || error instanceof UsageError)) throw error;
    throw new FormatError(source, `metadata: ${error.message}`, { cause: error });
  }
}

/** In place of random numbers where only the parameters' form is wanted: drawing takes a while. */
class Undrawn extends Random {
  constructor() {
    super(0);
  }

  override normal(): number {
    return 0;
  }
}

/** A captioner of any size is built before its tensors are compared; this keeps a lie affordable. */
function checkExtent({ tensors }: SafetensorsFile, config: Config, source: string): void {
  const { featureSize: D, embeddingSize: W, hiddenSize: H, vocabularySize: V, vision } = config;
  const filters = (vision?.filters ?? []).map((F, layer, all) => F * (all[layer - 1] ?? 1));
  const largest = Math.max(D * H, W * H, H * H, V * H, V * W, ...filters);
  let values = 0;
  for (const { bytes } of tensors.values()) values += bytes.length / 4;
  if (largest > values + 2 ** 22) {
    throw new FormatError(
      source,
      `metadata entry captioner: it describes a matrix of ${largest} values, but all tensors of the file hold ${values}`,
    );
  }
  for (const name of ['nullWord', 'startWord', 'endWord'] as const) {
    if (config[name] >= V) {
      throw new FormatError(
        source,
        `metadata entry captioner: ${name} is ${config[name]}, but there are ${V} words`,
      );
    }
  }
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
  const optimiser = createOptimiser({ ...recipe, optimiser: kind }, captioner.parameters);
  const state = new Map(leaves(restored('optimiser', optimiser.state, file, source)));
  for (const [path, leaf] of leaves(optimiser.state)) {
    const found = state.get(path);
    if (found) leaf.assign(found.dataSync());
  }
  optimiser.steps = steps;
  return { recipe, optimiser, dataset, progress: { ...progress, best: progress.best } };
}

const dtypes = { f32: 'F32', f64: 'F64' } as const satisfies Record<FloatDType, string>;

function* saved(
  prefix: string,
  tree: TensorTree,
): Generator<[name: string, tensor: SafetensorsTensor]> {
  for (const [path, leaf] of leaves(tree)) {
    const values = leaf.dataSync();
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    yield [`${prefix}.${path}`, { dtype: dtypes[leaf.float], shape: leaf.shape, bytes }];
  }
}

/** Tensors of a file in the form of a tree, each checked against the leaf that it replaces. */
function restored<P extends TensorTree>(
  prefix: string,
  form: P,
  { tensors }: SafetensorsFile,
  source: string,
): P {
  return mapTree(form, (leaf, path) => {
    const name = `${prefix}.${path}`;
    const found = tensors.get(name);
    if (!found) throw new FormatError(source, `the tensor ${name} is missing`);
    const dtype = dtypes[leaf.float];
    if (found.dtype !== dtype || showShape(found.shape) !== showShape(leaf.shape)) {
      throw new FormatError(
        source,
        `the tensor ${name} is ${found.dtype} ${showShape(found.shape)}, but the model needs ${dtype} ${showShape(leaf.shape)}`,
      );
    }
    return Tensor.fromBytes(leaf.dtype, leaf.shape, found.bytes);
  });
}

function parse<T>(
  { metadata }: SafetensorsFile,
  source: string,
  key: string,
  schema: z.ZodType<T>,
): T {
  let json: unknown;
  try {
    json = JSON.parse(metadata[key] ?? '');
  } catch (cause) {
    throw new FormatError(source, `the metadata entry ${key} is missing or no JSON`, { cause });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new FormatError(source, `metadata entry ${key}: ${firstIssue(result.error)}`);
}
