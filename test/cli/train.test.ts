import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseSafetensors } from '@/data/formats/safetensors.js';
import {
  contentOf,
  type Ended,
  failureOf,
  glimpse,
  glimpseIn,
  inBash,
  interrupted,
  json,
  small,
  temporaryFolder,
} from './glimpse.js';

const folder = temporaryFolder();
const scenes = 'scenes:48,size=24';
const trainInto = (out: string, ...flags: string[]) => [
  ...[
    'train',
    'captioner',
    scenes,
    '--out',
    out,
    '--picture-size',
    '24',
    ...small,
    '--json',
    ...flags,
  ],
];
const last = (out: string) => readFileSync(join(out, 'last.safetensors'));

describe('a run', () => {
  const out = join(folder, 'run');
  const log = join(folder, 'run.jsonl');
  let run: Ended;
  beforeAll(async () => {
    run = await glimpse(trainInto(out, '--epochs', '3', '--log', log));
  });

  test('answers one JSON document, writes both files and nothing else', () => {
    expect(run.code).toBe(0);
    expect(json(run)).toMatchObject({
      outcome: 'finished',
      epochs: 3,
      best: { epoch: 3 },
      model: join(out, 'best.safetensors'),
    });
    expect(run.stderr.match(/^epoch \d/gm)).toEqual(['epoch 1', 'epoch 2', 'epoch 3']);
    expect(readdirSync(out).sort()).toEqual(['best.safetensors', 'last.safetensors']);
  });

  test('its log is JSON lines', () => {
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    const events = lines.map((line) => JSON.parse(line).event);
    expect(events).toEqual(['start', 'epoch', 'epoch', 'epoch', 'end']);
  });

  test.each([
    [['--cell', 'rnn'], /--cell rnn.*with lstm/],
    [['--hidden', '16'], /--hidden 16.*with 8/],
    [['--embedding', '9'], /--embedding 9.*with 8/],
    [['--dropout', '0.25'], /--dropout 0.25.*with 0.5/],
    [['--filters', '4,4'], /--filters 4,4.*with 4/],
    [['--picture-size', '32'], /--picture-size 32.*with 24/],
    [['--minimum-count', '2'], /--minimum-count 2.*with 1/],
    [['--max-words', '7'], /--max-words 7.*with 30/],
    [['--rate', '0.5'], /--rate 0.5.*with 0.001/],
    [['--lengths', 'padded'], /--lengths padded.*with equal/],
    [['--seed', '2'], /--seed 2.*with 1/],
    [['--augment'], /--augment: .*without it/],
    [['--encoder', 'x.onnx'], /--encoder x.onnx.*sees pictures itself/],
  ])('--resume with other flags is refused: %j', async (flags, message) => {
    const { code, stderr } = await glimpse(trainInto(out, '--resume', ...flags));
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(failureOf({ stderr })).toMatch(message);
    expect(code).toBe(2);
  });

  test('a second run does not take its folder, unless told to', async () => {
    const before = last(out);
    const { code, stderr } = await glimpse(trainInto(out));
    expect(failureOf({ stderr })).toMatch(/^--out .*holds a run already.*--resume.*--overwrite/);
    expect(code).toBe(2);
    expect(last(out).equals(before)).toBe(true);
    const other = join(folder, 'overwritten');
    expect((await glimpse(trainInto(other, '--epochs', '1'))).code).toBe(0);
    const again = await glimpse(trainInto(other, '--epochs', '1', '--overwrite', '--seed', '2'));
    expect(json(again)).toMatchObject({ outcome: 'finished' });
  });

  test.each([
    [['--no-normalise'], /--no-normalise is about an encoder's features/],
    [
      ['--centre', 'places', '--attention', 'dot'],
      /--centre needs --attention spatial-transformer/,
    ],
    [
      ['--attention', 'spatial-transformer', '--attention-size', '4'],
      /--attention-size needs .* a window with --centre places/,
    ],
    [['--features', 'f.safetensors', '--filters', '4'], /--filters .*--features/],
    [['--encoder', 'e.onnx', '--picture-size', '32'], /--picture-size .*--encoder/],
    [['--weight-decay', '0.1'], /--weight-decay needs --optimiser adamw/],
    [['--momentum', '0.5', '--optimiser', 'adamw'], /--momentum needs --optimiser sgd/],
    [['--decay', '0.5', '--schedule', 'cosine'], /--decay needs --schedule decay/],
    [['--augment-flip'], /--augment-flip needs --augment/],
    [['--augment', '--encoder', 'e.onnx'], /--augment changes pictures.*--encoder are made once/],
  ])('flags that would be ignored are refused: %j', async (flags, message) => {
    const args = ['train', 'captioner', scenes, '--out', join(folder, 'ignored'), ...flags];
    const { code, stderr } = await glimpse(args);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });

  test('the grid that attention looks at is normalised, unless told not to', async () => {
    const attention = ['--attention', 'spatial-transformer', '--centre', 'places'];
    const sizes = ['--attention-size', '4', '--value-size', '4', '--epochs', '1'];
    for (const [flags, normaliseFeatures] of [
      [[], true],
      [['--no-normalise'], false],
    ] as const) {
      const into = join(folder, `normalised-${normaliseFeatures}`);
      const started = await glimpse(trainInto(into, ...attention, ...sizes, ...flags));
      expect(started.code).toBe(0);
      const { metadata } = parseSafetensors(last(into), 'model');
      const config = JSON.parse(metadata.config ?? '');
      expect(config).toMatchObject({ normaliseFeatures, attention: { centre: 'places' } });
    }
  });

  test('--resume on other captions is refused', async () => {
    const { code, stderr } = await glimpse([
      'train',
      'captioner',
      'scenes:9',
      '--out',
      out,
      '--resume',
    ]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/cannot resume on Drawn scenes/);
  });

  test('--resume needs none of its flags again', async () => {
    const args = [
      'train',
      'captioner',
      scenes,
      '--out',
      out,
      '--resume',
      '--epochs',
      '4',
      '--json',
    ];
    const resumed = await glimpse(args);
    expect(resumed.stderr).not.toContain('glimpse:');
    expect(json(resumed)).toMatchObject({ outcome: 'finished', epochs: 4 });
  });
});

test('Ctrl-C saves and exits with 130, and --resume ends where no interruption would have', async () => {
  const [stopped, straight] = [join(folder, 'stopped'), join(folder, 'straight')];
  const augmented = ['--augment', '--augment-shift', '0.1', '--seed', '4'];
  const endless = trainInto(stopped, '--epochs', '1000000', ...augmented);
  const run = await interrupted(endless, /^epoch 2/m);
  expect(run.code).toBe(130);
  expect(run.stderr).toContain('saving the run');
  const { outcome, epochs } = json(run);
  expect(outcome).toBe('interrupted');
  expect(readdirSync(stopped).sort()).toEqual(['best.safetensors', 'last.safetensors']);
  const before = contentOf(last(stopped));

  const more = String(Number(epochs) + 2);
  const [resumed, reference] = await Promise.all([
    glimpse([...endless, '--resume', '--epochs', more]),
    glimpse(trainInto(straight, '--epochs', more, ...augmented)),
  ]);
  expect([resumed.code, reference.code]).toEqual([0, 0]);
  expect(contentOf(last(stopped))).toEqual(contentOf(last(straight)));
  expect(contentOf(last(stopped)).tensors).not.toEqual(before.tensors);
});

test('of two runs in one folder the second is refused; a terminal that goes away saves the first', async () => {
  const out = join(folder, 'shared');
  const endless = trainInto(out, '--epochs', '1000000');
  const seconds: Awaited<ReturnType<typeof glimpse>>[] = [];
  const meanwhile = async () => {
    seconds.push(
      await glimpse([...endless, '--overwrite']),
      await glimpse([...endless, '--resume']),
    );
  };
  const first = await interrupted(endless, /^epoch 1/m, { signal: 'SIGHUP', meanwhile });
  for (const second of seconds) {
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(failureOf(second)).toMatch(/shared: is being written by another run \(process /);
  }
  expect(seconds).toHaveLength(2);
  expect(first.code).toBe(129);
  expect(json(first).outcome).toBe('interrupted');
  expect(readdirSync(out).sort()).toEqual(['best.safetensors', 'last.safetensors']);
});

test('a run without --out has a numbered folder, which goes on and stands for its model', async () => {
  const home = temporaryFolder();
  const args = [
    'train',
    'captioner',
    scenes,
    '--picture-size',
    '24',
    ...small,
    '--epochs',
    '1',
    '--json',
  ];
  const [one, two] = [1, 2].map((n) => join('runs', `drawn-scenes-${n}`)) as [string, string];
  const run = await glimpseIn(home, args);
  expect(run.stderr).toContain(`the run is kept in ${one} (--out`);
  expect(json(run).model).toBe(join(one, 'best.safetensors'));

  const resumed = await glimpseIn(home, [
    'train',
    'captioner',
    '--resume',
    scenes,
    '--epochs',
    '2',
    '--json',
  ]);
  expect(resumed.stderr).toContain(`going on with ${one}\n`);
  expect(json(resumed)).toMatchObject({ epochs: 2, last: json(run).last });

  rmSync(join(home, one, 'best.safetensors'));
  const flags = ['--from', one, '--epochs', '1', '--json'];
  const next = await glimpseIn(home, ['train', 'captioner', scenes, ...flags]);
  expect(next.stderr).toContain(`taking ${join(one, 'last.safetensors')}\n`);
  expect(json(next).model).toBe(join(two, 'best.safetensors'));
  const model = ['--model', two, '--json'];
  const evaluated = await glimpseIn(home, ['evaluate', scenes, ...model]);
  expect(json(evaluated).models).toEqual([join(two, 'best.safetensors')]);

  const nowhere = await glimpseIn(home, [
    'train',
    'captioner',
    'scenes:8',
    '--resume',
    'runs',
    '--out',
    'x',
  ]);
  expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('leave one out') });
});

