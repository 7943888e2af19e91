/** The features of a set of clips: those of their frames by the ids of the clips, read when they are asked for. */
import { firstNotFinite, notFinite } from '../data/formats/notes.js';
import type { SafetensorsEntry } from '../data/formats/safetensors.js';
import { readSafetensorsHeader } from '../data/formats/safetensors-files.js';
import { FileBytes } from '../data/formats/stored-bytes.js';
import type { Sequence } from '../data/video/clip.js';
import { describeSampling, type Sampling } from '../data/video/sampling.js';
import { FormatError, ValueError } from '../errors.js';
import type { Encoder } from '../models/encoders/encoder.js';
import { channelsLast, type GridShape } from '../models/encoders/grids.js';
import {
  clipFeatureFormat,
  type FeatureEncoder,
  featureFormat,
  parseFeatureMetadata,
  type SkippedPhoto,
} from './feature-file.js';
import { openMaker, requireMaker } from './maker.js';
import { type Rows, storedRows } from './rows.js';

/** Where the rows of a clip are. */
interface Stretch {
  readonly first: number;
  readonly count: number;
}

/** What a model, or a set of clips, needs of features. */
export interface NeededClipFeatures {
  readonly D?: number;
  readonly grid?: GridShape | undefined;
  /** The fingerprint of the encoder. */
  readonly sha256?: string;
  readonly sampling?: Sampling;
  readonly ids?: readonly string[];
}

/** The features of the frames of clips, in a file of `glimpse features`. Nothing of them is kept in memory. */
export class ClipFeatures {
  readonly path: string;
  /** The clips, in the order of the file. */
  readonly ids: readonly string[];
  readonly encoder: FeatureEncoder;
  /** Which frames of the clips they are of. */
  readonly sampling: Sampling;
  readonly skipped: readonly SkippedPhoto[];
  /** Length of a frame's vector. */
  readonly D: number;
  /** A frame's grid (C, H, W), when the file has grids. */
  readonly gridShape: GridShape | undefined;
  readonly #stretches: ReadonlyMap<string, Stretch>;
  readonly #vectors: Rows;
  readonly #grids: Rows | undefined;

  private constructor(
    path: string,
    { encoder, ids, skipped, sampling = {} }: ReturnType<typeof parseFeatureMetadata>,
    lengths: ArrayLike<number>,
    { vectors, grids }: { readonly vectors: Rows; readonly grids: Rows | undefined },
  ) {
    this.path = path;
    this.ids = ids;
    this.encoder = encoder;
    this.sampling = sampling;
    this.skipped = skipped;
    const [C = 0, H = 0, W = 0] = grids?.shape ?? [];
    this.D = vectors.shape[0] ?? 0;
    this.gridShape = grids && [C, H, W];
    this.#vectors = vectors;
    this.#grids = grids;
    let first = 0;
    const stretches = ids.map((id, index): [string, Stretch] => {
      const count = lengths[index] ?? 0;
      first += count;
      return [id, { first: first - count, count }];
    });
    this.#stretches = new Map(stretches);
    if (this.#stretches.size !== ids.length) {
      throw new FormatError(path, 'a clip stands there twice: make it again (glimpse features)');
    }
    if (first !== vectors.count || stretches.some(([, { count }]) => count < 1)) {
      throw new FormatError(
        path,
        `"lengths" counts ${first} frames of ${ids.length} clips, each at least one, but there are ${vectors.count} rows`,
      );
    }
  }

  /**
   * Opens a file of `glimpse features` for clips.
   * @throws FileError; FormatError naming what the file lacks or contradicts, or whose features it holds.
   */
  static async open(path: string): Promise<ClipFeatures> {
    const { entries, metadata } = await readSafetensorsHeader(path);
    if (metadata.format !== clipFeatureFormat.format) {
      const photos = metadata.format === featureFormat.format;
      throw new FormatError(
        path,
        photos
          ? 'holds features of photos, not of clips: make it anew (glimpse features --for video-captioner or video-classifier)'
          : 'is no file of features of clips, as glimpse features makes them',
      );
    }
    const description = parseFeatureMetadata(metadata, path);
    const clips = description.ids.length;
    const lengths = entryOf(entries, 'lengths', { dtype: 'I32', axes: 1 }, path);
    const [frames] = entryOf(entries, 'pooled', { dtype: 'F32', axes: 2 }, path).shape;
    if (lengths.shape[0] !== clips) {
      throw new FormatError(path, `has ${lengths.shape[0]} lengths of ${clips} clips`);
    }
    const bytes = new FileBytes(path, lengths.begin, lengths.end - lengths.begin);
    const counts = new Int32Array(clips);
    bytes.read(0, new Uint8Array(counts.buffer));
    bytes.close();
    const rows = (name: string, axes: number): Rows => {
      const { begin, end, shape } = entryOf(entries, name, { dtype: 'F32', axes }, path);
      if (shape[0] !== frames) {
        throw new FormatError(path, `"${name}" has ${shape[0]} rows, but "pooled" has ${frames}`);
      }
      return storedRows(new FileBytes(path, begin, end - begin), 0, 'F32', shape);
    };
    const vectors = rows('pooled', 2);
    const grids = entries.has('grid') ? rows('grid', 4) : undefined;
    return new ClipFeatures(path, description, counts, { vectors, grids });
  }

