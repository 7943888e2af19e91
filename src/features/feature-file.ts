import { z } from 'zod';
import { readSafetensorsHeader } from '../data/files.js';
import { firstIssue } from '../data/issues.js';
import { parsePreprocessing } from '../data/preprocessing.js';
import type { SafetensorsEntry } from '../data/safetensors.js';
import { FileError, FormatError, ValueError } from '../errors.js';
import { type Encoder, encoderFingerprint } from '../models/encoder.js';
import { openEncoder } from '../models/encoder-file.js';
import { channelsLast, type GridShape } from '../models/grids.js';
import { RowFile } from './row-file.js';

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
  return new Features(path, description, pooled, grid);
}

/** Reads grids one by one. */
export interface GridReader {
  /** Values of a grid, L C. */
  readonly size: number;
  /** Writes the grid of photo number `index`, (L, C), to `out` from `offset` on. */
  read(index: number, out: Float32Array, offset: number): void;
}

/** The features of a set of photos, found by the photos' ids. */
export class Features {
  readonly path: string;
  readonly metadata: FeatureMetadata;
  readonly ids: readonly string[];
  /** Length of a photo's vector. */
  readonly D: number;
  /** A photo's grid (C, H, W), when the file has grids. */
  readonly gridShape: GridShape | undefined;
  readonly #rows: ReadonlyMap<string, number>;
  readonly #pooled: Float32Array;
  readonly #grid: RowFile | undefined;

  /** Made by `openFeatures`. */
  constructor(
    path: string,
    metadata: FeatureMetadata,
    { shape: [, D = 0], begin, end }: SafetensorsEntry,
    grid: SafetensorsEntry | undefined,
  ) {
    this.path = path;
    this.metadata = metadata;
    this.ids = metadata.ids;
    this.D = D;
    const [, C = 0, H = 0, W = 0] = grid?.shape ?? [];
    this.gridShape = grid && [C, H, W];
    this.#rows = new Map(metadata.ids.map((id, row) => [id, row]));
    this.#grid = grid && new RowFile(path, grid.begin, 4 * C * H * W);
    if (this.#rows.size !== metadata.ids.length) {
      throw new FormatError(path, 'a photo has more than one row: its id stands there twice');
    }
    this.#pooled = new Float32Array((end - begin) / 4);
    const pooled = new RowFile(path, begin, end - begin);
    pooled.read(0, new Uint8Array(this.#pooled.buffer));
    pooled.close();
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
   * The grids of some photos, (ids.length, L, C): channels last, L = H W places row by row. Read
   * from the file at every call; `gridReader` reads them one by one.
   * @throws as `gridReader`
   */
  grid(ids: readonly string[]): Float32Array {
    const { size, read } = this.gridReader(ids);
    const out = new Float32Array(ids.length * size);
    for (let index = 0; index < ids.length; index++) read(index, out, index * size);
    return out;
  }

  /**
   * Grids of some photos, for when all of them together are more than the memory holds.
   * @returns `size`, the values of a grid, and `read`, which writes the grid (L, C) of `ids[index]`
   *   to a place in `out`; it throws FileError and FormatError.
   * @throws ValueError for an id that is not there, or a file without grids.
   */
  gridReader(ids: readonly string[]): GridReader {
    const file = this.#grid;
    const shape = this.gridShape;
    if (!file || !shape) {
      throw new ValueError(
        `${this.path} has no grids: extract the features again with grids (glimpse features --grid)`,
      );
    }
    const rows = Int32Array.from(ids, (id) => this.#rowOf(id));
    const values = new Float32Array(shape[0] * shape[1] * shape[2]);
    const bytes = new Uint8Array(values.buffer);
    return {
      size: values.length,
      read(index, out, offset) {
        file.read(rows[index] ?? -1, bytes);
        channelsLast(values, shape, out, offset);
      },
    };
  }

  /**
   * Checks that these features are what a model or dataset needs.
   * @throws ValueError naming the two things that disagree.
   */
  require(needed: {
    D?: number;
    grid?: GridShape | undefined;
    sha256?: string;
    ids?: readonly string[];
  }): void {
    if (needed.D !== undefined && needed.D !== this.D) {
      throw new ValueError(
        `${this.path} has vectors of ${this.D} values, but the model takes ${needed.D}`,
      );
    }
    if (needed.grid && `${needed.grid}` !== `${this.gridShape}`) {
      const found = this.gridShape ? `grids (${this.gridShape.join(', ')})` : 'no grids';
      throw new ValueError(
        `${this.path} has ${found}, but the model looks at grids (${needed.grid.join(', ')})`,
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
