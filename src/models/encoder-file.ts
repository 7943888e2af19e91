import { resolve } from 'node:path';
import { readBytes } from '../data/formats/files.js';
import { encoderFromBytes, isOnnxName } from './encoder.js';
import type { Encoder, EncoderOptions } from './encoder-interface.js';
import { preprocessingBeside, readOnnx } from './onnx-file.js';

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
