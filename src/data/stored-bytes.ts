import { closeSync, openSync, readSync } from 'node:fs';
import { FormatError } from '../errors.js';
import { asFileError } from './files.js';

/** Bytes that are read in parts, when they are asked for and at once. */
export interface StoredBytes {
  /** The file, for errors. */
  readonly path: string;
  readonly size: number;
  /** Fills `bytes` with those from `position` on. @throws FileError; FormatError where there are none. */
  read(position: number, bytes: Uint8Array): void;
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

  /** Lets go of the file; reading opens it again. */
  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/** Bytes that are in memory, such as those that were unpacked. */
export class MemoryBytes implements StoredBytes {
  readonly path: string;
  readonly size: number;
  readonly #bytes: Uint8Array;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.size = bytes.length;
    this.#bytes = bytes;
  }

  read(position: number, bytes: Uint8Array): void {
    checkRange(this, position, bytes);
    bytes.set(this.#bytes.subarray(position, position + bytes.length));
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
