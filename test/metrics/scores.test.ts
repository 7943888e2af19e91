import { fixture } from '@test/golden.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError, ValueError } from '@/errors.js';
import { corpusBleu } from '@/metrics/bleu.js';
import { CiderScorer } from '@/metrics/cider.js';
import {
  DocumentFrequencies,
  type DocumentFrequenciesJson,
} from '@/metrics/document-frequencies.js';
import { commonSubsequence, rougeL } from '@/metrics/rouge.js';
import { splitAtSpaces, type Words } from '@/metrics/words.js';

interface Case {
  sets: { candidate: string; references: string[] }[];
  bleu: number[];
  bleuPerImage: number[][];
  rougeL: number;
  rougeLPerImage: number[];
  cider: number;
  ciderPerImage: number[];
  ciderPlain: number;
  ciderPlainPerImage: number[];
  table?: DocumentFrequenciesJson;
}

const tokens = (text: string): string[] => (text === '' ? [] : text.split(' '));
const mean = (values: ArrayLike<number>) => {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
};

function largestDifference(actual: ArrayLike<number>, expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  return Math.max(
    ...expected.map((value, i) => {
      const difference = Math.abs((actual[i] ?? Number.NaN) - value);
      return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    }),
  );
}

describe('the longest common subsequence', () => {
  test('bit by bit is what the table of all lengths says', () => {
    const table = (a: Words, b: Words): number => {
      let row = new Array<number>(b.length + 1).fill(0);
      for (const word of a) {
        const above = row;
        row = [0];
        for (const [j, other] of b.entries()) {
          const grown = (above[j] ?? 0) + 1;
          row.push(word === other ? grown : Math.max(above[j + 1] ?? 0, row[j] ?? 0));
        }
      }
      return row.at(-1) ?? 0;
    };
    const caption = fc.array(fc.constantFrom('a', 'b', 'c', 'dog'), { maxLength: 150 });
    fc.assert(
      fc.property(caption, caption, (a, b) => {
        expect(commonSubsequence(a, b)).toBe(table(a, b));
      }),
      { seed: 21, numRuns: 300 },
    );
  });

  test('two captions of 50,000 words', () => {
    const words = (first: string, second: string) =>
      Array.from({ length: 50_000 }, (_, i) => (i % 3 === 0 ? first : second));
    // All 33,333 "b" and no more: the "a" and "c" are in one of them only.
    expect(commonSubsequence(words('a', 'b'), words('c', 'b'))).toBe(33_333);
    expect(commonSubsequence(words('a', 'b'), words('b', 'a'))).toBeGreaterThanOrEqual(33_333);
  });
});

describe('the scores of the COCO caption evaluation', () => {
  const cases = Object.entries(fixture<Record<string, Case>>('scores.json'));
  test.each(cases)('%s', (_name, { sets, table, ...expected }) => {
    const candidates = sets.map(({ candidate }) => tokens(candidate));
    const references = sets.map((set) => set.references.map(tokens));
    const words = candidates.map(splitAtSpaces);
    const truths = references.map((captions) => captions.map(splitAtSpaces));

    const { bleu, perImage } = corpusBleu(words, truths);
    expect(largestDifference(bleu, expected.bleu)).toBeLessThan(1e-9);
    expect(largestDifference(perImage.flat(), expected.bleuPerImage.flat())).toBeLessThan(1e-9);

    const rouge = candidates.map((candidate, i) => rougeL(candidate, references[i] ?? []));
    expect(largestDifference(rouge, expected.rougeLPerImage)).toBeLessThan(1e-12);
    expect(mean(rouge)).toBeCloseTo(expected.rougeL, 12);

    const options = table && { documentFrequencies: DocumentFrequencies.fromJSON(table) };
    const scorer = new CiderScorer(truths, options);
    const cider = scorer.scores(words);
    expect(largestDifference(cider, expected.ciderPerImage)).toBeLessThan(1e-9);
    expect(mean(cider)).toBeCloseTo(expected.cider, 9);
    const plain = scorer.scores(words, undefined, 'plain');
    expect(largestDifference(plain, expected.ciderPlainPerImage)).toBeLessThan(1e-9);
    expect(mean(plain)).toBeCloseTo(expected.ciderPlain, 9);
  });

  test('CIDEr-D by hand', () => {
    // Two images; "dog" and "cat" weigh log 2, "a" stands in both and weighs 0. The first pairs'
    // weights: "a dog" log 2. Candidate "a dog" against "a dog": orders 1 and 2 are 1, 3 and 4
    // have no n-grams. 10 (1 + 1) / 4 = 5.
    const scorer = new CiderScorer([[['a', 'dog']], [['a', 'cat']]]);
    expect(scorer.scores([['a', 'dog'], ['a']])).toEqual(Float64Array.of(5, 0));
    // Twice the dog: order 1 has cos 1 clipped to 1 / 2 (min(2, 1) 1 / (2 1)), order 2 the pairs
    // "a dog" (log 2), "dog dog" (unknown: log 2) of norm sqrt 2: 1 / sqrt 2; one pair too many.
    const [twice = 0] = scorer.scores([['a', 'dog', 'dog']], [0]);
    expect(twice).toBeCloseTo(((1 / 2 + 1 / Math.SQRT2) / 4) * 10 * Math.exp(-1 / 72), 12);
  });

  test('ROUGE-L by hand', () => {
    // Longest common subsequences: 3 of 4 words with the first, 1 with the second reference.
    const score = rougeL(['a', 'dog', 'runs', 'fast'], [['a', 'big', 'dog', 'runs', 'x'], ['a']]);
    // Precision 3 / 4 from the first, recall 1 / 1 from the second.
    expect(score).toBeCloseTo((2.44 * 0.75) / (1 + 1.44 * 0.75), 12);
  });
});

