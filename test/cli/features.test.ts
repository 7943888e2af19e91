import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { randomSqueezenet } from '@test/models/encoders/random-squeezenet.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodeSafetensors, parseSafetensors } from '@/data/formats/safetensors.js';
import { safetensorsTensor } from '@/data/formats/safetensors-dtypes.js';
import {
  complaints,
  contentOf,
  drawPhotos,
  failureOf,
  glimpse,
  inBash,
  json,
  smallOnFeatures,
  temporaryFolder,
} from './glimpse.js';

const folder = temporaryFolder();
const inside = (name: string) => join(folder, name);
const encoder = inside('squeezenet.safetensors');
const other = inside('other.safetensors');
const features = inside('features.safetensors');
const dataset = inside('flickr');
const images = join(dataset, 'Flicker8k_Dataset');
const texts = join(dataset, 'Flickr8k_text');
const tokens = join(texts, 'Flickr8k.token.txt');
const run = inside('run');
const model = join(run, 'best.safetensors');
let names: readonly string[];

/** A Flickr8k of six drawings: four to train on, one each to tune and to judge on. */
beforeAll(async () => {
  const weights = randomSqueezenet();
  writeFileSync(encoder, encodeSafetensors(weights, {}));
  const bias = 'features.0.bias';
  weights.set(bias, safetensorsTensor(new Float32Array(96).fill(0.1), [96]));
  writeFileSync(other, encodeSafetensors(weights, {}));
  for (const path of [images, texts]) mkdirSync(path, { recursive: true });
  names = (await drawPhotos(images, 6)).map((path) => basename(path));
  const parts = { train: names.slice(0, 4), dev: names.slice(4, 5), test: names.slice(5) };
  for (const [split, list] of Object.entries(parts)) {
    writeFileSync(join(texts, `Flickr_8k.${split}Images.txt`), `${list.join('\n')}\n`);
  }
  writeFileSync(tokens, captionLines().join('\n'));

  const made = await glimpse(extract(features, encoder));
  expect({ code: made.code, stderr: made.stderr }).toEqual({ code: 0, stderr: '' });
  expect(json(made)).toMatchObject({ images: 6, resumed: 0, skipped: [], out: features });
  const trained = await glimpse(trainOn('--out', run, '--features', features));
  expect(trained.stderr).not.toContain('glimpse:');
  expect(trained.code).toBe(0);
});

function captionLines(): string[] {
  const captions = ['a red square on grass .', 'two blue stars'];
  return names.flatMap((name) => captions.map((caption, n) => `${name}#${n}\t${caption}`));
}

const extract = (out: string, weights: string, ...more: string[]) => [
  ...['features', `flickr8k:${dataset}`, '--encoder', weights, '--out', out, '--json', ...more],
];
const trainOn = (...more: string[]) => [
  ...['train', 'captioner', `flickr8k:${dataset}`, '--epochs', '2', ...smallOnFeatures, ...more],
];

describe('a model that sees through an encoder', () => {
  test('needs no other file than itself', async () => {
    const [photo = ''] = names;
    const ended = await glimpse(['caption', join(images, photo), '--model', model, '--json']);
    expect([ended.code, complaints(ended)]).toEqual([0, '']);
    const [alone] = JSON.parse(ended.stdout);
    expect(alone).toMatchObject({ image: join(images, photo) });
    const twice = ['--model', model, '--model', model, '--json'];
    const [together] = JSON.parse(
      (await glimpse(['caption', join(images, photo), ...twice])).stdout,
    );
    expect(together.caption).toBe(alone.caption);
  });

  test('is measured alike with the features and with the photos', async () => {
    const evaluate = ['evaluate', dataset, '--model', model, '--split', 'train', '--json'];
    const through = [glimpse([...evaluate, '--features', features]), glimpse(evaluate)];
    const [fromFeatures, fromPhotos] = (await Promise.all(through)).map(json);
    expect(fromFeatures).toMatchObject({ images: 4, words: 40 });
    expect(fromFeatures).toEqual(fromPhotos);
    const args = [...evaluate, '--model', model, '--features', features];
    const { bleu1, cider, words } = fromFeatures ?? {};
    expect(json(await glimpse(args))).toMatchObject({
      bleu1,
      cider,
      words,
      models: [model, model],
    });
  });

  test('extracts its features itself, and resumes with them', async () => {
    const own = inside('own');
    const first = await glimpse(trainOn('--out', own, '--encoder', encoder));
    expect(first.code).toBe(0);
    expect(readdirSync(own).sort()).toEqual([
      ...['best.safetensors', 'features.safetensors', 'last.safetensors'],
    ]);
    const content = (path: string) => contentOf(readFileSync(join(path, 'last.safetensors')));
    expect(content(own)).toEqual(content(run));
    const again = trainOn('--out', own, '--encoder', encoder, '--resume', '--epochs', '3');
    const resumed = await glimpse(again);
    expect(resumed.stderr).not.toContain('glimpse:');
    expect(resumed.code).toBe(0);
  });
});

