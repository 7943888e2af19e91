import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { wrongJson } from '@test/damage.js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDataset } from '@/data/captions/dataset.js';
import { parseNpyTexts } from '@/data/formats/npy.js';
import { FormatError, GlimpseError } from '@/errors.js';
import { readIds } from '@/features/array-files.js';
import { openFeatures } from '@/features/open-features.js';
import { parseCandidates, parseReferences } from '@/metrics/caption-files.js';
import { DocumentFrequencies } from '@/metrics/document-frequencies.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-damaged-'));
});
afterEach(() => rm(folder, { recursive: true }));

const utf8 = new TextEncoder();
/** Bytes of which some are others, or the end is missing. */
const wrongBytes = (good: Uint8Array) =>
  fc
    .tuple(fc.nat(good.length - 1), fc.uint8Array({ maxLength: 4 }), fc.boolean())
    .map(([place, bytes, cut]) =>
      cut ? good.slice(0, place) : good.map((byte, i) => bytes[i - place] ?? byte),
    );

const damaged = (good: unknown) =>
  typeof good === 'string'
    ? wrongBytes(utf8.encode(good))
    : fc.oneof(wrongJson(good), wrongBytes(utf8.encode(JSON.stringify(good))));

const parameters = { numRuns: 120, seed: 1 };

const karpathy = {
  images: [
    { filename: 'a', filepath: 'x', cocoid: 7, split: 'train', sentences: [{ raw: 'A dog.' }] },
    { filename: 'b', split: 'val', sentences: [{ tokens: ['two', 'dogs'] }] },
  ],
};
const coco = {
  images: [
    { id: 1, file_name: 'a' },
    { id: 2, file_name: 'b' },
  ],
  annotations: [
    { image_id: 1, caption: 'a dog' },
    { image_id: 2, caption: 'a cat' },
  ],
};
const rows = [
  { file: 'a', caption: 'a dog', split: 'train' },
  { file: 'b', captions: ['a cat', 'it'], split: 'dev' },
];
const words = ['<NULL>', '<START>', '<END>', '<UNK>', 'a', 'dog'];

describe('a damaged set of captions is read or refused with a typed error', () => {
  test.each<[format: string, file: string, good: unknown]>([
    ['coco:', 'own.json', coco],
    ['karpathy:', 'dataset_x.json', karpathy],
    ['captions:', 'x.json', rows],
    ['captions:', 'x.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join('')],
    ['captions:', 'x.csv', 'file,caption,split\na,"a ""dog""",train\nb,a cat,dev\n'],
    ['captions:', 'x.tsv', 'file\tcaption\na\ta dog\nb\ta cat\n'],
    ['', 'recognised.json', coco],
    // Whose captions are not there, so that it ends with the words.
    ['cs231n:', 'set/coco2014_vocab.json', { idx_to_word: words }],
  ])('%s%s', async (format, file, good) => {
    const path = join(folder, file);
    await mkdir(dirname(path), { recursive: true });
    await fc.assert(
      fc.asyncProperty(damaged(good), async (bytes) => {
        await writeFile(path, bytes);
        const source = format === 'cs231n:' ? dirname(path) : path;
        const error = await openDataset(`${format}${source}`).then(
          () => undefined,
          (e) => e,
        );
        if (error !== undefined) expect(error).toBeInstanceOf(GlimpseError);
        if (error instanceof FormatError) expect(error.message).toContain(path);
      }),
      parameters,
    );
  });
});

test.each<[name: string, good: unknown, read: (json: unknown) => void]>([
  [
    'document frequencies',
    { images: 3, counts: { a: 3, 'a dog': 1 } },
    (json) => DocumentFrequencies.fromJSON(json, 'x'),
  ],
  ['candidates', coco.annotations, (json) => parseCandidates(json, 'x')],
  ['candidates by id', { 1: 'a dog', 2: 'a cat' }, (json) => parseCandidates(json, 'x')],
  ['references', coco, (json) => parseReferences(json, 'x')],
])('wrong %s are refused with a typed error', (_, good, read) => {
  fc.assert(
    fc.property(wrongJson(good), (bytes) => {
      try {
        read(JSON.parse(new TextDecoder().decode(bytes)));
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
        expect((error as FormatError).message.length).toBeLessThan(500);
      }
    }),
    parameters,
  );
});

describe('numpy', () => {
  const header = (descr: string, shape: string) =>
    `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`.padEnd(117);
  const file = (text: string, data: Uint8Array) =>
    Uint8Array.of(
      0x93,
      ...utf8.encode(`NUMPY\x01\0${String.fromCharCode(text.length)}\0`),
      ...utf8.encode(text),
      ...data,
    );
  const size = fc.constantFrom(
    '0',
    '1',
    '2',
    '3',
    '16777217',
    '4294967296',
    '9007199254740993',
    '',
    ' ',
    '1 1',
  );
  const wrongNpy = fc
    .tuple(
      fc.constantFrom('<f4', '<f2', '<i8', '|u1', '|S0', '|S2', '<U0', '<U1', '|O', '|V4', ''),
      fc.array(size, { maxLength: 4 }).map((axes) => axes.join(',')),
      fc.uint8Array({ maxLength: 24 }),
    )
    .map(([descr, shape, data]) => file(header(descr, shape), data));

  test('any header is read or refused with a typed error', async () => {
    const path = join(folder, 'x.npy');
    await fc.assert(
      fc.asyncProperty(wrongNpy, async (bytes) => {
        await writeFile(path, bytes);
        for (const read of [() => readIds(path), () => openFeatures(path, { order: ['a', 'b'] })]) {
          const error = await read().then(
            () => undefined,
            (e) => e,
          );
          if (error !== undefined) expect(error).toBeInstanceOf(GlimpseError);
        }
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  test.each([
    ['more texts than bytes, each of none', '<U0', '1000000000', 0, /lists 1000000000 texts/],
    ['no Unicode', '<U1', '1,', 4, /no valid text/],
  ])('%s', (_, descr, shape, bytes, message) => {
    const data = new Uint8Array(bytes).fill(255);
    expect(() => parseNpyTexts(file(header(descr, shape), data), 'x')).toThrow(message);
  });

  test('a text longer than the stack', () => {
    const long = new Uint8Array(new Uint32Array(300_000).fill(97).buffer);
    const bytes = new Uint8Array([...file(header('<U300000', '1,'), new Uint8Array(0)), ...long]);
    expect(parseNpyTexts(bytes, 'x')).toEqual(['a'.repeat(300_000)]);
  });

  test.each([
    ['2, 0', /a row of 0 values/],
    ['0, 300000000', /a row of 300000000 values/],
  ])('rows that are no features: (%s)', async (shape, message) => {
    const path = join(folder, 'x.npy');
    await writeFile(path, file(header('<f4', shape), new Uint8Array(0)));
    await expect(openFeatures(path, { order: ['a', 'b'] })).rejects.toThrow(message);
  });
});
