/** Writes files that are whole or not there, whatever happens while they are written. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FileError, UsageError } from '../../errors.js';
import { asFileError, systemCode } from './files.js';
import { hasEnded, thisProcess } from './processes.js';

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
 * Writes a folder of files that is there when all of them are: they are written beside it, and the folder is
 * renamed. When anything fails, nothing is left.
 *
 * @throws FileError when the folder is there already, unless it is empty; whatever `files` throws
 */
export async function writeFolderAtomically(
  path: string,
  files: AsyncIterable<readonly [name: string, content: Uint8Array]>,
): Promise<void> {
  const target = resolve(path);
  const temporary = temporaryBeside(target);
  await removeLeftovers(dirname(target));
  try {
    await mkdir(temporary);
    for await (const [name, content] of files) await writeFile(join(temporary, name), content);
    await rename(temporary, target);
    await syncFolder(dirname(target));
  } catch (error) {
    await rm(temporary, { force: true, recursive: true }).catch(() => {});
    throw asFileError(path, 'written', error);
  }
}

/**
 * Checks, before long work, whether `writeFileAtomically` will be able to write here: whether the folder
 * exists and accepts a new file.
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
 * A unique name in the folder of `target`. It says which process made it. It does not contain the target's
 * name, which may have the greatest length that is allowed.
 */
function temporaryBeside(target: string): string {
  const unique = randomBytes(4).toString('hex');
  return join(dirname(target), `${temporaryPrefix}${thisBoot}-${process.pid}-${unique}.tmp`);
}

/** Names this machine or container, in which the numbers of processes are valid. */
const temporaryPrefix = `.glimpse-${digest(thisProcess().host, thisProcess().namespace)}-`;
const thisBoot = digest(thisProcess().boot);

function digest(...texts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 8);
}

/** Folders in which this process has removed leftovers. */
const cleaned = new Set<string>();

/** Removes temporary files of ended processes of this machine, once for each folder. */
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
    if (isGone === true)
      await rm(join(folder, name), { force: true, recursive: true }).catch(() => {});
  }
}

/**
 * The file that writing to `path` replaces: links are followed, and what a rename would silently
 * turn into a plain file (/dev/null) is refused. Call it before long work.
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
 * Refuses to replace an input by the output, before any work.
 * @param inputs files that are read; those that do not exist are ignored.
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
