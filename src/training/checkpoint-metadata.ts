import { z } from 'zod';
import { firstIssue } from '../data/formats/schema-errors.js';
import { FormatError } from '../errors.js';
import {
  attentionKinds,
  cells,
  contextUses,
  dropoutKinds,
  initialStates,
  windowCentres,
} from '../models/captioner-config.js';
import { optimiserKinds } from './optimisers.js';
import { recipeSchema } from './recipe.js';

/** What a model file's metadata holds as JSON, entry by entry, and how it is read. */
export type Metadata = Readonly<Record<string, string>>;

export const format = 'glimpse captioner';
export const version = '1';

const positive = z.int().positive();

/** A captioner's configuration. What a file is too old to say, `fullConfig` fills in. */
export const configSchema = z.object({
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
  vision: z.object({ size: positive, filters: z.array(positive) }).exactOptional(),
  layers: positive.exactOptional(),
  tiedEmbeddings: z.boolean().exactOptional(),
  layerNorm: z.boolean().exactOptional(),
  dropoutKind: z.enum(dropoutKinds).exactOptional(),
  attention: z
    .object({
      kind: z.enum(attentionKinds),
      locations: z.tuple([positive, positive]),
      valueSize: positive,
      size: positive,
      glimpse: positive.exactOptional(),
      gate: z.boolean().exactOptional(),
      doublyStochastic: z.number().min(0).exactOptional(),
      entropy: z.number().min(0).exactOptional(),
      centre: z.enum(windowCentres).exactOptional(),
      initialState: z.enum(initialStates).exactOptional(),
      context: z.enum(contextUses).exactOptional(),
      positions: z.boolean().exactOptional(),
    })
    .exactOptional(),
});

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

/** Where training stands, but for the optimiser's tensors. */
export const trainingSchema = z.object({
  recipe: recipeSchema,
  progress: progressSchema,
  dataset: z.object({ name: z.string(), fingerprint: z.string() }),
  optimiser: z.object({ kind: z.enum(optimiserKinds), steps: z.int().min(0) }),
});

/** An encoder, but for its tensors. */
export const encoderSchema = z.object({ kind: z.string(), metadata: z.unknown() });

/** @throws FormatError for another format or version */
export function checkFormat(metadata: Metadata, source: string): void {
  if (metadata.format === format && metadata.version === version) return;
  const found = metadata.format ?? 'no format';
  throw new FormatError(
    source,
    `not a Glimpse model: its metadata names ${found}, version ${metadata.version ?? '?'}, not ${format}, version ${version}`,
  );
}

/** One entry. @throws FormatError when it is missing, no JSON, or not what the schema says */
export function readEntry<T>(
  metadata: Metadata,
  key: string,
  schema: z.ZodType<T>,
  source: string,
): T {
  let json: unknown;
  try {
    json = JSON.parse(metadata[key] ?? '');
  } catch (cause) {
    throw new FormatError(source, `the metadata entry ${key} is missing or no JSON`, { cause });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new FormatError(source, `metadata entry ${key}: ${firstIssue(result.error, json)}`);
}