test('AdamW, a cosine and buckets are in the recipe; the end of a cosine does not move', async () => {
  const out = join(folder, 'cosine');
  const flags = ['--optimiser', 'adamw', '--schedule', 'cosine', '--lengths', 'bucketed'];
  const log = join(folder, 'cosine.jsonl');
  const run = await glimpse(trainInto(out, '--epochs', '1', ...flags, '--log', log));
  expect(run.code).toBe(0);
  const [start] = readFileSync(log, 'utf8').split('\n');
  expect(JSON.parse(start ?? '').recipe).toMatchObject({
    optimiser: 'adamw',
    weightDecay: 0.01,
    schedule: 'cosine',
    warmup: 0,
    lengths: 'bucketed',
  });
  const { code, stderr } = await glimpse(trainInto(out, '--resume', '--epochs', '2'));
  expect(stderr).toMatch(/--epochs 2: with --schedule cosine the rate depends.*was 1/);
  expect(code).toBe(2);
});

test('--select cider tells the scores of every epoch and of the best', async () => {
  const run = await glimpse(trainInto(join(folder, 'cider'), '--epochs', '2', '--select', 'cider'));
  expect(run.stderr.match(/^epoch \d.*CIDEr \d\.\d{4} {2}BLEU-4 \d\.\d{4}/gm)).toHaveLength(2);
  expect(json(run).best).toMatchObject({
    dev: { cider: expect.any(Number), bleu4: expect.any(Number) },
  });
});

