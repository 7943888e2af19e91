/** Arrays of features in the files of other programs, and the photos that their rows belong to. */
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { z } from 'zod';
import { otherKindOf, readBytes, readJson, readText, withOpenFile } from '../data/formats/files.js';
import { Hdf5File } from '../data/formats/hdf5.js';
import { NPY_HEADER_ROOM, parseNpyHeader, parseNpyTexts } from '../data/formats/npy.js';
import { NpzFile } from '../data/formats/npz.js';
import { readSafetensorsHeader } from '../data/formats/safetensors-files.js';
import { allBytes, FileBytes, type StoredBytes } from '../data/formats/stored-bytes.js';
import { listed } from '../data/formats/strict-json.js';
import { FormatError } from '../errors.js';
import { checkNumbers, hdf5Rows, joinedRows, type Rows, storedRows } from './rows.js';

/** Rows of a file of another program, and the photos' ids if it has them too. */
export interface ForeignArrays {
  readonly path: string;
  readonly rows: Rows;
  readonly ids: readonly string[] | undefined;
}

/** Usual names of the array of features, where a file has several arrays. */
const FEATURES = ['features', 'feats', 'feat', 'pooled', 'grid', 'x', 'arr_0'];
const IDS = ['ids', 'image_ids', 'image_id', 'names', 'filenames'];

/**
 * The features in a `.npy`, `.npz`, HDF5 or safetensors file.
 * @param specification the file, and after a # which of its arrays; or a folder of files.
 * @param findId which photo a name means.
 * @param options.alone whether the array is that of one photo.
 * @throws FileError; FormatError; MissingDependencyError
 */
export async function openArrays(
  specification: string,
  findId: FindId,
  { alone = false } = {},
): Promise<ForeignArrays> {
  if (
    await stat(specification).then(
      (found) => found.isDirectory(),
      () => false,
    )
  ) {
    return ofFolder(specification, findId);
  }
  const [, path = specification, name] = /^(.*\.\w+)#(.+)$/s.exec(specification) ?? [];
  switch (extname(path).toLowerCase()) {
    case '.npy': {
      const { size } = await withOpenFile(path, (file) => file.stat());
      const bytes = new FileBytes(path, 0, size);
      return { path, rows: npyRows(bytes, path, { alone }), ids: undefined };
    }
    case '.npz':
      return ofNpz(path, name, findId, alone);
    case '.h5':
    case '.hdf5':
      return ofHdf5(path, name, findId);
    case '.safetensors':
      return ofSafetensors(path, name);
    default:
      throw new FormatError(
        path,
        (await otherKindOf(path)) ??
          'is no file of features: they end in .safetensors (glimpse features), .npy, .npz, .h5 or .hdf5',
      );
  }
}

/** The ids of rows: a text a line, a JSON list, or a `.npy` list. @throws FileError, FormatError */
export async function readIds(path: string): Promise<string[]> {
  switch (extname(path).toLowerCase()) {
    case '.json': {
      const id = z.union([z.string(), z.int()]).transform(String);
      return readJson(path, z.array(id));
    }
    case '.npy':
      return parseNpyTexts(await readBytes(path), path);
    default: {
      const lines = (await readText(path)).split(/\r?\n/).map((line) => line.trim());
      return lines.filter((line) => line !== '');
    }
  }
}

/** @param options.alone whether the array is one row. */
function npyRows(bytes: StoredBytes, source: string, { alone = false } = {}): Rows {
  const start = new Uint8Array(Math.min(bytes.size, NPY_HEADER_ROOM));
  bytes.read(0, start);
  const header = parseNpyHeader(start, bytes.size, source);
  // A name may be one of thousands.
  bytes.close();
  const shape = alone ? [1, ...header.shape] : header.shape;
  return storedRows(bytes, header.begin, checkNumbers({ ...header, shape }, source), shape);
}

async function ofNpz(
  path: string,
  name: string | undefined,
  findId: FindId,
  alone: boolean,
): Promise<ForeignArrays> {
  const file = await NpzFile.open(path);
  try {
    const names = file.names();
    const rowsOf = async (array: string, isRow: boolean) =>
      npyRows(await file.bytes(array), `${path}: ${array}`, { alone: isRow });
    const photos = name === undefined ? byPhoto(names, findId) : [];
    if (photos.length > 0) {
      return await rowsByPhoto(path, photos, (array) => rowsOf(array, true));
    }
    const rows = await rowsOf(choose(path, names, name), alone);
    const ids = names.find((other) => IDS.includes(other));
    if (ids === undefined) return { path, rows, ids };
    const bytes = await file.bytes(ids);
    const texts = parseNpyTexts(allBytes(bytes), `${path}: ${ids}`);
    bytes.close();
    return { path, rows, ids: texts };
  } finally {
    file.close();
  }
}

