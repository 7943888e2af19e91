import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { leaves } from '@/autograd/tree.js';
import { Vocabulary } from '@/data/text/vocabulary.js';
import { decode, rescore } from '@/decoding/decode.js';
import { captionerModel } from '@/decoding/word-model.js';
import { engine, scope } from '@/engine/engine.js';
import { ShapeError, UsageError } from '@/errors.js';
import { Captioner } from '@/models/captioner.js';
import {
  type AttentionConfig,
  attentionKinds,
  type CaptionerConfig,
} from '@/models/captioner-config.js';
import { named } from '@/models/parameters.js';
import { Random } from '@/random.js';
import { randomNormal, tensor } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';
import { Adam } from '@/training/optimisers.js';

const small = {
  featureSize: 6,
  embeddingSize: 5,
  hiddenSize: 7,
  vocabularySize: 11,
  dropout: 0,
  normaliseFeatures: false,
};
const grid = { locations: [2, 3], valueSize: 4, size: 3 } as const;

const variants: [name: string, config: Partial<CaptionerConfig>][] = [
  ...attentionKinds.map((kind): [string, Partial<CaptionerConfig>] => [
    kind,
    { attention: { kind, ...grid } },
  ]),
  ['additive, gated', { attention: { kind: 'additive', ...grid, gate: true } }],
  ['a GRU with dot products', { cell: 'gru', attention: { kind: 'dot', ...grid } }],
  ['an RNN by location', { cell: 'rnn', attention: { kind: 'location', ...grid } }],
  ['places that are told apart', { attention: { kind: 'dot', ...grid, positions: true } }],
  [
    'a state that begins with nothing',
    { attention: { kind: 'additive', ...grid, initialState: 'zero' } },
  ],
  [
    'what is seen goes to the output',
    { attention: { kind: 'dot', ...grid, context: 'output' }, layers: 2 },
  ],
  [
    'a window whose glimpse goes to the output of an RNN, gated',
    {
      cell: 'rnn',
      attention: { kind: 'spatial-transformer', ...grid, context: 'output', gate: true },
    },
  ],
  [
    'a window about the places that a query finds',
    { attention: { kind: 'spatial-transformer', ...grid, centre: 'places', glimpse: 2 } },
  ],
  ['three layers', { layers: 3 }],
  ['tied embeddings', { tiedEmbeddings: true }],
  ['layer normalisation', { layerNorm: true, layers: 2, cell: 'gru' }],
  [
    'everything',
    {
      layers: 2,
      tiedEmbeddings: true,
      layerNorm: true,
      normaliseFeatures: true,
      attention: { kind: 'dot', ...grid, gate: true },
    },
  ],
];

function problem(
  config: Partial<CaptionerConfig>,
  { N = 3, T = 5, M = N }: { N?: number; T?: number; M?: number } = {},
) {
  const random = new Random(5);
  const full = { cell: 'lstm' as const, ...small, ...config };
  const captioner = new Captioner(full, { random, dtype: 'f64' });
  const words = Int32Array.from({ length: N * T }, (_, i) =>
    i % T === 0 ? 1 : i % T === T - 1 && i % 2 === 0 ? 0 : 3 + random.integer(8),
  );
  if (config.attention?.kind === 'spatial-transformer') {
    // Away from the first window, whose points lie on places' centres, where the sampler has a kink.
    for (const [, leaf] of leaves(captioner.parameters.attention)) {
      leaf.assign(randomNormal(random, leaf.shape, 0.2, 'f64').dataSync());
    }
  }
  const D = small.featureSize;
  return {
    captioner,
    features: randomNormal(random, config.attention ? [M, 6, D] : [M, D], 1, 'f64'),
    captions: tensor(words, { shape: [N, T], dtype: 'i32' }),
  };
}

const vocabulary = Vocabulary.build([['a', 'b', 'c', 'd', 'e', 'f', 'g']], { minimumCount: 1 });

