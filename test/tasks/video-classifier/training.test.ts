import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npyFile, zipFile } from '@test/data/formats/array-files.js';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { runProgram } from '@/cli/program.js';
import { readSafetensors } from '@/data/formats/safetensors-files.js';
import { scope } from '@/engine/engine.js';
import { Random } from '@/random.js';
import { videoClassifier } from '@/tasks/video-classifier/index.js';
import { videoClassifierRecipeSchema } from '@/tasks/video-classifier/recipe.js';

const folder = mkdtempSync(join(tmpdir(), 'glimpse-video-'));
const [frames, joints] = [join(folder, 'frames.npz'), join(folder, 'joints.npz')];
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** A bright square that moves right (class 0) or left (class 1): 7 frames of 8 x 10. The one
 * in the middle says nothing. */
beforeAll(() => {
  const [N, T, H, W] = [24, 7, 8, 10];
  // Of a pair, one moves right and one left, in the same rows.
  const random = new Random(1);
  const tops = Array.from({ length: N / 2 }, () => random.integer(H - 2));
  const bytes = new Uint8Array(N * T * H * W);
  const points = new Float32Array(N * T * 3);
  const labels = Int32Array.from({ length: N }, (_, n) => n % 2);
  for (let n = 0; n < N; n++) {
    const top = tops[n >> 1] ?? 0;
    for (let t = 0; t < T; t++) {
      const left = n % 2 === 0 ? t : T - 1 - t;
      for (let y = top; y < top + 2; y++) {
        for (let x = left; x < left + 3; x++) bytes[((n * T + t) * H + y) * W + x] = 255;
      }
      points.set([left, top, 1], (n * T + t) * 3);
    }
  }
  const splitBy = Int32Array.from({ length: N }, (_, n) => (n < 16 ? 0 : n < 20 ? 1 : 2));
  const columns = { label: npyFile('<i4', [N], labels), part: npyFile('<i4', [N], splitBy) };
  writeFileSync(
    frames,
    zipFile({ 'frames.npy': npyFile('|u1', [N, T, H, W], bytes), ...named(columns) }),
  );
  writeFileSync(
    joints,
    zipFile({ 'joints.npy': npyFile('<f4', [N, T, 3], points), ...named(columns) }),
  );
});

const named = (columns: Readonly<Record<string, Buffer>>) =>
  Object.fromEntries(Object.entries(columns).map(([name, bytes]) => [`${name}.npy`, bytes]));

const sets = {
  frames: `npz:${frames},by=part,dev=1,test=2`,
  joints: `npz:${joints},by=part,dev=1,test=2`,
};

async function glimpse(...args: string[]): Promise<{ code: number; answer: string; said: string }> {
  const written = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    });
  }
  using _work = scope();
  const code = await runProgram(args, [videoClassifier]);
  vi.restoreAllMocks();
  return { code, answer: written.stdout, said: written.stderr };
}

/** A model file without its times. */
async function stateIn(run: string) {
  const { tensors, metadata } = await readSafetensors(join(run, 'last.safetensors'));
  const { training, ...rest } = metadata;
  return { tensors, rest, training: training?.replaceAll(/"seconds":[\d.e-]+/g, '') };
}

const shared = ['--frames', '7', '--batch-size', '5', '--rate', '0.01', '--dropout', '0.1'];
const kinds = {
  c3d: ['--model', 'c3d', '--width', '4', '--convolutions', '1,1', '--shift', '0.1'],
  r2plus1d: ['--model', 'r2plus1d', '--width', '4', '--blocks', '1'],
  lrcn: [
    '--model',
    'lrcn',
    '--filters',
    '8,8',
    '--frame-features',
    '16',
    '--hidden',
    '16',
    '--take',
    'whole',
  ],
  'lrcn of joints': [
    '--model',
    'lrcn',
    '--hidden',
    '8',
    '--both-directions',
    '--motion',
    '--points',
    '3',
    '--noise',
    '0.05',
    '--turn',
    '10',
  ],
} as const;

