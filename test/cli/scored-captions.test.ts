import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { candidatesAndReferences, captionsIn } from '@/cli/scored-captions.js';
import { FormatError, UsageError } from '@/errors.js';
import { temporaryFolder } from './glimpse.js';

const folder = temporaryFolder();
let files = 0;

/** A file with this ending. */
function file(ending: string, content: unknown): string {
  const path = join(folder, `${files++}.${ending}`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const table = () =>
  file('csv', 'file,caption\na.jpg,"A dog, running"\nsub/b.png,Two cats\na.jpg,A dog\n');
const truths = { 'a.jpg': ['A dog, running', 'A dog'], 'sub/b.png': ['Two cats'] };
const said = { 'a.jpg': 'a dog', 'sub/b.png': 'cats' };

test.each([
  [
    'what glimpse caption writes',
    'json',
    [
      { photo: '/home/me/a.jpg', caption: 'a dog', logProbability: -1, alternatives: [] },
      { photo: 'other/b.png', caption: 'cats' },
    ],
  ],
  [
    'by picture',
    'json',
    [
      { picture: 'a.jpg', caption: 'a dog' },
      { image: 'b.png', caption: 'cats' },
    ],
  ],
  [
    'its JSON lines',
    'jsonl',
    '{"photo":"x/a.jpg","caption":"a dog"}\n\n{"photo":"b.png","caption":"cats"}\n',
  ],
  ['its CSV', 'csv', 'photo,caption,logProbability\nx/a.jpg,a dog,-1\nx/b.png,cats,-2\n'],
  ['a table with ids', 'tsv', 'image_id\tcaption\na\ta dog\nb\tcats\n'],
  ['an object', 'json', { 'a.jpg': 'a dog', 'C:\\photos\\b.png': 'cats' }],
  [
    'other endings',
    'json',
    [
      { file: 'a.webp', caption: 'a dog' },
      { file: 'b.jpeg', caption: 'cats' },
    ],
  ],
])('%s is scored against a table', async (_, ending, content) => {
  const { candidates, references } = await candidatesAndReferences(file(ending, content), [
    table(),
  ]);
  expect(Object.fromEntries(candidates)).toEqual(said);
  expect(Object.fromEntries(references)).toEqual(truths);
});

test('photos are those of COCO ids by their file names', async () => {
  const coco = {
    images: [
      { id: 42, file_name: 'COCO_42.jpg' },
      { id: 7, file_name: 'COCO_7.jpg' },
    ],
    annotations: [
      { image_id: 42, id: 1, caption: 'A dog' },
      { image_id: 7, id: 2, caption: 'A cat' },
    ],
  };
  const captions = [
    { photo: 'val/COCO_7.jpg', caption: 'cat' },
    { photo: 'val/COCO_42.jpg', caption: 'dog' },
  ];
  const { candidates } = await candidatesAndReferences(file('json', captions), [
    file('json', coco),
  ]);
  expect([...candidates]).toEqual([
    ['7', 'cat'],
    ['42', 'dog'],
  ]);
});

test('lines are paired by number, several files are several references', async () => {
  const hypotheses = file('txt', 'a dog\n\ntwo cats\n');
  const files = [
    file('txt', 'A dog runs\nA tree\nCats\n'),
    file('txt', 'Dog\r\nTrees\r\nTwo cats'),
  ];
  const { candidates, references } = await candidatesAndReferences(hypotheses, files);
  expect([...candidates.values()]).toEqual(['a dog', '', 'two cats']);
  expect([...references.values()]).toEqual([
    ['A dog runs', 'Dog'],
    ['A tree', 'Trees'],
    ['Cats', 'Two cats'],
  ]);
  const shorter = candidatesAndReferences(hypotheses, [file('txt', 'A dog\n')]);
  await expect(shorter).rejects.toThrow(/has 3 lines, .* has 1: they are paired by number/);
  const mixed = candidatesAndReferences(hypotheses, [table()]);
  await expect(mixed).rejects.toThrow(
    /has a caption a line, without images, but .*csv names images/,
  );
});

test('a text that names photos is a table', async () => {
  const tokens = file('txt', 'a.jpg#0\tA dog\na.jpg#1\tThe dog\n');
  const { references } = await candidatesAndReferences(file('json', { a: 'a dog' }), [tokens]);
  expect([...references]).toEqual([['a.jpg', ['A dog', 'The dog']]]);
  expect(await captionsIn(tokens)).toEqual(['A dog', 'The dog']);
});

test('files of other images, two captions of one and names of two are said', async () => {
  const strangers = candidatesAndReferences(file('json', { 1: 'a', 2: 'b' }), [table()]);
  await expect(strangers).rejects.toThrow(UsageError);
  await expect(strangers).rejects.toThrow(
    /no candidate has references: .*json is of 1, 2, .*csv of a\.jpg, sub\/b\.png/,
  );
  const twice = file('csv', 'photo,caption\nx/a.jpg,a\ny/a.jpg,b\n');
  await expect(candidatesAndReferences(twice, [table()])).rejects.toThrow(
    /line 3: image a\.jpg has a caption already/,
  );
  // b.jpg alone could be either: it is not guessed.
  const two = file('json', { 'x/b.jpg': ['a'], 'y/b.jpg': ['b'], 'c.jpg': ['c'] });
  const { candidates } = await candidatesAndReferences(file('json', { 'b.jpg': 'a', c: 'c' }), [
    two,
  ]);
  expect([...candidates.keys()]).toEqual(['b.jpg', 'c.jpg']);
  const broken = candidatesAndReferences(file('jsonl', '{"photo": "a.jpg"}\n'), [table()]);
  await expect(broken).rejects.toThrow(FormatError);
  await expect(broken).rejects.toThrow(/line 1\.caption must be a text, not nothing/);
});
