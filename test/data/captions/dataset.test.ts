import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describeWithShared } from '@test/shared.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CaptionDataset } from '@/data/captions/captioned-images.js';
import { openDataset } from '@/data/captions/dataset.js';
import { parseKaggleCaptions, parseTokenFile } from '@/data/captions/flickr8k.js';
import { loadPixels } from '@/data/pictures/photos.js';
import { tokenize } from '@/data/text/tokenize.js';
import { Vocabulary } from '@/data/text/vocabulary.js';
import { FileError, FormatError, UsageError } from '@/errors.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-dataset-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}
const ids = ({ splits }: CaptionDataset) =>
  Object.fromEntries(
    Object.entries(splits).map(([split, images]: [string, CaptionDataset['splits']['train']]) => [
      split,
      images.map(({ id }) => id),
    ]),
  );
const tokens = (...images: string[]) =>
  images.flatMap((name) => [`${name}#0\tA dog .\n`, `${name}#1\t The dog runs .\r\n`]).join('');

describe('Flickr8k in its original layout', () => {
  const original = {
    'Flicker8k_Dataset/a.jpg': '',
    'Flicker8k_Dataset/b.jpg': '',
    'Flicker8k_Dataset/c.jpg': '',
    'Flickr8k_text/Flickr8k.token.txt': tokens('a.jpg', 'b.jpg', 'c.jpg', 'lost.jpg.1'),
    'Flickr8k_text/Flickr_8k.trainImages.txt': 'b.jpg\na.jpg\n',
    'Flickr8k_text/Flickr_8k.devImages.txt': 'c.jpg\n\n',
  };

  test('opens, recognised or named; a missing list is an empty split', async () => {
    await write(original);
    const named = await openDataset(`flickr8k:${folder}`);
    expect(ids(named)).toEqual({ train: ['b.jpg', 'a.jpg'], dev: ['c.jpg'], test: [] });
    expect(named.splits.dev[0]).toEqual({
      id: 'c.jpg',
      image: { path: join(folder, 'Flicker8k_Dataset', 'c.jpg') },
      captions: ['A dog .', 'The dog runs .'],
    });
    expect(named.format).toBe('flickr8k');
    expect(await openDataset(folder)).toEqual(named);
  });

  test('with the other spelling, and the texts beside the photos', async () => {
    await write({
      'Flickr8k_Dataset/a.jpg': '',
      'Flickr8k.token.txt': tokens('a.jpg'),
      'Flickr_8k.testImages.txt': 'a.jpg',
    });
    expect(ids(await openDataset(folder))).toEqual({ train: [], dev: [], test: ['a.jpg'] });
  });

  test('says how many listed photos have no file or no caption', async () => {
    await write({
      ...original,
      'Flickr8k_text/Flickr_8k.testImages.txt': '1.jpg\n2.jpg\n3.jpg\n4.jpg\n',
    });
    await expect(openDataset(folder)).rejects.toThrow(FormatError);
    await expect(openDataset(folder)).rejects.toThrow(
      /4 of 7 photos have no file: 1\.jpg, 2\.jpg, 3\.jpg, …/,
    );
    await write({
      'Flicker8k_Dataset/x.jpg': '',
      'Flickr8k_text/Flickr_8k.testImages.txt': 'x.jpg',
    });
    const { splits, notes } = await openDataset(folder);
    expect([splits.train.length, splits.dev.length, splits.test]).toEqual([2, 1, []]);
    expect(notes).toEqual(['1 photo has no caption and is left out: x.jpg']);
    await write({ 'Flickr8k_text/Flickr8k.token.txt': tokens('a.jpg', 'b.jpg') });
    await expect(openDataset(folder)).rejects.toThrow(
      /2 of 4 photos have no caption: c\.jpg, x\.jpg\./,
    );
  });

  test('refuses a photo in two lists, naming the line', async () => {
    await write({ ...original, 'Flickr8k_text/Flickr_8k.testImages.txt': '\na.jpg\n' });
    await expect(openDataset(folder)).rejects.toThrow(
      /testImages\.txt: line 2: a\.jpg stands in Flickr_8k\.trainImages\.txt already/,
    );
  });

  test('names a file that is not there', async () => {
    await write(original);
    await unlink(join(folder, 'Flickr8k_text/Flickr8k.token.txt'));
    await expect(openDataset(folder)).rejects.toThrow(FileError);
    await expect(openDataset(`flickr8k:${join(folder, 'none')}`)).rejects.toThrow(FileError);
    await rm(join(folder, 'Flicker8k_Dataset'), { recursive: true });
    await expect(openDataset(`flickr8k:${folder}`)).rejects.toThrow(/Flicker8k_Dataset or Fli/);
  });

  test.each([
    ['no tab', 'a.jpg#0 A dog'],
    ['no number', 'a.jpg\tA dog'],
    ['no caption', 'a.jpg#0\t '],
    ['the same caption number twice', 'z.jpg#0\ty'],
  ])('a broken line is named: %s', (_, text) => {
    const good = 'z.jpg#0\tFine .\n\n';
    expect(() => parseTokenFile(good + text, 't')).toThrow(FormatError);
    expect(() => parseTokenFile(good + text, 't')).toThrow(/^t: line 3: /);
    const { captions, notes } = parseTokenFile(`${good}${text}\n${tokens('b.jpg')}`, 't');
    expect([...captions.keys()]).toEqual(['z.jpg', 'b.jpg']);
    expect(notes).toEqual([expect.stringMatching(/^1 of 4 captions is left out: line 3: ./)]);
    expect(() => parseTokenFile('\n', 't')).toThrow(/holds no captions/);
  });
});

