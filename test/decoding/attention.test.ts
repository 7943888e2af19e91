import { expect, test } from 'vitest';
import { decode, rescore } from '@/decoding/decode.js';
import { ensemble } from '@/decoding/ensemble.js';
import type { Hypothesis } from '@/decoding/hypothesis.js';
import type { DecodingOptions } from '@/decoding/options.js';
import { scope } from '@/engine/engine.js';
import { Random } from '@/random.js';
import { tensor } from '@/tensor/create.js';
import { numberedWords, pastAfter, randomPasts, rememberingModel, START } from './models.js';

const vocabulary = numberedWords(6);

/** A model with random scores; what it looks at has `width` numbers. */
function modelOf(seed: number, width = 2) {
  return rememberingModel(randomPasts(new Random(seed), vocabulary.size), vocabulary, width);
}

/** What the model must have looked at when it said each word of a caption of an image. */
function expected(image: number, { words, finished }: Hypothesis): Float64Array[] {
  const fed = [START, ...words].slice(0, words.length + Number(finished));
  let past = image;
  return fed.map((word) => {
    past = pastAfter(past, word);
    return Float64Array.of(image, past);
  });
}

const images = [7, 20, 33, 46];
const inputs = () => tensor(images, { shape: [images.length, 1], dtype: 'f64' });

const decoders: DecodingOptions[] = [
  { decoder: 'greedy' },
  { decoder: 'greedy', prefix: 'w5 w7', blockRepetition: true },
  { decoder: 'beam', beam: 1 },
  { decoder: 'beam', beam: 5, nBest: 5 },
  { decoder: 'beam', beam: 5, nBest: 3, lengthPenalty: 'average', blockNgrams: 2 },
  { decoder: 'beam', beam: 6, nBest: 6, diverseGroups: 3, diversity: 2 },
  { decoder: 'sample', nBest: 4, temperature: 1.5 },
  { decoder: 'sample', topK: 3, topP: 0.9, prefix: 'w4' },
];

test.each(decoders)('each word has what was looked at for it: %j', async (options) => {
  using _work = scope();
  const model = modelOf(1);
  const lengths = new Set<number>();
  for (const maxLength of [1, 2, 7]) {
    if (maxLength < 2 && options.prefix) continue;
    const found = await decode(model, inputs(), { ...options, maxLength });
    for (const [index, hypotheses] of found.entries()) {
      expect(hypotheses).toHaveLength(Math.min(options.nBest ?? 1, hypotheses.length));
      for (const one of hypotheses) {
        lengths.add(one.wordLogProbabilities.length);
        expect(one.attention).toEqual(expected(images[index] ?? -1, one));
      }
    }
    const firsts = found.flatMap(([first]) => first ?? []);
    const again = await rescore(model, inputs(), firsts);
    expect(again.map(({ attention }) => attention)).toEqual(
      firsts.map(({ attention }) => attention),
    );
    for (const [index, { logProbability }] of again.entries()) {
      expect(logProbability).toBeCloseTo(firsts[index]?.logProbability ?? Number.NaN, 12);
    }
  }
  expect(lengths.size).toBeGreaterThan(1);
});

test.each(decoders)('an ensemble tells the average: %j', async (options) => {
  using _work = scope();
  const both = ensemble([modelOf(1), modelOf(2)]);
  const others = [9, 8, 7, 6];
  const second = tensor(others, { shape: [others.length, 1], dtype: 'f64' });
  const found = await decode(both, [inputs(), second], { ...options, maxLength: 6 });
  for (const [index, hypotheses] of found.entries()) {
    for (const one of hypotheses) {
      const a = expected(images[index] ?? -1, one);
      const b = expected(others[index] ?? -1, one);
      expect(one.attention).toEqual(
        a.map((looked, place) => looked.map((value, i) => (value + (b[place]?.[i] ?? 0)) / 2)),
      );
    }
  }
});

test('models that look in different ways have nothing to tell together', async () => {
  using _work = scope();
  const different = ensemble([modelOf(1), modelOf(2, 1)]);
  const blind: typeof different = ensemble([
    modelOf(1),
    {
      ...modelOf(2),
      step: (state, words) => ({ ...modelOf(2).step(state, words), attention: undefined }),
    },
  ]);
  for (const model of [different, blind]) {
    const [[one] = []] = await decode(model, [inputs(), inputs()], { maxLength: 3 });
    expect(one && 'attention' in one).toBe(false);
  }
});