async function ofHdf5(
  path: string,
  name: string | undefined,
  findId: FindId,
): Promise<ForeignArrays> {
  const file = await Hdf5File.open(path);
  try {
    const names = file.names();
    const photos = name === undefined ? byPhoto(names, findId) : [];
    if (photos.length > 0) {
      const { rows, ids } = await rowsByPhoto(path, photos, (array) =>
        hdf5Rows(file, array, { alone: true }),
      );
      return { path, ids, rows: { ...rows, close: () => void file.close() } };
    }
    const rows = hdf5Rows(file, choose(path, names, name));
    const ids = names.find((other) => IDS.includes(other));
    return { path, rows, ids: ids === undefined ? undefined : file.texts(ids) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A file for each photo: those that are called as photos are. @throws FormatError when none is */
async function ofFolder(path: string, findId: FindId): Promise<ForeignArrays> {
  const files = (await readdir(path)).filter((name) => /\.np[yz]$/i.test(name)).sort();
  const known = files.map((name) => [name, findId(name.replace(/\.np[yz]$/i, ''))] as const);
  const photos = known.flatMap(([name, id]) => (id === undefined ? [] : [{ array: name, id }]));
  if (photos.length > 0) {
    return rowsByPhoto(path, photos, async (name) => {
      const { rows } = await openArrays(join(path, name), () => undefined, { alone: true });
      return rows;
    });
  }
  throw new FormatError(
    path,
    files.length === 0
      ? 'is a folder without .npy or .npz files'
      : `has ${files.length} files, none of which is called as a photo is: ${listed(files)}`,
  );
}

interface PhotoArray {
  readonly array: string;
  readonly id: string;
}

/**
 * The arrays that are called as photos are; of all `<id>_features` where there are such, beside which
 * others hold boxes and classes. None where an array has a usual name of features.
 */
function byPhoto(names: readonly string[], findId: FindId): PhotoArray[] {
  if (names.some((name) => FEATURES.includes(name) && findId(name) === undefined)) return [];
  const ending = '_features';
  const marked = names.filter((name) => name.endsWith(ending));
  return (marked.length > 0 ? marked : names).flatMap((array) => {
    const id = findId(marked.length > 0 ? array.slice(0, -ending.length) : array);
    return id === undefined ? [] : [{ array, id }];
  });
}

async function rowsByPhoto(
  path: string,
  photos: readonly PhotoArray[],
  rowsOf: (array: string) => Rows | Promise<Rows>,
): Promise<ForeignArrays> {
  const parts = [];
  for (const { array } of photos) {
    parts.push({ path: `${path}: ${array}`, rows: await rowsOf(array) });
  }
  return { path, rows: joinedRows(parts), ids: photos.map(({ id }) => id) };
}

async function ofSafetensors(path: string, name: string | undefined): Promise<ForeignArrays> {
  const { entries } = await readSafetensorsHeader(path);
  const chosen = choose(path, [...entries.keys()], name);
  const entry = entries.get(chosen);
  if (!entry) throw new FormatError(path, `has no tensor ${chosen}`);
  const bytes = new FileBytes(path, entry.begin, entry.end - entry.begin);
  const dtype = checkNumbers(entry, `${path}: ${chosen}`);
  return { path, rows: storedRows(bytes, 0, dtype, entry.shape), ids: undefined };
}

/** @throws FormatError when the array is not there, or it is not plain which one is meant. */
function choose(path: string, names: readonly string[], name: string | undefined): string {
  const candidates = names.filter((other) => !IDS.includes(other));
  const found =
    name ??
    FEATURES.find((usual) => names.includes(usual)) ??
    candidates.find(() => candidates.length === 1);
  if (found !== undefined && names.includes(found)) return found;
  const list = names.length === 0 ? 'no array' : names.slice(0, 10).join(', ');
  throw new FormatError(
    path,
    found === undefined
      ? `has ${list}: name the features, ${path}#<array>`
      : `has no array ${found}, only ${list}`,
  );
}

/** Finds the id of a photo by another name of it. */
export type FindId = (name: string) => string | undefined;

/**
 * Photos of a dataset by their ids, with or without the ending, or by the number that ends it, as
 * COCO's files do: `COCO_val2014_000000000042.jpg` is found by 42, too. Folders before a name do not count,
 * nor how letters with marks are composed.
 */
export function photoNames(ids: readonly string[]): FindId {
  const spelled = new Map<string, string | undefined>();
  for (const id of ids) {
    for (const alias of aliases(id)) {
      // A name that two photos share finds neither.
      spelled.set(alias, spelled.has(alias) ? undefined : id);
    }
  }
  for (const id of ids) spelled.set(id.normalize(), id);
  return (name) => {
    const plain = name.normalize();
    const file = plain.slice(plain.lastIndexOf('/') + 1);
    const found = [plain, file, withoutEnding(file), numberOf(file)].find(
      (one) => one !== undefined && spelled.get(one) !== undefined,
    );
    return found === undefined ? undefined : spelled.get(found);
  };
}

function aliases(id: string): Set<string> {
  const stem = withoutEnding(id.normalize());
  const number = /(?:^|_)0*(\d+)$/.exec(stem)?.[1];
  return new Set([stem, stem.slice(stem.lastIndexOf('/') + 1), ...(number ? [number] : [])]);
}

function withoutEnding(name: string): string {
  return name.replace(/\.\w{3,4}$/, '');
}

function numberOf(name: string): string | undefined {
  return /^0*(\d+)$/.exec(withoutEnding(name))?.[1];
}