test('an attention captioner looks at the grids, stored or made anew', async () => {
  const [grids, out] = [inside('grids.safetensors'), inside('attention')];
  expect(json(await glimpse(extract(grids, encoder, '--grid')))).toMatchObject({ images: 6 });
  const attention = ['--attention', 'dot', '--attention-size', '8', '--value-size', '8'];
  const trained = await glimpse(trainOn('--out', out, '--features', grids, ...attention));
  expect(trained.stderr).not.toContain('glimpse:');
  const looking = join(out, 'best.safetensors');
  const evaluate = ['evaluate', dataset, '--model', looking, '--json'];
  const through = [glimpse([...evaluate, '--features', grids]), glimpse(evaluate)];
  const [fromFeatures, fromPhotos] = (await Promise.all(through)).map(json);
  expect(fromFeatures).toMatchObject({ images: 1, words: 10 });
  expect(fromFeatures).toEqual(fromPhotos);
  const [photo = ''] = names;
  const flags = ['--model', looking, '--attention', '--format', 'jsonl', '--max-length', '3'];
  const ended = await glimpse(['caption', join(images, photo), ...flags]);
  expect(complaints(ended)).toBe('');
  const { attention: form, words } = JSON.parse(ended.stdout);
  expect(form).toMatchObject({ form: 'weights', locations: [13, 13] });
  for (const { attention: weights } of words) {
    expect(weights).toHaveLength(169);
    expect(weights.reduce((sum: number, weight: number) => sum + weight, 0)).toBeCloseTo(1, 3);
  }
});

describe('a model of features alone', () => {
  const [foreign, alone] = [inside('foreign.safetensors'), inside('alone')];
  const from = (out: string, ...more: string[]) => [
    ...['train', 'captioner', `flickr8k:${dataset}`, '--out', inside(out), '--epochs', '1'],
    ...['--from', join(alone, 'best.safetensors'), ...more],
  ];
  const content = (out: string) => contentOf(readFileSync(inside(`${out}/last.safetensors`)));
  const metadataOf = (path: string) => parseSafetensors(readFileSync(path), path).metadata;

  beforeAll(async () => {
    const { tensors, metadata } = parseSafetensors(readFileSync(features), features);
    const vectors = tensors.get('pooled') ?? expect.fail('there are no vectors');
    writeFileSync(foreign, encodeSafetensors(new Map([['features', vectors]]), {}));
    writeFileSync(`${foreign.replace('.safetensors', '')}.ids.json`, metadata.ids ?? '');
    const trained = await glimpse(trainOn('--out', alone, '--features', foreign));
    expect(trained.stderr).toMatch(/takes? features only/);
  });

  test('is given its encoder by a new run, and then captions photos', async () => {
    const given = ['--encoder', encoder];
    const runs = await Promise.all([
      glimpse(from('eyes', ...given, '--features', foreign)),
      glimpse(from('known', ...given, '--features', features)),
      glimpse(from('photos', ...given)),
    ]);
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
    const { tensors } = content('eyes');
    const whole = metadataOf(model);
    for (const out of ['eyes', 'known', 'photos']) {
      const { encoder, preprocessing } = metadataOf(inside(`${out}/last.safetensors`));
      expect({ encoder, preprocessing }).toEqual({
        encoder: whole.encoder,
        preprocessing: whole.preprocessing,
      });
    }
    expect(tensors).toEqual(content('known').tensors);
    expect(tensors).toEqual(content('photos').tensors);
    const [photo = ''] = names;
    const seeing = inside('eyes/best.safetensors');
    const ended = await glimpse(['caption', join(images, photo), '--model', seeing]);
    expect([ended.code, complaints(ended)]).toEqual([0, '']);
  });

  test('takes no encoder that did not make the features, or none in a run that goes on', async () => {
    const [another, resumed, seeing] = await Promise.all([
      glimpse(from('x', '--encoder', other, '--features', features)),
      glimpse(trainOn('--out', alone, '--resume', '--encoder', encoder)),
      glimpse(['caption', images, '--model', join(alone, 'best.safetensors')]),
    ]);
    expect(another.stderr).toMatch(/features\.safetensors was made by SqueezeNet/);
    expect(resumed.stderr).toMatch(/takes features as they are; a new run \(--from\) can give it/);
    expect(seeing.stderr).toMatch(/takes features, not photos.*\(--from\) with --encoder/);
    expect([another.code, resumed.code, seeing.code]).toEqual([1, 2, 2]);
    expect(existsSync(inside('x'))).toBe(false);
  });
});

