import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CaptionBatch,
  CaptionBatches,
  type CaptionBatchesOptions,
  type EncodedCaption,
} from '@/data/captions/batches.js';
import { END_INDEX, NULL_INDEX, START_INDEX } from '@/data/text/vocabulary.js';
import { ValueError } from '@/errors.js';

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

describe.each(['equal', 'bucketed', 'padded', 'grouped'] as const)('%s lengths', (lengths) => {
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

/** Images with 1 to 3 captions of 1 to 6 words. */
const ofImages = many.map((caption, i) => ({
  ...caption,
  imageIndex: Math.floor(i / 3) * 2 + (i % 9 > 6 ? 1 : 0),
}));

test('grouped: the captions of an image come together, and no batch is too large', () => {
  const grouped = (epoch: number, changes: Partial<CaptionBatchesOptions> = {}) => [
    ...new CaptionBatches(ofImages, {
      batchSize: 7,
      lengths: 'grouped',
      seed: 1,
      ...changes,
    }).batches(epoch),
  ];
  for (const epoch of [0, 1, 2]) {
    const batches = grouped(epoch);
    const images = batches.flatMap(({ imageIndices }) => [...new Set(imageIndices)]);
    expect(images.sort()).toEqual([...new Set(ofImages.map((c) => c.imageIndex))].sort());
    expect(Math.max(...batches.map(({ N }) => N))).toBeLessThanOrEqual(7);
    const expected = ofImages.map((c) => `${c.imageIndex}: ${c.words.join(' ')}`);
    expect(batches.flatMap(rows).sort()).toEqual(expected.sort());
  }
  expect(grouped(1)).not.toEqual(grouped(0));
  expect(grouped(1)).toEqual(grouped(1));
  // 12 images of 3 captions, two a batch; 5 of 2, three a batch; 7 of 1.
  const counts = grouped(0).map(
    ({ imageIndices }) => `${new Set(imageIndices).size} of ${imageIndices.length}`,
  );
  expect(counts.toSorted()).toEqual(['2 of 4', ...new Array(6).fill('2 of 6'), '3 of 6', '7 of 7']);
});

test('grouped: images with the longest captions keep to themselves', () => {
  const lengths = Array.from({ length: 120 }, (_, i) => (i % 3 === 0 ? 1 + (i % 20) : 1));
  const captions = captionsOf(lengths).map((caption, i) => ({
    ...caption,
    imageIndex: Math.floor(i / 3),
  }));
  const batches = [
    ...new CaptionBatches(captions, { batchSize: 6, lengths: 'grouped', seed: 2 }).batches(0),
  ];
  const spread = batches.map(({ captions, N, T }) => {
    const longest = [0, 3].map((first) =>
      Math.max(
        ...Array.from({ length: 3 }, (_, n) =>
          captions.subarray((first + n) * T, (first + n + 1) * T).indexOf(END_INDEX),
        ),
      ),
    );
    expect(N).toBe(6);
    return Math.abs((longest[0] ?? 0) - (longest[1] ?? 0));
  });
  expect(Math.max(...spread)).toBeLessThanOrEqual(1);
});

test('grouped: an image with more captions than a batch comes in pieces', () => {
  const captions = many.map((caption) => ({ ...caption, imageIndex: 4 }));
  const batches = [
    ...new CaptionBatches(captions, { batchSize: 10, lengths: 'grouped', seed: 1 }).batches(0),
  ];
  expect(batches.map(({ N }) => N).toSorted((a, b) => a - b)).toEqual([3, 10, 10, 10, 10, 10]);
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
