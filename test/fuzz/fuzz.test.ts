import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onWindows } from '@test/file-systems.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formats } from './formats.js';
import { pastFailures } from './past-failures.js';
import { Target } from './target.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-fuzz-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** `npm run fuzz` tries many. */
const FEW = 8;
const FEWEST = 2;

describe('damaged files are read or refused with a typed error', () => {
  test.each(formats.map((format) => [format.name, format] as const))('%s', async (name, format) => {
    const files = join(folder, 'files');
    const target = await Target.prepare(format, files);
    if (!target) return console.log(`${name} is left out: a package that it needs is not there`);
    const past = pastFailures.filter((failure) => failure.format === name).map(Target.past);
    const numbers = Array.from({ length: format.slow ? FEWEST : FEW }, (_, number) => number);
    for (const damaged of [...past, ...numbers.map((number) => target.damaged(1, number))]) {
      const outcome = await target.outcome(damaged, files);
      const { path, bytes } = damaged;
      const shown = () => `${path}, ${Buffer.from(bytes).toString('base64')}`;
      if (outcome.kind === 'failed') expect.fail(`${outcome.reason}\n${shown()}`);
    }
  });
});

test('a number is always the same file, another number or seed another one', async () => {
  const npy = formats.find(({ name }) => name === 'npy');
  const target = npy && (await Target.prepare(npy, join(folder, 'files')));
  const drawn = (seed: number) =>
    Array.from({ length: 50 }, (_, number) => JSON.stringify(target?.damaged(seed, number)));
  expect(drawn(7)).toEqual(drawn(7));
  // Small damage is sometimes the same.
  expect(new Set([...drawn(7), ...drawn(8)]).size).toBeGreaterThan(80);
});

/** A run over readers that fail on purpose. */
function planted(...options: string[]): Promise<{ code: unknown; output: string }> {
  const run = join('test', 'fuzz', 'run.mjs');
  const args = [run, join('test', 'fuzz', 'planted.ts'), '--count', '1', ...options];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, output: stdout + stderr }),
    );
  });
}

test('a run finds every kind of failure, says how to repeat it and goes on', async () => {
  const out = join(folder, 'failures.json');
  const { code, output } = await planted('--out', out);
  const failures: Record<string, unknown>[] = JSON.parse(await readFile(out, 'utf8'));
  expect(failures.map(({ format, number, reason }) => [format, number, reason])).toEqual([
    ['untyped', undefined, expect.stringMatching(/^TypeError: x is undefined/)],
    ['untyped', 0, expect.stringMatching(/^TypeError: x is undefined/)],
    ['late', 0, expect.stringMatching(/RangeError: too late/)],
    ['round', 0, 'came to no end in time'],
    ['slow', 0, expect.stringMatching(/^took \d+\.\d s of the processor$/)],
    ['never', 0, 'came to no end in time'],
    ['large', 0, expect.stringMatching(/^took \d+ MB of memory$/)],
    ['gone', 0, expect.stringContaining(`the process ended (${onWindows ? 1 : 'SIGKILL'})`)],
    ['unreadable', undefined, expect.stringMatching(/good files .* ValueError: never read/)],
  ]);
  expect(output).toContain('typed: 0 read, 1 refused, 0 failed');
  expect(output).toContain('again: npm run fuzz -- --only late --seed 1 --number 0');
  expect(code).toBe(1);
}, 120_000);

test('a run without failures ends well; one that is called wrongly says how', async () => {
  expect(await planted('--only', 'typed')).toMatchObject({ code: 0 });
  const { code, output } = await planted('--only', 'tiped');
  expect(output).toMatch(/"tiped" is none of typed, untyped/);
  expect(code).toBe(2);
});
