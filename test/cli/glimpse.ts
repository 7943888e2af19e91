import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { drawScene } from '@/data/captions/scenes.js';
import { encodePng } from '@/data/pictures/photos.js';
import { Random } from '@/random.js';

export { contentOf } from './content-of.js';

/** The program as it is built. */
export const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** How `interrupted` interrupts. */
interface Interruption {
  readonly signal?: NodeJS.Signals;
  readonly meanwhile?: () => Promise<void>;
}

/** How a run of the program ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

// The kernels are quick to open and the same everywhere; several runs share the processor.
const environment = {
  ...process.env,
  GLIMPSE_BLAS: 'off',
  GLIMPSE_THREADS: undefined,
  NO_COLOR: '1',
};

/** Runs `glimpse` with arguments to its end. */
export function glimpse(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return ended(process.execPath, [program, ...args], env);
}

/** As `glimpse`, standing in a folder. */
export function glimpseIn(cwd: string, args: readonly string[]): Promise<Ended> {
  return ended(process.execPath, [program, ...args], {}, cwd);
}

/** As `glimpse`, in a Node that is given options. */
export function inNode(options: readonly string[], args: readonly string[]): Promise<Ended> {
  return ended(process.execPath, [...options, program, ...args], {});
}

/** As `glimpse`, by a line of bash in which `"$@"` stands for the program and its arguments. */
export function inBash(line: string, args: readonly string[]): Promise<Ended> {
  return ended('bash', ['-c', line, 'bash', process.execPath, program, ...args], {});
}

function ended(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd = process.cwd(),
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      file,
      [...args],
      { cwd, env: { ...environment, ...env }, maxBuffer: 2 ** 26 },
      (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
    child.stdin?.end();
  });
}

/**
 * Node's options under which a process takes a message for the signal that it names: on Windows no other
 * process can send it one.
 */
const signalsByMessage = [
  '--import',
  `data:text/javascript,${encodeURIComponent("process.on('message',(name)=>process.emit(name,name));process.channel.unref()")}`,
];

/** A program that can be interrupted, and how. */
export function spawnInterruptible(args: readonly string[], env: NodeJS.ProcessEnv = environment) {
  const byMessage = process.platform === 'win32';
  const child = spawn(process.execPath, [...(byMessage ? signalsByMessage : []), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', ...(byMessage ? (['ipc'] as const) : [])],
  });
  const interrupt = (signal: NodeJS.Signals) => {
    if (byMessage) child.send(signal);
    else child.kill(signal);
  };
  return { child, interrupt };
}

/**
 * Runs `glimpse` and interrupts it, as Ctrl-C does or by another signal, when `line` appears on
 * standard error and `meanwhile` is over.
 */
export function interrupted(
  args: readonly string[],
  line: RegExp,
  { signal = 'SIGINT', meanwhile = async () => {} }: Interruption = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const { child, interrupt } = spawnInterruptible([program, ...args]);
    let [stdout, stderr, asked] = ['', '', false];
    child.stdout?.on('data', (text) => {
      stdout += text;
    });
    child.stderr?.on('data', (text) => {
      stderr += text;
      if (asked || !line.test(stderr)) return;
      asked = true;
      meanwhile()
        .catch(reject)
        .finally(() => interrupt(signal));
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** A folder for a file of tests, gone when they are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'glimpse-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** Flags of a model and a run that are small enough for a test. */
export const smallOnFeatures = [
  ...['--hidden', '8', '--embedding', '8', '--batch-size', '16'],
  ...['--minimum-count', '1', '--patience', '1000000'],
];

/** The same for a model that sees pictures itself. */
export const small = [...smallOnFeatures, '--filters', '4'];

/** Writes drawn scenes as PNG files into a folder; returns their paths. */
export async function drawPhotos(folder: string, count: number): Promise<string[]> {
  const random = new Random(7);
  const paths: string[] = [];
  for (let n = 0; n < count; n++) {
    const path = join(folder, `photo-${n}.png`);
    writeFileSync(path, await encodePng(drawScene(random, { size: 32 }).pixels));
    paths.push(path);
  }
  return paths;
}

/** What the error says on the last line of standard error: in a sentence, or under --json in JSON. */
export function failureOf({ stderr }: Pick<Ended, 'stderr'>): string {
  const line = stderr.trimEnd().split('\n').at(-1) ?? '';
  if (!line.startsWith('{')) return line.replace(/^glimpse: /, '');
  const { error }: { error: { message: string } } = JSON.parse(line);
  return error.message;
}

/**
 * Standard error without the warning that captions say nothing: of models as small as those of the tests
 * it is true of some.
 */
export function complaints({ stderr }: Pick<Ended, 'stderr'>): string {
  return stderr.replace(/^warning: .* captions? .*\n/m, '');
}

/** The only JSON document on standard output. */
export function json({ stdout }: Ended): Record<string, unknown> {
  const document: unknown = JSON.parse(stdout);
  if (typeof document === 'object' && document !== null) return { ...document };
  throw new Error(`no JSON object: ${stdout}`);
}
