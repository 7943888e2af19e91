import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { UsageError } from '@/errors.js';
import { line } from '../../examples/own-kind.js';
import { commandLineOf, runUntil, stateIn } from './command-line.js';

const folder = mkdtempSync(join(tmpdir(), 'glimpse-line-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const glimpse = commandLineOf(line);

const sizes = ['--epochs', '6', '--batch-size', '7', '--rate', '0.1', '--schedule', 'constant'];
const settings = { epochs: 6, batchSize: 7, rate: 0.1, schedule: 'constant' } as const;

/** The same run as a program starts it, ended by what `onStep` does. */
const endedBy = (into: string, onStep: Parameters<typeof runUntil>[3]) =>
  runUntil(line, { dataset: 'points:40', recipe: settings }, into, onStep);

test('a kind in one file trains, and is evaluated by what its file says', async () => {
  const run = join(folder, 'whole');
  const trained = await glimpse('train', 'line', 'points:40', '--out', run, ...sizes, '--json');
  expect(trained.code).toBe(0);
  const { outcome, epochs, best, model } = JSON.parse(trained.answer);
  expect({ outcome, epochs, best: best.epoch }).toEqual({
    outcome: 'finished',
    epochs: 6,
    best: 6,
  });
  expect(trained.said).toContain('points:40');
  const evaluated = await glimpse('evaluate', 'points:40', '--model', model, '--json');
  expect(evaluated.code).toBe(0);
  expect(JSON.parse(evaluated.answer).loss).toBe(best.dev.loss);
  // Adam has taken 36 steps of 0.1 towards 3 x - 1.
  expect(best.dev.loss).toBeLessThan(0.1);
});

test('killed or interrupted, it goes on bit for bit', async () => {
  const [killed, interrupted] = [join(folder, 'killed'), join(folder, 'interrupted')];
  const death = endedBy(killed, ({ step }) => {
    if (step === 15) throw new Error('killed');
  });
  await expect(death).rejects.toThrow('killed');
  const outcome = await endedBy(interrupted, ({ step }, end) => {
    if (step === 15) end.abort();
  });
  expect(outcome).toBe('interrupted');
  const whole = await stateIn(join(folder, 'whole'));
  for (const run of [killed, interrupted]) {
    expect(await stateIn(run)).not.toEqual(whole);
    const resumed = await glimpse('train', 'line', 'points:40', '--out', run, '--resume');
    expect(resumed.code).toBe(0);
    expect(await stateIn(run)).toEqual(whole);
  }
});

test('its flags are those of its schemas', async () => {
  const { code, answer } = await glimpse('train', 'line', '--help');
  expect(code).toBe(0);
  expect(answer).toMatch(/--deviation <number> +of the first slope \(default: 1\)/);
  expect(answer).toMatch(/--rate <number>/);
  const none = await glimpse('train', 'line', 'points:4', '--deviation', '0');
  expect([none.code, none.said]).toEqual([2, expect.stringMatching(/--deviation.*'0'.*above 0/)]);
  const other = ['--out', join(folder, 'killed'), '--resume', '--deviation', '2'];
  const changed = await glimpse('train', 'line', 'points:40', ...other);
  expect([changed.code, changed.said]).toEqual([
    2,
    expect.stringMatching(/--resume with --deviation 2: .* was started with 1/),
  ]);
  const moved = await glimpse(
    'train',
    'line',
    'points:41',
    '--out',
    join(folder, 'killed'),
    '--resume',
  );
  expect(moved.said).toMatch(/cannot resume on points:41/);
});

test('a program is told the same', async () => {
  const open = line.open({
    ...{ dataset: 'points:4', resume: false, config: {}, options: {}, note: () => {} },
    recipe: { epochs: 0 },
  });
  await expect(open).rejects.toThrow(UsageError);
  await expect(open).rejects.toThrow(/epochs: must be above 0, not 0/);
});
