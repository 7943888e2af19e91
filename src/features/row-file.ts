import { closeSync, openSync, readSync } from 'node:fs';
import { asFileError } from '../data/files.js';
import { FormatError } from '../errors.js';

/**
 * Rows of bytes that lie in a file one after the other. They are read when they are asked for and
 * at once: training asks in the middle of a step, and what was read before, the system's page
 * cache still has. So a file may be many times larger than the memory.
 */
export class RowFile {
  readonly path: string;
  readonly #begin: number;
  readonly #rowBytes: number;
  #descriptor: number | undefined;

  /** @param begin where in the file row 0 starts. */
  constructor(path: string, begin: number, rowBytes: number) {
    this.path = path;
    this.#begin = begin;
    this.#rowBytes = rowBytes;
  }

  /**
   * Fills `bytes`, as long as a row, with row number `row`.
   * @throws FileError; FormatError when the file ends before.
   */
  read(row: number, bytes: Uint8Array): void {
    const position = this.#begin + row * this.#rowBytes;
    let filled = 0;
    try {
      this.#descriptor ??= openSync(this.path, 'r');
      while (filled < bytes.length) {
        const read = readSync(
          this.#descriptor,
          bytes,
          filled,
          bytes.length - filled,
          position + filled,
        );
        if (read === 0) break;
        filled += read;
      }
    } catch (error) {
      throw asFileError(this.path, 'read', error);
    }
    if (filled < bytes.length) {
      throw new FormatError(
        this.path,
        `ends at byte ${position + filled}, before what its header says`,
      );
    }
  }

  /** Lets go of the file; reading opens it again. */
  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}
