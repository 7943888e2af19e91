import { fixture, ramp, relativeError } from '@test/golden.js';
import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { leaves, mapTree } from '@/autograd/tree.js';
import { scope } from '@/engine/engine.js';
import { ShapeError, UsageError, ValueError } from '@/errors.js';
import { Captioner } from '@/models/captioner.js';
import { type Cell, cells } from '@/models/captioner-config.js';
import { Random } from '@/random.js';
import { linspace, randomNormal, tensor } from '@/tensor/create.js';
import { Adam } from '@/training/optimisers.js';

const small = {
  featureSize: 6,
  embeddingSize: 5,
  hiddenSize: 7,
  vocabularySize: 11,
  dropout: 0,
  normaliseFeatures: false,
};

/** The dimensions, and of each cell the features and the loss. */
interface Golden {
  captioning_loss: { dims: Record<'N' | 'D' | 'W' | 'H' | 'T' | 'V', number> } & Record<
    'rnn' | 'lstm',
    { features: { linspace: [number, number] }; loss: number }
  >;
}

describe('the captioning loss of CS231n, assignment 3', () => {
  test.each(['rnn', 'lstm'] as const)('%s', (cell) => {
    using _work = scope();
    const golden = fixture<Golden>('cs231n.json').captioning_loss;
    const { N, D, W, H, T, V } = golden.dims;
    const sizes = {
      featureSize: D,
      embeddingSize: W,
      hiddenSize: H,
      vocabularySize: V,
      dropout: 0,
      normaliseFeatures: false,
    };
    const fresh = new Captioner({ cell, ...sizes }, { dtype: 'f64' }).parameters;
    const parameters = mapTree(fresh, (leaf) => linspace(-1.4, 1.3, leaf.shape, 'f64'));
    const captioner = new Captioner({ cell, ...sizes }, { parameters });
    const words = Int32Array.from({ length: N * T }, (_, i) => i % V);
    const captions = tensor(words, { shape: [N, T], dtype: 'i32' });
    const { loss } = captioner.loss(ramp(golden[cell].features.linspace, N, D), captions);
    expect(Math.abs(loss.item() - golden[cell].loss) / golden[cell].loss).toBeLessThan(1e-7);
  });
});

