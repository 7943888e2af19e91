import { describe, expect, test } from 'vitest';
import { englishBadEndings } from '@/decoding/constraints.js';
import { decode } from '@/decoding/decode.js';
import type { Hypothesis } from '@/decoding/hypothesis.js';
import { type DecodingOptions, parseDecoding } from '@/decoding/options.js';
import { samplingProbabilities } from '@/decoding/sampling.js';
import { scope } from '@/engine/engine.js';
import { UsageError } from '@/errors.js';
import { Random } from '@/random.js';
import { zeros } from '@/tensor/create.js';
import { markovModel, numberedWords, randomCaptioner, UNKNOWN, vocabularyOf } from './models.js';

const decoders: DecodingOptions[] = [
  { decoder: 'greedy' },
  { decoder: 'beam', beam: 4, nBest: 4 },
  { decoder: 'beam', beam: 4, nBest: 4, diverseGroups: 2 },
  { decoder: 'sample', nBest: 20 },
  { decoder: 'sample', nBest: 20, topK: 3 },
];

/** Whether some sequence of n words occurs twice. */
function repeats(words: readonly number[], n: number): boolean {
  const ngrams = words.slice(n - 1).map((_, start) => words.slice(start, start + n).join(' '));
  return new Set(ngrams).size < ngrams.length;
}

const stutters = (words: readonly number[]) => words.some((word, i) => word === words[i + 1]);

describe.each(decoders)('$decoder, %#', (options) => {
  /** All captions of a model that likes to say the same again, with more options. */
  async function captions(more: DecodingOptions): Promise<readonly number[][]> {
    using _work = scope();
    const V = 10;
    const random = new Random(1);
    const table = Array.from({ length: V }, (_, last) =>
      Array.from({ length: V }, (_, word) => (word === last ? 3 : word < 3 ? -2 : random.normal())),
    );
    for (const row of table) row[UNKNOWN] = 4;
    const model = markovModel(table, numberedWords(V - 4));
    const found = await decode(model, zeros([2, 1]), { ...options, maxLength: 9, ...more });
    return found.flat().map(({ words }) => [...words]);
  }

  test('says nothing twice in a row when that is blocked', async () => {
    expect((await captions({})).some(stutters)).toBe(true);
    const blocked = await captions({ blockRepetition: true });
    expect(blocked.some(stutters)).toBe(false);
    expect(blocked.some((words) => repeats(words, 1))).toBe(true);
  });

  test.each([1, 2, 3])('repeats no %i-gram when that is blocked', async (n) => {
    expect((await captions({})).some((words) => repeats(words, n))).toBe(true);
    const blocked = await captions({ blockNgrams: n });
    expect(blocked.filter((words) => repeats(words, n))).toEqual([]);
    // Less is blocked than with n - 1.
    if (n > 1) expect(blocked.some((words) => repeats(words, n - 1))).toBe(true);
    expect(blocked.some((words) => words.length > 3)).toBe(true);
  });

  test('says <UNK> only where it may, and never <NULL> or <START>', async () => {
    expect((await captions({})).flat()).not.toContain(UNKNOWN);
    const said = (await captions({ blockUnknown: false })).flat();
    expect(said).toContain(UNKNOWN);
    expect(said.filter((word) => word < UNKNOWN)).toEqual([]);
  });

  test('ends with no bad ending, neither by <END> nor by the longest length', async () => {
    const vocabulary = vocabularyOf('dog', 'a', 'with', 'the', 'runs');
    const bad = new Set(englishBadEndings.map((word) => vocabulary.indexOf(word)));
    const endings = async (removeBadEndings: boolean) => {
      const found: { word: number; finished: boolean }[] = [];
      for (let seed = 0; seed < 6; seed++) {
        using _work = scope();
        const { model, features } = randomCaptioner({ seed, vocabulary });
        const all = await decode(model, features, { ...options, removeBadEndings, maxLength: 4 });
        for (const { words, finished } of all.flat()) {
          found.push({ word: words.at(-1) ?? -1, finished });
        }
      }
      return found;
    };
    const without = await endings(false);
    expect(without.some(({ word, finished }) => finished && bad.has(word))).toBe(true);
    expect(without.some(({ word, finished }) => !finished && bad.has(word))).toBe(true);
    const removed = await endings(true);
    expect(removed.filter(({ word }) => bad.has(word))).toEqual([]);
    expect(new Set(removed.map(({ finished }) => finished)).size).toBe(2);
  });

  test('starts with the prefix', async () => {
    using _work = scope();
    const { model, features } = randomCaptioner({ seed: 2, vocabulary: vocabularyOf('a', 'dog') });
    const found = await decode(model, features, { ...options, prefix: 'A dog, a', maxLength: 6 });
    for (const { words, wordLogProbabilities } of found.flat()) {
      expect(words.slice(0, 3)).toEqual([4, 5, 4]);
      expect(wordLogProbabilities.length).toBeGreaterThanOrEqual(3);
    }
    const whole = await decode(model, features, { ...options, prefix: 'a dog a', maxLength: 3 });
    for (const { words, finished } of whole.flat()) {
      expect([words, finished]).toEqual([[4, 5, 4], false]);
    }
  });
});

