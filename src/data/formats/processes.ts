/** Which process this is, and whether another one has ended. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Identifies a process, also among other machines and containers and later processes of the same number. */
export interface ProcessIdentity {
  /** Name of the machine, or of the container. */
  readonly host: string;
  /** The id of the machine's start; empty where the system has none. */
  readonly boot: string;
  /** The namespace of its number: each container numbers its own processes. */
  readonly namespace: string;
  readonly pid: number;
  /** When it started, in the system's clock; empty where that is not known. */
  readonly started: string;
}

let own: ProcessIdentity | undefined;

/** The process that asks. */
export function thisProcess(): ProcessIdentity {
  own ??= {
    host: hostname(),
    boot: attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: attempt(() => readlinkSync('/proc/self/ns/pid')),
    pid: process.pid,
    started: startOf(process.pid),
  };
  return own;
}

/**
 * Whether a process has ended; undefined where that cannot be seen from here, as of another machine
 * or another container.
 * @param me who asks.
 */
export function hasEnded(other: ProcessIdentity, me = thisProcess()): boolean | undefined {
  if (other.boot !== me.boot) return other.host === me.host ? true : undefined;
  if (other.boot === '' && other.host !== me.host) return undefined;
  if (other.namespace !== me.namespace) return undefined;
  // Without times of start, what has this process's own number was an earlier one.
  if (other.pid === me.pid) return other.started === '' || other.started !== me.started;
  if (!isRunning(other.pid)) return true;
  const started = startOf(other.pid);
  return started !== '' && other.started !== '' && started !== other.started;
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It runs, but it belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Field 22 of Linux's `stat`, counted behind the name, which may hold anything. */
function startOf(pid: number): string {
  return attempt(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  });
}

function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