  /** Closes the file. */
  close(): void {
    this.#vectors.close();
    this.#grids?.close();
  }

  /** Whether there are features of a clip. */
  has(id: string): boolean {
    return this.#stretches.has(id);
  }

  /** How many frames of a clip there are. @throws ValueError for a clip that is not there */
  lengthOf(id: string): number {
    return this.#stretchOf(id).count;
  }

  /**
   * The vectors of a clip's frames (T, D).
   * @throws ValueError for a clip that is not there; FormatError for values that are not finite; FileError
   */
  pooled(id: string): Sequence {
    const { first, count } = this.#stretchOf(id);
    const values = new Float32Array(count * this.D);
    this.#vectors.read(first, count, values, 0);
    return { D: this.D, values: this.#finite(values, this.D, id) };
  }

  /**
   * The grids of a clip's frames (T, L C): of each its L = H W places row by row, channels last.
   * @throws as `pooled`; ValueError for a file without grids
   */
  grid(id: string): Sequence {
    const [C, H, W] = this.requireGrids();
    const { first, count } = this.#stretchOf(id);
    const D = C * H * W;
    const stored = new Float32Array(count * D);
    this.#grids?.read(first, count, stored, 0);
    return { D, values: channelsLast(this.#finite(stored, D, id), [C, H, W]) };
  }

  /** The shape of a frame's grid. @throws ValueError for a file without grids */
  requireGrids(): GridShape {
    if (this.gridShape) return this.gridShape;
    throw new ValueError(
      `${this.path} has no grids: extract the features again with grids (glimpse features --grid)`,
    );
  }

  /** Checks that these features are what a model or a set of clips needs. @throws ValueError naming what disagrees */
  require({ D, grid, sha256, sampling, ids }: NeededClipFeatures): void {
    const { path } = this;
    if (D !== undefined && D !== this.D) {
      throw new ValueError(`${path} has vectors of ${this.D} values, but the model takes ${D}`);
    }
    if (grid && `${grid}` !== `${this.requireGrids()}`) {
      throw new ValueError(
        `${path} has grids (${this.requireGrids().join(', ')}), but the model looks at grids (${grid.join(', ')})`,
      );
    }
    if (sha256 !== undefined) requireMaker(this, sha256);
    if (sampling && !sameSampling(sampling, this.sampling)) {
      throw new ValueError(
        `${path} was made of ${describeSampling(this.sampling)} of each clip, but the model sees ${describeSampling(sampling)}: extract the features again (glimpse features${samplingFlags(sampling)}), or leave them out`,
      );
    }
    const missing = (ids ?? []).filter((id) => !this.has(id));
    if (missing.length > 0) {
      throw new ValueError(
        `${path} has no features of ${missing.length} of ${ids?.length} clips, the first being ${missing[0]}: extract those of this set (glimpse features)`,
      );
    }
  }

  /** Opens the encoder that made these features, to put it into a model file. @throws as `openMaker` */
  openEncoder(path?: string): Promise<Encoder> {
    return openMaker(this, path);
  }

  #finite(values: Float32Array, D: number, id: string): Float32Array {
    const bad = firstNotFinite(values, D);
    if (!bad) return values;
    throw new FormatError(this.path, `the features of frame ${bad.row} of ${id} ${notFinite(bad)}`);
  }

  #stretchOf(id: string): Stretch {
    const stretch = this.#stretches.get(id);
    if (stretch) return stretch;
    throw new ValueError(
      `${this.path} has no features of ${id}, only of ${this.ids.length} other clips`,
    );
  }
}

function sameSampling(a: Sampling, b: Sampling): boolean {
  return a.frames === b.frames && a.rate === b.rate;
}

/** What asks the command for these frames. */
function samplingFlags({ frames, rate }: Sampling): string {
  if (frames !== undefined) return ` --frames ${frames}`;
  return rate === undefined ? ' without --frames and --frame-rate' : ` --frame-rate ${rate}`;
}

/** @throws FormatError unless there is such a tensor */
function entryOf(
  entries: ReadonlyMap<string, SafetensorsEntry>,
  name: string,
  { dtype, axes }: { readonly dtype: 'F32' | 'I32'; readonly axes: number },
  path: string,
): SafetensorsEntry {
  const entry = entries.get(name);
  if (!entry) throw new FormatError(path, `the tensor "${name}" is missing`);
  if (entry.dtype === dtype && entry.shape.length === axes) return entry;
  throw new FormatError(
    path,
    `the tensor "${name}" is ${entry.dtype} (${entry.shape.join(', ')}), not ${dtype} with ${axes} axes`,
  );
}
