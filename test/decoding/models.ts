/** Models, vocabularies and comparisons for the tests of decoding. */

import { expectClose, largest } from '@test/bounds.js';
import { expect } from 'vitest';
import { Vocabulary } from '@/data/text/vocabulary.js';
import type { Hypothesis } from '@/decoding/hypothesis.js';
import { captionerModel, selectRows, type WordModel } from '@/decoding/word-model.js';
import type { FloatDType } from '@/engine/blas.js';
import { Captioner } from '@/models/captioner.js';
import type { Cell } from '@/models/captioner-config.js';
import { Random } from '@/random.js';
import { randomNormal, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

export const [NULL, START, END, UNKNOWN] = [0, 1, 2, 3];

/** A vocabulary of the four special words and these, in this order. */
export function vocabularyOf(...words: string[]): Vocabulary {
  return Vocabulary.fromJSON({ words: ['<NULL>', '<START>', '<END>', '<UNK>', ...words] });
}

/** `count` words: w4, w5, ... */
export function numberedWords(count: number): Vocabulary {
  return vocabularyOf(...Array.from({ length: count }, (_, index) => `w${index + 4}`));
}

const sizes = { featureSize: 6, embeddingSize: 5, hiddenSize: 8 };

/** A captioner with random weights, large enough for its captions to differ, and some images. */
export function randomCaptioner({
  seed,
  cell = 'lstm',
  dtype = 'f64',
  vocabulary = numberedWords(9),
  images = 5,
  endBias = 1,
}: {
  seed: number;
  cell?: Cell;
  dtype?: FloatDType;
  vocabulary?: Vocabulary;
  images?: number;
  endBias?: number;
}) {
  const random = new Random(seed);
  const captioner = new Captioner(
    { cell, ...sizes, vocabularySize: vocabulary.size },
    { random, dtype },
  );
  const { embedding, vocabulary: output } = captioner.parameters;
  embedding.W.assign(randomNormal(random, embedding.W.shape, 2, dtype).dataSync());
  output.W.assign(randomNormal(random, output.W.shape, 1.5, dtype).dataSync());
  output.b.slice(END, END + 1).fill(endBias);
  const features = randomNormal(random, [images, sizes.featureSize], 1, dtype);
  return { captioner, features, vocabulary, model: captionerModel(captioner, vocabulary) };
}

/**
 * Asserts that log-probabilities of captions of a random captioner, or sums of them, are the expected
 * ones. Their bits differ with the rows that share a step: a product of other extents adds up the
 * same terms in another order.
 */
export function expectSameProbabilities(
  found: readonly number[],
  expected: readonly number[],
  dtype: FloatDType = 'f64',
): void {
  // Of a step: two products of the cell, that of the scores, and the softmax over the words.
  const { embeddingSize, hiddenSize } = sizes;
  const step = embeddingSize + 2 * hiddenSize + numberedWords(9).size;
  // Captions of these tests have at most nine words and <END>; scores are not much larger than ten.
  const size = Math.max(10, largest(expected));
  expectClose(found, expected, { dtype, terms: 10 * step, size });
}

/** Asserts that captions are the expected ones word for word, and as likely. */
export function expectSameCaptions(
  found: readonly (readonly Hypothesis[])[],
  expected: readonly (readonly Hypothesis[])[],
  dtype: FloatDType = 'f64',
): void {
  const said = (all: typeof found) =>
    all.map((image) => image.map(({ words, finished }) => ({ words, finished })));
  expect(said(found)).toEqual(said(expected));
  const probabilities = (all: typeof found) =>
    all.flat().flatMap((one) => [one.logProbability, ...one.wordLogProbabilities]);
  expectSameProbabilities(probabilities(found), probabilities(expected), dtype);
}

/** log p of a caption by the model's loss under teacher forcing: another way than decoders take. */
export function logProbabilityByLoss(
  captioner: Captioner,
  features: Tensor,
  image: number,
  { words, finished }: { words: readonly number[]; finished: boolean },
): number {
  if (words.length === 0 && !finished) return 0;
  const caption = [START, ...words, ...(finished ? [END] : [])];
  const captions = tensor(caption, { shape: [1, caption.length], dtype: 'i32' });
  const feature = features.slice(image, image + 1);
  return -captioner.forward(captioner.parameters, feature, captions).item();
}

/**
 * A model whose next word depends on the last one only: `table[last]` are the scores. Inputs are
 * (N, 1) with anything in them. What it "looks at" is the word that was fed in and the step.
 */
export function markovModel(
  table: readonly (readonly number[])[],
  vocabulary: Vocabulary,
): WordModel<{ readonly step: Tensor }> {
  return {
    vocabulary,
    startWord: START,
    endWord: END,
    suppressed: [NULL, START],
    imageCount: ({ shape: [N = 0] }) => N,
    start: ({ shape: [N = 0] }) => ({ step: zeros([N, 1], 'f64') }),
    step: (state, words) => {
      const rows = Array.from(words, (word) => table[word] ?? []);
      const steps = Array.from(state.step.dataSync(), (step) => step + 1);
      const attention = Array.from(words, (word, row) => [word, steps[row] ?? 0]);
      return {
        scores: tensor(rows, { dtype: 'f64' }),
        state: { step: tensor(steps, { shape: [steps.length, 1], dtype: 'f64' }) },
        attention: tensor(attention, { dtype: 'f64' }),
      };
    },
    select: selectRows,
  };
}

/** Scores for a Markov model, each a multiple of 1 / 4 when `coarse`, so that there are ties. */
export function randomTable(random: Random, V: number, coarse = false): number[][] {
  const value = () => (coarse ? Math.round(random.normal() * 4) / 4 : 2 * random.normal());
  return Array.from({ length: V }, () => Array.from({ length: V }, value));
}

const PASTS = 997;

/** The number of the past that one word more makes of another. */
export function pastAfter(past: number, word: number): number {
  return (past * 31 + word) % PASTS;
}

/**
 * A model that knows its whole past: its next word depends on the image and on all words before. The
 * inputs (N, 1) number the images. What it "looks at" are the image and the number of its past, so
 * that a row that was mixed up shows.
 */
export function rememberingModel(
  table: readonly (readonly number[])[],
  vocabulary: Vocabulary,
  width = 2,
): WordModel<{ readonly past: Tensor }> {
  return {
    vocabulary,
    startWord: START,
    endWord: END,
    suppressed: [NULL, START],
    imageCount: ({ shape: [N = 0] }) => N,
    start: (inputs) => {
      const rows = Array.from(inputs.dataSync(), (image) => [image, image]);
      return { past: tensor(rows.flat(), { shape: [rows.length, 2], dtype: 'f64' }) };
    },
    step: ({ past }, words) => {
      const before = past.dataSync();
      const rows = Array.from(words, (word, row) => [
        before[2 * row] ?? 0,
        pastAfter(before[2 * row + 1] ?? 0, word),
      ]);
      const scores = rows.map(([, now = 0]) => (table[now] ?? []).slice(0, vocabulary.size));
      const looked = rows.map((row) => row.slice(0, width));
      return {
        scores: tensor(scores, { dtype: 'f64' }),
        state: { past: tensor(rows, { dtype: 'f64' }) },
        attention: tensor(looked, { dtype: 'f64' }),
      };
    },
    select: selectRows,
  };
}

/** Scores for a remembering model: a row for each past. */
export function randomPasts(random: Random, V: number): number[][] {
  return Array.from({ length: PASTS }, () => Array.from({ length: V }, () => 2 * random.normal()));
}