describe("Flickr8k in Kaggle's layout", () => {
  test('captions may hold commas and quotes, quoted or not', () => {
    const text =
      'image,caption\r\n' +
      'a.jpg,A dog , a cat .\r\n' +
      'a.jpg,"A dog, a ""big"" cat ."\r\n' +
      'b.jpg,A man says " hi " .\n' +
      'b.jpg,"Hi" and "ho"\n';
    expect(parseKaggleCaptions(text, 't')).toEqual({
      captions: new Map([
        ['a.jpg', ['A dog , a cat .', 'A dog, a "big" cat .']],
        ['b.jpg', ['A man says " hi " .', '"Hi" and "ho"']],
      ]),
      notes: [],
    });
  });

  test.each([
    ['', /line 1: expected the header/],
    ['a.jpg,A dog', /line 1: expected the header "image,caption", found "a.jpg,A dog"/],
    ['image,caption\na.jpg', /line 2: expected "photo.jpg,caption", found "a.jpg"/],
    ['image,caption\n\n,A dog', /line 3: expected/],
    ['image,caption\na.jpg,""', /line 2: the caption is empty/],
    ['image,caption\n', /holds no captions/],
  ])('refuses %j', (text, message) => {
    expect(() => parseKaggleCaptions(text, 't')).toThrow(FormatError);
    expect(() => parseKaggleCaptions(text, 't')).toThrow(message);
  });

  const names = Array.from({ length: 30 }, (_, i) => `${i}.jpg`);
  const table = (images: string[]) =>
    `image,caption\n${images.map((name) => `${name},A dog .\n`).join('')}`;
  const kaggle = {
    ...Object.fromEntries(names.map((name) => [`Images/${name}`, ''])),
    'captions.txt': table(names),
  };

  test('without lists the photos are split by a seed, whatever the order of lines', async () => {
    await write(kaggle);
    const set = await openDataset(folder);
    expect(set.format).toBe('kaggle');
    const { train, dev, test: rest } = set.splits;
    expect([train.length, dev.length, rest.length]).toEqual([24, 3, 3]);
    expect(Object.values(ids(set)).flat().sort()).toEqual([...names].sort());
    await write({ 'captions.txt': table(names.toReversed()) });
    expect(ids(await openDataset(`kaggle:${folder},seed=0`))).toEqual(ids(set));
    expect(ids(await openDataset(`kaggle:${folder},seed=1`))).not.toEqual(ids(set));
  });

  test('official lists beside it hold', async () => {
    await write({
      ...kaggle,
      'Flickr_8k.trainImages.txt': '7.jpg\n',
      'Flickr_8k.testImages.txt': '3.jpg',
    });
    expect(ids(await openDataset(folder))).toEqual({ train: ['7.jpg'], dev: [], test: ['3.jpg'] });
  });

  test('captions of photos that are not there are counted', async () => {
    await write({ ...kaggle, 'captions.txt': table([...names, 'none.jpg']) });
    await expect(openDataset(folder)).rejects.toThrow(/1 of 31 photos have no file: none\.jpg/);
  });
});

