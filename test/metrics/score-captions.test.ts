import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError, ValueError } from '@/errors.js';
import { candidatesFile, parseCandidates, parseReferences } from '@/metrics/caption-files.js';
import { diversity } from '@/metrics/diversity.js';
import { DocumentFrequencies } from '@/metrics/document-frequencies.js';
import { scoreCaptions } from '@/metrics/score-captions.js';
import { isExact } from '@/metrics/words.js';

const references = {
  1: ['A dog runs over the grass.', "A man's dog runs."],
  2: ['Two red balls', 'red balls in water'],
  'x.jpg': ['The sky is grey.'],
};
const candidates = new Map([
  ['x.jpg', 'the sky is grey'],
  ['1', 'a dog runs'],
  ['2', ''],
]);

describe('scoreCaptions', () => {
  test('scores tokens, image by image and all together', () => {
    const scores = scoreCaptions(candidates, references);
    expect(scores.images).toBe(3);
    expect(scores.perImage.map(({ id }) => id)).toEqual(['x.jpg', '1', '2']);
    const [sky, dog, nothing] = scores.perImage;
    // The same caption, with n-grams of no other image.
    expect(sky).toMatchObject({ rougeL: 1 });
    expect(sky?.bleu4).toBeCloseTo(1, 7);
    expect(sky?.cider).toBeCloseTo(10, 9);
    expect(dog?.bleu1).toBeGreaterThan(0.5);
    expect(nothing).toMatchObject({ rougeL: 0, cider: 0, bleu1: 0 });
    const mean = scores.perImage.reduce((sum, image) => sum + image.cider, 0) / 3;
    expect(scores.cider).toBeCloseTo(mean, 12);
    expect(scores.ciderD).toBe(scores.cider);
    expect(scores.meteor).toBeUndefined();
    expect(scores.diversity.novelRate).toBeUndefined();
    expect(scores.diversity).toMatchObject({
      vocabulary: 7,
      badEndingRate: 0,
      distinctCaptions: 1,
    });
  });

  test('takes a table, training captions and METEOR', () => {
    const table = DocumentFrequencies.of([[['sky']], [['grass']], [['dog']], [['dog']]]);
    const scores = scoreCaptions(candidates, references, {
      documentFrequencies: table,
      training: ['The sky is grey.', 'a cat'],
      meteor: 'without-synonyms',
    });
    expect(scores.cider).toBe(scoreCaptions(candidates, references).cider);
    expect(scores.ciderD).not.toBe(scores.cider);
    expect(scores.diversity.novelRate).toBeCloseTo(2 / 3, 12);
    expect(scores.perImage[0]?.meteor).toBeCloseTo(1, 12);
    expect(scores.meteor).toBeGreaterThan(0.2);
  });

  test('says what means nothing', () => {
    expect(scoreCaptions(candidates, references).remarks).toEqual([
      '1 image (2) has a candidate without a word',
    ]);
    const one = scoreCaptions({ 1: 'a dog' }, { 1: ['a dog'] });
    expect(one.cider).toBe(0);
    expect(one.remarks).toEqual([
      expect.stringMatching(/^CIDEr of one image is 0 .*, or give a table/),
    ]);
    const table = DocumentFrequencies.of([[['dog']], [['cat']]]);
    const byTable = scoreCaptions(
      { 1: 'a dog runs to me' },
      { 1: ['a dog runs to me'] },
      { documentFrequencies: table },
    );
    expect(byTable.ciderD).toBeCloseTo(10, 9);
    expect(byTable.remarks).toEqual([expect.stringMatching(/^CIDEr of one .*by the table's$/)]);
    const ofOne = { documentFrequencies: DocumentFrequencies.of([[['dog']]]) };
    expect(scoreCaptions({ 1: 'a', 2: 'b' }, { 1: ['a'], 2: ['b'] }, ofOne).remarks).toEqual([
      expect.stringMatching(/^the table of document frequencies is of one image/),
    ]);
    expect(scoreCaptions({ 1: '.', 2: '' }, { 1: ['a'], 2: ['!'] }).remarks).toEqual([
      'no candidate has a word: all scores are 0',
      expect.stringMatching(/^1 image \(2\) has only references/),
    ]);
  });

  test('another spelling is another word', () => {
    const { bleu1 } = scoreCaptions({ 1: 'a gray cat' }, { 1: ['a grey cat'] });
    expect(bleu1).toBeCloseTo(2 / 3, 7);
  });

  test('captions written without spaces are compared word by word', () => {
    const truths = { 1: ['一只棕色的狗在草地上跑'], 2: ['两个男人在海边'] };
    const said = { 1: '一只狗在草地上跑。', 2: '男人在海边' };
    const divided = { 1: '一只 狗 在 草地 上 跑', 2: '男人 在 海边' };
    const scores = scoreCaptions(said, truths);
    // 6 of 6 words and 3 of 3; 9 words where the references have 8 and 5.
    expect(scores.bleu1).toBeCloseTo(Math.exp(1 - 13 / 9), 7);
    expect(scores.cider).toBeGreaterThan(2);
    expect(scoreCaptions(divided, truths).cider).toBeCloseTo(scores.cider, 12);
  });

  test('names images without a counterpart', () => {
    const some = { 1: 'a dog' };
    expect(() => scoreCaptions(some, references)).toThrow(ValueError);
    expect(() => scoreCaptions(some, references)).toThrow(/^2 images \(2, x.jpg\) have references/);
    expect(scoreCaptions(some, references, { subset: true }).images).toBe(1);
    expect(() => scoreCaptions({ 7: 'a' }, references, { subset: true })).toThrow(
      /^1 image \(7\) has a candidate but no references/,
    );
    expect(() => scoreCaptions({ 1: 'a' }, { 1: [] })).toThrow(/1 image \(1\) has an empty list/);
    expect(() => scoreCaptions({}, {})).toThrow(/no candidate to score/);
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`i${i}`, ['a']]));
    expect(() => scoreCaptions({}, many)).toThrow(/^12 images \(i0, .*i9, \.\.\.\) have/);
  });

  test('all scores of any captions are finite and within their scales', () => {
    const caption = fc.string({ unit: 'grapheme', maxLength: 20 });
    const image = fc.record({
      candidate: caption,
      truths: fc.array(caption, { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(image, { minLength: 1, maxLength: 4 }), (sets) => {
        const scores = scoreCaptions(
          new Map(sets.map(({ candidate }, i) => [String(i), candidate])),
          new Map(sets.map(({ truths }, i) => [String(i), truths])),
          { meteor: 'without-synonyms' },
        );
        for (const set of [scores, ...scores.perImage]) {
          for (const score of [set.bleu1, set.bleu4, set.rougeL, set.meteor ?? Number.NaN]) {
            expect(score).toBeGreaterThanOrEqual(0);
            expect(score).toBeLessThanOrEqual(1 + 1e-9);
          }
          expect(set.cider).toBeLessThanOrEqual(10 + 1e-9);
          expect(set.cider).toBeGreaterThanOrEqual(0);
        }
      }),
      { seed: 11 },
    );
  });
});

test('a caption is exact when its words are a truth’s words', () => {
  const truths = ['A big red ball.', 'Another one'];
  expect(isExact('a big red ball', truths)).toBe(true);
  expect(isExact('another one', truths)).toBe(true);
  expect(isExact('a big red', truths)).toBe(false);
  expect(isExact('a big red ball above', truths)).toBe(false);
});

describe('diversity', () => {
  test('counts by hand', () => {
    const captions = [
      ['a', 'dog', 'on', 'the'],
      ['a', 'dog'],
      ['a', 'dog'],
    ];
    expect(
      diversity(captions, [
        ['a', 'dog'],
        ['a', 'dog'],
        ['a', 'cat'],
      ]),
    ).toEqual({
      vocabulary: 4,
      meanLength: 8 / 3,
      distinct1: 4 / 8,
      distinct2: 3 / 5,
      distinctCaptions: 2 / 3,
      badEndingRate: 1 / 3,
      novelRate: 1 - 2 / 3,
      commonest: { caption: 'a dog', share: 2 / 3 },
    });
  });

  test('raises the alarm when many images have one caption', () => {
    const different = Array.from({ length: 9 }, (_, i) => ['caption', String(i)]);
    expect(diversity([...different, ['a', 'man'], ['a', 'man']]).alarm).toBeUndefined();
    const { alarm } = diversity([...different, ...Array(3).fill(['a', 'man'])]);
    expect(alarm).toMatch(/^3 of 12 images have the same caption, "a man"/);
    expect(diversity([['a'], ['a']]).alarm).toBeUndefined();
    expect(diversity([]).commonest.share).toBe(0);
  });
});

describe('caption files', () => {
  const list = [
    { image_id: 1, caption: 'a' },
    { image_id: '2', caption: 'b', id: 9 },
  ];

  test('a list, a COCO file and an object say the same', () => {
    const expected = new Map(Object.entries({ 1: 'a', 2: 'b' }));
    const coco = { images: [{ id: 1 }, { id: 2 }], annotations: list };
    for (const json of [list, coco, { 1: 'a', 2: 'b' }]) {
      expect(parseCandidates(json, 'c.json')).toEqual(expected);
      expect([...parseReferences(json, 'r.json').values()]).toEqual([['a'], ['b']]);
    }
    const several = [...list, { image_id: 1, caption: 'c' }];
    expect(parseReferences(several, 'r.json').get('1')).toEqual(['a', 'c']);
    expect(parseReferences({ 1: ['a', 'c'] }, 'r.json').get('1')).toEqual(['a', 'c']);
  });

  test.each([
    [3, /must be a list/],
    [[1], /\[0\] must be an object/],
    [[{ caption: 'a' }], /\[0\].image_id must be .* not nothing/],
    [[{ image_id: 1.5, caption: 'a' }], /\[0\].image_id .* not 1.5/],
    [{ annotations: [{ image_id: 1, caption: 2 }] }, /annotations\[0\].caption must be a text/],
    [{ a: { b: 1 } }, /"a" must be a text/],
    [
      [
        { image_id: 1, caption: 'a' },
        { image_id: '1', caption: 'b' },
      ],
      /\[1\]: image 1 has a caption/,
    ],
  ])('%j is refused', (json, message) => {
    expect(() => parseCandidates(json, 'c.json')).toThrow(FormatError);
    expect(() => parseCandidates(json, 'c.json')).toThrow(message);
  });

  test('an image that no annotation describes is named', () => {
    const json = { images: [{ id: 1 }, { id: 5 }], annotations: [{ image_id: 1, caption: 'a' }] };
    expect(() => parseReferences(json, 'r.json')).toThrow(/images\[1\]: image 5 has no caption/);
  });

  test('captions are written as they are read; ids that are numbers as numbers', () => {
    const text = candidatesFile([
      ['12', 'a "dog"'],
      ['012', 'b'],
      ['1e3', 'c'],
      ['9007199254740993', ''],
      ['x.jpg', 'é\n'],
    ]);
    const ids = JSON.parse(text).map(({ image_id }: { image_id: unknown }) => image_id);
    expect(ids).toEqual([12, '012', '1e3', '9007199254740993', 'x.jpg']);
    expect(JSON.parse(candidatesFile([]))).toEqual([]);
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.string()), (captions) => {
        const given = Object.entries(captions);
        expect([...parseCandidates(JSON.parse(candidatesFile(given)), 'c.json')]).toEqual(given);
      }),
      { seed: 13 },
    );
  });

  test('any JSON gives captions or a FormatError', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        try {
          for (const [id, captions] of parseReferences(json, 'r.json')) {
            expect(typeof id).toBe('string');
            for (const caption of captions) expect(typeof caption).toBe('string');
          }
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { seed: 12 },
    );
  });
});
