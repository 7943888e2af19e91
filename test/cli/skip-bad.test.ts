import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomSqueezenet } from '@test/models/encoders/random-squeezenet.js';
import { beforeAll, expect, test } from 'vitest';
import { encodeSafetensors } from '@/data/formats/safetensors.js';
import { drawPhotos, glimpse, small, smallOnFeatures, temporaryFolder } from './glimpse.js';

const folder = temporaryFolder();
const [table, run] = [join(folder, 'captions.csv'), join(folder, 'run')];
const classes = join(folder, 'classes');

beforeAll(async () => {
  mkdirSync(join(folder, 'photos'));
  const photos = await drawPhotos(join(folder, 'photos'), 10);
  const lines = photos.map((path, n) => {
    const split = n < 6 ? 'train' : n < 9 ? 'dev' : 'test';
    return `${path.slice(folder.length + 1)},a dog ${n % 2},${split}`;
  });
  writeFileSync(table, ['file,caption,split', ...lines].join('\n'));
  for (const n of [1, 7]) writeFileSync(photos[n] ?? '', 'no photo');
  for (const name of ['cats', 'dogs']) {
    mkdirSync(join(classes, name), { recursive: true });
    await drawPhotos(join(classes, name), 5);
  }
  writeFileSync(join(classes, 'cats', 'photo-0.png'), '');
});

test('train, evaluate and report go on without them and say so', async () => {
  const train = [
    'train',
    'captioner',
    `captions:${table}`,
    '--epochs',
    '1',
    '--picture-size',
    '24',
    ...small,
  ];
  const stopped = await glimpse([...train, '--out', join(folder, 'other')]);
  expect(stopped.code).toBe(1);
  expect(stopped.stderr).toMatch(
    /photo-1\.png: is no photo that can be decoded: it is text; .* \(--skip-bad leaves out photos that cannot be read\)\n$/,
  );
  const trained = await glimpse([...train, '--out', run, '--skip-bad']);
  expect(trained.code, trained.stderr).toBe(0);
  expect(trained.stderr).toMatch(
    /2 photos that cannot be read are left out: .*photo-1\.png: is no/,
  );
  expect(trained.stderr).toMatch(/5 train and 2 dev images/);
  const measure = [`captions:${table}`, '--model', join(run, 'best.safetensors')];
  const evaluated = await glimpse(['evaluate', ...measure, '--skip-bad', '--json']);
  expect(evaluated.code, evaluated.stderr).toBe(0);
  expect(evaluated.stderr).toMatch(/1 photo that cannot be read is left out: .*photo-7\.png/);
  const page = join(folder, 'report.html');
  const reported = await glimpse(['report', ...measure, '--skip-bad', '--out', page]);
  expect(reported.code, reported.stderr).toBe(0);
  expect(reported.stdout).toMatch(/dev: 2 images/);
});

test('features that were extracted without them train, and nobody has to say so again', async () => {
  const [encoder, features] = [
    join(folder, 'squeezenet.safetensors'),
    join(folder, 'f.safetensors'),
  ];
  writeFileSync(encoder, encodeSafetensors(randomSqueezenet(), {}));
  const extract = ['features', `captions:${table}`, '--encoder', encoder, '--out', features];
  const extracted = await glimpse([...extract, '--skip-bad']);
  expect(extracted.code, extracted.stderr).toBe(0);
  const out = join(folder, 'on-features');
  const through = ['--features', features];
  const train = ['train', 'captioner', `captions:${table}`, '--epochs', '1', ...smallOnFeatures];
  const trained = await glimpse([...train, ...through, '--out', out]);
  expect(trained.code, trained.stderr).toBe(0);
  expect(trained.stderr).toMatch(
    /2 photos that cannot be read are left out: .*photo-1\.png: is no/,
  );
  const measure = [`captions:${table}`, '--model', join(out, 'best.safetensors'), ...through];
  const evaluated = await glimpse(['evaluate', ...measure]);
  expect(evaluated.code, evaluated.stderr).toBe(0);
  expect(evaluated.stdout).toMatch(/dev: 2 images/);
});

test('vision train goes on without them and says so', async () => {
  const train = ['train', 'classifier', `folder:${classes},size=16,dev=0.3`, '--model', 'fcn'];
  const rest = ['--size', '8', '--epochs', '1', '--out', join(folder, 'classifier')];
  const stopped = await glimpse([...train, ...rest]);
  expect(stopped.code).toBe(1);
  expect(stopped.stderr).toMatch(/photo-0\.png: is empty.*--skip-bad/);
  const trained = await glimpse([...train, ...rest, '--skip-bad']);
  expect(trained.code, trained.stderr).toBe(0);
  expect(trained.stderr).toMatch(
    /1 photo that cannot be read is left out: .*photo-0\.png: is empty/,
  );
  expect(trained.stderr).toMatch(/6 train and 3 dev pictures/);
});
