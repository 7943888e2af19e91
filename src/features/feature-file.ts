/** The metadata of a feature file: its photos or clips, and the encoder that made the features. */
import { z } from 'zod';
import { firstIssue } from '../data/formats/schema-errors.js';
import { type Sampling, samplingSchema } from '../data/video/sampling.js';
import { FormatError } from '../errors.js';
import { type Encoder, encoderFingerprint } from '../models/encoders/encoder.js';

/**
 * A feature file is a safetensors file: `pooled` (N, D) and perhaps `grid` (N, C, H, W), float32,
 * with the ids of the N photos in order and the encoder that made them as JSON in the metadata.
 */
export const featureFormat = { format: 'glimpse features', version: '1' } as const;

/**
 * The same of clips: the rows are frames, those of one clip after those of another, `lengths` (clips) int32 says
 * how many each has, and the metadata which frames were taken.
 */
export const clipFeatureFormat = { format: 'glimpse clip features', version: '1' } as const;

const encoderSchema = z.object({
  /** Its name in reports. */
  name: z.string(),
  kind: z.string(),
  /** `encoderFingerprint` of what it saves. */
  sha256: z.string(),
  /** The file that it was opened from, when it was: needed again to put it into a model file. */
  path: z.string().optional(),
  /** The metadata that it saves: its preprocessing and which outputs it reads. */
  settings: z.record(z.string(), z.unknown()),
});

/** The encoder that made a file's features. */
export type FeatureEncoder = z.infer<typeof encoderSchema>;

/** Of `SkippedPhoto[]`. */
export const skippedSchema = z.array(z.object({ id: z.string(), reason: z.string() }));

/** A photo, or a clip, that was left out, and why. */
export type SkippedPhoto = z.infer<typeof skippedSchema>[number];

/** What a feature file says about itself. */
export interface FeatureMetadata {
  readonly encoder: FeatureEncoder;
  /** The photos, or clips, in the order of the rows. */
  readonly ids: readonly string[];
  readonly skipped: readonly SkippedPhoto[];
  /** Of clips: which frames were taken of each. */
  readonly sampling?: Sampling | undefined;
}

/** The metadata as safetensors keeps it: texts. */
export function encodeFeatureMetadata({ encoder, ids, skipped, sampling }: FeatureMetadata) {
  return {
    ...(sampling ? clipFeatureFormat : featureFormat),
    encoder: JSON.stringify(encoder),
    ids: JSON.stringify(ids),
    skipped: JSON.stringify(skipped),
    ...(sampling && { sampling: JSON.stringify(sampling) }),
  };
}

/** An encoder as the metadata of features describes it. */
export async function describeEncoder(encoder: Encoder): Promise<FeatureEncoder> {
  const saved = encoder.save();
  return {
    name: encoder.name,
    kind: saved.kind,
    sha256: await encoderFingerprint(saved),
    ...(encoder.path !== undefined && { path: encoder.path }),
    settings: z.record(z.string(), z.unknown()).parse(saved.metadata),
  };
}

/** The metadata of a feature file. @throws FormatError naming the entry that is wrong */
export function parseFeatureMetadata(
  metadata: Readonly<Record<string, string>>,
  path: string,
): FeatureMetadata {
  if (metadata.version !== featureFormat.version) {
    throw new FormatError(
      path,
      `is a feature file of version ${metadata.version ?? '?'}, this reads version ${featureFormat.version}: make it again with "glimpse features"`,
    );
  }
  const read = <T>(key: string, schema: z.ZodType<T>): T => parse(metadata[key], schema, key, path);
  return {
    encoder: read('encoder', encoderSchema),
    ids: read('ids', z.array(z.string())),
    skipped: read('skipped', skippedSchema),
    ...(metadata.format === clipFeatureFormat.format && {
      sampling: read('sampling', samplingSchema),
    }),
  };
}

function parse<T>(text: string | undefined, schema: z.ZodType<T>, key: string, path: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text ?? '');
  } catch (cause) {
    throw new FormatError(path, `the metadata entry "${key}" is missing or no JSON`, { cause });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new FormatError(path, `metadata entry "${key}": ${firstIssue(result.error, json)}`);
}
