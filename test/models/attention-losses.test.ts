import { expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { Captioner } from '@/models/captioner.js';
import { addAttentionLosses } from '@/models/captioner-losses.js';
import { Random } from '@/random.js';
import { full, randomNormal, tensor } from '@/tensor/create.js';

const hard = { kind: 'hard', doublyStochastic: 0, entropy: 0 } as const;

/**
 * Two captions of one and three words, whose log-probabilities are log 1/2, and log 1/4, log 1/4 and
 * log 1/2; places taken with probability 1/2 each time.
 */
function spoken() {
  const [half, quarter] = [
    [0, -1e9, 0],
    [Math.log(2), 0, 0],
  ];
  return {
    scores: tensor(
      [
        [half, quarter],
        [half, quarter],
        [half, half],
      ],
      { dtype: 'f64' },
    ),
    target: tensor(
      [
        [0, 1],
        [1, 2],
        [1, 2],
      ],
      { dtype: 'i32' },
    ),
    mask: tensor(
      [
        [1, 1],
        [0, 1],
        [0, 1],
      ],
      { dtype: 'u8' },
    ),
    attention: tensor(new Array(12).fill(0.5), { shape: [3, 2, 2], dtype: 'f64' }),
    uniform: Float64Array.from([0.1, 0.9, 0.1, 0.9, 0.9, 0.1]),
  };
}

const log2 = Math.log(2);
/** Of a word of those four: (1 + 2 + 2 + 1) log 1/2 / 4. */
const mean = -1.5 * log2;

test('the baseline is the average of a word, and remembers nine tenths of what it was', () => {
  using _work = scope();
  const loss = tensor(7, { dtype: 'f64' });
  const after = (before: number | undefined) =>
    addAttentionLosses(loss, hard, spoken(), before).baseline;
  expect(after(undefined)).toBeCloseTo(mean, 14);
  expect(after(-3)).toBeCloseTo(0.9 * -3 + 0.1 * mean, 14);
  expect(after(0)).toBeCloseTo(0.1 * mean, 14);
  // Of a kind that makes no choices it stays what it was.
  const soft = { ...hard, kind: 'additive' } as const;
  expect(addAttentionLosses(loss, soft, spoken(), -3).baseline).toBe(-3);
  expect(addAttentionLosses(loss, soft, spoken(), -3).total.item()).toBe(7);
});

test('choices are rewarded for what a caption is above the baseline of so many words', () => {
  using _work = scope();
  const loss = tensor(7, { dtype: 'f64' });
  for (const baseline of [undefined, -3, 0]) {
    const b = baseline ?? mean;
    // Each choice had probability 1/2: -1/2 Σ_n (log p_n - b words_n) words_n log 1/2.
    const advantages = (-log2 - b) * 1 + (-5 * log2 - 3 * b) * 3;
    const total = addAttentionLosses(loss, hard, spoken(), baseline).total.item();
    expect(total).toBeCloseTo(7 + (advantages * log2) / 2, 12);
  }
});

test('a captioner carries the baseline from batch to batch and measures against it', () => {
  using _work = scope();
  const sizes = { featureSize: 4, embeddingSize: 3, hiddenSize: 5, vocabularySize: 8, dropout: 0 };
  const grid = { locations: [2, 2], valueSize: 3, size: 3 } as const;
  const config = { cell: 'lstm', ...sizes, attention: { kind: 'hard', ...grid } } as const;
  const features = randomNormal(new Random(2), [2, 4, 4], 1, 'f64');
  const captions = tensor(
    [
      [1, 4, 5, 2],
      [1, 6, 2, 0],
    ],
    { dtype: 'i32' },
  );
  const { parameters } = new Captioner(config, { random: new Random(3), dtype: 'f64' });
  const batches = (count: number, baseline?: number) => {
    // The same places are drawn each time.
    const random = new Random(4);
    const captioner = new Captioner(config, { parameters });
    let carried = baseline;
    const losses = Array.from({ length: count }, () => {
      const learned = captioner.loss(features, captions, { random, baseline: carried });
      carried = learned.baseline;
      return learned.loss.item();
    });
    return { losses, baseline: carried ?? Number.NaN };
  };
  // What the words of the first and the second batch had, from averages that began at 0.
  const first = batches(1, 0).baseline / 0.1;
  const second = (batches(2, 0).baseline - 0.9 * 0.1 * first) / 0.1;
  expect(first).not.toBeCloseTo(second, 6);
  expect(batches(1).baseline).toBeCloseTo(first, 10);
  expect(batches(2).baseline).toBeCloseTo(0.9 * first + 0.1 * second, 10);
  expect(batches(2, -4).baseline).toBeCloseTo(0.9 * (0.9 * -4 + 0.1 * first) + 0.1 * second, 10);
  // The loss is linear in the baseline before the batch, with a slope that is not 0.
  const loss = (baseline: number) => batches(1, baseline).losses[0] ?? Number.NaN;
  const slope = loss(0) - loss(-1);
  expect(Math.abs(slope)).toBeGreaterThan(0.1);
  expect(loss(-4)).toBeCloseTo(loss(0) - 4 * slope, 10);
  expect(batches(1).losses[0]).toBeCloseTo(loss(first), 10);
});

test.each([
  ['additive', { doublyStochastic: 2 }],
  ['hard', { doublyStochastic: 2, entropy: 5 }],
] as const)(
  'what is said of a loss in training is the cross-entropy of the words (%s)',
  (kind, more) => {
    using _work = scope();
    const sizes = {
      featureSize: 4,
      embeddingSize: 3,
      hiddenSize: 5,
      vocabularySize: 8,
      dropout: 0,
    };
    const attention = { kind, locations: [2, 2], valueSize: 3, size: 3, ...more } as const;
    const captioner = new Captioner(
      { cell: 'gru', ...sizes, attention },
      { random: new Random(3), dtype: 'f64' },
    );
    // All places are alike: what is seen does not depend on which one is drawn.
    const features = full([2, 4, 4], 0.5, 'f64');
    const captions = tensor(
      [
        [1, 4, 5, 2],
        [1, 6, 2, 0],
      ],
      { dtype: 'i32' },
    );
    const words = captioner.forward(captioner.parameters, features, captions).item();
    const random = new Random(4);
    const { loss, crossEntropy } = captioner.loss(features, captions, { random });
    expect(crossEntropy).toBeCloseTo(words, 12);
    expect(Math.abs(loss.item() - words)).toBeGreaterThan(0.1);
  },
);
