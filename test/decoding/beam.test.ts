import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode } from '@/decoding/decode.js';
import type { Hypothesis } from '@/decoding/hypothesis.js';
import { type LengthPenalty, penalisedScore } from '@/decoding/hypothesis.js';
import { scope } from '@/engine/engine.js';
import { cells } from '@/models/captioner-config.js';
import { Random } from '@/random.js';
import { zeros } from '@/tensor/create.js';
import {
  END,
  expectSameCaptions,
  expectSameProbabilities,
  logProbabilityByLoss,
  markovModel,
  numberedWords,
  randomCaptioner,
  randomTable,
  UNKNOWN,
  vocabularyOf,
} from './models.js';

const penalties: LengthPenalty[] = ['none', 'average', 0, 0.7, 2];
const wordsOf = (found: readonly (readonly Hypothesis[])[]) =>
  found.map((hypotheses) => hypotheses.map(({ words }) => words));

test('beam 1 is greedy, and greedy is what the captioner samples', async () => {
  const lengths = new Set<number>();
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.constantFrom(...cells),
      fc.constantFrom(...penalties),
      fc.constantFrom(-1, 1, 3),
      async (seed, cell, lengthPenalty, endBias) => {
        using _work = scope();
        const { captioner, model, features } = randomCaptioner({ seed, cell, endBias });
        const maxLength = 7;
        const greedy = await decode(model, features, { maxLength });
        const beam = await decode(model, features, {
          decoder: 'beam',
          beam: 1,
          lengthPenalty,
          maxLength,
        });
        expectSameCaptions(beam, greedy);
        const sampled = await captioner.sample(features, { maxLength, avoid: [UNKNOWN] });
        expect(wordsOf(greedy)).toEqual(sampled.map((words) => [words]));
        for (const [one] of greedy) lengths.add(one?.words.length ?? -1);
      },
    ),
    { seed: 1, numRuns: 40 },
  );
  // From captions that end at once to those that reach the longest length.
  expect([...lengths].sort()).toEqual(expect.arrayContaining([0, 1, 2, 3, 4, 5, 7]));
});

test.each(penalties)('a beam wide enough finds everything, penalty %s', async (lengthPenalty) => {
  using _work = scope();
  const vocabulary = numberedWords(2);
  const { captioner, model, features } = randomCaptioner({ seed: 2, vocabulary, images: 2 });
  const [maxLength, sayable] = [3, [UNKNOWN, 4, 5]];
  let all: { words: number[]; finished: boolean }[] = [{ words: [], finished: false }];
  for (let t = 0; t < maxLength; t++) {
    all = all.flatMap((one) => {
      if (one.finished || one.words.length < t) return [one];
      const longer = sayable.map((word) => ({ words: [...one.words, word], finished: false }));
      return [{ ...one, finished: true }, ...longer];
    });
  }
  expect(all).toHaveLength(1 + 3 + 9 + 27);
  const found = await decode(model, features, {
    decoder: 'beam',
    beam: 4 ** 3,
    nBest: all.length,
    lengthPenalty,
    maxLength,
    blockUnknown: false,
  });
  for (const [image, hypotheses] of found.entries()) {
    const score = (one: { words: number[]; finished: boolean }) =>
      penalisedScore(
        logProbabilityByLoss(captioner, features, image, one),
        one.words.length + Number(one.finished),
        lengthPenalty,
      );
    const expected = all.map((one) => ({ ...one, score: score(one) }));
    expected.sort((a, b) => b.score - a.score);
    expect(hypotheses.map(({ words, finished }) => ({ words, finished }))).toEqual(
      expected.map(({ words, finished }) => ({ words, finished })),
    );
  }
});

interface Open {
  words: number[];
  total: number;
}

