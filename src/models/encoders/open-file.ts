/** Encoders out of files on disk: a network, the weights beside it, and how photos become its input. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { asFileError, readBytes, readJson } from '../../data/formats/files.js';
import { FileBytes } from '../../data/formats/stored-bytes.js';
import type { Preprocessing } from '../../data/pictures/preprocessing.js';
import {
  PREPROCESSOR_CONFIG,
  parsePreprocessorConfig,
} from '../../data/pictures/preprocessor-config.js';
import { FileError, FormatError } from '../../errors.js';
import type { Encoder, EncoderOptions } from './encoder.js';
import {
  MOST_ONNX_BYTES,
  type OutsideTensor,
  outsideTensors,
  withOutsideTensors,
} from './onnx-weights.js';
import { encoderFromBytes, isOnnxName } from './open.js';

/**
 * Opens an encoder's file: see `encoderFromBytes`. Weights of an ONNX file that lie in files beside it
 * are read from there, and so is a `preprocessor_config.json`, unless `options` say how photos become
 * its input. The encoder remembers the whole path, so that features that it makes can name it from
 * anywhere.
 * @throws FileError, and as that function
 */
export async function openEncoder(path: string, options: EncoderOptions = {}): Promise<Encoder> {
  const whole = resolve(path);
  if (!isOnnxName(path)) return encoderFromBytes(await readBytes(path), whole, options);
  const bytes = await readOnnx(path);
  const preprocessing = options.preprocessing ?? (await preprocessingBeside(path))?.preprocessing;
  return encoderFromBytes(bytes, whole, { ...options, ...(preprocessing && { preprocessing }) });
}

/**
 * An ONNX file whole: weights that lie in files beside it (`model.onnx.data`, `model.onnx_data`) are
 * put into it, so that it needs no other file from then on.
 *
 * @throws FileError; FormatError where the files beside it are not what it says, lie elsewhere than
 *   in its folder, or are more than an ONNX file can hold.
 */
export async function readOnnx(path: string): Promise<Uint8Array> {
  checkTotal(path, await sizeOf(path));
  const bytes = await readBytes(path);
  const tensors = outsideTensors(bytes, path);
  if (tensors.length === 0) return bytes;
  const files = await openFiles(path, tensors);
  try {
    const outside = tensors.map((tensor) => lengthIn(files, tensor, path));
    checkTotal(
      path,
      outside.reduce((sum, length) => sum + length, bytes.length),
    );
    return withOutsideTensors(bytes, path, (tensor) => {
      const values = new Uint8Array(lengthIn(files, tensor, path));
      files.get(tensor.location)?.read(tensor.offset, values);
      return values;
    });
  } finally {
    for (const file of files.values()) file.close();
  }
}

/**
 * How photos become a network's input, by the `preprocessor_config.json` beside its file, or one folder
 * up from a folder `onnx`; undefined when there is none.
 * @throws FileError; FormatError for what cannot be done as it says.
 */
export async function preprocessingBeside(
  path: string,
): Promise<{ path: string; preprocessing: Preprocessing } | undefined> {
  const folder = dirname(resolve(path));
  const folders = basename(folder) === 'onnx' ? [folder, dirname(folder)] : [folder];
  const found = folders.map((one) => join(one, PREPROCESSOR_CONFIG)).find(existsSync);
  return found === undefined
    ? undefined
    : { path: found, preprocessing: await readPreprocessing(found) };
}

/** Reads a `preprocessor_config.json`. @throws FileError, FormatError */
export async function readPreprocessing(path: string): Promise<Preprocessing> {
  return parsePreprocessorConfig(await readJson(path, z.unknown()), path);
}

function checkTotal(path: string, bytes: number): void {
  if (bytes <= MOST_ONNX_BYTES) return;
  const [size, most] = [bytes, MOST_ONNX_BYTES].map((count) => (count / 1e9).toFixed(2));
  throw new FormatError(
    path,
    `the network is ${size} GB with its weights; ONNX networks of up to ${most} GB are taken: export a smaller one, or its weights as float16`,
  );
}

/** The files that the tensors' values lie in, by their location. */
async function openFiles(
  path: string,
  tensors: readonly OutsideTensor[],
): Promise<Map<string, FileBytes>> {
  const files = new Map<string, FileBytes>();
  for (const { name, location } of tensors) {
    if (files.has(location)) continue;
    const parts = location.split(/[/\\]/);
    if (parts.includes('..') || parts[0] === '' || /^[a-z]:/i.test(location)) {
      throw new FormatError(
        path,
        `tensor ${name}: its values are said to lie in ${location}; only files in the folder of the ONNX file are read`,
      );
    }
    // A link may lead elsewhere: who keeps files in a store, as the hub's cache does, made it.
    const file = join(dirname(path), ...parts);
    const size = await sizeOf(file).catch((error: unknown) => {
      if (!(error instanceof FileError)) throw error;
      throw new FileError(
        file,
        `cannot be read, but weights of ${path} (${name} and perhaps more) lie in it: keep both files together`,
        { cause: error },
      );
    });
    files.set(location, new FileBytes(file, 0, size));
  }
  return files;
}

/** How many bytes of a file are a tensor's. */
function lengthIn(
  files: ReadonlyMap<string, FileBytes>,
  { name, location, offset, length }: OutsideTensor,
  path: string,
): number {
  const file = files.get(location);
  const { size = 0, path: where = location } = file ?? {};
  const end = length === undefined ? size : offset + length;
  if (offset <= end && end <= size) return end - offset;
  throw new FormatError(
    where,
    `has ${size} bytes, but by ${path} the tensor ${name} is in bytes ${offset} to ${end}: the file is cut short, or another network's`,
  );
}

/** @throws FileError for what is no plain file */
async function sizeOf(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (found.isFile()) return found.size;
  } catch (error) {
    throw asFileError(path, 'read', error);
  }
  throw new FileError(path, 'cannot be read: it is not a plain file');
}
