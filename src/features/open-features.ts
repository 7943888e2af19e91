/** Opens features: feature files of Glimpse, and arrays that other programs stored. */
import { existsSync, statSync } from 'node:fs';
import type { SafetensorsEntry, SafetensorsHeader } from '../data/formats/safetensors.js';
import { readSafetensorsHeader } from '../data/formats/safetensors-files.js';
import { FileBytes } from '../data/formats/stored-bytes.js';
import { FormatError, ValueError } from '../errors.js';
import type { GridShape } from '../models/encoders/grids.js';
import { openArrays, photoNames, readIds } from './array-files.js';
import { clipFeatureFormat, featureFormat, parseFeatureMetadata } from './feature-file.js';
import { Features } from './features.js';
import { joinedRows, type Rows, storedRows } from './rows.js';

/**
 * Opens features: a file of `glimpse features`, or what other programs stored, see
 * `openForeignFeatures`. The vectors are read now, grids when they are asked for.
 *
 * @param path one file, or several whose rows follow one another.
 * @throws FileError; FormatError naming what the file lacks or contradicts; otherwise as
 *   `openForeignFeatures`.
 */
export async function openFeatures(
  path: string | readonly string[],
  options: ForeignOptions = {},
): Promise<Features> {
  const [first = '', ...others] = typeof path === 'string' ? [path] : path;
  const isForeign = /\.(npy|npz|h5|hdf5)$|#/i.test(first) || isDirectory(first);
  if (others.length === 0 && !isForeign) {
    const header = await readSafetensorsHeader(first);
    const { format } = header.metadata;
    if (format === featureFormat.format) return ofGlimpse(first, header);
    if (format === clipFeatureFormat.format) {
      throw new FormatError(
        first,
        'holds features of clips, not of photos: glimpse train video-captioner and video-classifier take it',
      );
    }
    if (format?.startsWith('glimpse')) {
      throw new FormatError(first, `is no feature file, but one of ${format}`);
    }
  }
  return openForeignFeatures([first, ...others], options);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function ofGlimpse(path: string, { entries, metadata }: SafetensorsHeader): Features {
  const description = parseFeatureMetadata(metadata, path);
  const N = description.ids.length;
  const vectors = rows(entries, 'pooled', 2, N, path);
  if (!vectors) throw new FormatError(path, 'the tensor "pooled" is missing');
  const grids = rows(entries, 'grid', 4, N, path);
  const [C = 0, H = 0, W = 0] = grids?.shape ?? [];
  return new Features({
    path,
    ...description,
    vectors,
    grids: grids && { rows: grids, shape: [C, H, W], channelsLast: false },
  });
}

/** A tensor of N rows; undefined when there is none. @throws FormatError */
function rows(
  entries: ReadonlyMap<string, SafetensorsEntry>,
  name: string,
  axes: number,
  N: number,
  path: string,
): Rows | undefined {
  const entry = entries.get(name);
  if (!entry) return undefined;
  const { dtype, shape, begin, end } = entry;
  if (dtype === 'F32' && shape.length === axes && shape[0] === N) {
    return storedRows(new FileBytes(path, begin, end - begin), 0, dtype, shape);
  }
  throw new FormatError(
    path,
    `the tensor "${name}" is ${dtype} (${shape.join(', ')}), not F32 with ${axes} axes, the first being the ${N} photos of "ids"`,
  );
}

/** What is known about features that other programs stored. */
export interface ForeignOptions {
  /** The dataset's photos in the order of its own file: rows without ids are taken to be these. */
  readonly order?: readonly string[] | undefined;
  /** A file with the ids of the rows, see `readIds`. */
  readonly ids?: string | undefined;
}

/**
 * Opens features that other programs stored, as `.npy`, `.npz`, HDF5 or safetensors, in float16, 32
 * or 64: vectors (N, D), or grids (N, L, D), (N, H, W, D) or (N, D, H, W), where D is the longest.
 * Of several arrays in a file one is named, `file.npz#features`. L places are a square where they
 * can be, else one row.
 *
 * Which photo a row belongs to is read from `options.ids`, else from a file `<name>.ids.txt`, `.json` or
 * `.npy` beside, else from an array `ids` inside, else it is the order of the dataset, which then must
 * have as many photos. Ids are those of the dataset, with or without the ending, or numbers that end
 * its names, as COCO's do.
 *
 * Features may also be an array for each photo, called by such an id: in an `.npz`, in HDF5 (there also
 * `<id>_features`), or each in a file of a folder. All must have one shape.
 *
 * @throws FileError; FormatError; ValueError when the photos are not known;
 *   MissingDependencyError for HDF5 without the package h5wasm.
 */
export async function openForeignFeatures(
  paths: readonly string[],
  { order = [], ids: idsFile }: ForeignOptions,
): Promise<Features> {
  const path = paths.join(', ');
  const parts = [];
  const findId = photoNames(order);
  for (const one of paths) parts.push(await openArrays(one, findId));
  const rows = joinedRows(parts);
  const found = idsFile ? await readIds(idsFile) : joined(await Promise.all(parts.map(idsOf)));
  const ids = found?.map((id) => findId(id) ?? id) ?? order;
  if (ids.length !== rows.count) {
    const said = found
      ? `there are ${ids.length} ids`
      : `nothing tells which photos they are, and the dataset has ${order.length}: put their ids, one a line, into a file beside it (<name>.ids.txt)`;
    throw new ValueError(`${path} has ${rows.count} rows, but ${said}`);
  }
  const grid = gridOf(rows.shape, path);
  if (!grid) return new Features({ path, ids, vectors: rows });
  return new Features({ path, ids, grids: { rows, ...grid } });
}

const ENDINGS = ['txt', 'json', 'npy'];

async function idsOf({ path, ids }: Awaited<ReturnType<typeof openArrays>>) {
  const name = path.replace(/\.[^./\\]+$/, '');
  const beside = ENDINGS.map((ending) => `${name}.ids.${ending}`).find((file) => existsSync(file));
  return beside === undefined ? ids : readIds(beside);
}

/** All lists as one; undefined when a part has none. */
function joined(lists: readonly (readonly string[] | undefined)[]): string[] | undefined {
  const there = lists.filter((list) => list !== undefined);
  return there.length === lists.length ? there.flat() : undefined;
}

/** How a row is laid out; undefined for a vector. @throws FormatError */
function gridOf(shape: readonly number[], path: string) {
  if (shape.length === 1) return undefined;
  const [a = 0, b = 0, c = 0] = shape;
  if (shape.length === 2) {
    const side = Math.sqrt(a);
    const grid: GridShape = Number.isInteger(side) ? [b, side, side] : [b, 1, a];
    return { shape: grid, channelsLast: true };
  }
  if (shape.length === 3 && c > Math.max(a, b)) {
    return { shape: [c, a, b] as const, channelsLast: true };
  }
  if (shape.length === 3 && a > Math.max(b, c)) {
    return { shape: [a, b, c] as const, channelsLast: false };
  }
  throw new FormatError(
    path,
    `rows of (${shape.join(', ')}) are neither (H, W, D) nor (D, H, W) with D the longest: store (N, H * W, D)`,
  );
}
