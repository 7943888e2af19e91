import { createGunzip } from 'node:zlib';
import { FormatError } from '../errors.js';
import { readBytes } from './files.js';

/** What packed bytes may become in memory, whatever they are. */
const ALWAYS = 2 ** 26;
/** How many times its size a larger file may become. Zeros alone become a thousand times as much. */
const MOST_TIMES = 100;
const MOST = 2 ** 31;

/** Bytes that a packed file may unfold to in memory: a small one with more is there to fill it. */
export function mostUnpacked(packed: number): number {
  return Math.min(MOST, Math.max(ALWAYS, MOST_TIMES * packed));
}

/**
 * The bytes of a file, unpacked where it is gzipped, whatever its name.
 * @throws FileError; FormatError for one that is damaged, or unfolds to more than `mostUnpacked`.
 */
export async function readUnpacked(path: string): Promise<Uint8Array> {
  const bytes = await readBytes(path);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const most = mostUnpacked(bytes.length);
  // The file ends with the number of bytes that it unfolds to; only as much as is allowed is believed.
  const end = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const said = bytes.length < 4 ? 0 : end.getUint32(bytes.length - 4, true);
  let unpacked = new Uint8Array(Math.min(said, most));
  let filled = 0;
  const unpacking = createGunzip();
  unpacking.end(bytes);
  try {
    for await (const part of unpacking) {
      const after = filled + part.length;
      if (after > most) {
        throw new FormatError(
          path,
          `is gzipped and would be more than ${most} bytes in memory, of ${bytes.length}: unpack it first (gunzip) if that is right`,
        );
      }
      if (after > unpacked.length) {
        const larger = new Uint8Array(Math.min(most, Math.max(after, 2 * unpacked.length)));
        larger.set(unpacked.subarray(0, filled));
        unpacked = larger;
      }
      unpacked.set(part, filled);
      filled = after;
    }
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(path, 'is gzipped, but damaged or cut short: copy it again', {
      cause: error,
    });
  }
  return unpacked.subarray(0, filled);
}
