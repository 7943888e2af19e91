import { readBytes } from '../data/files.js';
import { encoderFromBytes } from './encoder.js';
import type { Encoder, EncoderOptions } from './encoder-interface.js';

/** Opens an encoder's file: see `encoderFromBytes`. @throws FileError, and as that function */
export async function openEncoder(path: string, options: EncoderOptions = {}): Promise<Encoder> {
  return encoderFromBytes(await readBytes(path), path, options);
}
