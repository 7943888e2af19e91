import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseCsvRows, parseJsonLines } from '../../src/data/caption-rows.js';
import type { CaptionDataset } from '../../src/data/captioned-images.js';
import { openDataset } from '../../src/data/dataset.js';
import { FileError, FormatError, GlimpseError, UsageError } from '../../src/errors.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-sets-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(files: Record<string, unknown>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    await writeFile(join(folder, name), text);
  }
}
const at = (...parts: string[]) => join(folder, ...parts);
const ids = ({ splits: { train, dev, test } }: CaptionDataset) =>
  [train, dev, test].map((images) => images.map(({ id }) => id));
const captionsOf = ({ splits: { train, dev, test } }: CaptionDataset) =>
  Object.fromEntries([...train, ...dev, ...test].map(({ id, captions }) => [id, captions]));

/** Ten photos of one or two captions. */
const ten = {
  images: Array.from({ length: 10 }, (_, k) => ({ id: 100 + k, file_name: `p${k}.jpg` })),
  annotations: Array.from({ length: 13 }, (_, k) => ({
    id: k,
    image_id: 100 + (k % 10),
    caption: ` caption ${k}\n`,
  })),
};
const photos = (prefix: string, count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, k) => [`${prefix}p${k}.jpg`, '']));

describe('COCO captions', () => {
  const small = (name: string, id: number) => ({
    images: [
      { id, file_name: `${name}1.jpg`, width: 5 },
      { id: id + 1, file_name: `${name}2.jpg` },
    ],
    annotations: [
      { image_id: id + 1, caption: 'a dog' },
      { image_id: id + 1, caption: 'the dog' },
    ],
  });

  test('train and val as they are distributed; what has no caption only counts in the order', async () => {
    await write({
      'annotations/captions_train2014.json': small('t', 1),
      'annotations/captions_val2014.json': small('v', 1),
      'annotations/instances_val2014.json': '{}',
      'train2014/t1.jpg': '',
      'train2014/t2.jpg': '',
      'images/val2014/v1.jpg': '',
      'images/val2014/v2.jpg': '',
    });
    const coco = await openDataset(folder);
    expect([coco.name, coco.format]).toEqual(['COCO 2014', 'coco']);
    expect(coco.splits).toEqual({
      train: [
        {
          id: 't2.jpg',
          resultId: '2',
          image: { path: at('train2014', 't2.jpg') },
          captions: ['a dog', 'the dog'],
        },
      ],
      dev: [
        {
          id: 'v2.jpg',
          resultId: '2',
          image: { path: at('images', 'val2014', 'v2.jpg') },
          captions: ['a dog', 'the dog'],
        },
      ],
      test: [],
    });
    expect(coco.order).toEqual(['t1.jpg', 't2.jpg', 'v1.jpg', 'v2.jpg']);
    await expect(openDataset(`coco:${folder},seed=1`)).rejects.toThrow(/train and a val file/);
    await rm(at('images', 'val2014', 'v1.jpg'));
    await expect(openDataset(folder)).rejects.toThrow(/val2014\.json: 1 of 2 photos.*v1\.jpg/);
  });

  test('of two years one has to be chosen', async () => {
    await write({
      'captions_val2014.json': ten,
      'captions_val2017.json': small('v', 1),
    });
    await expect(openDataset(folder)).rejects.toThrow(/2014 and 2017.*year=/);
    expect(captionsOf(await openDataset(`coco:${folder},year=2017`))).toEqual({
      'v2.jpg': ['a dog', 'the dog'],
    });
    await expect(openDataset(`coco:${folder},year=1999`)).rejects.toThrow(/val\*\.json of 1999/);
  });

  test('one file is divided by shares and seed, whatever its order', async () => {
    const turned = { ...ten, images: ten.images.toReversed() };
    await write({ 'own.json': ten, 'turned.json': turned, ...photos('images/', 10) });
    const whole = await openDataset(at('own.json'));
    expect(ids(whole).map((split) => split.length)).toEqual([8, 1, 1]);
    expect(captionsOf(whole)['p2.jpg']).toEqual(['caption 2', 'caption 12']);
    expect(whole.splits.train[0]?.image).toEqual({
      path: at('images', whole.splits.train[0]?.id ?? ''),
    });
    const settings = 'dev=0.3,test=0,seed=5';
    const again = ids(await openDataset(`coco:${at('own.json')},${settings}`));
    expect(again.map((split) => split.length)).toEqual([7, 3, 0]);
    const other = ids(await openDataset(`coco:${at('turned.json')},${settings}`));
    expect(other.map((split) => split.toSorted())).toEqual(again.map((s) => s.toSorted()));
    const reseeded = ids(await openDataset(`coco:${at('own.json')},dev=0.3,test=0,seed=6`));
    expect(reseeded[1]?.toSorted()).not.toEqual(again[1]?.toSorted());
  });

  test.each([
    ['no JSON', '{"images": [', /own\.json: is not JSON/],
    ['a wrong entry', { ...ten, annotations: [{ image_id: 1 }] }, /annotations\.0\.caption/],
    [
      'an empty caption',
      { ...ten, annotations: [{ image_id: 100, caption: ' ' }] },
      /annotations\.0/,
    ],
    ['a stranger', { ...ten, annotations: [{ image_id: 7, caption: 'x' }] }, /annotations\.0: .*7/],
    ['an id twice', { ...ten, images: [...ten.images, ...ten.images] }, /images\.10: the id 100/],
    [
      'a photo twice',
      { ...ten, images: [...ten.images, { id: 1, file_name: 'p3.jpg' }] },
      /file_name p3\.jpg/,
    ],
    ['no captions', { ...ten, annotations: [] }, /no captions/],
  ])('refuses %s', async (_, content, message) => {
    await write({ 'own.json': content });
    const opening = openDataset(`coco:${at('own.json')}`);
    await expect(opening).rejects.toThrow(FormatError);
    await expect(opening).rejects.toThrow(message);
  });

  test('photos need not be there, unless their folder is named', async () => {
    await write({ 'own.json': ten });
    expect((await openDataset(at('own.json'))).order).toHaveLength(10);
    const elsewhere = `coco:${at('own.json')},images=${at('nowhere')}`;
    await expect(openDataset(elsewhere)).rejects.toThrow(FileError);
  });
});