/** Diverse beam search as its definition says, over a table; one group is plain beam search. */
function plainBeam(
  table: readonly (readonly number[])[],
  { beam, groups, diversity, T }: { beam: number; groups: number; diversity: number; T: number },
): number[][] {
  const logProbabilities = table.map((row) => {
    const logSum = Math.log(row.reduce((sum, score) => sum + Math.exp(score), 0));
    return row.map((score) => score - logSum);
  });
  const state = Array.from({ length: groups }, () => ({
    open: [{ words: [], total: 0 }] as Open[],
    closed: [] as Open[],
  }));
  for (let t = 0; t < T; t++) {
    const said: number[] = [];
    for (const group of state) {
      const extensions: (Open & { score: number })[] = [];
      for (const { words, total } of group.open) {
        for (const word of [END, ...table.keys()].filter(
          (w, i) => w >= END && (i === 0 || w !== END),
        )) {
          if (word === UNKNOWN) continue;
          const gained = logProbabilities[words.at(-1) ?? 1]?.[word] ?? Number.NaN;
          const cost = diversity * said.filter((other) => other === word).length;
          const longer = [...words, word];
          extensions.push({ words: longer, total: total + gained, score: total + gained - cost });
        }
      }
      extensions.sort((a, b) => b.score - a.score);
      // The finished ones come first among equals: sorting is stable.
      const closed = group.closed.map((one) => ({ ...one, score: one.total }));
      const chosen = [...closed, ...extensions]
        .sort((a, b) => b.score - a.score)
        .slice(0, beam / groups)
        .filter((one) => !closed.includes(one));
      said.push(...chosen.map(({ words }) => words.at(-1) ?? -1));
      group.open = chosen.filter(({ words }) => words.at(-1) !== END);
      group.closed.push(...chosen.filter(({ words }) => words.at(-1) === END));
    }
  }
  const found = state.flatMap(({ open, closed }) => [...closed, ...open]);
  found.sort((a, b) => b.total - a.total);
  return found.slice(0, beam).map(({ words }) => words.filter((word) => word !== END));
}

test.each([
  { beam: 2, groups: 1, diversity: 0 },
  { beam: 5, groups: 1, diversity: 0 },
  { beam: 4, groups: 2, diversity: 0.5 },
  { beam: 6, groups: 3, diversity: 2 },
  { beam: 3, groups: 3, diversity: 50 },
])('beam $beam in $groups groups is what its definition gives', async (settings) => {
  using _work = scope();
  const T = 6;
  const { beam, groups, diversity } = settings;
  for (let seed = 0; seed < 60; seed++) {
    const V = seed % 2 ? 11 : 60;
    const random = new Random(seed);
    const table = randomTable(random, V);
    for (const row of table) {
      row[END] = seed % 5;
      // After some words nothing is likely: what led there loses to what was finished long before.
      if (random.uniform() < 0.5) row.fill(0);
    }
    const [found] = await decode(markovModel(table, numberedWords(V - 4)), zeros([1, 1]), {
      decoder: 'beam',
      beam,
      nBest: beam,
      maxLength: T,
      ...(groups > 1 && { diverseGroups: groups, diversity }),
    });
    expect(found?.map(({ words }) => words)).toEqual(plainBeam(table, { ...settings, T }));
  }
});

test('groups that cost enough start with different words; those that cost nothing are alike', async () => {
  using _work = scope();
  const { model, features } = randomCaptioner({ seed: 3, endBias: -1 });
  const inGroups = (diversity: number) =>
    decode(model, features, {
      decoder: 'beam',
      beam: 4,
      nBest: 4,
      diverseGroups: 4,
      diversity,
      maxLength: 5,
    });
  for (const hypotheses of await inGroups(100)) {
    expect(new Set(hypotheses.map(({ words }) => words[0])).size).toBe(4);
  }
  const greedy = await decode(model, features, { maxLength: 5 });
  for (const [image, hypotheses] of (await inGroups(0)).entries()) {
    const best = greedy[image]?.[0];
    for (const { words, logProbability } of hypotheses) {
      expect(words).toEqual(best?.words);
      expectSameProbabilities([logProbability], [best?.logProbability ?? Number.NaN]);
    }
  }
});

test.each(penalties)('asking for fewer finds the same ones, penalty %s', async (lengthPenalty) => {
  for (let seed = 0; seed < 8; seed++) {
    using _work = scope();
    const { model, features } = randomCaptioner({ seed, endBias: 2 });
    const search = (nBest: number) =>
      decode(model, features, { decoder: 'beam', beam: 4, nBest, lengthPenalty, maxLength: 9 });
    const all = await search(4);
    expect(all.map((hypotheses) => hypotheses.length)).toEqual([4, 4, 4, 4, 4]);
    for (const nBest of [1, 2, 3]) {
      // Fewer end earlier, and leave the batch to the others.
      expectSameCaptions(
        await search(nBest),
        all.map((hypotheses) => hypotheses.slice(0, nBest)),
      );
    }
  }
});

