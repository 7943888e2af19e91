import { fixture } from '@test/golden.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ValueError } from '@/errors.js';
import { corpusBleu } from '@/metrics/bleu.js';

interface Case {
  sets: { candidate: string; references: string[] }[];
  candidateLength: number;
  referenceLength: number;
  bleu: number[];
  sentenceBleu: number[][];
}

const split = (text: string): string[] => text.split(' ').filter((word) => word !== '');

function scored(sets: Case['sets']) {
  return corpusBleu(
    sets.map(({ candidate }) => split(candidate)),
    sets.map(({ references }) => references.map(split)),
  );
}

function largestDifference(actual: readonly number[], expected: readonly number[]): number {
  expect(actual).toHaveLength(expected.length);
  return Math.max(...actual.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN))));
}

describe('corpus BLEU by the rules of the COCO caption evaluation', () => {
  const cases = Object.entries(fixture<Record<string, Case>>('bleu.json'));
  test.each(cases)('%s', (_name, { sets, bleu, sentenceBleu, ...lengths }) => {
    const { bleu: actual, candidateLength, referenceLength } = scored(sets);
    expect(largestDifference(actual, bleu)).toBeLessThan(1e-9);
    expect(candidateLength).toBe(lengths.candidateLength);
    expect(referenceLength).toBe(lengths.referenceLength);
    for (const [i, set] of sets.entries()) {
      expect(largestDifference(scored([set]).bleu, sentenceBleu[i] ?? [])).toBeLessThan(1e-9);
    }
  });

  test('an example by hand', () => {
    // Words: the (clipped to 1), dog, runs: 3 of 5. Pairs: "dog runs": 1 of 4. No triple matches.
    // References of 3 and 7 words are equally close to 5: the shorter one counts, no penalty.
    const { bleu } = scored([
      {
        candidate: 'the the dog runs off',
        references: ['the small dog', 'a dog runs on the green grass'],
      },
    ]);
    expect(bleu[0]).toBeCloseTo(3 / 5, 8);
    expect(bleu[1]).toBeCloseTo(Math.sqrt((3 / 5) * (1 / 4)), 8);
    expect(bleu[2]).toBeLessThan(1e-4);
    const shorter = scored([
      { candidate: 'the the dog runs off', references: ['a dog runs on the green grass'] },
    ]);
    expect(shorter.referenceLength).toBe(7);
    expect(shorter.bleu[0]).toBeCloseTo((3 / 5) * Math.exp(1 - 7 / 5), 8);
  });

  test('words that look alike when joined are not the same pair', () => {
    const { bleu } = corpusBleu([['a b', 'c']], [[['a', 'b c']]]);
    expect(bleu[1]).toBeLessThan(1e-6);
  });
});

describe('for any captions', () => {
  const words = fc.array(fc.constantFrom('a', 'dog', 'runs', 'on', 'the'), { maxLength: 8 });
  const image = fc.record({
    candidate: words,
    references: fc.array(words, { minLength: 1, maxLength: 4 }),
  });
  const images = fc.array(image, { minLength: 1, maxLength: 6 });
  const bleuOf = (sets: { candidate: string[]; references: string[][] }[]) =>
    corpusBleu(
      sets.map(({ candidate }) => candidate),
      sets.map(({ references }) => references),
    ).bleu;

  test('scores lie between 0 and 1', () => {
    fc.assert(
      fc.property(images, (sets) => {
        for (const score of bleuOf(sets)) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1);
        }
      }),
      { seed: 1 },
    );
  });

  test('a reference as the candidate gives 1', () => {
    const long = fc.array(fc.constantFrom('a', 'dog', 'runs'), { minLength: 4, maxLength: 9 });
    fc.assert(
      fc.property(fc.array(long, { minLength: 1, maxLength: 5 }), words, (truths, other) => {
        const sets = truths.map((truth) => ({ candidate: truth, references: [other, truth] }));
        for (const score of bleuOf(sets)) expect(score).toBeCloseTo(1, 7);
      }),
      { seed: 2 },
    );
  });

  test('the order of images and of references does not matter', () => {
    fc.assert(
      fc.property(images, (sets) => {
        const turned = sets
          .map(({ candidate, references }) => ({
            candidate,
            references: references.toReversed(),
          }))
          .reverse();
        expect(bleuOf(turned)).toEqual(bleuOf(sets));
      }),
      { seed: 3 },
    );
  });
});

test('says which references are missing', () => {
  expect(() => corpusBleu([], [])).toThrow(ValueError);
  expect(() => corpusBleu([['a'], ['b']], [[['a']]])).toThrow(/2 candidates but 1/);
  expect(() => corpusBleu([['a'], ['b']], [[['a']], []])).toThrow(/Candidate 1/);
});