describe('Karpathy’s files', () => {
  const sentences = [{ tokens: ['a', 'dog'], raw: 'A dog.' }, { tokens: ['two', 'dogs'] }];
  const entry = (filename: string, split: string, more = {}) => ({
    filename,
    split,
    sentences,
    imgid: 1,
    ...more,
  });
  const karpathy = {
    images: [
      entry('a.jpg', 'train', { filepath: 'train2014' }),
      entry('b.jpg', 'restval', { filepath: 'val2014' }),
      entry('c.jpg', 'val', { filepath: 'val2014', cocoid: 391895 }),
      entry('d.jpg', 'test', { filepath: 'val2014' }),
    ],
    dataset: 'coco',
  };

  test('opens with its splits', async () => {
    await write({
      'dataset_coco.json': karpathy,
      'images/train2014/a.jpg': '',
      ...Object.fromEntries(['b', 'c', 'd'].map((n) => [`images/val2014/${n}.jpg`, ''])),
    });
    const set = await openDataset(folder);
    expect([set.name, set.format]).toEqual(['coco (Karpathy’s splits)', 'karpathy']);
    expect(ids(set)).toEqual([['a.jpg', 'b.jpg'], ['c.jpg'], ['d.jpg']]);
    expect(set.splits.dev[0]).toEqual({
      id: 'c.jpg',
      resultId: '391895',
      image: { path: at('images', 'val2014', 'c.jpg') },
      captions: ['A dog.', 'two dogs'],
    });
    expect(set.order).toEqual(['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg']);
    expect(await openDataset(at('dataset_coco.json'))).toEqual(set);
    const without = await openDataset(`karpathy:${folder},restval=no`);
    expect(ids(without)).toEqual([['a.jpg'], ['c.jpg'], ['d.jpg']]);
  });

  test.each([
    ['an unknown split', [entry('a.jpg', 'extra')], /images\.0: unknown split "extra"/],
    ['a photo twice', [entry('a.jpg', 'val'), entry('a.jpg', 'test')], /images\.1: a\.jpg.*twice/],
    ['no sentence', [entry('a.jpg', 'val', { sentences: [] })], /images\.0: a\.jpg has no sent/],
    [
      'a sentence without words',
      [entry('a.jpg', 'val', { sentences: [{}] })],
      /images\.0\.sentences\.0: neither/,
    ],
    ['nothing', [], /no images/],
  ])('refuses %s', async (_, images, message) => {
    await write({ 'dataset_x.json': { images } });
    await expect(openDataset(folder)).rejects.toThrow(message);
    await expect(openDataset(folder)).rejects.toThrow(FormatError);
  });

  test('of two files one has to be named', async () => {
    await write({ 'dataset_a.json': karpathy, 'dataset_b.json': karpathy });
    await expect(openDataset(folder)).rejects.toThrow(/dataset_a\.json and dataset_b\.json/);
  });
});

