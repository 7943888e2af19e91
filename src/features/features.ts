/** The features of a set of photos: vectors and grids by the ids of the photos. */
import { firstNotFinite, notFinite } from '../data/formats/notes.js';
import { FormatError, OutOfMemoryError, ValueError } from '../errors.js';
import type { Encoder } from '../models/encoders/encoder.js';
import { channelsLast, type GridShape } from '../models/encoders/grids.js';
import type { FeatureEncoder, SkippedPhoto } from './feature-file.js';
import { openMaker, requireMaker } from './maker.js';
import type { Rows } from './rows.js';

/** Reads grids one by one. */
export interface GridReader {
  /** Values of a grid, L C. */
  readonly size: number;
  /** Writes the grid of photo number `index`, (L, C), to `out` from `offset` on. */
  read(index: number, out: Float32Array, offset: number): void;
}

/** Grids as they lie in a file. */
export interface StoredGrids {
  readonly rows: Rows;
  readonly shape: GridShape;
  /** Whether a place's channels lie together, (H, W, C); otherwise (C, H, W). */
  readonly channelsLast: boolean;
}

/** What features are made of; at least one of `vectors` and `grids`. */
export interface FeatureParts {
  /** The file, or files, for errors. */
  readonly path: string;
  /** The photos, in the order of the rows. */
  readonly ids: readonly string[];
  /** The encoder that made them, where that is known. */
  readonly encoder?: FeatureEncoder;
  readonly skipped?: readonly SkippedPhoto[];
  /** (N, D). */
  readonly vectors?: Rows | undefined;
  readonly grids?: StoredGrids | undefined;
}

/** Values that are read at once. */
const BLOCK = 2 ** 24;

/**
 * The features of a set of photos, found by the photos' ids. Vectors are in memory, grids are read
 * when they are asked for.
 */
export class Features {
  readonly path: string;
  readonly ids: readonly string[];
  readonly encoder: FeatureEncoder | undefined;
  readonly skipped: readonly SkippedPhoto[];
  /** Length of a photo's vector. Without vectors in the file it is the mean of the grid's places. */
  readonly D: number;
  /** A photo's grid (C, H, W), when the file has grids. */
  readonly gridShape: GridShape | undefined;
  readonly #rows: ReadonlyMap<string, number>;
  readonly #vectors: Float32Array | undefined;
  readonly #grids: StoredGrids | undefined;

  /** Made by `openFeatures`. @throws FormatError when an id stands there twice */
  constructor({ path, ids, encoder, skipped = [], vectors, grids }: FeatureParts) {
    this.path = path;
    this.ids = ids;
    this.encoder = encoder;
    this.skipped = skipped;
    this.gridShape = grids?.shape;
    this.D = vectors?.shape[0] ?? grids?.shape[0] ?? 0;
    this.#rows = new Map(ids.map((id, row) => [id, row]));
    if (this.#rows.size !== ids.length) {
      const twice = ids.find((id, row) => this.#rows.get(id) !== row);
      throw new FormatError(
        path,
        `a photo has more than one row: the id ${twice} stands there twice`,
      );
    }
    this.#vectors = vectors && readAll(vectors, this.D, path);
    vectors?.close();
    this.#grids = grids;
  }

  /** Closes the file. Vectors stay in memory, grids can no longer be read. */
  close(): void {
    this.#grids?.rows.close();
  }

  /** Whether there are features of a photo. */
  has(id: string): boolean {
    return this.#rows.has(id);
  }

  /**
   * The vectors of some photos, (ids.length, D).
   * @throws ValueError naming an id that is not there; FormatError naming one whose values are not finite.
   */
  pooled(ids: readonly string[]): Float32Array {
    const { D } = this;
    const vectors = this.#vectors;
    if (!vectors) return this.#meansOfGrids(ids);
    const out = new Float32Array(ids.length * D);
    for (const [index, id] of ids.entries()) {
      const row = this.#rowOf(id);
      out.set(vectors.subarray(row * D, (row + 1) * D), index * D);
    }
    this.#requireFinite(out, D, ids);
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
    const grids = this.#requireGrids();
    const rows = Int32Array.from(ids, (id) => this.#rowOf(id));
    const [C, H, W] = grids.shape;
    const size = C * H * W;
    if (grids.channelsLast) {
      const read: GridReader['read'] = (index, out, offset) => {
        grids.rows.read(rows[index] ?? -1, 1, out, offset);
        this.#requireFinite(out.subarray(offset, offset + size), size, ids.slice(index, index + 1));
      };
      return { size, read };
    }
    const stored = new Float32Array(size);
    const requireFinite = this.#requireFinite.bind(this);
    return {
      size,
      read(index, out, offset) {
        grids.rows.read(rows[index] ?? -1, 1, stored, 0);
        requireFinite(stored, size, ids.slice(index, index + 1));
        channelsLast(stored, grids.shape, out, offset);
      },
    };
  }

  /** The shape of a photo's grid. @throws ValueError for a file without grids. */
  requireGrids(): GridShape {
    return this.#requireGrids().shape;
  }

  /**
   * Checks that these features are what a model or dataset needs. Which encoder made them can only
   * be checked where it is known.
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
    if (needed.sha256 !== undefined) requireMaker(this, needed.sha256);
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
  async openEncoder(path = this.encoder?.path): Promise<Encoder> {
    return openMaker(this, path);
  }

  #requireGrids(): StoredGrids {
    if (this.#grids) return this.#grids;
    throw new ValueError(
      `${this.path} has no grids: extract the features again with grids (glimpse features --grid)`,
    );
  }

  #meansOfGrids(ids: readonly string[]): Float32Array {
    const { D } = this;
    const { size, read } = this.gridReader(ids);
    const grid = new Float32Array(size);
    const out = new Float32Array(ids.length * D);
    for (let index = 0; index < ids.length; index++) {
      read(index, grid, 0);
      const mean = out.subarray(index * D, (index + 1) * D);
      for (let i = 0; i < size; i++) mean[i % D] = (mean[i % D] ?? 0) + (grid[i] ?? 0);
      for (let d = 0; d < D; d++) mean[d] = ((mean[d] ?? 0) * D) / size;
    }
    return out;
  }

  #requireFinite(values: Float32Array, size: number, ids: readonly string[]): void {
    const bad = firstNotFinite(values, size);
    if (!bad) return;
    throw new FormatError(this.path, `the features of ${ids[bad.row]} ${notFinite(bad)}`);
  }

  #rowOf(id: string): number {
    const row = this.#rows.get(id);
    if (row !== undefined) return row;
    throw new ValueError(
      `${this.path} has no features of ${id}, only of ${this.ids.length} others`,
    );
  }
}

function readAll(rows: Rows, D: number, path: string): Float32Array {
  const values = allocate(rows.count * D, path);
  const block = Math.max(1, Math.floor(BLOCK / Math.max(1, D)));
  for (let first = 0; first < rows.count; first += block) {
    rows.read(first, Math.min(block, rows.count - first), values, first * D);
  }
  return values;
}

function allocate(size: number, path: string): Float32Array {
  try {
    return new Float32Array(size);
  } catch {
    throw new OutOfMemoryError(4 * size, `${path}: no memory for ${size} values`);
  }
}
