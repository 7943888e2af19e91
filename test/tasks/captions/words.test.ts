import { describe, expect, test } from 'vitest';
import type { CaptionDataset } from '@/data/captions/captioned-images.js';
import { Vocabulary } from '@/data/text/vocabulary.js';
import { UsageError } from '@/errors.js';
import { minimumCountFor, trainingWords } from '@/tasks/captions/words.js';

const image = (id: string, captions: readonly string[]) => ({ id, image: { path: id }, captions });
const set = (train: readonly string[], dev: readonly string[] = ['a dog']): CaptionDataset => ({
  name: 'mine',
  format: 'captions',
  splits: { train: [image('t', train)], dev: [image('d', dev)], test: [] },
});
const words = (captions: number, dataset = set(Array(captions).fill('a dog'))) =>
  trainingWords(dataset, { maxWords: 30 });

test.each([
  [0, 1],
  [12, 1],
  [1999, 1],
  [2000, 2],
  [4999, 4],
  [5000, 5],
  [400_000, 5],
])('of %i captions a word has to occur %i times', (captions, times) => {
  expect(minimumCountFor(captions)).toBe(times);
});

describe('trainingWords', () => {
  test('a set that has enough of everything needs no notes', () => {
    const { vocabulary, minimumCount, notes } = words(2000);
    expect([vocabulary.size, minimumCount, notes]).toEqual([6, 2, []]);
    expect(words(10).notes).toEqual([]);
  });

  test('few captions of many words: said with the way out', () => {
    const { vocabulary, notes } = words(0, set(['a dog runs', 'a cat sleeps']));
    expect(vocabulary.size).toBe(9);
    expect(notes).toEqual([
      expect.stringMatching(/^2 training captions are too few to learn 5 words .*--from <model>/),
    ]);
  });

  test('words that are too rare, and words of dev that are not learned, by their share', () => {
    const dataset = set(['a dog runs', 'a dog', 'a cat sleeps'], ['a dog', 'the sea']);
    const { vocabulary, notes } = trainingWords(dataset, { minimumCount: 2, maxWords: 30 });
    expect(vocabulary.toJSON().words.slice(4)).toEqual(['a', 'dog']);
    // 3 of 8 words said: runs, cat, sleeps; of dev 2 of 4.
    expect(notes).toEqual([
      expect.stringMatching(/^38 % .* less than 2 times, 3 of 5 different .*--minimum-count 1/),
      expect.stringMatching(/^3 training captions are too few/),
      expect.stringMatching(/^50 % of what the dev captions say/),
    ]);
  });

  test('captions without words, and captions that are cut', () => {
    const dataset = set(['a dog', '!!', 'a dog a dog', 'a dog', 'a dog']);
    expect(trainingWords(dataset, { maxWords: 2 }).notes).toEqual([
      expect.stringMatching(/^5 training captions/),
      '1 of 5 training captions have no words in them',
      '20 % of the training captions are cut after 2 words: --max-words',
    ]);
  });

  test('words that the model one begins with does not know are counted and named', () => {
    const known = Vocabulary.build([['a', 'dog']]);
    const { vocabulary, notes } = trainingWords(set(['a fern', 'a dog']), { maxWords: 30 }, known);
    expect(vocabulary).toBe(known);
    expect(notes).toEqual([expect.stringMatching(/does not know 1 of the 3 .*\(fern\): 25 % /)]);
  });

  test.each<[what: string, captions: string[], count: number, known: string[] | undefined, RegExp]>(
    [
      [
        'too rare',
        ['a dog', 'a cat'],
        99,
        undefined,
        /no word of the 2 .* 99 times.*keeps all 3 words/,
      ],
      ['no words', ['!!', '🐕'], 1, undefined, /none of the 2 training captions has a word/],
      ['strange', ['ein Hund'], 1, ['a', 'dog'], /knows none of the 2 words.*another language/],
    ],
  )(
    'a vocabulary of no word of the captions is refused: %s',
    (_, captions, minimumCount, known, message) => {
      const learn = () =>
        trainingWords(
          set(captions),
          { minimumCount, maxWords: 30 },
          known && Vocabulary.build([known]),
        );
      expect(learn).toThrow(UsageError);
      expect(learn).toThrow(message);
    },
  );

  test('train and dev are needed', () => {
    const { splits, ...rest } = set(['a dog']);
    expect(() => words(0, { ...rest, splits: { ...splits, dev: [] } })).toThrow(
      /has no dev images/,
    );
  });
});