describe('what stands in the way', () => {
  test('an output that is no folder', async () => {
    const file = join(folder, 'file');
    appendFileSync(file, '');
    const { code, stderr } = await glimpse(trainInto(file, '--epochs', '1'));
    expect(code).toBe(1);
    expect(failureOf({ stderr })).toBe(`${file}: cannot be written: a file is in the way`);
  });

  // A limit on the size of files stands for a disk that is full: it needs no rights.
  test.skipIf(process.platform === 'win32')(
    'a disk that is full leaves neither a half file nor a temporary one',
    async () => {
      const out = join(folder, 'full');
      const { code, stderr } = await inBash(
        'ulimit -f 8; exec "$@"',
        trainInto(out, '--epochs', '1'),
      );
      expect(code).toBe(1);
      expect(failureOf({ stderr })).toMatch(
        /best\.safetensors: cannot be written: it would be larger/,
      );
      expect(stderr).not.toMatch(/^ +at /m);
      expect(existsSync(out)).toBe(false);
    },
  );

  test.skipIf(process.platform === 'win32' || process.getuid?.() === 0)(
    'a folder that must not be written (root may write everywhere: skipped for it)',
    async () => {
      const closed = join(folder, 'closed');
      mkdirSync(closed, { mode: 0o500 });
      const { code, stderr } = await glimpse(trainInto(join(closed, 'run'), '--epochs', '1'));
      expect(code).toBe(1);
      expect(stderr).toMatch(/closed\/run: cannot be written: permission denied/);
    },
  );

  test.skipIf(!existsSync('/dev/full'))('a log on a full disk is told once', async () => {
    const run = await glimpse(
      trainInto(join(folder, 'logged'), '--epochs', '2', '--log', '/dev/full'),
    );
    expect(run.code).toBe(0);
    expect(run.stderr.match(/\/dev\/full/g)).toHaveLength(1);
  });
});