describe('files that do not belong together', () => {
  const line = /^(glimpse: |\{"error":)[^\n]+\n$/;

  test('features of another encoder', async () => {
    const others = inside('others.safetensors');
    await glimpse(extract(others, other));
    const args = ['evaluate', dataset, '--model', model, '--features', others];
    for (const command of [args, trainOn('--out', run, '--resume', '--features', others)]) {
      const { code, stderr } = await glimpse(command);
      expect(code).toBe(1);
      expect(stderr).toMatch(line);
      expect(stderr).toMatch(/others\.safetensors was made by SqueezeNet 1\.0 \w+…, not by the/);
    }
  });

  test.each([
    ['features as a model', ['evaluate', dataset, '--model', features], /not a Glimpse model/],
    [
      'a model as features',
      trainOn('--out', inside('x'), '--features', model),
      /best\.safetensors: is no feature file/,
    ],
    [
      'features of other photos',
      ['train', 'captioner', 'scenes:8', '--out', inside('x'), '--features', features],
      /features\.safetensors has no features of 8 of 8 photos/,
    ],
    ['a picture as an encoder', extract(inside('x'), tokens), /Flickr8k\.token\.txt/],
    ['no encoder', extract(inside('x'), inside('none')), /none: cannot be read/],
  ])('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await glimpse(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    // Before it may stand what the set lacks.
    expect(stderr.replace(/^(Flickr8k|Drawn scenes): .*\n/gm, '')).toMatch(line);
    expect(stderr).toMatch(message);
    expect(existsSync(inside('x'))).toBe(false);
  });
});

describe('a dataset with a fault', () => {
  test('a broken caption is left out and named by its line, many are refused', async () => {
    const lines = captionLines();
    lines[6] = 'photo-3.png a caption without its number';
    writeFileSync(tokens, lines.join('\n'));
    const one = await glimpse(extract(inside('one'), encoder));
    writeFileSync(tokens, lines.map((line) => line.replace(/#1\t/, ' ')).join('\n'));
    const many = await glimpse(extract(inside('y'), encoder));
    writeFileSync(tokens, captionLines().join('\n'));
    expect([one.code, many.code]).toEqual([0, 1]);
    expect(one.stderr).toMatch(/^[^\n]*: 1 of 12 captions is left out: line 7: expected [^\n]+\n$/);
    expect(failureOf(many)).toMatch(/Flickr8k\.token\.txt: line 2: expected .*7 of 12 captions/);
  });

  test('a photo that is missing, or is none', async () => {
    const photo = join(images, names[2] ?? '');
    const bytes = readFileSync(photo);
    rmSync(photo);
    const missing = await glimpse(extract(inside('y'), encoder));
    writeFileSync(photo, bytes.subarray(0, 200));
    const stopped = await glimpse(extract(inside('y'), encoder));
    const skipped = await glimpse(extract(inside('z'), encoder, '--skip-bad'));
    writeFileSync(photo, bytes);
    expect([missing.code, stopped.code, skipped.code]).toEqual([1, 1, 0]);
    expect(failureOf(missing)).toMatch(/photo-2\.png/);
    expect(failureOf(stopped)).toMatch(/photo-2\.png: is no photo /);
    expect(existsSync(inside('y'))).toBe(false);
    expect(json(skipped)).toMatchObject({ images: 5, skipped: [{ image: 'photo-2.png' }] });
  });
});

describe('what stands in the way of features', () => {
  test.skipIf(!existsSync('/dev/full'))('a device is refused before any work', async () => {
    const refused = await glimpse(extract('/dev/full', encoder));
    expect(refused.code).toBe(1);
    expect(failureOf(refused)).toBe(
      '/dev/full: cannot be written: it exists and is not a plain file',
    );
    expect(existsSync('/dev/full.partial')).toBe(false);
  });

  // A limit on the size of files stands for a disk that is full: it needs no rights.
  test.skipIf(process.platform === 'win32')(
    'a disk that is full stops it; with more room the work goes on to the same file',
    async () => {
      const out = inside('late.safetensors');
      const args = extract(out, encoder, '--batch-size', '2');
      const stopped = await inBash('ulimit -f 6; exec "$@"', args);
      expect(stopped.code).toBe(1);
      expect(failureOf(stopped)).toMatch(/cannot be written: it would be larger /);
      expect(existsSync(out)).toBe(false);
      const left = readdirSync(`${out}.partial`);
      expect(left.filter((name) => name.endsWith('.tmp'))).toEqual([]);
      const resumed = await glimpse(args);
      expect(json(resumed)).toMatchObject({ images: 6, resumed: 2 });
      expect(readFileSync(out).equals(readFileSync(features))).toBe(true);
      expect(existsSync(`${out}.partial`)).toBe(false);
    },
  );
});