describe.each(Object.entries(kinds))('%s', (name, flags) => {
  const set = name === 'lrcn of joints' ? sets.joints : sets.frames;
  const run = join(folder, name.replaceAll(' ', '-'));

  test('learns which way things move, and order is what it goes by', async () => {
    const trained = await glimpse(
      'train',
      'video-classifier',
      set,
      '--out',
      run,
      ...shared,
      ...flags,
      '--epochs',
      '40',
      '--json',
    );
    expect(trained.said).not.toContain('glimpse:');
    expect(trained.code).toBe(0);
    const judge = async (...control: string[]) => {
      const { answer } = await glimpse(
        'evaluate',
        set,
        '--model',
        join(run, 'last.safetensors'),
        '--json',
        ...control,
      );
      return JSON.parse(answer);
    };
    expect(await judge()).toMatchObject({ clips: 4, mistakes: 0, split: 'test', views: 4 });
    const still = await judge('--control', 'still');
    expect(still.mistakes).toBe(2);
  }, 60_000);

  test('goes on bit for bit where it was stopped', async () => {
    const start = async (into: string, stopAfter: number) => {
      using _work = scope();
      const recipe = { batchSize: 5, rate: 0.01, epochs: 3, shift: 0.1 };
      const config =
        name === 'lrcn of joints'
          ? { model: 'lrcn', points: 3, lrcn: { hidden: 4 } }
          : {
              model: name,
              frames: 4,
              width: 2,
              c3d: { convolutions: [1, 1] },
              resnet: { blocks: [1] },
              lrcn: { hidden: 4, filters: [2], features: 4 },
            };
      const data = await videoClassifier.open({
        dataset: set,
        resume: false,
        config,
        recipe: videoClassifierRecipeSchema.parse(recipe),
        options: {},
        note: () => {},
      });
      const progress = () => ({ update: () => {}, stop: () => {} });
      const { run } = await data.start({ folder: into, command: 'test', progress });
      const end = new AbortController();
      let steps = 0;
      await run.run(
        { onStep: () => void (++steps === stopAfter && end.abort()) },
        { signal: end.signal },
      );
    };
    const [whole, parts] = [`${run}-whole`, `${run}-parts`];
    await start(whole, Number.POSITIVE_INFINITY);
    await start(parts, 6);
    const resumed = await glimpse('train', 'video-classifier', set, '--resume', parts);
    expect(resumed.code, resumed.said).toBe(0);
    expect(await stateIn(parts)).toEqual(await stateIn(whole));
  }, 60_000);
});

test('what does not go together is refused, with the way out', async () => {
  const refused = async (...flags: string[]) => {
    const { code, said } = await glimpse(
      'train',
      'video-classifier',
      ...flags,
      '--out',
      join(folder, 'none'),
    );
    expect(code).not.toBe(0);
    return said;
  };
  expect(await refused(sets.joints)).toContain('c3d looks at frames');
  expect(await refused(sets.joints, '--model', 'lrcn', '--points', '2')).toContain(
    '3 numbers a step are no points of 2',
  );
  expect(await refused(sets.joints, '--model', 'lrcn', '--size', '8')).toContain(
    '--size is about frames',
  );
  expect(await refused(sets.frames, '--take', 'whole')).toContain('take a window');
  expect(await refused(sets.frames, '--model', 'ji', '--size', '8x10')).toContain(
    'too few or too small',
  );
  expect(await refused(sets.frames, '--model', 'lrcn', '--points', '3')).toContain(
    '--points is about sequences',
  );
  const lrcn = ['--model', 'lrcn'];
  expect(await refused(sets.joints, ...lrcn, '--flip')).toContain('--flip mirrors frames');
  expect(await refused(sets.joints, ...lrcn, '--bend', '0.1')).toContain('--bend moves places');
  expect(await refused(sets.joints, ...lrcn, '--turn', '9')).toContain('(--points 3)');
  expect(await refused(sets.frames, ...lrcn, '--noise', '0.1')).toContain(
    '--noise is added to sequences, but this network sees frames: leave it out',
  );
});

test('without dev clips the epochs are measured on clips of train, and that is said', async () => {
  const run = join(folder, 'no-dev');
  const set = `npz:${joints},by=part,train=0,test=2`;
  const flags = ['--model', 'lrcn', '--hidden', '4', '--epochs', '1', '--out', run, '--json'];
  const { code, said, answer } = await glimpse('train', 'video-classifier', set, ...flags);
  expect(code, said).toBe(0);
  expect(said).toContain('there are no dev clips');
  expect(said).toContain('measured on 8 clips of train');
  expect(JSON.parse(answer).best.dev.loss).toBeGreaterThan(0);
});