test('a caption for which every word is blocked stays as it is', async () => {
  using _work = scope();
  const model = markovModel(
    Array.from({ length: 6 }, () => [0, 0, -60, 0, 1, 0]),
    vocabularyOf('a', 'the'),
  );
  const blocking = { blockNgrams: 1, removeBadEndings: true, maxLength: 9 };
  for (const options of decoders) {
    const [found] = await decode(model, zeros([1, 1]), { ...options, ...blocking });
    for (const { words, finished, wordLogProbabilities } of found ?? []) {
      // An empty caption may end; after "a" and "the" there is nothing left to say.
      expect(finished).toBe(words.length === 0);
      expect(wordLogProbabilities).toHaveLength(finished ? 1 : 2);
    }
    expect(found?.some(({ words }) => words.length === 2)).toBe(true);
  }
});

describe('sampling', () => {
  const p = [0.05, 0.3, 0.05, 0.4, 0.2];
  const candidates = { words: p.map((_, i) => i + 10), logProbabilities: p.map(Math.log) };
  const support = (topP: number, temperature = 1) =>
    [...samplingProbabilities(candidates, { topP, temperature }).entries()]
      .filter(([, probability]) => probability > 0)
      .map(([i]) => i);

  test('the nucleus is the smallest set that is likely enough', () => {
    expect(support(0.01)).toEqual([3]);
    expect(support(0.399)).toEqual([3]);
    expect(support(0.41)).toEqual([1, 3]);
    expect(support(0.89)).toEqual([1, 3, 4]);
    // Of the two equal ones the first.
    expect(support(0.92)).toEqual([0, 1, 3, 4]);
    expect(support(0.97)).toEqual([0, 1, 2, 3, 4]);
    expect(support(1)).toEqual([0, 1, 2, 3, 4]);
    // The temperature comes first: 0.4 becomes 0.16 / 0.295.
    expect(support(0.5, 0.5)).toEqual([3]);
  });

  test('probabilities are those of the temperature, inside the nucleus', () => {
    const warm = samplingProbabilities(candidates, { topP: 1, temperature: 2 });
    const roots = p.map(Math.sqrt);
    const sum = roots.reduce((total, root) => total + root, 0);
    for (const [i, root] of roots.entries()) expect(warm[i]).toBeCloseTo(root / sum, 14);
    const cut = samplingProbabilities(candidates, { topP: 0.6, temperature: 1 });
    expect([...cut].map((q) => Number(q.toFixed(12)))).toEqual([
      0,
      Number((3 / 7).toFixed(12)),
      0,
      Number((4 / 7).toFixed(12)),
      0,
    ]);
    const none = { words: [1], logProbabilities: [Number.NEGATIVE_INFINITY] };
    expect([...samplingProbabilities(none, { topP: 1, temperature: 1 })]).toEqual([0]);
  });

  /** How often each of the words 4, 5, ... is drawn as a first word. */
  async function frequencies(options: DecodingOptions, draws: number): Promise<number[]> {
    using _work = scope();
    const V = 4 + p.length;
    const scores = [-99, -99, -99, -99, ...p.map(Math.log)];
    const model = markovModel(new Array<number[]>(V).fill(scores), numberedWords(p.length));
    const settings = { decoder: 'sample', maxLength: 1, nBest: draws, ...options } as const;
    const [found] = await decode(model, zeros([1, 1]), settings);
    const counts = new Array<number>(p.length).fill(0);
    for (const { words } of found ?? []) {
      const place = (words[0] ?? 0) - 4;
      counts[place] = (counts[place] ?? 0) + 1;
    }
    return counts;
  }

  const chiSquare = (counts: readonly number[], weights: readonly number[]) => {
    const draws = counts.reduce((sum, count) => sum + count, 0);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return counts.reduce((sum, count, i) => {
      const expected = (draws * (weights[i] ?? 0)) / total;
      return expected === 0 ? sum : sum + (count - expected) ** 2 / expected;
    }, 0);
  };

  test.each([0.5, 1, 3])('draws words as often as their probability, temperature %d', async (T) => {
    const counts = await frequencies({ temperature: T, seed: 3 }, 4000);
    const weights = p.map((probability) => probability ** (1 / T));
    // Four degrees of freedom: above 18.5 once in a thousand times.
    expect(chiSquare(counts, weights)).toBeLessThan(18.5);
    for (const other of [0.5, 1, 3].filter((temperature) => temperature !== T)) {
      const others = p.map((probability) => probability ** (1 / other));
      expect(chiSquare(counts, others)).toBeGreaterThan(100);
    }
  });

  test('top-k and top-p draw from exactly their words', async () => {
    const drawn = async (options: DecodingOptions) =>
      (await frequencies(options, 600)).flatMap((count, i) => (count > 0 ? [i] : []));
    expect(await drawn({ topK: 1 })).toEqual([3]);
    expect(await drawn({ topK: 3 })).toEqual([1, 3, 4]);
    expect(await drawn({ topK: 4 })).toEqual([0, 1, 3, 4]);
    expect(await drawn({ topK: 100 })).toEqual([0, 1, 2, 3, 4]);
    expect(await drawn({ topP: 0.6 })).toEqual([1, 3]);
    // Of the three words, the first has 0.4 / 0.9.
    expect(await drawn({ topK: 3, topP: 0.44 })).toEqual([3]);
    expect(await drawn({ topK: 3, topP: 0.45 })).toEqual([1, 3]);
    const three = await frequencies({ topK: 3, seed: 5 }, 4000);
    expect(chiSquare(three, [0, 0.3, 0, 0.4, 0.2])).toBeLessThan(13.8);
  });

  test('a seed gives the same captions again, another one others', async () => {
    using _work = scope();
    const { model, features } = randomCaptioner({ seed: 1 });
    const words = async (seed: number) =>
      (await decode(model, features, { decoder: 'sample', nBest: 3, seed })).map((image) =>
        image.map((one: Hypothesis) => one.words),
      );
    expect(await words(7)).toEqual(await words(7));
    expect(await words(7)).not.toEqual(await words(8));
    const three = (await words(7))[0] ?? [];
    expect(new Set(three.map((one) => one.join(' '))).size).toBeGreaterThan(1);
  });
});

