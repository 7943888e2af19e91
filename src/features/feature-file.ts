import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { asFileError, readSafetensorsHeader } from '../data/files.js';
import { firstIssue } from '../data/issues.js';
import { parsePreprocessing } from '../data/preprocessing.js';
import type { SafetensorsEntry } from '../data/safetensors.js';
import { FileError, FormatError, ValueError } from '../errors.js';
import { type Encoder, encoderFingerprint } from '../models/encoder.js';
import { openEncoder } from '../models/encoder-file.js';

/**
 * A feature file is a safetensors file: `pooled` (N, D) and perhaps `grid` (N, C, H, W), float32,
 * with the ids of the N photos in order and the encoder that made them as JSON in the metadata.
 */
export const featureFormat = { format: 'glimpse features', version: '1' } as const;

const encoderSchema = z.object({
  /** What to call it to people. */
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

/** A photo that was left out, and why. */
export type SkippedPhoto = z.infer<typeof skippedSchema>[number];

/** What a feature file says about itself. */
export interface FeatureMetadata {
  readonly encoder: FeatureEncoder;
  /** The photos, in the order of the rows. */
  readonly ids: readonly string[];
  readonly skipped: readonly SkippedPhoto[];
}

/** The metadata as safetensors keeps it: texts. */
export function encodeFeatureMetadata({ encoder, ids, skipped }: FeatureMetadata) {
  return {
    ...featureFormat,
    encoder: JSON.stringify(encoder),
    ids: JSON.stringify(ids),
    skipped: JSON.stringify(skipped),
  };
}

/** An encoder as features remember it. */
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

/**
 * Opens a feature file. The vectors are read now, grids when they are asked for.
 * @throws FileError; FormatError naming what the file lacks or contradicts.
 */
export async function openFeatures(path: string): Promise<Features> {
  const { entries, metadata } = await readSafetensorsHeader(path);
  if (metadata.format !== featureFormat.format || metadata.version !== featureFormat.version) {
    throw new FormatError(
      path,
      `is no feature file: its metadata names ${metadata.format ?? 'no format'}, version ${metadata.version ?? '?'}, ` +
        `not ${featureFormat.format}, version ${featureFormat.version}. Make one with "glimpse features".`,
    );
  }
  const read = <T>(key: string, schema: z.ZodType<T>): T => parse(metadata[key], schema, key, path);
  const description: FeatureMetadata = {
    encoder: read('encoder', encoderSchema),
    ids: read('ids', z.array(z.string())),
    skipped: read('skipped', skippedSchema),
  };
  const N = description.ids.length;
  const pooled = rows(entries, 'pooled', 2, N, path);
  if (!pooled) throw new FormatError(path, 'the tensor "pooled" is missing');
  const grid = rows(entries, 'grid', 4, N, path);
  return new Features(path, description, pooled, await readRange(path, pooled), grid);
}

/** The features of a set of photos, found by the photos' ids. */
export class Features {
  readonly path: string;
  readonly metadata: FeatureMetadata;
  readonly ids: readonly string[];
  /** Length of a photo's vector. */
  readonly D: number;
  /** A photo's grid (C, H, W), when the file has grids. */
  readonly gridShape: readonly [C: number, H: number, W: number] | undefined;
  readonly #rows: ReadonlyMap<string, number>;
  readonly #pooled: Float32Array;
  readonly #grid: SafetensorsEntry | undefined;

  /** Made by `openFeatures`. */
  constructor(
    path: string,
    metadata: FeatureMetadata,
    { shape: [, D = 0] }: SafetensorsEntry,
    pooled: Float32Array,
    grid: SafetensorsEntry | undefined,
  ) {
    this.path = path;
    this.metadata = metadata;
    this.ids = metadata.ids;
    this.D = D;
    const [, C = 0, H = 0, W = 0] = grid?.shape ?? [];
    this.gridShape = grid && [C, H, W];
    this.#rows = new Map(metadata.ids.map((id, row) => [id, row]));
    this.#pooled = pooled;
    this.#grid = grid;
    if (this.#rows.size !== metadata.ids.length) {
      throw new FormatError(path, 'a photo has more than one row: its id stands there twice');
    }
  }

  /** Whether there are features of a photo. */
  has(id: string): boolean {
    return this.#rows.has(id);
  }

  /** The vectors of some photos, (ids.length, D). @throws ValueError naming an id that is not there. */
  pooled(ids: readonly string[]): Float32Array {
    const { D } = this;
    const out = new Float32Array(ids.length * D);
    for (const [index, id] of ids.entries()) {
      const row = this.#rowOf(id);
      out.set(this.#pooled.subarray(row * D, (row + 1) * D), index * D);
    }
    return out;
  }

  /**
   * The grids of some photos, (ids.length, C, H, W), read from the file.
   * @throws ValueError for an id that is not there, or a file without grids; FileError.
   */
  async grid(ids: readonly string[]): Promise<Float32Array> {
    const entry = this.#grid;
    if (!entry) {
      throw new ValueError(`${this.path} has no grids: extract the features again with grids`);
    }
    const rowBytes = this.ids.length === 0 ? 0 : (entry.end - entry.begin) / this.ids.length;
    const out = new Float32Array((ids.length * rowBytes) / 4);
    const positions = ids.map((id) => entry.begin + this.#rowOf(id) * rowBytes);
    await withFile(this.path, async (file) => {
      for (const [index, position] of positions.entries()) {
        await fill(
          file,
          new Uint8Array(out.buffer, index * rowBytes, rowBytes),
          position,
          this.path,
        );
      }
    });
    return out;
  }

  /**
   * Checks that these features are what a model or dataset needs.
   * @throws ValueError naming the two things that disagree.
   */
  require(needed: { D?: number; sha256?: string; ids?: readonly string[] }): void {
    if (needed.D !== undefined && needed.D !== this.D) {
      throw new ValueError(
        `${this.path} has vectors of ${this.D} values, but the model takes ${needed.D}`,
      );
    }
    const { name, sha256 } = this.metadata.encoder;
    if (needed.sha256 !== undefined && needed.sha256 !== sha256) {
      throw new ValueError(
        `${this.path} was made by ${name} ${sha256.slice(0, 12)}…, not by the encoder ${needed.sha256.slice(0, 12)}…: extract the features again`,
      );
    }
    const missing = (needed.ids ?? []).filter((id) => !this.has(id));
    if (missing.length > 0) {
      throw new ValueError(
        `${this.path} has no features of ${missing.length} of ${needed.ids?.length} photos, the first being ${missing[0]}`,
      );
    }
  }

  /**
   * Opens the encoder that made these features, to put it into a model file.
   * @param path where its file is now (default: where it was).
   * @throws ValueError when it is not known where, or the file there is another one; otherwise as
   *   `openEncoder`.
   */
  async openEncoder(path = this.metadata.encoder.path): Promise<Encoder> {
    const { kind, settings } = this.metadata.encoder;
    if (path === undefined) {
      throw new ValueError(`${this.path} does not say which file its encoder came from: name it`);
    }
    const { pooled, grid } = settings;
    const options = {
      preprocessing: parsePreprocessing(settings.preprocessing, this.path),
      ...(kind === 'onnx' && typeof pooled === 'string' && { pooled }),
      ...(kind === 'onnx' && typeof grid === 'string' && { grid }),
    };
    const encoder = await openEncoder(path, options).catch((error: unknown) => {
      if (!(error instanceof FileError)) throw error;
      throw new FileError(
        path,
        `the encoder that made ${this.path} is not there: say where it is now (--encoder <file>)`,
        { cause: error },
      );
    });
    this.require({ sha256: await encoderFingerprint(encoder.save()) });
    return encoder;
  }

  #rowOf(id: string): number {
    const row = this.#rows.get(id);
    if (row !== undefined) return row;
    throw new ValueError(
      `${this.path} has no features of ${id}, only of ${this.ids.length} others`,
    );
  }
}

/** The entry of a tensor of N rows; undefined when there is none. @throws FormatError */
function rows(
  entries: ReadonlyMap<string, SafetensorsEntry>,
  name: string,
  axes: number,
  N: number,
  path: string,
): SafetensorsEntry | undefined {
  const entry = entries.get(name);
  if (!entry) return undefined;
  const { dtype, shape } = entry;
  if (dtype === 'F32' && shape.length === axes && shape[0] === N) return entry;
  throw new FormatError(
    path,
    `the tensor "${name}" is ${dtype} (${shape.join(', ')}), not F32 with ${axes} axes, the first being the ${N} photos of "ids"`,
  );
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
  throw new FormatError(path, `metadata entry "${key}": ${firstIssue(result.error)}`);
}

async function readRange(path: string, { begin, end }: SafetensorsEntry): Promise<Float32Array> {
  const values = new Float32Array((end - begin) / 4);
  await withFile(path, (file) => fill(file, new Uint8Array(values.buffer), begin, path));
  return values;
}

async function withFile(path: string, work: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    const file = await open(path, 'r');
    await work(file).finally(() => file.close());
  } catch (error) {
    throw asFileError(path, 'read', error);
  }
}

/** Reads exactly as many bytes as fit. @throws FormatError when the file ends before. */
async function fill(
  file: FileHandle,
  bytes: Uint8Array,
  position: number,
  path: string,
): Promise<void> {
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, position + filled);
    if (bytesRead === 0) {
      throw new FormatError(path, `ends at byte ${position + filled}, before what its header says`);
    }
    filled += bytesRead;
  }
}
