import { describe, expect, test } from 'vitest';
import { decode, decodeAll, greedyWords, rescore } from '@/decoding/decode.js';
import { ensemble } from '@/decoding/ensemble.js';
import type { DecodingOptions } from '@/decoding/options.js';
import { captionerModel, selectRows } from '@/decoding/word-model.js';
import { engine, scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import { cells } from '@/models/captioner-config.js';
import { Random } from '@/random.js';
import { tensor, zeros } from '@/tensor/create.js';
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
} from './models.js';

const maxLength = 8;
const variants: (DecodingOptions & { maxLength: number })[] = [
  { maxLength },
  { decoder: 'beam', beam: 4, nBest: 4, maxLength },
  { decoder: 'beam', beam: 6, nBest: 3, diverseGroups: 3, lengthPenalty: 'average', maxLength },
  { decoder: 'sample', nBest: 3, temperature: 1.7, maxLength },
  { decoder: 'sample', topK: 4, topP: 0.9, blockRepetition: true, maxLength },
  { decoder: 'beam', prefix: 'w5 w7', blockNgrams: 2, maxLength },
];

describe.each(variants)('$decoder, %#', (options) => {
  test.each(['f32', 'f64'] as const)(
    'log-probabilities are those of teacher forcing in %s',
    async (dtype) => {
      for (const [seed, cell] of cells.entries()) {
        using _work = scope();
        const { captioner, model, features } = randomCaptioner({ seed, cell, dtype });
        const found = await decode(model, features, options);
        for (const [image, hypotheses] of found.entries()) {
          expect(hypotheses.length).toBe(options.nBest ?? 1);
          for (const { words, finished, logProbability, wordLogProbabilities } of hypotheses) {
            expect(wordLogProbabilities).toHaveLength(words.length + Number(finished));
            const sum = wordLogProbabilities.reduce((total, one) => total + one, 0);
            expect(sum).toBe(logProbability);
            const expected = logProbabilityByLoss(captioner, features, image, { words, finished });
            expectSameProbabilities([logProbability], [expected], dtype);
          }
        }
        const firsts = found.flatMap(([first]) => first ?? []);
        expectSameCaptions([await rescore(model, features, firsts)], [firsts], dtype);
      }
    },
  );

  test('images do not depend on those beside them', async () => {
    using _work = scope();
    const { model, features } = randomCaptioner({ seed: 4, images: 6 });
    const together = await decode(model, features, options, new Random(9));
    const random = new Random(9);
    for (const [image, expected] of together.entries()) {
      const one = features.slice(image, image + 1);
      expectSameCaptions(await decode(model, one, options, random), [expected]);
    }
  });

  test('images may come in batches', async () => {
    using _work = scope();
    const { model, features } = randomCaptioner({ seed: 4, images: 5 });
    const sizes: number[] = [];
    const inputsOf = (images: readonly number[]) => {
      sizes.push(images.length);
      return features.slice(images[0] ?? 0, (images.at(-1) ?? 0) + 1);
    };
    const found = await decodeAll(model, 5, inputsOf, { ...options, batchSize: 2 });
    expect(sizes).toEqual([2, 2, 1]);
    const together = await decode(model, features, options);
    const words = (all: typeof found) => all.map((one) => one.map(({ words }) => words));
    expect(words(found)).toEqual(words(together));
  });

  test('gives its memory back', async () => {
    using _work = scope();
    const { model, features } = randomCaptioner({ seed: 5 });
    await decode(model, features, options);
    const { usedBytes, reservedBytes } = engine().heap;
    for (let round = 0; round < 20; round++) await decode(model, features, options);
    expect(engine().heap.usedBytes).toBe(usedBytes);
    expect(engine().heap.reservedBytes).toBe(reservedBytes);
    expect(engine().openScopes).toBe(1);
  });
});

test.each(['greedy', 'beam', 'sample'] as const)(
  'needs no more memory from step to step, %s',
  async (decoder) => {
    using _work = scope();
    const { model, features } = randomCaptioner({ seed: 5, endBias: -1000 });
    const used: number[] = [];
    const watched: typeof model = {
      ...model,
      step: (state, words) => {
        used.push(engine().heap.usedBytes);
        return model.step(state, words);
      },
    };
    await decode(watched, features, { decoder, maxLength: 30 });
    expect(used).toHaveLength(30);
    // From the third step on all rows are there.
    expect(new Set(used.slice(2)).size).toBe(1);
  },
);

test('greedy words are those of the greedy decoder, and need no vocabulary', async () => {
  using _work = scope();
  const { model, captioner, features } = randomCaptioner({ seed: 8, images: 6 });
  const { vocabulary: _, ...stepwise } = model;
  const never = [...model.suppressed, UNKNOWN];
  const words = greedyWords(stepwise, features, { never, maxLength });
  const found = await decode(model, features, { maxLength });
  expect(words).toEqual(found.map(([best]) => best?.words));
  const [first = []] = words;
  expect(first.length).toBeGreaterThan(0);
  const others = greedyWords(stepwise, features, { never: [...never, ...first], maxLength });
  expect(others.flat().filter((word) => first.includes(word))).toEqual([]);
  captioner.parameters.vocabulary.b.slice(5, 6).fill(Number.NaN);
  expect(() => greedyWords(stepwise, features, { never, maxLength })).toThrow(/NaN or infinity/);
});

