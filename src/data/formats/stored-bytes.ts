/** Bytes of files that are read in parts or unpacked: plain, deflated and gzipped. */
import { closeSync, openSync, readSync } from 'node:fs';
import { createGunzip, inflateRawSync } from 'node:zlib';
import { FormatError } from '../../errors.js';
import { asFileError, readBytes } from './files.js';

/** Bytes that are read in parts, when they are asked for and at once. */
export interface StoredBytes {
  /** The file, for errors. */
  readonly path: string;
  readonly size: number;
  /** Fills `bytes` with those from `position` on. @throws FileError; FormatError where there are none. */
  read(position: number, bytes: Uint8Array): void;
  /** Closes the file and frees the memory; reading opens it again. */
  close(): void;
}

/** Node reads no more at once. */
const MOST_AT_ONCE = 2 ** 30;

/**
 * A part of a file. Training asks for rows of it in the middle of a step, and what was read before,
 * the system's page cache still has: so a file may be many times larger than the memory.
 */
export class FileBytes implements StoredBytes {
  readonly path: string;
  readonly size: number;
  readonly #begin: number;
  #descriptor: number | undefined;

  constructor(path: string, begin: number, size: number) {
    this.path = path;
    this.#begin = begin;
    this.size = size;
  }

  read(position: number, bytes: Uint8Array): void {
    checkRange(this, position, bytes);
    const place = this.#begin + position;
    let filled = 0;
    try {
      this.#descriptor ??= openSync(this.path, 'r');
      while (filled < bytes.length) {
        const length = Math.min(MOST_AT_ONCE, bytes.length - filled);
        const read = readSync(this.#descriptor, bytes, filled, length, place + filled);
        if (read === 0) break;
        filled += read;
      }
    } catch (error) {
      throw asFileError(this.path, 'read', error);
    }
    if (filled < bytes.length) {
      throw new FormatError(
        this.path,
        `ends at byte ${place + filled}, before what its header says`,
      );
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/** Bytes that are deflated in a file: unpacked into memory, as a whole, when some are asked for. */
export class DeflatedBytes implements StoredBytes {
  readonly path: string;
  readonly size: number;
  readonly #packed: StoredBytes;
  #bytes: Uint8Array | undefined;

  /** @param size bytes that come out. */
  constructor(packed: StoredBytes, size: number) {
    this.path = packed.path;
    this.size = size;
    this.#packed = packed;
  }

  read(position: number, bytes: Uint8Array): void {
    checkRange(this, position, bytes);
    this.#bytes ??= this.#unpacked();
    bytes.set(this.#bytes.subarray(position, position + bytes.length));
  }

  close(): void {
    this.#bytes = undefined;
  }

  #unpacked(): Uint8Array {
    const packed = allBytes(this.#packed);
    this.#packed.close();
    let bytes: Uint8Array | undefined;
    try {
      bytes = inflateRawSync(packed, { maxOutputLength: Math.max(1, this.size) });
    } catch (cause) {
      throw new FormatError(this.path, 'is damaged where it is deflated: copy it again', { cause });
    }
    if (bytes.length === this.size) return bytes;
    throw new FormatError(this.path, `unpacks to ${bytes.length} bytes, not ${this.size}`);
  }
}

/** All of them. */
export function allBytes(stored: StoredBytes): Uint8Array {
  const bytes = new Uint8Array(stored.size);
  stored.read(0, bytes);
  return bytes;
}

function checkRange({ path, size }: StoredBytes, position: number, bytes: Uint8Array): void {
  if (position >= 0 && position + bytes.length <= size) return;
  throw new FormatError(
    path,
    `has no bytes ${position} to ${position + bytes.length}, only ${size}`,
  );
}

/** Bytes that any compressed file may unpack to. */
const ALWAYS = 2 ** 26;
/** How many times its size a larger file may unpack to. Zeros alone unpack to a thousand times. */
const MOST_TIMES = 100;
const MOST = 2 ** 31;

/** Bytes that a compressed file may unpack to in memory: a small file with more is made to exhaust it. */
export function mostUnpacked(packed: number): number {
  return Math.min(MOST, Math.max(ALWAYS, MOST_TIMES * packed));
}

/**
 * The bytes of a file, unpacked where it is gzipped, whatever its name.
 * @throws FileError; FormatError for one that is damaged, or unpacks to more than `mostUnpacked`.
 */
export async function readUnpacked(path: string): Promise<Uint8Array> {
  const bytes = await readBytes(path);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const most = mostUnpacked(bytes.length);
  // The file ends with its unpacked size, which is believed up to the limit.
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
