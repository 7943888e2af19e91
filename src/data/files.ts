import { createHash, randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import {
  access,
  constants,
  type FileHandle,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { FileError, FormatError, UsageError } from '../errors.js';
import { KIND_BYTES, otherKind } from './file-kinds.js';
import { firstIssue } from './issues.js';
import { hasEnded, thisProcess } from './processes.js';
import {
  parseSafetensors,
  parseSafetensorsHeader,
  type SafetensorsFile,
  type SafetensorsHeader,
  safetensorsChunks,
  safetensorsHeaderSize,
} from './safetensors.js';
import type { SafetensorsTensor } from './safetensors-dtypes.js';

/** What a file can be written from: all of it, or its pieces one after the other. */
export type FileContent =
  | string
  | Uint8Array
  | Iterable<Uint8Array | string>
  | AsyncIterable<Uint8Array | string>;

/**
 * Writes a file so that at every moment, a power cut included, either the old or the whole new
 * file stands under `path`: a temporary file in the same folder is written, synced and renamed.
 * When anything fails, `content` itself included, the temporary file is removed.
 *
 * @throws FileError naming `path` when the disk is full, the folder is missing, ...; whatever
 *   `content` throws while it is read comes through unchanged.
 */
export async function writeFileAtomically(path: string, content: FileContent): Promise<void> {
  const target = await resolveTarget(path);
  const folder = dirname(target);
  const temporary = temporaryBeside(target);
  await removeLeftovers(folder);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw asFileError(path, 'written', error);
  }
}

/**
 * Asks, before long work, whether `writeFileAtomically` will be able to write here: whether the folder
 * is there and takes a new file.
 * @throws FileError as that would.
 */
export async function checkWritable(path: string): Promise<void> {
  const temporary = temporaryBeside(await resolveTarget(path));
  try {
    await writeFile(temporary, '', { flag: 'wx' });
    await rm(temporary);
  } catch (error) {
    throw asFileError(path, 'written', error);
  }
}

/**
 * A name in the folder of `target` that nobody else takes: it says which process takes it, and nothing
 * of the target, whose name may be as long as names may be.
 */
function temporaryBeside(target: string): string {
  const unique = randomBytes(4).toString('hex');
  return join(dirname(target), `${temporaryPrefix}${thisBoot}-${process.pid}-${unique}.tmp`);
}

/** Of this machine or container, where the numbers of processes count. */
const temporaryPrefix = `.glimpse-${digest(thisProcess().host, thisProcess().namespace)}-`;
const thisBoot = digest(thisProcess().boot);

function digest(...texts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 8);
}

/** Folders in which this process has looked for what others left. */
const cleaned = new Set<string>();

/** Removes the temporary files of processes of this machine that are gone, once in a folder. */
async function removeLeftovers(folder: string): Promise<void> {
  if (cleaned.has(folder)) return;
  cleaned.add(folder);
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(temporaryPrefix) || !name.endsWith('.tmp')) continue;
    const [boot, pid] = name.slice(temporaryPrefix.length).split('-');
    const isGone =
      boot !== thisBoot ||
      (Number(pid) !== process.pid &&
        hasEnded({ ...thisProcess(), pid: Number(pid), started: '' }));
    if (isGone === true) await rm(join(folder, name), { force: true }).catch(() => {});
  }
}

/**
 * The file that writing to `path` replaces: links are followed, and what a rename would silently
 * turn into a plain file (/dev/null) is refused. Ask before long work.
 * @throws FileError
 */
export async function resolveTarget(path: string): Promise<string> {
  try {
    const target = await realpath(path);
    if ((await stat(target)).isFile()) return target;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return path;
    throw asFileError(path, 'written', error);
  }
  throw new FileError(path, 'cannot be written: it exists and is not a plain file');
}

/**
 * Keeps what is read from being replaced by what is written: asks before any work.
 * @param inputs files that are read; those that are not there count for nothing.
 * @throws UsageError when `out` is one of them, by whatever name.
 */
export async function refuseInputs(
  out: string,
  inputs: Iterable<string | undefined>,
): Promise<void> {
  const there = await identityOf(out);
  if (there === undefined) return;
  for (const input of inputs) {
    if (input === undefined || (await identityOf(input)) !== there) continue;
    throw new UsageError(
      `${out} is read here (as ${input}), so it is not replaced: write elsewhere`,
    );
  }
}

async function identityOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found?.isFile() ? `${found.dev} ${found.ino}` : undefined;
}

/** Makes the rename itself durable. Not every system can sync a folder; the data is safe anyway. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // Windows and some network file systems refuse.
  }
}

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
  // Without O_NONBLOCK (which Windows lacks) opening a pipe waits for somebody to write to it.
  const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
  const read = async (file: FileHandle) => {
    const stats = await file.stat();
    if (!stats.isFile()) {
      throw new FileError(path, `cannot be read: it is ${kindOf(stats)}, not a plain file`);
    }
    if (stats.size > most) {
      throw new FileError(
        path,
        `has ${stats.size.toLocaleString('en')} bytes, more than the ${most.toLocaleString('en')} that are read`,
      );
    }
    return readStart(file, stats.size);
  };
  return withOpenFile(path, read, flags);
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

/** What a set of files is called: as its folder or file, which `.` and `..` do not tell. */
export function nameOfSet(path: string): string {
  return basename(resolve(path));
}

/** Whether a path is a folder, or else a file. @throws FileError when there is neither */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw asFileError(path, 'read', error);
  }
}

/** Makes a folder, and those that it lies in, where it is not there. @throws FileError */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw asFileError(path, 'written', error);
  }
}

/** Asks whether a file may be read, for libraries that say it less well. @throws FileError */
export async function checkReadable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    throw asFileError(path, 'read', error);
  }
}

/** Reads a whole safetensors file. @throws FileError, FormatError */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  return parseSafetensors(await readBytes(path), path);
}

/** Reads a safetensors file's header only, however large the file. @throws FileError, FormatError */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  return withOpenFile(path, async (file) => {
    const { size } = await file.stat();
    const length = await readStart(file, Math.min(size, KIND_BYTES));
    const headerSize = safetensorsHeaderSize(length, size, path);
    return parseSafetensorsHeader(await readStart(file, headerSize), size, path);
  });
}

/** What a file is in place of one with this ending, see `otherKind`. @throws FileError */
export async function otherKindOf(path: string, ending?: string): Promise<string | undefined> {
  return withOpenFile(path, async (file) => otherKind(await readStart(file, KIND_BYTES), ending));
}

async function readStart(file: FileHandle, length: number, atOnce = length): Promise<Uint8Array> {
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

/** Writes a safetensors file atomically. @throws FileError, ValueError as `safetensorsChunks` */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [string, SafetensorsTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFileAtomically(path, safetensorsChunks(tensors, metadata));
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
function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^E[A-Z]/.test(error.code) ? error.code : undefined;
}
