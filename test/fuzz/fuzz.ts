/** The fuzz run: which files are read, for how long, and what is said of those that failed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Format } from './format.js';
import type { PastFailure } from './past-failures.js';
import type { Limits } from './protocol.js';
import { readOnOrder } from './reader.js';
import { Readers } from './readers.js';
import { Target } from './target.js';

const USAGE = `npm run fuzz -- [--seconds 60] [--seed 1] [--only <format>,...] [--count <files of each>]
  [--number <of one file>] [--out fuzz-failures.json]`;

/** Failures of a format after which the next one is tried. */
const ENOUGH = 5;

/** A failure with what repeats it; without a number when the good files failed. */
interface Failure extends PastFailure {
  readonly seed?: number;
  readonly number?: number;
}

/**
 * Reads damaged files of all formats, those that failed in the past first, and sets the exit code: 1
 * when one of them brought anything but a success or a typed error, or took too much; 2 when called
 * wrongly. In a process that was started to read, it reads.
 */
export async function fuzz(
  formats: readonly Format[],
  past: readonly PastFailure[],
  limits: Limits = { patience: 60_000, processor: 10_000, memory: 512 * 2 ** 20 },
): Promise<void> {
  if (process.send) return readOnOrder(formats, process.argv[2] ?? '');
  try {
    const options = optionsFrom(process.argv.slice(2), formats);
    const failures = await run(options, past, new Readers(process.argv[1] ?? '', limits));
    if (failures.length === 0) return;
    await writeFile(options.out, `${JSON.stringify(failures, null, 2)}\n`);
    console.log(`${failures.length} failures, written to ${options.out}`);
    process.exitCode = 1;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    process.exitCode = 2;
  }
}

interface Options {
  readonly formats: readonly Format[];
  readonly seed: number;
  readonly seconds: number;
  /** The first number, and the one after the last. */
  readonly from: number;
  readonly until: number;
  readonly out: string;
}

/** @throws Error naming the option that is wrong */
function optionsFrom(args: readonly string[], formats: readonly Format[]): Options {
  const option = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{
        seconds: option('60'),
        seed: option('1'),
        only: option(''),
        out: option('fuzz-failures.json'),
      },
      ...{ count: { type: 'string' }, number: { type: 'string' } },
    },
  });
  const whole = (name: 'seconds' | 'seed' | 'count' | 'number', text: string) => {
    if (/^\d{1,9}$/.test(text)) return Number(text);
    throw new Error(`--${name} must be a whole number, not ${JSON.stringify(text)}`);
  };
  const names = values.only === '' ? formats.map(({ name }) => name) : values.only.split(',');
  const chosen = names.map((name) => {
    const found = formats.find((format) => format.name === name);
    if (found) return found;
    const known = formats.map((format) => format.name).join(', ');
    throw new Error(`--only ${JSON.stringify(name)} is none of ${known}`);
  });
  const from = values.number === undefined ? 0 : whole('number', values.number);
  const count = values.number === undefined ? values.count : '1';
  return {
    formats: chosen,
    seed: whole('seed', values.seed),
    seconds: whole('seconds', values.seconds),
    from,
    until: count === undefined ? Number.MAX_SAFE_INTEGER : from + whole('count', count),
    out: values.out,
  };
}

async function run(
  { formats, seed, seconds, from, until }: Options,
  past: readonly PastFailure[],
  readers: Readers,
): Promise<Failure[]> {
  const failures: Failure[] = [];
  const fail = (failure: Failure) => {
    failures.push(failure);
    const { format, reason, number } = failure;
    const again = number === undefined ? '--count 0' : `--seed ${seed} --number ${number}`;
    console.log(`FAILED: ${format}, seed ${seed}, number ${number ?? '-'}: ${reason}`);
    console.log(`  again: npm run fuzz -- --only ${format} ${again}`);
  };
  const begin = performance.now();
  const sum = { read: 0, refused: 0 };

  for (const [index, format] of formats.entries()) {
    const name = format.name;
    const tries = { read: 0, refused: 0, failed: 0 };
    const read = async (order: Partial<Parameters<Readers['read']>[0]>) => {
      const whole = { format: name, seed, from, until, milliseconds: Number.MAX_SAFE_INTEGER };
      const result = await readers.read({ ...whole, ...order });
      tries.read += result.read;
      tries.refused += result.refused;
      tries.failed += result.failures.length;
      return result;
    };
    // The good files alone, too: what is said of damaged ones would mean nothing without them.
    const { unprepared, failures: crashes } = await read({ until: from });
    const reason = unprepared ?? crashes[0]?.reason;
    if (reason !== undefined) {
      if (reason !== '') fail({ format: name, reason, path: '', bytes: '' });
      else console.log(`${name}: left out, since a package that it needs is not there`);
      continue;
    }
    for (const failure of past.filter(({ format }) => format === name)) {
      const result = await read({ past: failure, from: 0, until: 1 });
      for (const { reason } of result.failures) fail({ ...failure, reason });
    }
    const now = performance.now();
    const end = now + (begin + 1000 * seconds - now) / (formats.length - index);
    // Of each format at least one, however late it is.
    for (let next = from; next < until && tries.failed < ENOUGH; ) {
      if (next > from && performance.now() > end) break;
      const result = await read({ from: next, milliseconds: end - performance.now() });
      for (const { number, reason } of result.failures) {
        fail({ format: name, seed, number, reason, ...(await damagedFile(format, seed, number)) });
      }
      next = result.next;
    }
    console.log(`${name}: ${tries.read} read, ${tries.refused} refused, ${tries.failed} failed`);
    sum.read += tries.read;
    sum.refused += tries.refused;
  }
  readers.close();
  const took = (performance.now() - begin) / 1000;
  const files = sum.read + sum.refused + failures.length;
  console.log(
    `seed ${seed}: ${files} files in ${took.toFixed(0)} s, ${(files / took).toFixed(0)} a second: ` +
      `${sum.read} read, ${sum.refused} refused with a typed error, ${failures.length} failed`,
  );
  return failures;
}

/** The damaged file of that number, as past failures keep it. */
async function damagedFile(format: Format, seed: number, number: number) {
  const folder = await mkdtemp(join(tmpdir(), 'glimpse-fuzz-'));
  try {
    const damaged = (await Target.prepare(format, join(folder, 'files')))?.damaged(seed, number);
    return {
      path: damaged?.path ?? '',
      bytes: Buffer.from(damaged?.bytes ?? []).toString('base64'),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