describe.each(variants)('%s', (_name, config) => {
  test('has the right gradient for every parameter and for the features', () => {
    using _work = scope();
    const { captioner, features, captions } = problem(config);
    expectRightGradients(
      ({ parameters, features }) => captioner.forward(parameters, features, captions),
      { parameters: captioner.parameters, features },
      {
        perLeaf: 40,
        // What hard attention looked at has no gradient: it learns by reinforcement alone.
        idle:
          config.attention?.kind === 'hard'
            ? ['Wk', 'Wq', 'b', 'v'].map((name) => `parameters.attention.${name}`)
            : [],
      },
    );
  });

  test('step by step it scores what it scores at once', async () => {
    using _work = scope();
    const { captioner, features } = problem(config);
    const model = captionerModel(captioner, vocabulary);
    const said = [
      { words: [4, 5, 6, 7], finished: true },
      { words: [8, 9], finished: true },
      { words: [10, 4, 4], finished: true },
    ];
    const found = await rescore(model, features, said);
    const padded = said.map(({ words }) => {
      const line = [1, ...words, 2];
      return [...line, ...new Array(6 - line.length).fill(0)];
    });
    const loss = captioner.forward(
      captioner.parameters,
      features,
      tensor(padded, { dtype: 'i32' }),
    );
    const sum = found.reduce((total, { logProbability }) => total + logProbability, 0);
    expect(-sum / 3).toBeCloseTo(loss.item(), 10);
  });

  test('a beam finds captions whose probability is right, and leaks nothing', async () => {
    using _work = scope();
    const { captioner, features } = problem(config);
    const model = captionerModel(captioner, vocabulary);
    const before = engine().heap.usedBytes;
    const beams = await decode(model, features, { decoder: 'beam', beam: 3, maxLength: 6 });
    expect(engine().heap.usedBytes).toBe(before);
    const best = beams.map(([first]) => first ?? { words: [], finished: false, logProbability: 0 });
    const again = await rescore(model, features, best);
    for (const [n, { logProbability }] of again.entries()) {
      expect(logProbability).toBeCloseTo(best[n]?.logProbability ?? Number.NaN, 10);
    }
    const greedy = await decode(model, features, { maxLength: 6 });
    const sampled = await captioner.sample(features, { maxLength: 6, avoid: [3] });
    expect(greedy.map(([first]) => first?.words)).toEqual(sampled);
  });

  test('learns nothing from padding', () => {
    using _work = scope();
    const { captioner, features } = problem(config, { N: 2 });
    const short = [
      [1, 5, 6, 2],
      [1, 7, 2, 0],
    ];
    const captions = tensor(short, { dtype: 'i32' });
    const padded = tensor(
      short.map((words) => [...words, 0, 0]),
      { dtype: 'i32' },
    );
    const loss = (words: typeof captions) =>
      captioner.forward(captioner.parameters, features, words).item();
    expect(loss(padded)).toBeCloseTo(loss(captions), 12);
  });
});

describe.each(attentionKinds)('attention: %s', (kind) => {
  const attention: AttentionConfig = { kind, ...grid };

  test('captions may share images', () => {
    using _work = scope();
    const { captioner, features, captions } = problem({ attention }, { N: 4, M: 2 });
    const image = [1, 0, 1, 1];
    const { loss, gradients } = captioner.loss(features, captions, {
      image,
      random: new Random(9),
    });
    const spread = tensor(
      image.flatMap((m) => [...features.at(m).dataSync()]),
      { shape: [4, 6, 6], dtype: 'f64' },
    );
    const { captioner: twin } = problem({ attention }, { N: 4, M: 2 });
    const apart = twin.loss(spread, captions, { random: new Random(9) });
    expect(loss.item()).toBeCloseTo(apart.loss.item(), 12);
    const other = new Map(leaves(apart.gradients));
    for (const [path, gradient] of leaves(gradients)) {
      const [a, b] = [gradient.dataSync(), other.get(path)?.dataSync() ?? []];
      for (let i = 0; i < a.length; i++) expect(a[i], path).toBeCloseTo(b[i] ?? Number.NaN, 9);
    }
  });

  test('tells with each word where it looked', async () => {
    using _work = scope();
    const { captioner, features } = problem({ attention });
    const model = captionerModel(captioner, vocabulary);
    const beams = await decode(model, features, { decoder: 'beam', beam: 2, maxLength: 5 });
    for (const [best] of beams) {
      expect(best?.attention).toHaveLength(best?.wordLogProbabilities.length ?? -1);
      for (const weights of best?.attention ?? []) {
        expect(weights).toHaveLength(6);
        // Weights of places add up to 1; the entries of a window have bounds.
        const sum = Array.from(weights).reduce((sum, w) => sum + w, 0);
        if (kind !== 'spatial-transformer') expect(sum).toBeCloseTo(1, 10);
        else for (const value of weights) expect(Math.abs(value)).toBeLessThanOrEqual(1.75);
      }
    }
  });

  test('overfits captions that depend on one place of the grid', async () => {
    using work = scope();
    const random = new Random(5);
    const [N, V] = [24, 12];
    const captioner = new Captioner(
      {
        cell: 'lstm',
        featureSize: 8,
        embeddingSize: 16,
        hiddenSize: 64,
        vocabularySize: V,
        dropout: 0,
        normaliseFeatures: false,
        attention: { kind, locations: [2, 3], valueSize: 32, size: 16 },
      },
      { random },
    );
    const features = randomNormal(random, [N, 6, 8]);
    const truth = Array.from({ length: N }, () => [0, 0, 0].map(() => 4 + random.integer(V - 4)));
    const captions = tensor(
      truth.map((words) => [1, ...words, 2]),
      { dtype: 'i32' },
    );
    const adam = new Adam(captioner.parameters);
    let last = Number.POSITIVE_INFINITY;
    for (let step = 0; step < 400 && last > 0.05; step++) {
      using _step = scope();
      const { gradients } = captioner.loss(features, captions, { random });
      adam.step(captioner.parameters, gradients, { rate: 5e-3 });
      last = captioner.forward(captioner.parameters, features, captions).item();
    }
    expect(last).toBeLessThan(0.1);
    expect(await captioner.sample(features, { maxLength: 5 })).toEqual(truth);
    work.release(adam.state);
  });
});

