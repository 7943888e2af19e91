/** A lock on a folder, so that one process alone writes into it. */
import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { FileError } from '../../errors.js';
import { asFileError } from './files.js';
import { hasEnded, type ProcessIdentity, thisProcess } from './processes.js';

/** A folder that this process alone writes into. */
export interface WorkLock {
  readonly folder: string;
  /**
   * Call it before each write.
   * @throws FileError when the folder is no longer this run's: its lock was deleted, or taken over.
   */
  check(): Promise<void>;
  /** Unlocks the folder; may be called more than once. */
  release(): Promise<void>;
}

/** The lock file, which says which process has the folder. Its helper files have a dot and more behind that name. */
const LOCK = 'lock';

/** Whether a file of a locked folder belongs to the lock. */
export function isOfLock(name: string): boolean {
  return name === LOCK || name.startsWith(`${LOCK}.`);
}

const ownerSchema = z.object({
  host: z.string(),
  boot: z.string(),
  namespace: z.string(),
  pid: z.number(),
  started: z.string(),
  /** Unique to this lock. */
  token: z.string(),
  /** Whether a socket beside the lock answers as long as the owner lives. */
  answers: z.boolean(),
});

interface Owner extends ProcessIdentity {
  readonly token: string;
  readonly answers: boolean;
}

/**
 * Takes a folder for this process, so that two runs do not write into the same files; makes it where
 * it is not there. A lock whose process has ended is taken over.
 *
 * The lock is written to another file and published by a hard link, which only one of several processes
 * can make. It says which process has it. A process of another container cannot be seen, but it listens on a socket in the
 * folder, which the system closes when it ends, however it ends.
 *
 * @throws FileError when another run has it, or may have it on another machine.
 */
export async function lockFolder(folder: string): Promise<WorkLock> {
  const path = join(folder, LOCK);
  const token = randomBytes(8).toString('hex');
  let server: Server | undefined;
  try {
    await mkdir(folder, { recursive: true });
    server = await listen(socketOf(folder, token));
    await acquire(folder, path, { ...thisProcess(), token, answers: server !== undefined });
  } catch (error) {
    await closeServer(server, socketOf(folder, token));
    throw asFileError(folder, 'written', error);
  }
  const isOurs = async () => {
    try {
      return (await read(path))?.token === token;
    } catch (error) {
      throw asFileError(folder, 'written', error);
    }
  };
  return {
    folder,
    async check() {
      if (await isOurs()) return;
      throw new FileError(
        folder,
        `is no longer this run's: ${path} was deleted or taken over by another run, so nothing more is written into it`,
      );
    },
    async release() {
      if (await isOurs()) await rm(path, { force: true });
      await closeServer(server, socketOf(folder, token));
    },
  };
}

/**
 * Makes a lock file this process's. An abandoned one is replaced only by the process that has the claim on
 * it, which is a lock file, too: so of two processes that both find it abandoned, the slower does not
 * replace the lock of the faster.
 */
async function acquire(folder: string, path: string, me: Owner): Promise<void> {
  const whole = `${path}.${me.token}.new`;
  await writeFile(whole, JSON.stringify(me), { flag: 'wx' });
  try {
    for (;;) {
      if (await publish(whole, path)) return;
      const there = await read(path);
      if (there === undefined) continue;
      if (there.owner) await refuseIfAlive(folder, path, there.owner);
      const claim = `${path}.${there.token}`;
      await acquire(folder, claim, me);
      const isStillThere = (await read(path))?.token === there.token;
      if (isStillThere) await rename(whole, path);
      await rm(claim, { force: true });
      if (!isStillThere) continue;
      await rm(socketOf(folder, there.token), { force: true });
      await rm(`${path}.${there.token}.new`, { force: true });
      return;
    }
  } finally {
    await rm(whole, { force: true });
  }
}

/** @returns false where the lock is there already. */
async function publish(whole: string, path: string): Promise<boolean> {
  try {
    await link(whole, path);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOSYS' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') {
      throw error;
    }
  }
  // A file system without links, such as a memory stick's.
  try {
    await writeFile(path, await readFile(whole), { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** The owner of a lock; undefined when there is no lock. A lock that cannot be read has no owner. */
async function read(path: string): Promise<{ token: string; owner?: Owner } | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const owner = ownerSchema.parse(JSON.parse(text));
    return { token: owner.token, owner };
  } catch {
    return { token: createHash('sha256').update(text).digest('hex').slice(0, 16) };
  }
}

/** @throws FileError unless the owner is known to have ended. */
async function refuseIfAlive(folder: string, path: string, owner: Owner): Promise<void> {
  const gone = hasEnded(owner) ?? (await isSocketClosed(folder, owner));
  if (gone === true) return;
  const who = `process ${owner.pid} on ${owner.host}`;
  throw new FileError(
    folder,
    gone === false
      ? `is being written by another run (${who}): wait for it, or write somewhere else`
      : `is being written by another run, ${who}, which cannot be seen from here: wait for it, or delete ${path} if that run is over`,
  );
}

/** Whether the owner's socket is closed; undefined where this machine cannot reach one. */
async function isSocketClosed(folder: string, owner: Owner): Promise<boolean | undefined> {
  if (owner.boot !== thisProcess().boot) return undefined;
  const path = owner.answers ? shortPath(socketOf(folder, owner.token)) : undefined;
  if (path === undefined) {
    const me = thisProcess();
    // A container that was started again: its process 1 is this one now.
    return owner.host === me.host && owner.pid === me.pid ? true : undefined;
  }
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', (error) => {
      resolve(codeOf(error) === 'ECONNREFUSED' || codeOf(error) === 'ENOENT');
    });
  });
}

/** A socket that answers while this process lives; undefined where the file system has none. */
async function listen(path: string): Promise<Server | undefined> {
  const short = shortPath(path);
  if (short === undefined) return undefined;
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve) => {
    server.on('error', () => resolve(undefined));
    server.listen(short, () => resolve(server));
    server.unref();
  });
}

async function closeServer(server: Server | undefined, path: string): Promise<void> {
  if (!server) return;
  await rm(path, { force: true });
  await new Promise((resolve) => server.close(resolve));
}

function socketOf(folder: string, token: string): string {
  return join(folder, `${LOCK}.${token}.alive`);
}

/** A path that the system takes for a socket: of about 100 bytes. Windows keeps sockets elsewhere. */
function shortPath(path: string): string | undefined {
  if (process.platform === 'win32') return undefined;
  const paths = [path, relative(process.cwd(), path)];
  return paths.find((one) => Buffer.byteLength(one) <= 100);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
