import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLineOf, runUntil, stateIn } from '@test/tasks/command-line.js';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { videoCaptioner } from '@/tasks/video-captioner/index.js';

const folder = mkdtempSync(join(tmpdir(), 'glimpse-clips-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const glimpse = commandLineOf(videoCaptioner);

/** Two things appear, one after the other; one sentence says which was first. */
const set = 'moving:24,dev=8,test=8,size=24,frames=8,order=yes,sentences=1';

const small = {
  cnn: { size: 24, filters: [6, 8] },
  frames: 6,
  embeddingSize: 12,
  hiddenSize: 24,
} as const;
const recipe = { epochs: 3, batchSize: 6, rate: 0.01, minimumCount: 1, patience: 9 } as const;
const asFlags = [
  ...['--size', '24', '--filters', '6,8', '--frames', '6', '--embedding', '12', '--hidden', '24'],
  ...['--epochs', '3', '--batch-size', '6', '--rate', '0.01', '--minimum-count', '1'],
  ...['--patience', '9'],
];

const attention = { valueSize: 12, size: 10 };
const ways = {
  mean: { config: { combine: 'mean', dropout: 0.2 }, flags: ['--dropout', '0.2'] },
  s2vt: {
    config: { combine: 's2vt', layers: 2, dropout: 0.2 },
    flags: ['--layers', '2', '--dropout', '0.2'],
  },
  attention: {
    config: {
      combine: 'attention',
      dropout: 0,
      attention: { kind: 'hard', ...attention },
    },
    flags: [
      ...['--attention', 'hard', '--value-size', '12', '--attention-size', '10'],
      ...['--dropout', '0'],
    ],
  },
} as const;
type Way = keyof typeof ways;
const allWays = Object.keys(ways) as Way[];

describe.each(allWays)('%s', (way) => {
  const { config, flags } = ways[way];
  const whole = join(folder, way);
  const train = () =>
    glimpse(
      ...['train', 'video-captioner', set, '--out', whole, '--combine', way],
      ...[...asFlags, ...flags, '--augment', '--json'],
    );

  test('trains by the command line, and is evaluated by what its file says', async () => {
    const trained = await train();
    expect([trained.code, trained.said]).toEqual([
      0,
      expect.stringContaining('24 train and 8 dev'),
    ]);
    const { outcome, best, model } = JSON.parse(trained.answer);
    expect(outcome).toBe('finished');
    const evaluated = await glimpse('evaluate', set, '--model', model, '--json', '--captions');
    expect([evaluated.code, evaluated.said]).toEqual([0, expect.anything()]);
    const { lossPerWord, captions, order, exactMatch } = JSON.parse(evaluated.answer);
    expect(lossPerWord).toBe(best.dev.loss);
    expect(captions).toHaveLength(8);
    expect(exactMatch).toBeGreaterThanOrEqual(0);
    expect(order.count).toBe(8);
    expect(order.right + order.reversed).toBeLessThanOrEqual(8);
    const people = await glimpse('evaluate', set, '--model', model, '--decoder', 'beam');
    expect(people.answer).toMatch(/order of 8 clips .* right \d/);
  });

  test('killed, or interrupted amid an epoch, it goes on bit for bit', async () => {
    const asked = {
      dataset: set,
      config: { ...small, ...config },
      recipe: { ...recipe, augment: true },
    };
    const expected = await stateIn(whole);
    const [killed, interrupted] = [join(folder, `${way}-killed`), join(folder, `${way}-ended`)];
    const death = runUntil(videoCaptioner, asked, killed, ({ step }) => {
      if (step === 6) throw new Error('killed');
    });
    await expect(death).rejects.toThrow('killed');
    const outcome = await runUntil(videoCaptioner, asked, interrupted, ({ step }, end) => {
      if (step === 6) end.abort();
    });
    expect(outcome).toBe('interrupted');
    for (const run of [killed, interrupted]) {
      expect(await stateIn(run)).not.toEqual(expected);
      const resumed = await glimpse('train', 'video-captioner', set, '--out', run, '--resume');
      expect([resumed.code, resumed.said]).toEqual([0, expect.anything()]);
      expect(await stateIn(run)).toEqual(expected);
    }
  });

  test('with the frames shuffled it sees something else, but for their mean', async () => {
    const loss = async (...more: string[]) => {
      const { answer } = await glimpse('evaluate', set, '--model', whole, '--json', ...more);
      return JSON.parse(answer).lossPerWord;
    };
    const shuffled = await loss('--shuffle-frames');
    const straight = await loss();
    if (way === 'mean') expect(shuffled).toBeCloseTo(straight, 6);
    else expect(shuffled).not.toBeCloseTo(straight, 6);
    expect(await loss('--shuffle-frames')).toBe(shuffled);
    if (way === 's2vt')
      expect(await loss('--shuffle-frames', '--shuffle-seed', '1')).not.toBe(shuffled);
  });
});

test('captions of two models are those of their ensemble', async () => {
  const both = ['--model', join(folder, 's2vt'), '--model', join(folder, 'attention')];
  const { code, answer, said } = await glimpse('evaluate', set, ...both, '--json');
  expect([code, said]).toEqual([0, expect.anything()]);
  expect(JSON.parse(answer).models).toHaveLength(2);
});

test('learns from the rewards of its own captions, and goes on bit for bit', async () => {
  const from = join(folder, 's2vt', 'best.safetensors');
  const own = { selfCritical: true, samples: 2, epochs: 2, batchSize: 8, rate: 1e-3 };
  const asked = { dataset: set, from, recipe: own };
  const [whole, ended] = [join(folder, 'critical'), join(folder, 'critical-ended')];
  expect(await runUntil(videoCaptioner, asked, whole, () => {})).toBe('finished');
  const outcome = await runUntil(videoCaptioner, asked, ended, ({ step }, end) => {
    if (step === 4) end.abort();
  });
  expect(outcome).toBe('interrupted');
  const { code, said } = await glimpse('train', 'video-captioner', set, '--out', ended, '--resume');
  expect([code, said]).toEqual([0, expect.anything()]);
  expect(await stateIn(ended)).toEqual(await stateIn(whole));
});

describe('refuses', () => {
  const wrong: readonly [string, readonly string[], RegExp][] = [
    ['attention beside s2vt', ['--combine', 's2vt', '--attention', 'dot'], /--attention/],
    [
      'a window through time',
      ['--combine', 'attention', '--attention', 'spatial-transformer'],
      /window/,
    ],
    [
      'places without attention',
      ['--combine', 'mean', '--places', 'grid'],
      /--places needs --combine/,
    ],
    ['a size that is none', ['--size', '0'], /--size/],
    ['no frames', ['--frames', '0'], /--frames/],
    ['a rate of 0', ['--frame-rate', '0'], /--frame-rate/],
    ['rewards without a model', ['--self-critical'], /--self-critical needs --from/],
  ];
  test.each(wrong)('%s', async (_, flags, message) => {
    const out = join(folder, 'refused');
    const { code, said } = await glimpse('train', 'video-captioner', set, '--out', out, ...flags);
    expect(code).toBe(2);
    expect(said).toMatch(message);
  });

  test('a set without clips to measure on', async () => {
    const empty = 'moving:8,dev=0,test=0,size=24,frames=8';
    const { code, said } = await glimpse(
      'train',
      'video-captioner',
      empty,
      '--out',
      join(folder, 'e'),
    );
    expect(code).toBe(2);
    expect(said).toMatch(/no dev clips/);
  });
});