describe('options', () => {
  test('have defaults, also where undefined is passed', () => {
    const expected = {
      decoder: 'greedy',
      maxLength: 30,
      nBest: 1,
      beam: 5,
      lengthPenalty: 'none',
      diverseGroups: 1,
      diversity: 0.5,
      temperature: 1,
      topP: 1,
      seed: 1,
      blockUnknown: true,
      blockRepetition: false,
      blockNgrams: 0,
      removeBadEndings: false,
      prefix: '',
    };
    expect(parseDecoding({})).toEqual(expected);
    expect(parseDecoding({ beam: undefined, decoder: undefined, topK: undefined })).toEqual(
      expected,
    );
  });

  test.each([
    [{ beam: 3 }, '--beam 3 needs --decoder beam, not --decoder greedy'],
    [{ decoder: 'sample', lengthPenalty: 'none' }, /^--length-penalty none .*beam, not .*sample/],
    [{ decoder: 'beam', temperature: 0.7 }, /^--temperature 0.7 needs --decoder sample/],
    [{ decoder: 'beam', seed: 2 }, /^--seed 2 needs --decoder sample/],
    [{ topK: 5 }, /^--top-k 5 .*--decoder sample, not --decoder greedy/],
    [{ nBest: 2 }, /^--n-best 2 needs --decoder beam or sample: --decoder greedy/],
    [{ decoder: 'beam', beam: 3, nBest: 4 }, '--n-best 4 is more than --beam 3 finds'],
    [{ decoder: 'beam', nBest: 6 }, '--n-best 6 is more than --beam 5 finds'],
    [{ decoder: 'beam', diverseGroups: 2 }, '--diverse-groups 2 must divide --beam 5'],
    [{ decoder: 'beam', diversity: 1 }, /^--diversity 1 needs --diverse-groups/],
    [{ decoder: 'best' }, '--decoder best must be one of greedy, beam, sample'],
    [{ decoder: 'sample', topP: 1.5 }, '--top-p 1.5 must be at most 1'],
    [{ decoder: 'sample', temperature: 0 }, '--temperature 0 must be above 0'],
    [{ decoder: 'beam', beam: 2.5 }, '--beam 2.5 must be a whole number'],
    [{ decoder: 'beam', lengthPenalty: 'long' }, /^--length-penalty long must be none, average/],
    [{ decoder: 'beam', lengthPenalty: -1 }, /^--length-penalty -1 must/],
    [{ blockNgrams: 0 }, '--block-ngrams 0 must be at least 1'],
    [{ maxLength: Number.NaN }, /^--max-length NaN must be a whole number/],
    [{ prefix: 3 }, '--prefix 3 must be text'],
    [{ beamSize: 3 }, 'no option of decoding is called beamSize'],
    [null, /./],
  ])('%j are refused', (options, message) => {
    expect(() => parseDecoding(options)).toThrow(UsageError);
    expect(() => parseDecoding(options)).toThrow(message);
  });

  test('a prefix must be known and short enough', async () => {
    using _work = scope();
    const { model, features } = randomCaptioner({ seed: 1, vocabulary: vocabularyOf('a', 'dog') });
    await expect(decode(model, features, { prefix: 'a cat' })).rejects.toThrow(
      '--prefix "a cat": the model does not know the word "cat"',
    );
    await expect(decode(model, features, { prefix: 'a dog', maxLength: 1 })).rejects.toThrow(
      /"a dog" has 2 words, more than --max-length 1/,
    );
  });
});
