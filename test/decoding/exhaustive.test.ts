import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decode } from '@/decoding/decode.js';
import { penalisedScore } from '@/decoding/hypothesis.js';
import type { DecodingOptions } from '@/decoding/options.js';
import { scope } from '@/engine/engine.js';
import { Random } from '@/random.js';
import { zeros } from '@/tensor/create.js';
import {
  END,
  pastAfter,
  randomPasts,
  rememberingModel,
  START,
  UNKNOWN,
  vocabularyOf,
} from './models.js';

const vocabulary = vocabularyOf('dog', 'a', 'with');
const V = vocabulary.size;
const bad = new Set(['a', 'with'].map((word) => vocabulary.indexOf(word)));

interface Caption {
  readonly words: readonly number[];
  readonly finished: boolean;
  readonly logProbability: number;
}

const settings = fc.record({
  seed: fc.nat(),
  endScore: fc.constantFrom(-2, 0, 2),
  maxLength: fc.integer({ min: 1, max: 4 }),
  lengthPenalty: fc.constantFrom('none' as const, 'average' as const, 0.7, 2),
  blockUnknown: fc.boolean(),
  blockRepetition: fc.boolean(),
  blockNgrams: fc.constantFrom(undefined, 1, 2, 3),
  removeBadEndings: fc.boolean(),
  prefix: fc.constantFrom('', '', 'dog', 'a dog', 'dog dog dog dog'),
});
type Settings = typeof settings extends fc.Arbitrary<infer S> ? S : never;

/** Whether `word` may come after `words`, as the options' definitions say. */
function allowed(words: readonly number[], word: number, options: Settings): boolean {
  const {
    blockUnknown,
    blockRepetition,
    blockNgrams: n = 0,
    removeBadEndings,
    maxLength,
  } = options;
  if (word < END || (word === UNKNOWN && blockUnknown)) return false;
  if (blockRepetition && words.at(-1) === word) return false;
  if (n > 0) {
    const all = [...words, word];
    const grams = all.slice(n - 1).map((_, start) => all.slice(start, start + n).join());
    if (grams.slice(0, -1).includes(grams.at(-1) ?? '')) return false;
  }
  if (!removeBadEndings) return true;
  if (word === END) return !bad.has(words.at(-1) ?? START);
  return !(bad.has(word) && words.length === maxLength - 1);
}

/** Every caption that there is, best first. */
function everyCaption(logProbabilities: readonly number[][], options: Settings): Caption[] {
  const { maxLength, lengthPenalty } = options;
  const prefix = options.prefix
    .split(' ')
    .flatMap((word) => (word ? vocabulary.indexOf(word) : []));
  const found: Caption[] = [];
  const visit = (words: readonly number[], past: number, total: number) => {
    const after = (word: number) => total + (logProbabilities[past]?.[word] ?? 0);
    const forced = prefix[words.length];
    const next =
      forced === undefined
        ? Array.from({ length: V }, (_, word) => word).filter((word) =>
            allowed(words, word, options),
          )
        : [forced];
    if (words.length === maxLength || next.length === 0) {
      found.push({ words, finished: false, logProbability: total });
      return;
    }
    for (const word of next) {
      if (word === END) found.push({ words, finished: true, logProbability: after(word) });
      else visit([...words, word], pastAfter(past, word), after(word));
    }
  };
  visit([], pastAfter(0, START), 0);
  const score = ({ words, finished, logProbability }: Caption) =>
    penalisedScore(logProbability, words.length + Number(finished), lengthPenalty);
  return found.sort((a, b) => score(b) - score(a));
}

/** A model of random scores, and their logarithms normalised. */
function randomModel({ seed, endScore }: Settings) {
  const table = randomPasts(new Random(seed), V);
  for (const row of table) row[END] = (row[END] ?? 0) + endScore;
  const logProbabilities = table.map((row) => {
    const logSum = Math.log(row.reduce((sum, score) => sum + Math.exp(score), 0));
    return row.map((score) => score - logSum);
  });
  return { model: rememberingModel(table, vocabulary), logProbabilities };
}

function optionsOf({ seed: _, endScore: __, lengthPenalty, ...common }: Settings) {
  const beam = (width: number, nBest: number): DecodingOptions => {
    return { decoder: 'beam', beam: width, nBest, lengthPenalty, ...common };
  };
  return { common, beam };
}

const plain = ({ words, finished }: Omit<Caption, 'logProbability'>) => ({ words, finished });

function check(property: (options: Settings) => Promise<void>): Promise<void> {
  const possible = settings.filter(
    ({ prefix, maxLength }) => prefix === '' || prefix.split(' ').length <= maxLength,
  );
  return fc.assert(
    fc.asyncProperty(possible, async (options) => {
      using _work = scope();
      await property(options);
    }),
    { seed: 3, numRuns: 150 },
  );
}

test('a beam that is wide enough finds every caption that may be said, in order', () =>
  check(async (options) => {
    const { model, logProbabilities } = randomModel(options);
    const all = everyCaption(logProbabilities, options);
    const found = await decode(model, zeros([1, 1]), optionsOf(options).beam(V ** 4, V ** 4));
    expect(found[0]?.map(plain)).toEqual(all.map(plain));
    for (const [index, { logProbability }] of (found[0] ?? []).entries()) {
      expect(logProbability).toBeCloseTo(all[index]?.logProbability ?? Number.NaN, 10);
    }
  }));

test('a narrow beam, greedy and draws find only captions that may be said, and know their worth', () =>
  check(async (options) => {
    const { model, logProbabilities } = randomModel(options);
    const { beam, common } = optionsOf(options);
    const worth = new Map(
      everyCaption(logProbabilities, options).map((one) => [
        JSON.stringify(plain(one)),
        one.logProbability,
      ]),
    );
    const ways: DecodingOptions[] = [
      beam(3, 3),
      { ...beam(4, 4), diverseGroups: 2 },
      common,
      { decoder: 'sample', nBest: 3, temperature: 1.5, ...common },
    ];
    for (const way of ways) {
      const [found = []] = await decode(model, zeros([1, 1]), way);
      expect(found.length).toBeGreaterThan(0);
      for (const one of found) {
        expect(one.logProbability).toBeCloseTo(worth.get(JSON.stringify(plain(one))) ?? NaN, 10);
      }
      if (way.decoder === 'beam' && !way.diverseGroups) {
        expect(new Set(found.map((one) => JSON.stringify(plain(one)))).size).toBe(found.length);
        expect(found.length).toBe(Math.min(way.nBest ?? 1, worth.size));
      }
    }
  }));