describe('the length penalty', () => {
  test('is the one of Wu et al., the average, or none', () => {
    expect(penalisedScore(-6, 7, 'none')).toBe(-6);
    expect(penalisedScore(-6, 4, 'average')).toBe(-1.5);
    expect(penalisedScore(-6, 7, 1)).toBe(-3);
    expect(penalisedScore(-6, 19, 0.5)).toBe(-3);
    expect(penalisedScore(-6, 19, 0)).toBe(-6);
  });

  test('decides between a short caption and a long one', async () => {
    using _work = scope();
    const never = -50;
    // "dog" ends with probability 0.5; otherwise "runs" and "far" follow for certain.
    const table = [
      [0, 0, 0, 0, 0, 0, 0],
      [never, never, never, never, 0, never, never],
      [0, 0, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0],
      [never, never, 0.1, never, never, 0, never],
      [never, never, never, never, never, never, 0],
      [never, never, 0, never, never, never, never],
    ];
    const model = markovModel(table, vocabularyOf('dog', 'runs', 'far'));
    const best = async (lengthPenalty: LengthPenalty) => {
      const options = { decoder: 'beam', beam: 2, lengthPenalty } as const;
      const [found] = await decode(model, zeros([1, 1]), options);
      return model.vocabulary.decode(found?.[0]?.words ?? []);
    };
    expect(await best('none')).toBe('dog');
    expect(await best('average')).toBe('dog runs far');
    expect(await best(1)).toBe('dog runs far');
  });
});

test('of equals the first word wins', async () => {
  using _work = scope();
  const V = 8;
  const table = Array.from({ length: V }, () => new Array<number>(V).fill(0));
  const model = markovModel(table, numberedWords(V - 4));
  const inputs = zeros([2, 1]);
  const end: number[] = [];
  expect(wordsOf(await decode(model, inputs, { maxLength: 3 }))).toEqual([[end], [end]]);
  for (const row of table) row[END] = -1;
  const beam = { decoder: 'beam', beam: 3, nBest: 3, maxLength: 2 } as const;
  const expected = [
    [4, 4],
    [4, 5],
    [4, 6],
  ];
  expect(wordsOf(await decode(model, inputs, beam))).toEqual([expected, expected]);
});

test('captions of at most one word, and of batches of one and none', async () => {
  using _work = scope();
  const { model, features } = randomCaptioner({ seed: 5 });
  for (const decoder of ['greedy', 'beam', 'sample'] as const) {
    for (const N of [0, 1]) {
      const found = await decode(model, features.slice(0, N), { decoder, maxLength: 1 });
      expect(found).toHaveLength(N);
      for (const [one] of found) {
        expect(one?.words).toHaveLength(one?.finished ? 0 : 1);
        expect(one?.wordLogProbabilities).toHaveLength(1);
      }
    }
  }
});

test('a model that wants to stop stops, and one that does not is cut', async () => {
  using _work = scope();
  const V = 9;
  const table = (end: number) => {
    const scores = randomTable(new Random(6), V);
    for (const row of scores) row[END] = end;
    return scores;
  };
  for (const decoder of ['greedy', 'beam', 'sample'] as const) {
    let steps = 0;
    const counted = (end: number) => {
      const model = markovModel(table(end), numberedWords(V - 4));
      return {
        ...model,
        step: (...given: Parameters<typeof model.step>) => {
          steps++;
          return model.step(...given);
        },
      };
    };
    const [stopped] = await decode(counted(40), zeros([1, 1]), { decoder });
    expect(stopped?.[0]).toMatchObject({ words: [], finished: true });
    expect(steps).toBe(1);
    const [cut] = await decode(counted(-40), zeros([1, 1]), { decoder, maxLength: 6 });
    expect(cut?.[0]?.words).toHaveLength(6);
    expect(cut?.[0]?.finished).toBe(false);
    expect(steps).toBe(7);
  }
});
