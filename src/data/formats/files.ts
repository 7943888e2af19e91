/** Reads files as bytes, text or JSON; whatever goes wrong is an error that names the file. */
import type { Stats } from 'node:fs';
import { access, constants, type FileHandle, open } from 'node:fs/promises';
import type { z } from 'zod';
import { FileError, FormatError } from '../../errors.js';
import { KIND_BYTES, otherKind } from './file-kinds.js';
import { firstIssue } from './schema-errors.js';

/**
 * The bytes of a file.
 * @param options.atOnce a larger file is read in parts of this many bytes; Node reads no more at once.
 * @throws FileError naming `path`
 */
export async function readBytes(path: string, { atOnce = 2 ** 30 } = {}): Promise<Uint8Array> {
  return withOpenFile(path, async (file) => {
    const stats = await file.stat();
    // /dev/zero never ends. A pipe may (<(command) of a shell), and is read.
    if (stats.isCharacterDevice() || stats.isBlockDevice()) {
      throw new FileError(path, 'cannot be read: it is a device');
    }
    const { size } = stats;
    if (size > atOnce) return readStart(file, size, atOnce);
    const buffer = await file.readFile();
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  });
}

/**
 * The bytes of a file that is nothing but a file: no device, which may never end, and no pipe.
 * @param most bytes that it may have.
 * @throws FileError naming `path`
 */
export async function readPlainFile(path: string, most: number): Promise<Uint8Array> {
  return withPlainFile(path, async (file, size) => {
    if (size > most) {
      throw new FileError(
        path,
        `has ${size.toLocaleString('en')} bytes, more than the ${most.toLocaleString('en')} that are read`,
      );
    }
    return readStart(file, size);
  });
}

/** The first bytes of a file that is nothing but a file, or all where there are fewer. @throws FileError */
export async function readPlainStart(path: string, length: number): Promise<Uint8Array> {
  return withPlainFile(path, (file, size) => readStart(file, Math.min(size, length)));
}

async function withPlainFile<T>(
  path: string,
  read: (file: FileHandle, size: number) => Promise<T>,
): Promise<T> {
  const check = async (file: FileHandle) => {
    const stats = await file.stat();
    if (stats.isFile()) return read(file, stats.size);
    throw new FileError(path, `cannot be read: it is ${kindOf(stats)}, not a plain file`);
  };
  // Without O_NONBLOCK (which Windows lacks) opening a pipe waits for somebody to write to it.
  return withOpenFile(path, check, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
}

/** Opens a file to read of it, and closes it. @throws FileError naming `path` */
export async function withOpenFile<T>(
  path: string,
  read: (file: FileHandle) => Promise<T>,
  flags: string | number = 'r',
): Promise<T> {
  try {
    const file = await open(path, flags);
    try {
      return await read(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof RangeError) {
      throw new FileError(path, 'is too large for the memory', { cause: error });
    }
    throw asFileError(path, 'read', error);
  }
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  return stats.isSocket() ? 'a socket' : 'a device';
}

/** The text of a UTF-8 file, without its byte order mark. @throws FileError; FormatError with the line */
export async function readText(path: string): Promise<string> {
  const bytes = await readBytes(path);
  const other = bytes.length === 0 ? undefined : otherKind(bytes.subarray(0, KIND_BYTES));
  if (other !== undefined) throw new FormatError(path, other);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    // Node's text may have 2^29 characters, and it says so in the same way.
    if (bytes.length >= 2 ** 29) throw new FileError(path, 'is too large', { cause: error });
    const place = wideText(bytes)
      ? 'is UTF-16 text'
      : `line ${lineOfFault(bytes)} is not UTF-8 text`;
    throw new FormatError(path, `${place}: save it as UTF-8 (in Excel: CSV UTF-8)`, {
      cause: error,
    });
  }
}

/** Whether bytes begin with the mark of UTF-16. */
function wideText([first, second]: Uint8Array): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

function lineOfFault(bytes: Uint8Array): number {
  const text = new TextDecoder().decode(bytes);
  return text.slice(0, text.indexOf('\ufffd')).split('\n').length;
}

/** Reads a JSON file of a known form. @throws FileError; FormatError naming the entry */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const text = await readText(path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : String(error);
    throw new FormatError(path, `is not JSON (${reason})`, { cause: error });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new FormatError(path, firstIssue(result.error, json));
}

/** Checks whether a file may be read, for libraries whose errors are less clear. @throws FileError */
export async function checkReadable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    throw asFileError(path, 'read', error);
  }
}

/** What a file is in place of one with this ending, see `otherKind`. @throws FileError */
export async function otherKindOf(path: string, ending?: string): Promise<string | undefined> {
  return withOpenFile(path, async (file) => otherKind(await readStart(file, KIND_BYTES), ending));
}

/** The first bytes of a file, or all where there are fewer. */
export async function readStart(
  file: FileHandle,
  length: number,
  atOnce = length,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const part = Math.min(atOnce, length - filled);
    const { bytesRead } = await file.read(bytes, filled, part, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'it would be larger than is allowed here',
  EEXIST: 'a file is in the way',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many files are open',
  ELOOP: 'its links go in a circle',
  ERR_INVALID_ARG_VALUE: 'the path is not a valid one',
};

/**
 * A system error as a FileError that names the path; any other error as it is.
 *
 * @param done what could not be done with the file: "read", "written".
 */
export function asFileError(path: string, done: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined || !(error instanceof Error)) return error;
  return new FileError(path, `cannot be ${done}: ${REASONS[code] ?? error.message}`, {
    cause: error,
  });
}

/** Node's own errors carry a code of capitals; Glimpse's are in small letters. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^E[A-Z]/.test(error.code) ? error.code : undefined;
}