describe('an attention model', () => {
  const V = 10;
  const model = markovModel(randomTable(new Random(1), V), numberedWords(V - 4));

  test.each(['greedy', 'beam', 'sample'] as const)(
    'says what it looked at, %s',
    async (decoder) => {
      using _work = scope();
      const found = await decode(model, zeros([3, 1]), { decoder, maxLength: 5 });
      for (const [one] of found) {
        // The model looks at the word that it was fed, and at the number of the step.
        const fed = [1, ...(one?.words ?? [])].slice(0, one?.wordLogProbabilities.length);
        const expected = fed.map((word, step) => Float64Array.of(word, step + 1));
        expect(one?.attention).toEqual(expected);
      }
    },
  );

  test('a captioner without attention has none', async () => {
    using _work = scope();
    const { model, features } = randomCaptioner({ seed: 1 });
    const [[one] = []] = await decode(model, features);
    expect(one && 'attention' in one).toBe(false);
  });

  test('may pass on parts of its state as they are', async () => {
    using _work = scope();
    const grid = zeros([3, 2], 'f64');
    const constant = {
      ...model,
      start: (inputs: typeof grid) => ({ ...model.start(inputs), grid: inputs.clone() }),
      step: (state: { step: typeof grid; grid: typeof grid }, words: ArrayLike<number>) => {
        expect(state.grid.dataSync()).toEqual(new Float64Array(6));
        const next = model.step(state, words);
        return { ...next, state: { ...next.state, grid: state.grid } };
      },
      select: (state: { step: typeof grid; grid: typeof grid }, rows: ArrayLike<number>) => ({
        ...selectRows({ step: state.step }, rows),
        grid: state.grid,
      }),
    };
    const options = { decoder: 'beam', maxLength: 5 } as const;
    const expected = await decode(model, grid, options);
    const before = engine().heap.usedBytes;
    expect(await decode(constant, grid, options)).toEqual(expected);
    expect(engine().heap.usedBytes).toBe(before);
  });
});

describe('an ensemble', () => {
  test.each(variants)('of a model with itself is the model: $decoder, %#', async (options) => {
    using _work = scope();
    const { model, features } = randomCaptioner({ seed: 7 });
    const alone = await decode(model, features, options);
    const inputs = [features, features, features];
    const together = await decode(ensemble([model, model, model]), inputs, options);
    expectSameCaptions(together, alone);
  });

  test('averages log-probabilities and normalises them again', async () => {
    using _work = scope();
    const vocabulary = numberedWords(2);
    const row = [-40, -40, -40, -40];
    const [p, q] = [0.8, 0.4];
    const one = markovModel(
      Array(6).fill([...row, Math.log(p) + 3, Math.log(1 - p) + 3]),
      vocabulary,
    );
    const two = markovModel(
      Array(6).fill([...row, Math.log(q) - 2, Math.log(1 - q) - 2]),
      vocabulary,
    );
    const inputs = [zeros([1, 1]), zeros([1, 1])];
    const [[best] = []] = await decode(ensemble([one, two]), inputs, { maxLength: 1 });
    const [a, b] = [Math.sqrt(p * q), Math.sqrt((1 - p) * (1 - q))];
    expect(best?.words).toEqual([4]);
    expect(best?.logProbability).toBeCloseTo(Math.log(a / (a + b)), 12);
    expect(best?.attention).toEqual([Float64Array.of(1, 1)]);
  });

  test('of models that differ in their cells decodes and rescores', async () => {
    using _work = scope();
    const a = randomCaptioner({ seed: 8, cell: 'lstm' });
    const b = randomCaptioner({ seed: 9, cell: 'rnn' });
    const both = ensemble([a.model, b.model]);
    const inputs = [a.features, b.features];
    const found = await decode(both, inputs, { decoder: 'beam', maxLength });
    const firsts = found.flatMap(([first]) => first ?? []);
    expectSameCaptions([await rescore(both, inputs, firsts)], [firsts]);
  });

  test('says what does not agree', async () => {
    using _work = scope();
    const { model, features } = randomCaptioner({ seed: 8 });
    const fewer = randomCaptioner({ seed: 8, vocabulary: numberedWords(7) });
    expect(() => ensemble([])).toThrow(ValueError);
    expect(() => ensemble([model, fewer.model])).toThrow(ValueError);
    expect(() => ensemble([model, model, fewer.model])).toThrow(
      /word 11 is "w11" in model 1 but missing in model 3/,
    );
    const both = ensemble([model, model]);
    await expect(decode(both, [features])).rejects.toThrow(/2 models .* not 1/);
    await expect(decode(both, [features, features.slice(0, 2)])).rejects.toThrow(
      /model 1 .* 5 images but model 2 gets 2/,
    );
  });
});

test('what cannot be decoded or rescored says so', async () => {
  using _work = scope();
  const { captioner, model, features } = randomCaptioner({ seed: 1 });
  expect(() => captionerModel(captioner, numberedWords(3))).toThrow(/13 words .* has 7/);
  await expect(rescore(model, features, [])).rejects.toThrow(/5 images but 0 captions/);
  const one = features.slice(0, 1);
  for (const word of [99, END]) {
    await expect(rescore(model, one, [{ words: [word], finished: true }])).rejects.toThrow(
      ValueError,
    );
  }
  expect(() => selectRows({ h: features }, [0, 5])).toThrow(/h has rows 0 to 4, not 5/);
  expect(() => selectRows({ h: tensor(1) }, [0])).toThrow(ShapeError);
  captioner.parameters.vocabulary.b.fill(Number.NaN);
  await expect(decode(model, features)).rejects.toThrow(/NaN or infinity/);
  expect(engine().openScopes).toBe(1);
});
