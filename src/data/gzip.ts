import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { FormatError } from '../errors.js';
import { readBytes } from './files.js';

const unpack = promisify(gunzip);

/** A small file that unfolds to more is refused. */
const MOST_UNPACKED = 2 ** 31 - 1;

/** The bytes of a file, unpacked where it is gzipped, whatever its name. @throws FileError, FormatError */
export async function readUnpacked(path: string): Promise<Uint8Array> {
  const bytes = await readBytes(path);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    const { buffer, byteOffset, byteLength } = await unpack(bytes, {
      maxOutputLength: MOST_UNPACKED,
    });
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FormatError(path, `is gzipped, but cannot be unpacked (${reason})`, { cause: error });
  }
}