describe('one’s own photos', () => {
  const csv =
    'id,"file",caption\r\n1,p0.jpg,"A dog, ""Rex"", runs"\r\n2,p1.jpg,it is 5" long\r\n3,p0.jpg,second\r\n';

  test('a table with quotes and commas; several rows of a file are several captions', async () => {
    await write({ 'captions.csv': `\uFEFF${csv}`, ...photos('', 2) });
    const set = await openDataset(folder);
    expect(set.format).toBe('captions');
    expect(captionsOf(set)).toEqual({
      'p0.jpg': ['A dog, "Rex", runs', 'second'],
      'p1.jpg': ['it is 5" long'],
    });
    const all = [...set.splits.train, ...set.splits.dev, ...set.splits.test];
    expect(all.map(({ image }) => image)).toContainEqual({ path: at('p1.jpg') });
    await rm(at('p1.jpg'));
    await expect(openDataset(folder)).rejects.toThrow(/1 of 2 photos have no file: p1\.jpg/);
  });

  test('other names, dividers and forms say the same', async () => {
    const expected = { 'p0.jpg': ['a, b; c', 'd'], 'p1.jpg': ['e'] };
    await write({
      'a.csv': 'image|no|comment\np0.jpg| 0| a, b; c\np0.jpg| 1| d\np1.jpg| 0| e\n',
      'b.tsv': 'FILENAME\tText\np0.jpg\ta, b; c\np0.jpg\td\n\np1.jpg\te',
      'c.jsonl':
        '{"file_name": "p0.jpg", "text": "a, b; c"}\n\n{"file": "p0.jpg", "caption": "d"}\n{"image": "p1.jpg", "captions": ["e"]}\n',
      'd.json': [
        { file: 'p0.jpg', captions: ['a, b; c', 'd'] },
        { file: 'p1.jpg', caption: 'e' },
      ],
    });
    for (const name of ['a.csv', 'b.tsv', 'c.jsonl', 'd.json']) {
      expect(captionsOf(await openDataset(at(name)))).toEqual(expected);
    }
  });

  test('a column split holds, and then there are no shares', async () => {
    await write({ 't.csv': 'file,caption,split\na,x,train\nb,y,valid\nc,z,Test\na,w,train\n' });
    expect(ids(await openDataset(at('t.csv')))).toEqual([['a'], ['b'], ['c']]);
    await expect(openDataset(`captions:${at('t.csv')},dev=0.2`)).rejects.toThrow(UsageError);
  });

  test('photos with a text beside them', async () => {
    await write({
      'dog.jpg': '',
      'dog.txt': 'a dog\n\n the dog \n',
      'cat.PNG': '',
      'cat.PNG.txt': 'a cat',
      'alone.jpg': '',
      'notes.txt': 'nothing',
    });
    const set = await openDataset(folder);
    expect(captionsOf(set)).toEqual({ 'dog.jpg': ['a dog', 'the dog'], 'cat.PNG': ['a cat'] });
    await write({ 'cat.PNG.txt': ' \n' });
    await expect(openDataset(folder)).rejects.toThrow(/cat\.PNG\.txt: holds no caption/);
  });

  test.each([
    ['x.csv', 'photo,words\na,b\n', /line 1: no column caption/],
    ['x.csv', 'file,image,caption\na,b,c\n', /line 1: more than one column file/],
    ['x.csv', 'file,caption\na,b\nc,d,e\n', /line 3/],
    ['x.csv', 'file,caption\na,b\nc,\n', /line 3: the caption is empty/],
    ['x.csv', 'file,caption\na,"b\nc,d\n', /Quote|quote/],
    ['x.csv', 'file,caption,split\na,b,train\na,c,dev\n', /line 3: a is in train above/],
    ['x.csv', 'file,caption,split\na,b,later\n', /line 2: unknown split "later"/],
    ['x.csv', 'file,caption\n', /no captions/],
    ['x.jsonl', '{"file": "a", "caption": "b"}\n{"file": ', /line 2 is not JSON/],
    ['x.jsonl', '{"file": "a"}\n', /line 1: captions/],
    ['x.jsonl', '[1]', /line 1 is no object/],
    ['x.jsonl', '{"file": "a", "image": "b", "caption": "c"}', /line 1: more than one file/],
    [
      'x.jsonl',
      '{"file": "a", "caption": "b", "split": "dev"}\n{"file": "c", "caption": "d"}',
      /c has no split/,
    ],
    ['x.json', '[{"file": 3, "caption": "b"}]', /entry 0: file/],
  ])('refuses %s: %j', async (name, content, message) => {
    await write({ [name]: content });
    await expect(openDataset(`captions:${at(name)}`)).rejects.toThrow(FormatError);
    await expect(openDataset(`captions:${at(name)}`)).rejects.toThrow(message);
  });

  test('any text is a table or is refused with a typed error', () => {
    const line = fc.stringMatching(/^[a-c",;\t\r\n\\{}:[\] ]*$/);
    fc.assert(
      fc.property(line, fc.boolean(), (text, json) => {
        try {
          const rows = json
            ? parseJsonLines(`{"file":"a","caption":"b"}\n${text}`, 'x')
            : parseCsvRows(`file,caption\n${text}`, 'x');
          for (const { file, captions } of rows) {
            expect(file).not.toBe('');
            expect(captions.length).toBeGreaterThan(0);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(GlimpseError);
        }
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});

describe('settings', () => {
  test.each([
    ['coco:x,colour=red', /colour/],
    ['captions:x,dev=2', /dev.*below 1/],
    ['captions:x,seed=-1', /seed.*integer/],
    ['karpathy:,restval=no', /missing after the colon/],
    ['karpathy:x,restval=perhaps', /restval/],
  ])('%s is refused with the list of formats', async (specification, message) => {
    const opening = openDataset(specification);
    await expect(opening).rejects.toThrow(UsageError);
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toThrow(/captions:<folder or file>/);
  });

  test('shares that leave nothing for train are refused', async () => {
    await write({ 'own.json': ten });
    const all = `coco:${at('own.json')},dev=0.5,test=0.5`;
    await expect(openDataset(all)).rejects.toThrow(/leave some for train/);
  });

  test('a path may have commas', async () => {
    await write({ 'a,b/own,c.json': ten });
    const set = await openDataset(`coco:${at('a,b', 'own,c.json')},dev=0.2,test=0.2,seed=3`);
    expect(ids(set).map((split) => split.length)).toEqual([6, 2, 2]);
  });
});
