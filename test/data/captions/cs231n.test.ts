import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openDataset } from '@/data/captions/dataset.js';
import { FormatError } from '@/errors.js';
import { encodeCaptions } from '@/tasks/captions/words.js';

const folder = fileURLToPath(new URL('../../fixtures/cs231n', import.meta.url));

test('the course’s captions with their own words', async () => {
  const set = await openDataset(folder);
  expect(set.format).toBe('cs231n');
  expect(set.vocabulary?.size).toBe(7);
  expect(set.splits.train).toEqual([
    {
      id: 'train 2',
      image: { path: 'http://c' },
      captions: ['a dog', 'a'],
      words: [['a', 'dog'], ['a']],
    },
    {
      id: 'train 0',
      image: { path: 'http://a' },
      captions: ['the <UNK> dog'],
      words: [['the', '<UNK>', 'dog']],
    },
  ]);
  expect(set.splits.dev.map(({ id }) => id)).toEqual(['val 1']);
  expect(set.order).toEqual(['train 0', 'train 1', 'train 2', 'val 0', 'val 1']);
  if (!set.vocabulary) throw new Error('it has a vocabulary');
  const encoded = encodeCaptions(set.splits.train, set.vocabulary, 30);
  expect(encoded.map(({ words }) => [...words])).toEqual([
    [1, 4, 5, 2],
    [1, 4, 2],
    [1, 6, 3, 5, 2],
  ]);
});

test('words that the vocabulary does not have and rows that no set has are refused', async () => {
  const copy = await mkdtemp(join(tmpdir(), 'glimpse-cs231n-'));
  await cp(folder, copy, { recursive: true });
  const few = { idx_to_word: ['<NULL>', '<START>', '<END>', '<UNK>', 'a'] };
  await writeFile(join(copy, 'coco2014_vocab.json'), JSON.stringify(few));
  await expect(openDataset(copy)).rejects.toThrow(/train_captions 0: 5 is no word of 5/);
  await cp(folder, copy, { recursive: true });
  const file = join(copy, 'coco2014_captions.h5');
  const bytes = await readFile(file);
  const rows = bytes.indexOf(Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0));
  bytes.writeInt32LE(2 ** 31 - 1, rows);
  await writeFile(file, bytes);
  await expect(openDataset(copy)).rejects.toThrow(/train_image_idxs 0 is 2147483647/);
  await writeFile(file, 'no HDF5 file');
  await expect(openDataset(copy)).rejects.toThrow(FormatError);
  await rm(copy, { recursive: true });
});