describe.each(cells)('a captioner with the cell %s', (cell) => {
  test('has the right gradient for every parameter and for the features', () => {
    using _work = scope();
    const { captioner, features, captions } = problem(cell, { N: 3, T: 5, seed: 1 });
    const { checked } = expectRightGradients(
      ({ parameters, features }) => captioner.forward(parameters, features, captions),
      { parameters: captioner.parameters, features },
    );
    expect(checked).toBeGreaterThan(200);
  });

  test('starts at a loss near the log of the vocabulary for each word', () => {
    using _work = scope();
    const [V, T, N] = [500, 9, 40];
    const random = new Random(3);
    const captioner = new Captioner(
      {
        cell,
        featureSize: 32,
        embeddingSize: 32,
        hiddenSize: 64,
        vocabularySize: V,
        dropout: 0,
        normaliseFeatures: false,
      },
      { random },
    );
    const words = Int32Array.from({ length: N * (T + 1) }, () => 1 + random.integer(V - 1));
    const captions = tensor(words, { shape: [N, T + 1], dtype: 'i32' });
    const { loss } = captioner.loss(randomNormal(random, [N, 32]), captions);
    expect(loss.item() / T / Math.log(V)).toBeGreaterThan(0.97);
    expect(loss.item() / T / Math.log(V)).toBeLessThan(1.03);
  });

  test('learns nothing from padding', () => {
    using _work = scope();
    const { captioner, features } = problem(cell, { N: 2, T: 3, seed: 4 });
    const short = tensor(
      [
        [1, 5, 6, 2],
        [1, 7, 2, 0],
      ],
      { dtype: 'i32' },
    );
    const padded = tensor(
      [
        [1, 5, 6, 2, 0, 0],
        [1, 7, 2, 0, 0, 0],
      ],
      { dtype: 'i32' },
    );
    const expected = captioner.loss(features, short);
    const { loss, gradients } = captioner.loss(features, padded);
    expect(loss.item()).toBe(expected.loss.item());
    const row = gradients.embedding.W.at(0).dataSync();
    expect([...row]).toEqual(Array.from(row, () => 0));
    // More time steps make longer sums of the same terms, in another order on some engines.
    for (const [path, gradient] of leaves(gradients)) {
      const same = new Map(leaves(expected.gradients)).get(path);
      expect(relativeError(gradient.dataSync(), same?.dataSync() ?? []), path).toBeLessThan(1e-7);
    }
  });

  test('overfits 50 captions and then says them', async () => {
    using work = scope();
    const random = new Random(5);
    const [N, T, V] = [50, 8, 30];
    const captioner = new Captioner(
      {
        cell,
        featureSize: 40,
        embeddingSize: 24,
        hiddenSize: 96,
        vocabularySize: V,
        dropout: 0,
        normaliseFeatures: false,
      },
      { random },
    );
    const truth = Array.from({ length: N }, () =>
      Array.from({ length: 3 + random.integer(T - 3) }, () => 4 + random.integer(V - 4)),
    );
    const padded = truth.map((words) => [1, ...words, 2, ...new Array(T - words.length).fill(0)]);
    const captions = tensor(padded, { dtype: 'i32' });
    const features = randomNormal(random, [N, 40]);
    const adam = new Adam(captioner.parameters);
    let last = Number.POSITIVE_INFINITY;
    for (let step = 0; step < 250 && last > 0.05; step++) {
      using _step = scope();
      const { loss, gradients } = captioner.loss(features, captions);
      adam.step(captioner.parameters, gradients, { rate: 1e-2 });
      last = loss.item();
    }
    expect(last).toBeLessThan(0.1);
    expect(await captioner.sample(features, { maxLength: T })).toEqual(truth);
    work.release(adam.state);
  });

  test('samples any batch size, stops at <END> and at the longest length', async () => {
    using _work = scope();
    const { captioner, features } = problem(cell, { N: 4, T: 3, seed: 6 });
    for (const N of [1, 3, 4]) {
      const captions = await captioner.sample(features.slice(0, N), { maxLength: 6 });
      expect(captions).toHaveLength(N);
      for (const words of captions) {
        expect(words.length).toBeLessThanOrEqual(6);
        expect(words).not.toContain(2);
      }
    }
    captioner.parameters.vocabulary.b.slice(2, 3).fill(100);
    expect(await captioner.sample(features)).toEqual([[], [], [], []]);
  });

  test('never says <NULL>, <START> or a word to avoid', async () => {
    using _work = scope();
    const { captioner, features } = problem(cell, { N: 4, T: 3, seed: 9 });
    const { b } = captioner.parameters.vocabulary;
    for (const [word, score] of [
      [0, 300],
      [1, 200],
      [5, 100],
      [7, 50],
    ] as const) {
      b.slice(word, word + 1).fill(score);
    }
    const said = async (avoid: number[]) => captioner.sample(features, { maxLength: 2, avoid });
    expect(await said([])).toEqual(Array.from({ length: 4 }, () => [5, 5]));
    expect(await said([5])).toEqual(Array.from({ length: 4 }, () => [7, 7]));
    expect(b.dataSync()[5]).toBe(100);
  });

  test('drops values in training only', () => {
    using _work = scope();
    const { features, captions } = problem(cell, { N: 3, T: 4, seed: 7 });
    const captioner = new Captioner({ cell, ...small, dropout: 0.5 }, { dtype: 'f64' });
    const evaluated = () => captioner.forward(captioner.parameters, features, captions).item();
    expect(evaluated()).toBe(evaluated());
    const trained = (seed: number) =>
      captioner.loss(features, captions, { random: new Random(seed) }).loss.item();
    expect(trained(1)).not.toBe(trained(2));
    expect(trained(1)).toBe(trained(1));
    expect(() => captioner.loss(features, captions)).toThrow(/dropout .* give the option random/);
  });
});

test('a captioner says what does not fit', () => {
  using _work = scope();
  const { captioner, features, captions } = problem('lstm', { N: 3, T: 4, seed: 8 });
  const wrong = randomNormal(new Random(1), [3, 9], 1, 'f64');
  expect(() => captioner.loss(wrong, captions)).toThrow(ShapeError);
  expect(() => captioner.loss(wrong, captions)).toThrow(/\(3, 9\).*|\(6, 7\)/);
  expect(() => captioner.loss(features.slice(0, 2), captions)).toThrow(ShapeError);
  const unknown = tensor(
    [
      [1, 11, 2],
      [1, 4, 2],
      [1, 4, 2],
    ],
    { dtype: 'i32' },
  );
  expect(() => captioner.loss(features, unknown)).toThrow(ValueError);
  expect(() => new Captioner({ cell: 'lstm', ...small, hiddenSize: 0 })).toThrow(UsageError);
});

function problem(cell: Cell, { N, T, seed }: { N: number; T: number; seed: number }) {
  const random = new Random(seed);
  const captioner = new Captioner({ cell, ...small }, { random, dtype: 'f64' });
  const words = Int32Array.from({ length: N * T }, (_, i) =>
    i % T === 0 ? 1 : i % T === T - 1 && i % 2 === 0 ? 0 : 2 + random.integer(9),
  );
  return {
    captioner,
    features: randomNormal(random, [N, small.featureSize], 1, 'f64'),
    captions: tensor(words, { shape: [N, T], dtype: 'i32' }),
  };
}
