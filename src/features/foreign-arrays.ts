import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { z } from 'zod';
import {
  asFileError,
  otherKindOf,
  readBytes,
  readJson,
  readSafetensorsHeader,
  readText,
} from '../data/files.js';
import { Hdf5File } from '../data/hdf5.js';
import { NPY_HEADER_ROOM, parseNpyHeader, parseNpyTexts } from '../data/npy.js';
import { NpzFile } from '../data/npz.js';
import { allBytes, FileBytes, type StoredBytes } from '../data/stored-bytes.js';
import { FormatError } from '../errors.js';
import { checkNumbers, hdf5Rows, type Rows, storedRows } from './rows.js';

/** Rows of a file of another program, and the photos' ids if it has them too. */
export interface ForeignArrays {
  readonly path: string;
  readonly rows: Rows;
  readonly ids: readonly string[] | undefined;
}

/** Names that features go by where a file has several arrays. */
const FEATURES = ['features', 'feats', 'feat', 'pooled', 'grid', 'x', 'arr_0'];
const IDS = ['ids', 'image_ids', 'image_id', 'names', 'filenames'];

/**
 * The features in a `.npy`, `.npz`, HDF5 or safetensors file.
 * @param specification the file, and after a # which of its arrays.
 * @throws FileError; FormatError; MissingDependencyError
 */
export async function openArrays(specification: string): Promise<ForeignArrays> {
  const [, path = specification, name] = /^(.*\.\w+)#(.+)$/s.exec(specification) ?? [];
  switch (extname(path).toLowerCase()) {
    case '.npy': {
      const size = await sizeOf(path);
      return { path, rows: npyRows(new FileBytes(path, 0, size), path), ids: undefined };
    }
    case '.npz':
      return ofNpz(path, name);
    case '.h5':
    case '.hdf5':
      return ofHdf5(path, name);
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

function npyRows(bytes: StoredBytes, source: string): Rows {
  const start = new Uint8Array(Math.min(bytes.size, NPY_HEADER_ROOM));
  bytes.read(0, start);
  const header = parseNpyHeader(start, bytes.size, source);
  return storedRows(bytes, header.begin, checkNumbers(header, source), header.shape);
}

async function ofNpz(path: string, name: string | undefined): Promise<ForeignArrays> {
  const file = await NpzFile.open(path);
  try {
    const names = file.names();
    const chosen = choose(path, names, name);
    const ids = names.find((other) => IDS.includes(other));
    return {
      path,
      rows: npyRows(await file.bytes(chosen), `${path}: ${chosen}`),
      ids:
        ids === undefined
          ? undefined
          : parseNpyTexts(allBytes(await file.bytes(ids)), `${path}: ${ids}`),
    };
  } finally {
    file.close();
  }
}

async function ofHdf5(path: string, name: string | undefined): Promise<ForeignArrays> {
  const file = await Hdf5File.open(path);
  const names = file.names();
  const rows = hdf5Rows(file, choose(path, names, name));
  const ids = names.find((other) => IDS.includes(other));
  return { path, rows, ids: ids === undefined ? undefined : file.texts(ids) };
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

async function sizeOf(path: string): Promise<number> {
  try {
    const file = await open(path, 'r');
    return await file
      .stat()
      .then(({ size }) => size)
      .finally(() => file.close());
  } catch (error) {
    throw asFileError(path, 'read', error);
  }
}