const caption = fc.array(fc.constantFrom('a', 'dog', 'cat', 'runs', 'on', 'the', 'n\u00A0m'), {
  maxLength: 9,
});
const images = fc.array(
  fc.record({
    candidate: caption,
    references: fc.array(caption, { minLength: 1, maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 6 },
);

describe('for any captions', () => {
  test('CIDEr lies between 0 and 10, and a caption alone or in a batch has one score', () => {
    fc.assert(
      fc.property(images, (sets) => {
        const candidates = sets.map(({ candidate }) => candidate);
        const scorer = new CiderScorer(sets.map(({ references }) => references));
        for (const kind of ['d', 'plain'] as const) {
          const scores = scorer.scores(candidates, undefined, kind);
          for (const [image, score] of scores.entries()) {
            expect(score).toBeGreaterThanOrEqual(0);
            expect(score).toBeLessThanOrEqual(10 + 1e-9);
            expect(scorer.scores([candidates[image] ?? []], [image], kind)[0]).toBe(score);
          }
        }
      }),
      { seed: 7 },
    );
  });

  test('a rare caption equal to the only reference has CIDEr 10 and ROUGE-L 1', () => {
    const rare = ['one', 'two', 'three', 'four', 'five'];
    fc.assert(
      fc.property(fc.array(caption, { minLength: 1, maxLength: 5 }), (others) => {
        const scorer = new CiderScorer([[rare], ...others.map((other) => [other])]);
        expect(scorer.scores([rare], [0])[0]).toBeCloseTo(10, 9);
        expect(rougeL(rare, [...others, rare])).toBeCloseTo(1, 12);
      }),
      { seed: 8 },
    );
  });

  test('the order of references does not matter, nor do other captions scored before', () => {
    fc.assert(
      fc.property(images, caption, (sets, noise) => {
        const references: Words[][] = sets.map((set) => set.references);
        const candidates = sets.map(({ candidate }) => candidate);
        const scorer = new CiderScorer(references);
        scorer.scores([[...noise, 'unseen', 'words']], [0]);
        const turned = new CiderScorer(references.map((captions) => captions.toReversed()));
        const difference = largestDifference(scorer.scores(candidates), [
          ...turned.scores(candidates),
        ]);
        expect(difference).toBeLessThan(1e-12);
      }),
      { seed: 9 },
    );
  });

  test('a table of document frequencies comes back from its file as it was', () => {
    fc.assert(
      fc.property(images, (sets) => {
        const references = sets.map((set) => set.references.map(splitAtSpaces));
        const table = DocumentFrequencies.of(references);
        const candidates = sets.map(({ candidate }) => splitAtSpaces(candidate));
        const scores = new CiderScorer(references).scores(candidates);
        if (table.table.size === 0) return;
        const text = JSON.stringify(table);
        const again = DocumentFrequencies.fromJSON(JSON.parse(text));
        expect(JSON.stringify(again)).toBe(text);
        const options = { documentFrequencies: again };
        const difference = largestDifference(
          new CiderScorer(references, options).scores(candidates),
          [...scores],
        );
        expect(difference).toBeLessThan(1e-12);
      }),
      { seed: 10 },
    );
  });
});

describe('what cannot be scored', () => {
  test('says what is missing', () => {
    expect(() => new CiderScorer([])).toThrow(ValueError);
    expect(() => new CiderScorer([[['a']], []])).toThrow(/image 1 has no reference/);
    const scorer = new CiderScorer([[['a']], [['b']]]);
    expect(() => scorer.scores([['a']])).toThrow(/1 captions for 2 images/);
    expect(() => scorer.scores([['a']], [2])).toThrow(/for 2 images, none for 2/);
    expect(() => rougeL(['a'], [])).toThrow(ValueError);
  });

  test.each([
    [{}, /"images"/],
    [{ images: 0, counts: { a: 1 } }, /"images"/],
    [{ images: 2, counts: {} }, /"counts"/],
    [{ images: 2, counts: { a: 3 } }, /count of "a".*from 1 to 2 \(images\), not 3/],
    [{ images: 2, counts: { a: 1.5 } }, /not 1.5/],
    [{ images: 2, counts: { 'a b c d e': 1 } }, /"a b c d e" is not one to 4 words/],
    [{ images: 2, counts: { 'a  b': 1 } }, /"a {2}b"/],
  ])('a bad table %j', (json, message) => {
    expect(() => DocumentFrequencies.fromJSON(json, 'df.json')).toThrow(message);
    expect(() => DocumentFrequencies.fromJSON(json, 'df.json')).toThrow(FormatError);
  });
});
