import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { safetensorsTensor } from '@/data/formats/safetensors-dtypes.js';
import { writeSafetensors } from '@/data/formats/safetensors-files.js';
import { Random } from '@/random.js';
import { drawPhotos, glimpse, json, smallOnFeatures, temporaryFolder } from './glimpse.js';

const folder = temporaryFolder();
const inside = (name: string) => join(folder, name);
const modelIn = (run: string) => join(folder, run, 'best.safetensors');
const course = fileURLToPath(new URL('../fixtures/cs231n', import.meta.url));
const [train = '', val = ''] = ['train', 'val'].map((part) =>
  join(course, `${part}2014_vgg16_fc7_pca.h5`),
);
const fromCourse = ['--features', `${train},${val}`];
let photo: string;

beforeAll(async () => {
  [photo = ''] = await drawPhotos(folder, 1);
});

describe('the course’s set, with its own features', () => {
  const learn = (...more: string[]) =>
    glimpse([
      'train',
      'captioner',
      course,
      '--out',
      inside('course'),
      ...smallOnFeatures,
      ...more,
      '--json',
    ]);

  test('is learned, gone on with and measured without any photo or encoder', async () => {
    const run = await learn(...fromCourse, '--epochs', '2', '--rate', '0.02');
    expect(run.stderr).toMatch(/does not say which encoder made it.*--encoder <file>/);
    expect(json(run)).toMatchObject({ outcome: 'finished', epochs: 2 });
    const more = await learn(...fromCourse, '--resume', '--epochs', '60');
    expect(more.stderr).not.toContain('glimpse:');
    expect(json(more)).toMatchObject({ outcome: 'finished', epochs: 60 });
    const evaluate = ['evaluate', course, '--model', inside('course/last.safetensors'), '--json'];
    const measured = await glimpse([...evaluate, ...fromCourse, '--split', 'train', '--captions']);
    // Two images whose captions begin otherwise: their features reach the words.
    expect(json(measured)).toMatchObject({
      images: 2,
      captions: [
        { image: 'train 2', caption: expect.stringMatching(/^a/) },
        { image: 'train 0', caption: expect.stringMatching(/^the/) },
      ],
    });
  });

  test.each([
    [['evaluate', course], /takes features, not photos.*--features <file>/],
    [['evaluate', course, '--features', train], /3 rows.*dataset has 5/],
    [
      ['train', 'captioner', course, '--out', inside('course'), '--resume'],
      /takes features, not photos/,
    ],
    [
      ['train', 'captioner', course, '--out', inside('course'), '--resume', '--encoder', 'x.onnx'],
      /--encoder x\.onnx: the model in .* takes features as they are/,
    ],
  ])('%j says what is missing', async (args, message) => {
    const model = args[0] === 'evaluate' ? ['--model', modelIn('course')] : [];
    const { code, stderr } = await glimpse([...args, ...model]);
    expect(stderr).toMatch(/^glimpse: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect(code).toBeGreaterThan(0);
  });
});

test('grids for attention; the model says that it takes no photos, and how to get one', async () => {
  const dataset = 'scenes:6,dev=2,test=2,size=24';
  const random = new Random(3);
  const grids = (N: number, L: number, D: number) =>
    writeSafetensors(inside(`${L}.safetensors`), [
      [
        'features',
        safetensorsTensor(
          Float32Array.from({ length: N * L * D }, () => random.normal()),
          [N, L, D],
        ),
      ],
    ]);
  await grids(10, 4, 5);
  await grids(10, 9, 5);
  const attention = ['--attention', 'dot', '--attention-size', '8', '--value-size', '8'];
  const args = [
    'train',
    'captioner',
    dataset,
    '--out',
    inside('grids'),
    ...smallOnFeatures,
    ...attention,
  ];
  const run = await glimpse([...args, '--features', inside('4.safetensors'), '--epochs', '1']);
  expect(run.code).toBe(0);
  const evaluate = (features: string) =>
    glimpse(['evaluate', dataset, '--model', modelIn('grids'), '--features', features, '--json']);
  expect(json(await evaluate(inside('4.safetensors')))).toMatchObject({ images: 2 });
  const other = await evaluate(inside('9.safetensors'));
  expect(other.stderr).toMatch(
    /9\.safetensors has features \(9, 5\), but the model takes \(4, 5\)/,
  );
  const vectors = await glimpse([...args, '--overwrite', ...fromCourse]);
  expect(vectors.code).toBe(1);

  const { code, stderr } = await glimpse(['caption', photo, '--model', modelIn('grids')]);
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /^glimpse: the model takes features, not photos, [^\n]*train with --features and --encoder <file>[^\n]*\n$/,
  );
});