test('the penalty and the reward are part of training only', () => {
  using _work = scope();
  const attention: AttentionConfig = { kind: 'hard', ...grid, doublyStochastic: 1 };
  const { captioner, features, captions } = problem({ attention });
  const plain = captioner.forward(captioner.parameters, features, captions).item();
  const { loss, baseline } = captioner.loss(features, captions, { random: new Random(1) });
  expect(loss.item()).not.toBe(plain);
  expect(baseline).toBeLessThan(0);
});

test('what does not fit is refused by name', () => {
  using _work = scope();
  const attention: AttentionConfig = { kind: 'dot', ...grid };
  const { captioner, features, captions } = problem({ attention }, { N: 4, M: 2 });
  expect(() => captioner.loss(features, captions)).toThrow(/4 captions but 2 images/);
  expect(() => captioner.loss(features, captions, { image: [0, 1] })).toThrow(ShapeError);
  expect(() => problem({ attention: { ...attention, size: 0 } })).toThrow(UsageError);
  expect(() => problem({ attention: { ...attention, locations: [0, 3] } })).toThrow(/locations/);
});

describe('a state that knows only words', () => {
  const attention: AttentionConfig = {
    kind: 'additive',
    ...grid,
    initialState: 'zero',
    context: 'output',
    positions: true,
  };

  test('is the same for every image, while the scores are not', () => {
    using _work = scope();
    const { captioner, features } = problem({ attention });
    const start = captioner.start(features);
    const { state, scores } = captioner.step(start, [1, 1, 1]);
    const rows = (x: Tensor) => [0, 1, 2].map((n) => [...x.at(n).dataSync()]);
    const [first, ...others] = rows(state.layers.layer1?.h ?? scores);
    expect(others).toEqual([first, first]);
    const [a, b] = rows(scores);
    expect(a).not.toEqual(b);
  });

  test('tells places apart by where they are, near ones less', () => {
    using _work = scope();
    const places = { ...attention, locations: [1, 12], valueSize: 64 } as const;
    const { captioner } = problem({ attention: places });
    const { P } = named(captioner.parameters.values, 'P');
    const apart = (to: number) => {
      const [a, b] = [[...P.at(0).dataSync()], [...P.at(to).dataSync()]];
      return a.reduce((sum, value, e) => sum + (value - (b[e] ?? 0)) ** 2, 0) / 64;
    };
    expect(apart(1)).toBeGreaterThan(0.01);
    expect(apart(1)).toBeLessThan(apart(3) / 3);
    expect(apart(11)).toBeGreaterThan(1);
  });

  test.each([
    ['initialState', { initialState: 'mean' }],
    ['context', { context: 'nowhere' }],
    ['centre', { centre: 'elsewhere' }],
  ])('an unknown %s is refused', (name, wrong) => {
    const bad = { ...attention, ...wrong } as AttentionConfig;
    expect(() => problem({ attention: bad })).toThrow(
      new RegExp(`attention.${name}: must be one of`),
    );
  });
});