describe('another set in that layout', () => {
  test('is divided by shares, and is Flickr8k only where it has as many photos', async () => {
    const names = Array.from({ length: 8200 }, (_, i) => `${i}.jpg`);
    await mkdir(join(folder, 'Images'));
    for (const name of names) writeFileSync(join(folder, 'Images', name), '');
    const of = async (count: number, settings = '') => {
      const lines = names.slice(0, count).map((name) => `${name},A dog\n`);
      await write({ 'captions.txt': `image,caption\n${lines.join('')}` });
      const { name, splits } = await openDataset(`kaggle:${folder}${settings}`);
      return [name, splits.train.length, splits.dev.length, splits.test.length];
    };
    const own = basename(folder);
    expect(await of(8200)).toEqual([own, 6560, 820, 820]);
    expect(await of(8200, ',dev=0.2,test=0,seed=3')).toEqual([own, 6560, 1640, 0]);
    expect(await of(8091)).toEqual(['Flickr8k (Kaggle)', 6000, 1000, 1091]);
    expect(await of(8091, ',dev=0.1')).toEqual(['Flickr8k (Kaggle)', 6473, 809, 809]);
  });

  test('with lists takes no shares', async () => {
    await write({
      'Flicker8k_Dataset/a.jpg': '',
      'Flickr8k.token.txt': tokens('a.jpg'),
      'Flickr_8k.testImages.txt': 'a.jpg',
    });
    await expect(openDataset(`flickr8k:${folder},seed=1`)).rejects.toThrow(UsageError);
  });
});

describe('openDataset', () => {
  test('draws scenes', async () => {
    const set = await openDataset('scenes:20,seed=3,test=5,size=24');
    const { train, dev, test: rest } = set.splits;
    expect([train.length, dev.length, rest.length]).toEqual([20, 2, 5]);
    expect(train[0]?.image).toMatchObject({ width: 24, height: 24 });
    expect(await openDataset('scenes:20,seed=3,test=5,size=24')).toEqual(set);
  });

  test.each([
    'scenes:',
    'scenes:-1',
    'scenes:1e9',
    'scenes:5,seed',
    'scenes:5,colour=1',
    'scenes:5,size=8',
    'scenes:5,__proto__=1',
    'imagenet:/x',
    'toString:/x',
    'flickr8k:',
    'flickr8k:/x,seed=a',
    'none-such-folder',
    '',
  ])('%j is a usage error that lists the formats', async (specification) => {
    const error = await openDataset(specification).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).message).toMatch(/flickr8k:<folder>.*kaggle:.*scenes:<count>/s);
  });

  test('a folder of no known format is a usage error', async () => {
    await expect(openDataset(folder)).rejects.toThrow(/is of no known format/);
    await writeFile(join(folder, 'dog.jpg'), '');
    await expect(openDataset(folder)).rejects.toThrow(/nor a text beside any of its 1 photos/);
    await writeFile(join(folder, 'dog.txt'), 'a dog');
    expect((await openDataset(`${folder}/.`)).name).toBe(basename(folder));
  });
});

describeWithShared('the real Flickr8k', 'data/flickr8k', (path) => {
  test('has 6000 and 1000 photos of five captions each', async () => {
    const { splits } = await openDataset(path);
    expect([splits.train.length, splits.dev.length]).toEqual([6000, 1000]);
    const photos = [...splits.train, ...splits.dev, ...splits.test];
    expect(photos.every(({ captions }) => captions.length === 5)).toBe(true);
    expect(new Set(photos.map(({ id }) => id)).size).toBe(photos.length);
    expect(splits.train[0]?.id).toBe('2513260012_03d33305cf.jpg');
    expect(splits.train[0]?.captions[0]).toBe(
      'A black dog is running after a white dog in the snow .',
    );
    const vocabulary = Vocabulary.build(
      splits.train.flatMap(({ captions }) => captions.map(tokenize)),
      { minimumCount: 5 },
    );
    expect(vocabulary.word(4)).toBe('a');
    expect(vocabulary.size).toBeGreaterThan(2400);
    expect(vocabulary.size).toBeLessThan(2700);
  });

  test('its photos decode without being resampled', async () => {
    const { splits } = await openDataset(path);
    for (const { image } of splits.dev.slice(0, 5)) {
      const { data } = await loadPixels(image, { width: 224, height: 224, resize: 'squash' });
      expect(data.length).toBe(224 * 224 * 3);
      expect(new Set(data).size).toBeGreaterThan(50);
    }
  });
});
