import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomSqueezenet } from '@test/models/encoders/random-squeezenet.js';
import { tinyPictures, writeIdx } from '@test/tasks/classifier/tiny-pictures.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodeSafetensors } from '@/data/formats/safetensors.js';
import { safetensorsValues } from '@/data/formats/safetensors-dtypes.js';
import { readSafetensors } from '@/data/formats/safetensors-files.js';
import { encodePng } from '@/data/pictures/photos.js';
import { contentOf, type Ended, glimpse, interrupted, json, temporaryFolder } from './glimpse.js';

const folder = temporaryFolder();
const data = join(folder, 'data');
const { splits } = tinyPictures(90);
const { test: judged } = splits;

writeIdx(data, splits);

const out = join(folder, 'run');
const small = ['--model', 'st-cnn', '--size', '4', '--window', '10', '--batch-size', '10'];
const training = [
  'train',
  'classifier',
  `idx:${data},dev=0.2`,
  ...small,
  '--distort',
  'E',
  '--seed',
  '3',
];

/** The data that a page holds for programs. */
function dataOf(page: string): Record<string, unknown> {
  const [, text = ''] = /id="report-data">(.*?)<\/script>/s.exec(page) ?? [];
  return JSON.parse(text);
}

describe('vision train', () => {
  let ended: Ended;
  beforeAll(async () => {
    ended = await glimpse([
      ...training,
      '--out',
      out,
      '--epochs',
      '2',
      '--report',
      '--watch',
      '3',
      '--json',
    ]);
  });

  test('trains, and tells where the model is', () => {
    expect(ended.stderr).toContain(
      '43 train and 11 dev pictures, 3 classes; st-cnn of 4, affine 10x10',
    );
    expect(ended.code).toBe(0);
    expect(json(ended)).toMatchObject({
      outcome: 'finished',
      epochs: 2,
      model: join(out, 'best.safetensors'),
      report: join(out, 'report.html'),
    });
    expect(ended.stderr.match(/^epoch \d.*window on digit 0\.\d{3}/gm)).toHaveLength(2);
  });

  test('the page shows each picture before training and after each epoch', () => {
    const page = readFileSync(join(out, 'report.html'), 'utf8');
    // The picture and what is seen of it.
    expect(page.match(/<img [^>]*src="data:image\/png;base64,/g)).toHaveLength(3 * 3 * 2);
    expect(page.match(/<polygon points="[\d., -]+"/g)).toHaveLength(9);
    expect(page).not.toMatch(/(src|href)="(?!data:)/);
    const { pictures, history } = dataOf(page);
    expect(history).toMatchObject([{ epoch: 1 }, { epoch: 2 }]);
    expect(pictures).toMatchObject(
      ['0', '1', '2'].map((label) => ({
        label,
        moments: [{ epoch: 0 }, { epoch: 1 }, { epoch: 2 }],
      })),
    );
    const [first] = Array.isArray(pictures) ? pictures : [];
    // Before training the window is the whole picture: the outermost of 10 pixels on 12.
    expect(first.moments[0].windows[0].slice(0, 2)).toEqual([
      expect.closeTo(0.6, 4),
      expect.closeTo(0.6, 4),
    ]);
  });

  test('does not overwrite a run, and refuses flags that would be ignored', async () => {
    const refusals: [string[], RegExp][] = [
      [['--epochs', '3'], /holds a run already .*--resume continues it/],
      [
        ['--out', join(folder, 'x'), '--model', 'cnn'],
        /--window needs --model st-fcn, st-cnn or st-squeezenet/,
      ],
      [['--resume', '--size', '5'], /--resume with --size 5: .* was started with 4/],
      [['--resume', '--epochs', '3'], /--resume with --epochs 3: .*cosine.* which was 2/],
    ];
    for (const [flags, message] of refusals) {
      const refused = await glimpse([...training, '--out', out, ...flags]);
      expect(refused.stderr).toMatch(message);
      expect(refused.code).toBe(2);
    }
    expect(existsSync(join(folder, 'x'))).toBe(false);
    const again = [
      'train',
      'classifier',
      `${data},dev=0.2`,
      '--out',
      out,
      '--resume',
      '--rate',
      '0.5',
    ];
    expect((await glimpse(again)).stderr).toMatch(
      /--resume with --rate 0\.5: .* was started with 0\.001/,
    );
    const watching = await glimpse([...again.slice(0, -2), '--watch', '3']);
    expect(watching.code).toBe(2);
    expect(watching.stderr).toMatch(/--watch needs --report/);
  });

  test('evaluate and classify tell the same of the test pictures', async () => {
    const model = join(out, 'best.safetensors');
    const evaluated = await glimpse([
      'evaluate',
      data,
      '--model',
      model,
      '--distort',
      'none',
      '--json',
    ]);
    expect(evaluated.code).toBe(0);
    const { error, images, confusion } = json(evaluated);
    expect(images).toBe(18);
    expect(json(evaluated)).not.toHaveProperty('overlap');
    const shown = join(folder, 'shown');
    mkdirSync(shown);
    for (let n = 0; n < 18; n++) {
      const grey = judged.values.subarray(n * 144, (n + 1) * 144);
      const rgb = Uint8Array.from({ length: 432 }, (_, i) => grey[Math.floor(i / 3)] ?? 0);
      const bytes = await encodePng({ width: 12, height: 12, channels: 3, data: rgb });
      writeFileSync(join(shown, `${n}.png`), bytes);
    }
    const classified = await glimpse(['classify', shown, '--model', model, '--top', '3', '--json']);
    const answers: { image: string; guesses: { class: string; probability: number }[] }[] =
      JSON.parse(classified.stdout);
    const counts = [0, 1, 2].map(() => [0, 0, 0]);
    for (const { image, guesses } of answers) {
      const label = judged.labels[Number(/(\d+)\.png$/.exec(image)?.[1])] ?? 0;
      const row = counts[label] ?? [];
      const said = Number(guesses[0]?.class);
      row[said] = (row[said] ?? 0) + 1;
      expect(guesses.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 6);
    }
    expect(counts).toEqual(confusion);
    const mistakes =
      counts.flat().reduce((a, b) => a + b, 0) - counts.reduce((a, row, i) => a + (row[i] ?? 0), 0);
    expect(error).toBe(mistakes / 18);
  });

  test('a bad picture does not stop the others', async () => {
    const bad = join(folder, 'bad.png');
    writeFileSync(bad, 'no picture');
    const good = join(folder, 'shown', '0.png');
    const model = join(out, 'best.safetensors');
    const ended = await glimpse(['classify', bad, good, '--model', model]);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/bad\.png: is no photo/);
    expect(ended.stdout).toMatch(/0\.png: [012] \([\d.]+ %\)\n$/);
  });
});

test('an interrupted run continues bit for bit, with its windows', async () => {
  const [whole, parts] = [join(folder, 'whole'), join(folder, 'parts')];
  const flags = ['--epochs', '5', '--transform', 'attention', '--report', '--watch', '2'];
  const stopped = await interrupted([...training, ...flags, '--out', parts], /^epoch 2/m);
  expect(stopped.code).toBe(130);
  const resumed = await glimpse([
    ...['train', 'classifier', `${data},dev=0.2`, '--out', parts, '--resume'],
    ...['--report', '--watch', '2'],
  ]);
  expect(resumed.code).toBe(0);
  // A log on a full disk is told once, and is no reason to stop.
  const log = existsSync('/dev/full') ? ['--log', '/dev/full'] : [];
  const straight = await glimpse([...training, ...flags, ...log, '--out', whole]);
  expect(straight.code).toBe(0);
  expect(straight.stderr.match(/\/dev\/full/g) ?? []).toHaveLength(log.length / 2);
  const [a, b] = [whole, parts].map((run) =>
    contentOf(readFileSync(join(run, 'last.safetensors'))),
  );
  expect(b).toEqual(a);
  const pages = [whole, parts].map((run) => readFileSync(join(run, 'report.html'), 'utf8'));
  const [wholePage, resumedPage] = pages.map((page) => dataOf(page).pictures);
  expect(resumedPage).toEqual(wholePage);
}, 120_000);

test('a captioner is no classifier, and other pictures do not fit', async () => {
  const model = join(out, 'best.safetensors');
  const fitting = await glimpse(['evaluate', data, '--model', model, '--distort', 'RTS']);
  expect(fitting.code).toBe(2);
  expect(fitting.stderr).toMatch(/takes pictures \(1, 12, 12\), .* are \(1, 18, 18\)/);
  const asCaptioner = await glimpse(['caption', join(folder, 'shown', '0.png'), '--model', model]);
  expect(asCaptioner.code).toBe(2);
  expect(asCaptioner.stderr).toMatch(
    /is a classifier, not a captioner or video-captioner: glimpse classify takes it/,
  );
});

/** The values of one tensor of a file. */
async function valuesOf(path: string, name: string): Promise<number[]> {
  const found = (await readSafetensors(path)).tensors.get(name);
  return found ? Array.from(safetensorsValues(found), Number) : [];
}

describe('train classifier --model squeezenet', () => {
  const colours = join(folder, 'colours');
  const [net, run] = [join(folder, 'squeezenet.safetensors'), join(folder, 'squeezenet-run')];
  const command = ['train', 'classifier', `folder:${colours},size=29,dev=0.25`, '--out', run];
  const fresh = [
    '--model',
    'squeezenet',
    '--weights',
    net,
    '--batch-size',
    '6',
    '--seed',
    '2',
    '--schedule',
    'constant',
  ];

  beforeAll(async () => {
    writeFileSync(net, encodeSafetensors(randomSqueezenet()));
    for (const [channel, name] of ['red', 'green'].entries()) {
      mkdirSync(join(colours, name), { recursive: true });
      for (let n = 0; n < 8; n++) {
        const bright = (i: number) => (i % 3 === channel ? 120 + 15 * n : 20);
        const rgb = Uint8Array.from({ length: 3 * 29 * 29 }, (_, i) => bright(i));
        const bytes = await encodePng({ width: 29, height: 29, channels: 3, data: rgb });
        writeFileSync(join(colours, name, `${n}.png`), bytes);
      }
    }
  });

  test('begins with the features of a file, and continues', async () => {
    const one = await glimpse([...command, ...fresh, '--epochs', '1', '--rate', '1e-9']);
    expect(one.stderr).toContain('12 train and 4 dev pictures, 2 classes; squeezenet');
    expect(one.code).toBe(0);
    const theirs = await valuesOf(net, 'features.12.expand3x3.weight');
    const last = join(run, 'last.safetensors');
    const ours = await valuesOf(last, 'classifier.network.features.12.expand3x3.W');
    expect(theirs).toHaveLength(256 * 64 * 9);
    // With a rate of 1e-9 two steps move no weight by more than the last bits.
    const moved = ours.map((value, i) => Math.abs(value - (theirs[i] ?? Number.NaN)));
    expect(moved.every((distance) => distance < 1e-7)).toBe(true);
    const again = await glimpse([...command, '--resume', '--epochs', '2']);
    expect(again.stderr).toMatch(/^epoch 2 /m);
    expect(again.code).toBe(0);
    const model = join(run, 'best.safetensors');
    const told = await glimpse(['classify', join(colours, 'red'), '--model', model]);
    expect(told.stdout.match(/\.png: (red|green) \([\d.]+ %\)/g)).toHaveLength(8);
  });

  test('refuses other weights, and weights for a model that goes on', async () => {
    const other = join(run, 'best.safetensors');
    const elsewhere = ['--out', join(folder, 'none'), '--weights', other];
    const refusals: [string[], RegExp][] = [
      [[...fresh, ...elsewhere], /best\.safetensors: is not a SqueezeNet 1\.0/],
      [['--resume', '--weights', net], /--resume with --weights/],
      [['--model', 'cnn', '--weights', net, '--overwrite'], /--weights needs --model/],
    ];
    for (const [flags, message] of refusals) {
      const refused = await glimpse([...command, ...flags]);
      expect(refused.stderr).toMatch(message);
      expect(refused.code).not.toBe(0);
    }
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });
});
