import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseCsvRows, parseJsonRows } from '@/data/captions/caption-rows.js';
import type { CaptionDataset } from '@/data/captions/captioned-images.js';
import { openDataset } from '@/data/captions/dataset.js';
import { LeftOut } from '@/data/formats/notes.js';
import { PHOTOS } from '@/data/pictures/photo-files.js';
import { FileError, FormatError, GlimpseError, UsageError } from '@/errors.js';

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
    expect(coco.notes).toEqual([
      'captions_train2014.json: 1 photo has no caption and is left out: t1.jpg',
      'captions_val2014.json: 1 photo has no caption and is left out: v1.jpg',
    ]);
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
    [
      'a file of boxes',
      { ...ten, annotations: [{ image_id: 100, bbox: [0, 0, 1, 1] }] },
      /annotations\.0: the caption is missing.*boxes: captions are in.*captions_train2017/,
    ],
    [
      'more captions without text than a third',
      {
        ...ten,
        annotations: [null, 7, '', 'a', 'b'].map((caption) => ({ image_id: 100, caption })),
      },
      /annotations\.0: the caption is null \(3 of 5 captions cannot be used\)/,
    ],
    [
      'an empty caption',
      { ...ten, annotations: [{ image_id: 100, caption: ' ' }] },
      /annotations\.0: the caption is empty$/,
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
      /images\.0\.sentences\.0: the sentence is missing/,
    ],
    ['nothing', [], /no images/],
  ])('refuses %s', async (_, images, message) => {
    await write({ 'dataset_x.json': { images } });
    await expect(openDataset(folder)).rejects.toThrow(message);
    await expect(openDataset(folder)).rejects.toThrow(FormatError);
  });

  test('captions without words are left out and told, as in COCO', async () => {
    const raws = (...texts: unknown[]) => ({ sentences: texts.map((raw) => ({ raw })) });
    await write({
      'dataset_x.json': {
        images: [
          entry('a.jpg', 'train', raws('a dog', 'b', 'c', ' ')),
          entry('b.jpg', 'val', raws('')),
          entry('c.jpg', 'val', raws('a cat', 'd')),
        ],
      },
      'own.json': {
        images: [1, 2].map((id) => ({ id, file_name: `${id}.jpg` })),
        annotations: ['a', '\n', 'b', 'c'].map((caption, id) => ({
          image_id: 1 + (id % 2),
          caption,
        })),
      },
      ...{ 'a.jpg': '', 'b.jpg': '', 'c.jpg': '', '1.jpg': '', '2.jpg': '' },
    });
    const set = await openDataset(`karpathy:${folder}`);
    expect(captionsOf(set)).toEqual({ 'a.jpg': ['a dog', 'b', 'c'], 'c.jpg': ['a cat', 'd'] });
    expect(set.notes).toEqual([
      '2 of 7 captions are left out: images.0.sentences.3: the sentence is empty; images.1.sentences.0: the sentence is empty',
      '1 photo has no caption and is left out: b.jpg',
    ]);
    const coco = await openDataset(`coco:${at('own.json')}`);
    expect(captionsOf(coco)).toEqual({ '1.jpg': ['a', 'b'], '2.jpg': ['c'] });
    expect(coco.notes).toEqual([
      'own.json: 1 of 4 captions is left out: annotations.1: the caption is empty',
    ]);
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

  test.each<[what: string, name: string, content: string, captions: Record<string, string[]>]>([
    [
      'commas in the last column',
      't.csv',
      'file,caption\np.jpg,A dog, running, fast\nq.jpg,x,,\n',
      { 'p.jpg': ['A dog, running, fast'], 'q.jpg': ['x'] },
    ],
    [
      'blank rows of Excel, its empty columns, sep=; and old Mac’s line ends',
      't.csv',
      'sep=;\rFile Name;Caption;;\rp.jpg;A dog;;\r;;;\r;\rq.jpg;x\r',
      { 'p.jpg': ['A dog'], 'q.jpg': ['x'] },
    ],
    [
      'quotes in TSV',
      't.tsv',
      'file\tcaption\np.jpg\t"Big" dog\nq.jpg\t"A ""big"" dog"\n',
      { 'p.jpg': ['"Big" dog'], 'q.jpg': ['A "big" dog'] },
    ],
    [
      'other names of columns, one of which is only used when there is no better one',
      't.csv',
      'img_path,Prompt\np.jpg,A dog\n',
      { 'p.jpg': ['A dog'] },
    ],
    [
      'a description beside a caption',
      't.csv',
      'description,file,caption\nno,p.jpg,A dog\n',
      { 'p.jpg': ['A dog'] },
    ],
    [
      'captions in several columns, or as a list in one',
      't.csv',
      'image,caption_0,caption_1,caption_2\np.jpg,a,b,\nq.jpg,"[""c"", ""d""]",,\n',
      { 'p.jpg': ['a', 'b'], 'q.jpg': ['c', 'd'] },
    ],
    [
      'lists as Python and NumPy write them',
      't.csv',
      `file,captions\np.jpg,"['a', ""it's, b""]"\nq.jpg,"['c'\n 'd\\'s']"\nr.jpg,['e' and 'f]\n`,
      { 'p.jpg': ['a', "it's, b"], 'q.jpg': ['c', "d's"], 'r.jpg': ["['e' and 'f]"] },
    ],
    [
      'no header',
      't.csv',
      'p.jpg,A dog, a cat\nq.jpg,x\n',
      { 'p.jpg': ['A dog, a cat'], 'q.jpg': ['x'] },
    ],
    [
      'Flickr’s numbers',
      't.txt',
      'p.jpg#0\tA dog\np.jpg#1\tIt runs\n',
      { 'p.jpg': ['A dog', 'It runs'] },
    ],
    [
      'two tables joined, header and byte order mark included',
      't.csv',
      '\uFEFFfile,caption\np.jpg,a\n\uFEFFfile,caption\nq.jpg,b\n',
      { 'p.jpg': ['a'], 'q.jpg': ['b'] },
    ],
    [
      'several names of one photo',
      't.csv',
      'file,caption\np.jpg,a\n./p.jpg,b\n.\\p.jpg,c\nx/../p.jpg,d\n',
      { 'p.jpg': ['a', 'b', 'c', 'd'] },
    ],
    [
      'captions by file',
      't.json',
      '{"p.jpg": ["a", "b"], "q.jpg": "c"}',
      { 'p.jpg': ['a', 'b'], 'q.jpg': ['c'] },
    ],
    [
      'JSON lines that are called JSON, and the other way round',
      't.json',
      '{"file": "p.jpg", "text": "a"}\n{"file": "q.jpg", "prompt": "b"}\n',
      { 'p.jpg': ['a'], 'q.jpg': ['b'] },
    ],
    [
      'a list that is called JSON lines',
      't.jsonl',
      '[{"file": "p.jpg", "text": "a"}]',
      { 'p.jpg': ['a'] },
    ],
  ])('an untidy table: %s', async (_, name, content, expected) => {
    await write({ [name]: content });
    const set = await openDataset(`captions:${at(name)}`);
    expect(captionsOf(set)).toEqual(expected);
    expect(set.notes).toEqual([expect.stringMatching(/^the photos \(p\.jpg/)]);
  });

  test.each([
    ['t.csv', 'file,n,caption\np.jpg,0,a\np.jpg 1 b\nq.jpg,0,c\n', 'line 3: 1 field instead of 3'],
    ['t.csv', 'file,caption\np.jpg,a\np.jpg,\nq.jpg,c\n', 'line 3: the caption is empty'],
    [
      't.jsonl',
      '{"file":"p.jpg","text":"a"}\n{"file":\n{"file":"q.jpg","text":"c"}',
      'line 2: is not JSON',
    ],
    [
      't.json',
      '[{"file":"p.jpg","captions":["a",null]},{"file":"q.jpg","text":"c"}]',
      'entry 0: the caption is null',
    ],
  ])(
    '%s: a few captions that cannot be used are left out and told: %j',
    async (name, content, why) => {
      await write({ [name]: content, ...{ 'p.jpg': '', 'q.jpg': '' } });
      const set = await openDataset(`captions:${at(name)}`);
      expect(captionsOf(set)).toEqual({ 'p.jpg': ['a'], 'q.jpg': ['c'] });
      expect(set.notes).toEqual([`1 of 3 captions is left out: ${why}`]);
    },
  );

  test('a photo by two spellings is one, and so it cannot be in two splits', async () => {
    await write({
      'photo.jpg': '',
      't.csv': 'file,caption\nphoto.jpg,a\nPHOTO.JPG,b\nphoto.jpg,a\n',
    });
    const set = await openDataset(at('t.csv'));
    expect(captionsOf(set)).toEqual({ 'photo.jpg': ['a', 'b', 'a'] });
    expect(set.notes).toEqual([
      '1 photo by two names: PHOTO.JPG is photo.jpg',
      '1 photo with the same caption more than once, and each counts: photo.jpg',
    ]);
    const images = [1, 2].map((id) => ({ id, file_name: id === 1 ? 'photo.jpg' : 'Photo.jpeg' }));
    const annotations = [1, 2].map((id) => ({ image_id: id, caption: 'x' }));
    await write({ 'own.json': { images, annotations } });
    await expect(openDataset(`coco:${at('own.json')}`)).rejects.toThrow(
      /two entries are one photo: photo\.jpg, Photo\.jpeg/,
    );
  });

  test.each([
    ['x.csv', 'photo,words\na,b\n', /line 1: no column caption/],
    ['x.csv', 'file,image,caption\na,b,c\n', /line 1: more than one file \(file and image\)/],
    ['x.csv', 'caption,file\nb,a\nd,c,e\n', /line 3: 3 fields instead of 2.*needs quotes/],
    ['x.csv', 'file,n,caption\na,0,b\nc\n', /line 3: 1 field instead of 3/],
    ['x.csv', 'file,caption\na,b\nc,\n', /line 3: the caption is empty/],
    ['x.csv', 'file,caption\na,b\nc,NaN\n', /line 3: the caption is NaN/],
    ['x.csv', 'file,caption\na,b\n,c\n', /line 3: the file is empty/],
    ['x.xlsx', 'PK', /save it as CSV UTF-8/],
    ['x.csv', 'file,caption,split\na,b,train\na,c,dev\n', /line 3: a is in train above/],
    ['x.csv', 'file,caption,split\na,b,later\n', /line 2: unknown split "later"/],
    ['x.csv', 'file,caption\n', /no captions/],
    ['x.jsonl', '{"file": "a", "caption": "b"}\n{"file": ', /line 2: is not JSON/],
    ['x.jsonl', '{"file": "a"}\n', /line 1: the caption is missing/],
    ['x.jsonl', '[1]', /entry 0: is no object/],
    [
      'x.jsonl',
      '{"file": "a", "text": "b"}\n{"file": "c", "text": null}',
      /line 2: the caption is null/,
    ],
    ['x.json', '{"images": [], "annotations": []}', /say coco:/],
    [
      'x.jsonl',
      '{"file": "a", "image": "b", "caption": "c"}',
      /: more than one file \(file and image\)/,
    ],
    [
      'x.jsonl',
      '{"file": "a", "caption": "b", "split": "dev"}\n{"file": "c", "caption": "d"}',
      /c has no split/,
    ],
    ['x.json', '[{"file": 3, "caption": "b"}]', /entry 0: the file is a number, not a text/],
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
            ? parseJsonRows(`{"file":"a","caption":"b"}\n${text}`, 'x', new LeftOut('x'), PHOTOS)
            : parseCsvRows(`file,caption\n${text}`, 'x', new LeftOut('x'), PHOTOS);
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

describe('folders of photos and texts', () => {
  test('splits by folders, each with a table or texts, as Hugging Face has them', async () => {
    await write({
      'train/metadata.csv': 'file_name,text\na.jpg,A dog\n',
      'train/a.jpg': '',
      'validation/b.jpg': '',
      'validation/b.txt': 'A cat',
      'test/metadata.jsonl': '{"file_name": "c.jpg", "text": "A cow"}',
      'test/c.jpg': '',
      'README.md': '',
    });
    const set = await openDataset(folder);
    expect(ids(set)).toEqual([['train/a.jpg'], ['validation/b.jpg'], ['test/c.jpg']]);
    expect(set.splits.dev[0]?.image).toEqual({ path: at('validation', 'b.jpg') });
    expect(set.notes).toEqual([]);
    await expect(openDataset(`captions:${folder},dev=0.1`)).rejects.toThrow(UsageError);
    await expect(openDataset(`captions:${folder},seed=1`)).rejects.toThrow(UsageError);
  });

  test('splits by the folders in the names of one table, or by tables of their own', async () => {
    await write({ 'captions.csv': 'file,caption\ntrain/a.jpg,a\ntest_set/b.jpg,b\nval/c.jpg,c\n' });
    expect(ids(await openDataset(folder))).toEqual([
      ['train/a.jpg'],
      ['val/c.jpg'],
      ['test_set/b.jpg'],
    ]);
    await rm(at('captions.csv'));
    await write({
      'train.csv': 'file,caption\na.jpg,a\n',
      'dev.jsonl': '{"file":"b.jpg","text":"b"}',
    });
    expect(ids(await openDataset(folder))).toEqual([['a.jpg'], ['b.jpg'], []]);
  });

  test('without dev, part of train is held out and that is said', async () => {
    const files = Array.from({ length: 10 }, (_, k) => [
      `train/p${k}.jpg`,
      `train/p${k}.txt`,
    ]).flat();
    await write({
      ...Object.fromEntries(files.map((name) => [name, 'a dog'])),
      'test/q.jpg': '',
      'test/q.txt': 'a cat',
    });
    const set = await openDataset(`captions:${folder},dev=0.3,seed=2`);
    expect(ids(set).map((split) => split.length)).toEqual([7, 3, 1]);
    expect(set.notes).toEqual([
      'no photo is in a split dev: 3 photos of train are held out for it (dev=0.3)',
    ]);
  });

  test('texts of other endings and cases, in folders inside, hidden files passed over', async () => {
    await write({
      'a/P.JPG': '',
      'a/p.TXT': 'a dog',
      'a/._P.JPG': '',
      'b/P.JPG': '',
      'b/P.caption': 'a cat\r\rcats',
      '__MACOSX/a/._P.JPG': '',
    });
    await symlink(folder, at('b', 'back'), 'junction');
    const set = await openDataset(folder);
    expect(captionsOf(set)).toEqual({ 'a/P.JPG': ['a dog'], 'b/P.JPG': ['a cat', 'cats'] });
    expect(set.notes).toEqual([]);
  });

  test('what has no fellow is left out and told', async () => {
    const texts = Object.fromEntries(
      [0, 1, 2, 3].map((k) => [`p${k}.txt`, k === 3 ? ' ' : 'a dog']),
    );
    await write({ ...photos('', 6), ...texts, 'q.txt': 'a cat', 'p0.jpg.caption': 'a hen' });
    const set = await openDataset(folder);
    expect(Object.keys(captionsOf(set)).sort()).toEqual(['p0.jpg', 'p1.jpg', 'p2.jpg']);
    expect(set.notes).toEqual([
      '1 of 4 captions is left out: p3.txt: holds no caption',
      '2 photos have no text beside them and are left out: p4.jpg, p5.jpg',
      '1 text has no photo beside it and is left out: q.txt',
      '1 text has another text of its photo beside it and is left out: p0.jpg.caption',
    ]);
  });

  test('where nothing is, it is said what is missing, or that a table has to be named', async () => {
    await write(photos('', 2));
    await expect(openDataset(`captions:${folder}`)).rejects.toThrow(
      /nor a text beside any of its 2/,
    );
    await write({ 'mine.csv': 'file,caption\np0.jpg,a\n' });
    await expect(openDataset(`captions:${folder}`)).rejects.toThrow(
      /name it: captions:.*mine\.csv/,
    );
  });

  test('a table that is empty is named as such; a workbook has to be saved as CSV', async () => {
    await write({ ...photos('', 2), 'captions.xlsx': '' });
    await expect(openDataset(`captions:${folder}`)).rejects.toThrow(/save captions\.xlsx as CSV/);
    for (const content of ['', 'file,caption\n']) {
      await write({ 'captions.csv': content });
      await expect(openDataset(`captions:${folder}`)).rejects.toThrow(
        /captions\.csv: holds no captions/,
      );
    }
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
