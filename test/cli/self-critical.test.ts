import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { contentOf, glimpse, interrupted, json, small, temporaryFolder } from './glimpse.js';

const folder = temporaryFolder();
const scenes = 'scenes:24,size=24';
const taught = join(folder, 'taught', 'best.safetensors');
const begin = (out: string, ...flags: string[]) => [
  ...[
    'train',
    'captioner',
    scenes,
    '--out',
    join(folder, out),
    '--from',
    taught,
    '--batch-size',
    '12',
  ],
  ...['--json', ...flags],
];
const content = (out: string) => contentOf(readFileSync(join(folder, out, 'last.safetensors')));

let devLoss: number;
beforeAll(async () => {
  const flags = ['--picture-size', '24', ...small, '--epochs', '2', '--json'];
  const run = await glimpse([
    'train',
    'captioner',
    scenes,
    '--out',
    join(folder, 'taught'),
    ...flags,
  ]);
  expect(run.code).toBe(0);
  devLoss = Object(json(run).best).dev.loss;
});

test('--from begins a new run with the weights of a model', async () => {
  const run = await glimpse(begin('on', '--epochs', '1', '--rate', '1e-12'));
  expect(run.stderr).not.toContain('glimpse:');
  expect(json(run)).toMatchObject({ outcome: 'finished', epochs: 1 });
  expect(json(run).best).toMatchObject({ epoch: 1, dev: { loss: expect.closeTo(devLoss, 5) } });
  expect(content('on').metadata.training).toMatchObject({
    recipe: { selfCritical: false, rate: 1e-12 },
    progress: { history: [{ epoch: 1 }] },
  });
});

test('--self-critical tells the reward, and resumes where it was stopped', async () => {
  const flags = ['--self-critical', '--samples', '3', '--max-words', '9', '--rate', '1e-4'];
  const log = join(folder, 'log.jsonl');
  const stopped = await interrupted(
    begin('stopped', ...flags, '--epochs', '1000000', '--log', log),
    /^epoch 2/m,
  );
  expect(stopped.code).toBe(130);
  expect(stopped.stderr).toMatch(/^epoch 1 {2}train reward \d\.\d{4} {2}dev \d/m);
  expect(readFileSync(log, 'utf8')).toMatch(/"event":"epoch".*"train":\{"loss":\d[^}]*"reward":\d/);
  const more = String(Number(json(stopped).epochs) + 1);
  const resume = [
    'train',
    'captioner',
    scenes,
    '--out',
    join(folder, 'stopped'),
    '--resume',
    '--self-critical',
  ];
  const [resumed, straight] = await Promise.all([
    glimpse([...resume, '--epochs', more]),
    glimpse(begin('straight', ...flags, '--epochs', more)),
  ]);
  expect([resumed.code, straight.code]).toEqual([0, 0]);
  expect(content('stopped')).toEqual(content('straight'));
});

describe('flags that do not go together are refused', () => {
  test.each([
    [begin('x', '--hidden', '9'), /--hidden makes a new model, but --from .*best\.safetensors/],
    [begin('x', '--minimum-count', '2'), /--minimum-count makes a new model/],
    [begin('x', '--samples', '3'), /--samples needs --self-critical/],
    [begin('x', '--self-critical', '--lengths', 'padded'), /--lengths is about .*--self-critical/],
    [begin('x', '--self-critical', '--scheduled-sampling', '0.2'), /--scheduled-sampling is about/],
    [begin('x', '--self-critical', '--samples', '1'), /leave-one-out needs at least 2 samples/],
    [
      ['train', 'captioner', scenes, '--out', join(folder, 'x'), '--self-critical'],
      /--self-critical needs --from/,
    ],
    [begin('taught', '--resume'), /--from begins a new run and --resume continues one/],
    [
      [
        'train',
        'captioner',
        scenes,
        '--out',
        join(folder, 'taught'),
        '--resume',
        '--self-critical',
      ],
      /--resume with --self-critical: .* started without it/,
    ],
  ])('%j', async (args, message) => {
    const { code, stderr } = await glimpse(args);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});
