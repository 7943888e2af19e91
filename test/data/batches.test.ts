import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CaptionBatch,
  CaptionBatches,
  type CaptionBatchesOptions,
  type EncodedCaption,
} from '../../src/data/batches.js';
import { END_INDEX, NULL_INDEX, START_INDEX } from '../../src/data/vocabulary.js';
import { ValueError } from '../../src/errors.js';

/** Captions of the given numbers of words, each with its own number as every word. */
function captionsOf(lengths: readonly number[]): EncodedCaption[] {
  return lengths.map((length, index) => {
    const words = new Int32Array(length + 2).fill(100 + index);
    words[0] = START_INDEX;
    words[length + 1] = END_INDEX;
    return { imageIndex: index * 7, words };
  });
}

function rows({ captions, N, T, imageIndices }: CaptionBatch): string[] {
  return Array.from({ length: N }, (_, n) => {
    const row = [...captions.subarray(n * T, (n + 1) * T)];
    while (row.at(-1) === NULL_INDEX) row.pop();
    return `${imageIndices[n]}: ${row.join(' ')}`;
  });
}

const lengthsOfMany = Array.from({ length: 53 }, (_, i) => 1 + ((i * i) % 6));
const many = captionsOf(lengthsOfMany);
const everyRow = many.map(({ imageIndex, words }) => `${imageIndex}: ${words.join(' ')}`).sort();
const options: CaptionBatchesOptions = { batchSize: 4, lengths: 'equal', seed: 1 };
const epochOf = (epoch: number, changes: Partial<CaptionBatchesOptions> = {}, from = 0) => [
  ...new CaptionBatches(many, { ...options, ...changes }).batches(epoch, from),
];

describe.each(['equal', 'bucketed', 'padded'] as const)('%s lengths', (lengths) => {
  test('every caption appears exactly once an epoch, with its own image', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(6), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(3),
        fc.integer(),
        (sizes, batchSize, epoch, seed) => {
          const captions = captionsOf(sizes);
          const batches = new CaptionBatches(captions, { batchSize, lengths, seed });
          const seen = [...batches.batches(epoch)];
          expect(seen.length).toBe(batches.batchesPerEpoch);
          expect(seen.every(({ N }) => N >= 1 && N <= batchSize)).toBe(true);
          const expected = captions.map((c) => `${c.imageIndex}: ${c.words.join(' ')}`);
          expect(seen.flatMap(rows).sort()).toEqual(expected.sort());
        },
      ),
      { seed: 5 },
    );
  });

  test('the order is a function of seed and epoch alone', () => {
    const first = epochOf(3, { lengths });
    expect(epochOf(3, { lengths })).toEqual(first);
    expect(epochOf(4, { lengths })).not.toEqual(first);
    expect(epochOf(3, { lengths, seed: 2 })).not.toEqual(first);
    expect(epochOf(0, { lengths, seed: 0 })).not.toEqual(epochOf(1, { lengths, seed: 0 }));
  });

  test('an epoch can be taken up at any batch', () => {
    const whole = epochOf(2, { lengths });
    for (const from of [1, 5, whole.length]) {
      expect(epochOf(2, { lengths }, from)).toEqual(whole.slice(from));
    }
  });

  test('dropLast leaves only full batches', () => {
    const full = epochOf(0, { lengths, dropLast: true });
    expect(full.every(({ N }) => N === 4)).toBe(true);
    const seen = full.flatMap(rows);
    expect(new Set(seen).size).toBe(seen.length);
    // Lengths 1, 2, 4 and 5 occur 9, 17, 9 and 18 times.
    expect(full.length).toBe(lengths === 'equal' ? 2 + 4 + 2 + 4 : 13);
  });
});

test('equal: no padding; lengths come mixed over the epoch, not one after the other', () => {
  const batches = epochOf(0);
  expect(batches.some(({ captions }) => captions.includes(NULL_INDEX))).toBe(false);
  const lengths = batches.map(({ T }) => T);
  expect(lengths).not.toEqual(lengths.toSorted((a, b) => a - b));
});

test('padded: as wide as the longest of the batch', () => {
  for (const { captions, N, T } of epochOf(0, { lengths: 'padded' })) {
    const ends = Array.from({ length: N }, (_, n) =>
      captions.subarray(n * T, (n + 1) * T).indexOf(END_INDEX),
    );
    expect(Math.max(...ends)).toBe(T - 1);
  }
});

test('bucketed: neighbours in length, full batches, and nothing like the order of the captions', () => {
  const batches = epochOf(0, { lengths: 'bucketed' });
  expect(batches.filter(({ N }) => N === 4)).toHaveLength(13);
  const widths = (lengths: CaptionBatchesOptions['lengths']) =>
    epochOf(0, { lengths }).reduce((sum, { N, T }) => sum + N * T, 0);
  const words = many.reduce((sum, caption) => sum + caption.words.length, 0);
  expect(widths('bucketed') - words).toBeLessThan((widths('padded') - words) / 4);
  const spread = batches.map(({ captions, N, T }) => {
    const lengths = Array.from({ length: N }, (_, n) =>
      captions.subarray(n * T, (n + 1) * T).indexOf(END_INDEX),
    );
    return Math.max(...lengths) - Math.min(...lengths);
  });
  // Sorted, a batch can only span neighbouring lengths: 1, 2, 4 and 5.
  expect(Math.max(...spread)).toBeLessThanOrEqual(2);
  const widthsInOrder = batches.map(({ T }) => T);
  expect(widthsInOrder).not.toEqual(widthsInOrder.toSorted((a, b) => a - b));
});

test('bucketed: more than a bucket, each sorted by itself', () => {
  const captions = captionsOf(Array.from({ length: 300 }, (_, i) => i % 10));
  const batches = [
    ...new CaptionBatches(captions, { batchSize: 2, lengths: 'bucketed', seed: 3 }).batches(0),
  ];
  const seen = batches.flatMap(rows);
  expect(new Set(seen).size).toBe(300);
  // 128 captions are a bucket: one of 10 lengths has about 13 places in it.
  const longest = batches.filter(({ T }) => T === 11).length;
  expect(longest).toBeGreaterThanOrEqual(15);
  expect(longest).toBeLessThanOrEqual(18);
});

test('every caption has about the same chance of each place over the epochs', () => {
  const first = new Map<string, number>();
  for (let epoch = 0; epoch < 530; epoch++) {
    const [batch] = new CaptionBatches(many, { batchSize: 1, lengths: 'padded', seed: 9 }).batches(
      epoch,
    );
    const [row] = batch ? rows(batch) : [];
    first.set(row ?? '', (first.get(row ?? '') ?? 0) + 1);
  }
  expect([...first.keys()].sort()).toEqual(everyRow);
  expect(Math.max(...first.values())).toBeLessThan(25);
});

test('wrong options are refused', () => {
  expect(() => new CaptionBatches([], options)).toThrow(/0 captions do not fill one batch of 4/);
  expect(() => new CaptionBatches(many, { ...options, batchSize: 0 })).toThrow(ValueError);
  expect(() => new CaptionBatches(many, { ...options, batchSize: 1.5 })).toThrow(ValueError);
  const short = [...many, { imageIndex: 0, words: new Int32Array(1) }];
  expect(() => new CaptionBatches(short, options)).toThrow(/Caption 53/);
  expect(() => new CaptionBatches(many, { ...options, batchSize: 99, dropLast: true })).toThrow(
    ValueError,
  );
  expect(() => epochOf(-1)).toThrow(ValueError);
  expect(() => epochOf(0, {}, 999)).toThrow(/fromBatch must be an integer from 0 to/);
});
