import { resolve } from 'node:path';
import { readBytes } from '../data/files.js';
import { encoderFromBytes } from './encoder.js';
import type { Encoder, EncoderOptions } from './encoder-interface.js';

/**
 * Opens an encoder's file: see `encoderFromBytes`. The encoder remembers the whole path, so that
 * features that it makes can name it from anywhere.
 * @throws FileError, and as that function
 */
export async function openEncoder(path: string, options: EncoderOptions = {}): Promise<Encoder> {
  return encoderFromBytes(await readBytes(path), resolve(path), options);
}
