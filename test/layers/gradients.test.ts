import { describe, expect, test } from 'vitest';
import { valueAndGradients } from '../../src/autograd/tape.js';
import { weightedSum } from '../../src/autograd/weighted-sum.js';
import { DTypeError, ShapeError, ValueError } from '../../src/errors.js';
import { affine, temporalAffine, tiedScores } from '../../src/layers/dense.js';
import { relu, sigmoid, tanh } from '../../src/layers/elementwise/activations.js';
import { dropout } from '../../src/layers/elementwise/dropout.js';
import { wordEmbedding } from '../../src/layers/indexing/gather.js';
import {
  temporalSoftmaxLoss,
  temporalSoftmaxLossBackward,
  temporalSoftmaxLossForward,
} from '../../src/layers/losses/softmax.js';
import {
  gru,
  gruBackward,
  gruForward,
  gruStep,
  gruStepForward,
} from '../../src/layers/recurrent/gru.js';
import {
  lstm,
  lstmBackward,
  lstmForward,
  lstmStep,
  lstmStepForward,
} from '../../src/layers/recurrent/lstm.js';
import { rnn, rnnForward, rnnStep, rnnStepForward } from '../../src/layers/recurrent/rnn.js';
import { Random } from '../../src/random.js';
import { swapLeadingAxes } from '../../src/tensor/arithmetic.js';
import { full, randomNormal, tensor, zeros } from '../../src/tensor/create.js';
import { elementCount } from '../../src/tensor/shape.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { expectClose, largest } from '../bounds.js';
import { expectRightGradients } from '../gradients.js';

/** Independent normal values in float64, the same for the same shapes and seed. */
function inputs<S extends Record<string, readonly number[]>>(
  shapes: S,
  seed = 1,
): { [K in keyof S]: Tensor } {
  const random = new Random(seed);
  const entries = Object.entries(shapes).map(([name, shape]) => [
    name,
    randomNormal(random, shape, 0.7, 'f64'),
  ]);
  return Object.fromEntries(entries);
}

/** Of a batch, a sequence, and sizes that fill no vector, or exactly some. */
const sizes = [
  { N: 1, T: 1, D: 1, H: 1 },
  { N: 2, T: 3, D: 5, H: 3 },
  { N: 3, T: 2, D: 1, H: 4 },
  { N: 1, T: 4, D: 3, H: 5 },
];

/** The parameters of a gated recurrent unit. */
const gruShapes = (D: number, H: number) => ({
  Wx: [D, 3 * H],
  Wh: [H, 3 * H],
  b: [3 * H],
  bh: [H],
});

const list = (x: Tensor) => [...x.dataSync()];

/** The same sequence on another way: a few steps of sums over D, H and the batch. */
function expectSame(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  const size = Math.max(1, largest(expected.dataSync()));
  expectClose(actual, expected, { dtype: 'f64', terms: 100, size });
}

describe.each(sizes)('N $N, T $T, D $D, H $H', ({ N, T, D, H }) => {
  test('affine', () => {
    const tree = inputs({ x: [N, D], W: [D, H], b: [H] });
    expectRightGradients(({ x, W, b }) => affine(x, W, b), tree);
  });

  test('affine of inputs with more axes', () => {
    const tree = inputs({ x: [N, T, D], W: [T * D, H], b: [H] });
    expectRightGradients(({ x, W, b }) => affine(x, W, b), tree);
  });

  test('temporalAffine', () => {
    const tree = inputs({ x: [N, T, D], W: [D, H], b: [H] });
    expectRightGradients(({ x, W, b }) => temporalAffine(x, W, b), tree);
  });

  test('tiedScores', () => {
    const tree = inputs({ x: [N, T, D], E: [H, D], b: [H] });
    expectRightGradients(({ x, E, b }) => tiedScores(x, E, b), tree);
  });

  test('an embedding that reads words and scores them gets both gradients', () => {
    const words = tensor([[1, 0, 1]], { dtype: 'i32' });
    const tree = inputs({ E: [2, D], b: [2] });
    expectRightGradients(({ E, b }) => tiedScores(wordEmbedding(words, E), E, b), tree);
  });

  test('wordEmbedding, words occurring more than once and not at all', () => {
    const random = new Random(3);
    const words = Array.from({ length: N * T }, () => random.integer(3));
    const x = tensor(words, { shape: [N, T], dtype: 'i32' });
    expectRightGradients(({ W }) => wordEmbedding(x, W), inputs({ W: [4, D] }));
  });

  test('rnnStep', () => {
    const tree = inputs({ x: [N, D], prevH: [N, H], Wx: [D, H], Wh: [H, H], b: [H] });
    expectRightGradients(({ x, prevH, Wx, Wh, b }) => rnnStep(x, prevH, Wx, Wh, b), tree);
  });

  test.each([false, true])('rnn, timeMajor %s', (timeMajor) => {
    const sequence = timeMajor ? [T, N, D] : [N, T, D];
    const tree = inputs({ x: sequence, h0: [N, H], Wx: [D, H], Wh: [H, H], b: [H] });
    expectRightGradients(({ x, h0, Wx, Wh, b }) => rnn(x, h0, Wx, Wh, b, { timeMajor }), tree);
  });

  test('lstmStep', () => {
    const tree = inputs({
      x: [N, D],
      prevH: [N, H],
      prevC: [N, H],
      Wx: [D, 4 * H],
      Wh: [H, 4 * H],
      b: [4 * H],
    });
    expectRightGradients(({ x, prevH, prevC, Wx, Wh, b }) => {
      const { nextH, nextC } = lstmStep(x, prevH, prevC, Wx, Wh, b);
      return [nextH, nextC];
    }, tree);
  });

  test('gruStep', () => {
    const tree = inputs({ x: [N, D], prevH: [N, H], ...gruShapes(D, H) });
    expectRightGradients((p) => gruStep(p.x, p.prevH, p.Wx, p.Wh, p.b, p.bh), tree);
  });

  test.each([false, true])('gru, timeMajor %s', (timeMajor) => {
    const x = timeMajor ? [T, N, D] : [N, T, D];
    const tree = inputs({ x, h0: [N, H], ...gruShapes(D, H) });
    expectRightGradients((p) => gru(p.x, p.h0, p.Wx, p.Wh, p.b, p.bh, { timeMajor }), tree);
  });

  test('steps are the sequence: gru, forward and backward', () => {
    const { x, h0, Wx, Wh, b, bh, dh } = inputs({
      x: [T, N, D],
      h0: [N, H],
      dh: [T, N, H],
      ...gruShapes(D, H),
    });
    const sequence = gruForward(x, h0, Wx, Wh, b, bh, { timeMajor: true });
    let h = h0;
    for (let t = 0; t < T; t++) {
      h = gruStepForward(x.at(t), h, Wx, Wh, b, bh).nextH;
      expectSame(h, sequence.h.at(t));
    }
    const backward = gruBackward(dh, sequence.cache);
    const batchMajor = gruForward(swapLeadingAxes(x), h0, Wx, Wh, b, bh);
    const swapped = gruBackward(swapLeadingAxes(dh), batchMajor.cache);
    expectSame(batchMajor.h, swapLeadingAxes(sequence.h));
    expectSame(swapped.dx, swapLeadingAxes(backward.dx));
    for (const name of ['dh0', 'dWx', 'dWh', 'db', 'dbh'] as const) {
      expectSame(swapped[name], backward[name]);
    }
  });

  describe.each([false, true])('lstm, timeMajor %s', (timeMajor) => {
    const shapes = {
      x: timeMajor ? [T, N, D] : [N, T, D],
      h0: [N, H],
      Wx: [D, 4 * H],
      Wh: [H, 4 * H],
      b: [4 * H],
    };

    test('with c0 and a cotangent on lastC', () => {
      expectRightGradients(
        ({ x, h0, Wx, Wh, b, c0 }) => {
          const { h, lastC } = lstm(x, h0, Wx, Wh, b, c0, { timeMajor });
          return [h, lastC];
        },
        inputs({ ...shapes, c0: [N, H] }),
      );
    });

    test('from zeros, h alone used', () => {
      expectRightGradients(
        ({ x, h0, Wx, Wh, b }) => lstm(x, h0, Wx, Wh, b, undefined, { timeMajor }).h,
        inputs(shapes),
      );
    });

    test('lastC alone used', () => {
      expectRightGradients(
        ({ x, h0, Wx, Wh, b, c0 }) => lstm(x, h0, Wx, Wh, b, c0, { timeMajor }).lastC,
        inputs({ ...shapes, c0: [N, H] }),
      );
    });
  });

  test('steps are the sequence: rnn', () => {
    const { x, h0, Wx, Wh, b } = inputs({
      x: [T, N, D],
      h0: [N, H],
      Wx: [D, H],
      Wh: [H, H],
      b: [H],
    });
    const { h } = rnnForward(x, h0, Wx, Wh, b, { timeMajor: true });
    let state = h0;
    for (let t = 0; t < T; t++) {
      state = rnnStepForward(x.at(t), state, Wx, Wh, b).nextH;
      expectSame(state, h.at(t));
    }
    expectSame(rnnForward(swapLeadingAxes(x), h0, Wx, Wh, b).h, swapLeadingAxes(h));
  });

  test('steps are the sequence: lstm, forward and backward', () => {
    const { x, h0, c0, Wx, Wh, b, dh, dLastC } = inputs({
      x: [T, N, D],
      h0: [N, H],
      c0: [N, H],
      Wx: [D, 4 * H],
      Wh: [H, 4 * H],
      b: [4 * H],
      dh: [T, N, H],
      dLastC: [N, H],
    });
    const sequence = lstmForward(x, h0, Wx, Wh, b, c0, { timeMajor: true });
    let [h, c] = [h0, c0];
    for (let t = 0; t < T; t++) {
      const step = lstmStepForward(x.at(t), h, c, Wx, Wh, b);
      [h, c] = [step.nextH, step.nextC];
      expectSame(h, sequence.h.at(t));
    }
    expectSame(c, sequence.lastC);
    const backward = lstmBackward(dh, sequence.cache, dLastC);
    const batchMajor = lstmForward(swapLeadingAxes(x), h0, Wx, Wh, b, c0);
    const swapped = lstmBackward(swapLeadingAxes(dh), batchMajor.cache, dLastC);
    expectSame(batchMajor.h, swapLeadingAxes(sequence.h));
    expectSame(swapped.dx, swapLeadingAxes(backward.dx));
    for (const name of ['dh0', 'dc0', 'dWx', 'dWh', 'db'] as const) {
      expectSame(swapped[name], backward[name]);
    }
    // Without a cotangent of the last c, it counts as zero.
    const { dc0 } = lstmBackward(dh, sequence.cache);
    expectSame(dc0, lstmBackward(dh, sequence.cache, zeros([N, H], 'f64')).dc0);
  });

  test('relu, away from its corner', () => {
    const x = randomNormal(new Random(1), [N, T, D], 1, 'f64');
    x.assign(x.dataSync().map((value) => value + Math.sign(value) * 0.1));
    expectRightGradients((tree) => relu(tree.x), { x });
  });

  test.each([
    ['sigmoid', sigmoid],
    ['tanh', tanh],
  ] as const)('%s', (_name, op) => {
    expectRightGradients((tree) => op(tree.x), inputs({ x: [N, T, D] }));
  });

  test('dropout', () => {
    const tree = inputs({ x: [N, T, D] });
    expectRightGradients(({ x }) => dropout(x, { rate: 0.4, seed: 5 }), tree);
  });
});

test('sigmoid and tanh do not overflow, and keep their digits where they are small', () => {
  const x = tensor([-1000, -40, 0, 40, 1000], { dtype: 'f64' });
  const [none, small, half, one, all] = list(sigmoid(x));
  expect([none, half, one, all]).toEqual([0, 0.5, 1, 1]);
  expect(Math.abs((small ?? 0) / Math.exp(-40) - 1)).toBeLessThan(1e-12);
  expect(list(tanh(tensor([-1000, 1e-12, 1000], { dtype: 'f64' })))).toEqual([-1, 1e-12, 1]);
});

test('relu has gradient zero at its corner', () => {
  const x = tensor([-1, -0, 0, 1], { dtype: 'f64' });
  const { gradients } = valueAndGradients((tree) => weightedSum([relu(tree.x)], () => 3), { x });
  expect(list(gradients.x)).toEqual([0, 0, 0, 3]);
});

describe('temporalSoftmaxLoss', () => {
  const lossInputs = (N: number, T: number, V: number, kept: number) => {
    const random = new Random(17);
    const i32 = Array.from({ length: N * T }, () => random.integer(V));
    const u8 = Array.from({ length: N * T }, (_, i) => (i % kept === 0 ? 1 + (i % 3) : 0));
    return {
      x: randomNormal(random, [N, T, V], 1, 'f64'),
      y: tensor(i32, { shape: [N, T], dtype: 'i32' }),
      mask: tensor(u8, { shape: [N, T], dtype: 'u8' }),
    };
  };

  test.each([
    [1, 1, 1, 1],
    [1, 1, 3, 1],
    [2, 3, 5, 2],
    [3, 2, 8, 1],
  ])('has right gradients, N %i, T %i, V %i, one step in %i counts', (N, T, V, kept) => {
    const { x, y, mask } = lossInputs(N, T, V, kept);
    // The only word there is costs nothing.
    const only = { idle: V === 1 ? ['x'] : [] };
    for (const options of [{}, { batchSize: 7 }]) {
      expectRightGradients((tree) => temporalSoftmaxLoss(tree.x, y, mask, options), { x }, only);
    }
    const random = new Random(23);
    const labelSmoothing = 0.2;
    for (const weights of [
      randomNormal(random, [N], 1, 'f64'),
      randomNormal(random, [N, T], 1, 'f64'),
    ]) {
      const options = { labelSmoothing, weights };
      expectRightGradients((tree) => temporalSoftmaxLoss(tree.x, y, mask, options), { x }, only);
    }
    const weights = randomNormal(random, [T], 1, 'f64');
    const timeMajor = { batchSize: T, labelSmoothing, weights };
    expectRightGradients((tree) => temporalSoftmaxLoss(tree.x, y, mask, timeMajor), { x }, only);
  });

  test('a weight multiplies its caption, whichever axis captions lie on, or its row', () => {
    const [N, T, V] = [2, 3, 5];
    const { x, y, mask } = lossInputs(N, T, V, 1);
    const f64 = (values: readonly number[], shape: number[]) =>
      tensor(values, { shape, dtype: 'f64' });
    const rows = [2, 2, 2, -3, -3, -3];
    const perRow = temporalSoftmaxLossForward(x, y, mask, { weights: f64(rows, [N, T]) });
    const perCaption = temporalSoftmaxLossForward(x, y, mask, { weights: f64([2, -3], [N]) });
    expect(perCaption.loss.item()).toBe(perRow.loss.item());

    const alone = (r: number) => {
      const one = zeros([N, T], 'u8');
      one.assign(rows.map((_, i) => Number(i === r)));
      return temporalSoftmaxLossForward(x, y, one).loss.item();
    };
    const expected = rows.reduce((sum, weight, r) => sum + weight * alone(r), 0);
    expect(perRow.loss.item()).toBeCloseTo(expected, 12);

    // The same numbers seen as (T, N) = (2, 3): now there are three captions.
    const timeMajor = { batchSize: 3, weights: f64([1, 10, 100], [3]) };
    const transposed = temporalSoftmaxLossForward(x, y, mask, timeMajor).loss.item();
    const sum = [1, 10, 100, 1, 10, 100].reduce((sum, w, r) => sum + w * alone(r), 0);
    expect(transposed).toBeCloseTo((sum * 2) / 3, 10);
  });

  test('a large negative weight is no error: advantages may be anything', () => {
    const { x, y, mask } = lossInputs(1, 1, 3, 1);
    const weights = tensor([-1000], { dtype: 'f64' });
    const { loss } = temporalSoftmaxLossForward(x, y, mask, { weights });
    const plain = temporalSoftmaxLossForward(x, y, mask).loss.item();
    expect(loss.item()).toBeCloseTo(-1000 * plain, 9);
  });

  test('is the mean over the batch of -log softmax, by a plain loop', () => {
    const [N, T, V] = [2, 3, 5];
    const { x, y, mask } = lossInputs(N, T, V, 2);
    const [scores, words, counts] = [list(x), list(y), list(mask)];
    let expected = 0;
    for (let r = 0; r < N * T; r++) {
      if (!counts[r]) continue;
      const row = scores.slice(r * V, (r + 1) * V);
      const sum = row.reduce((total, score) => total + Math.exp(score), 0);
      expected -= Math.log(Math.exp(row[words[r] ?? 0] ?? NaN) / sum);
    }
    expect(temporalSoftmaxLossForward(x, y, mask).loss.item()).toBeCloseTo(expected / N, 12);
    const three = temporalSoftmaxLossForward(x, y, mask, { batchSize: 3 });
    expect(three.loss.item()).toBeCloseTo(expected / 3, 12);
  });

  test('has a gradient of exactly zero on padding, whatever stands there', () => {
    const { x, y, mask } = lossInputs(2, 3, 5, 2);
    const counts = list(mask);
    const hostile = x.clone();
    for (const [r, count] of counts.entries()) {
      if (!count) hostile.view(6, 5).at(r).fill(Number.NaN);
    }
    y.assign(list(y).map((word, r) => (counts[r] ? word : -1)));
    const { loss, cache } = temporalSoftmaxLossForward(hostile, y, mask);
    expect(loss.item()).toBe(temporalSoftmaxLossForward(x, y, mask).loss.item());
    const dx = temporalSoftmaxLossBackward(tensor(2.5, { dtype: 'f64' }), cache).dx;
    for (const [r, count] of counts.entries()) {
      const row = list(dx.view(6, 5).at(r));
      if (!count) expect(row).toEqual([0, 0, 0, 0, 0]);
      else expect(row.every((value) => value !== 0)).toBe(true);
    }
  });

  test('is exactly zero, gradient too, when every step is masked', () => {
    const { x, y } = lossInputs(2, 3, 5, 1);
    const mask = zeros([2, 3], 'u8');
    const { value, gradients } = valueAndGradients((tree) => temporalSoftmaxLoss(tree.x, y, mask), {
      x,
    });
    expect(value.item()).toBe(0);
    expect(list(gradients.x)).toEqual(new Array(30).fill(0));
  });

  test('does not overflow for scores that differ by hundreds', () => {
    const x = tensor([[[1000, 0, -1000]]], { dtype: 'f32' });
    const mask = full([1, 1], 1, 'u8');
    const loss = (word: number) =>
      temporalSoftmaxLossForward(x, tensor([[word]], { dtype: 'i32' }), mask).loss.item();
    expect([loss(0), loss(1), loss(2)]).toEqual([0, 1000, 2000]);
  });
});

describe('bad input is a typed error that names it', () => {
  const f64 = (...shape: number[]) => zeros(shape, 'f64');
  test.each<[string, () => unknown, new (...args: never[]) => Error, RegExp]>([
    [
      'affine',
      () => affine(f64(2, 3), f64(4, 5), f64(5)),
      ShapeError,
      /affine: W \(4, 5\) does not fit x \(2, 3\)/,
    ],
    [
      'tiedScores',
      () => tiedScores(f64(2, 3, 4), f64(7, 5), f64(7)),
      ShapeError,
      /tiedScores: E \(7, 5\) does not fit x \(2, 3, 4\)/,
    ],
    [
      'rnn',
      () => rnn(f64(2, 3, 4), f64(3, 5), f64(4, 5), f64(5, 5), f64(5)),
      ShapeError,
      /rnn: h0 \(3, 5\) does not fit x \(2, 3, 4\)/,
    ],
    [
      'lstm',
      () => lstm(f64(2, 3, 4), f64(2, 5), f64(4, 20), f64(5, 20), f64(20), f64(2, 4)),
      ShapeError,
      /lstm: c0 \(2, 4\) does not fit h0 \(2, 5\)/,
    ],
    [
      'gru',
      () => gru(f64(2, 3, 4), f64(2, 5), f64(4, 15), f64(5, 15), f64(15), f64(15)),
      ShapeError,
      /gru: bh \(15\) does not fit h0 \(2, 5\)/,
    ],
    [
      'mixed types',
      () => affine(zeros([2, 3]), f64(3, 5), f64(5)),
      DTypeError,
      /affine: W is f64 but x is f32/,
    ],
    [
      'a word that is not there',
      () => wordEmbedding(tensor([[0, 4]], { dtype: 'i32' }), f64(4, 2)),
      ValueError,
      /index 4 at position 1, but W has rows 0 to 3/,
    ],
    [
      'words in f32',
      () => wordEmbedding(tensor([[0, 1]]), f64(4, 2)),
      DTypeError,
      /must be i32, not f32/,
    ],
    [
      'a target that is not there',
      () =>
        temporalSoftmaxLoss(
          f64(1, 2, 3),
          tensor([[0, -1]], { dtype: 'i32' }),
          full([1, 2], 1, 'u8'),
        ),
      ValueError,
      /target at position 1 is -1, but there are 3 words/,
    ],
    [
      'a mask in i32',
      () => temporalSoftmaxLoss(f64(1, 1, 3), zeros([1, 1], 'i32'), zeros([1, 1], 'i32')),
      DTypeError,
      /mask u8, not i32 and i32/,
    ],
    [
      'all of the label smoothed away',
      () =>
        temporalSoftmaxLoss(f64(1, 1, 3), zeros([1, 1], 'i32'), zeros([1, 1], 'u8'), {
          labelSmoothing: 1,
        }),
      ValueError,
      /labelSmoothing must lie in \[0, 1\), not 1/,
    ],
    [
      'weights for other captions',
      () =>
        temporalSoftmaxLoss(f64(2, 3, 4), zeros([2, 3], 'i32'), zeros([2, 3], 'u8'), {
          weights: f64(3),
        }),
      ShapeError,
      /weights \(3\) must be \(2\), one for each caption, or as y \(2, 3\)/,
    ],
    [
      'everything dropped',
      () => dropout(f64(3), { rate: 1, seed: 0 }),
      ValueError,
      /rate must lie in \[0, 1\), not 1/,
    ],
    ['no rate', () => dropout(f64(3), { rate: Number.NaN, seed: 0 }), ValueError, /not NaN/],
  ])('%s', (_, work, type, message) => {
    expect(work).toThrow(type);
    expect(work).toThrow(message);
  });
});

test('no time steps and no rows are no trouble', () => {
  const Wx = zeros([2, 12], 'f64');
  const Wh = zeros([3, 12], 'f64');
  const b = zeros([12], 'f64');
  for (const [N, T] of [
    [2, 0],
    [0, 2],
  ] as const) {
    const h0 = full([N, 3], 1, 'f64');
    const { h, cache } = lstmForward(zeros([N, T, 2], 'f64'), h0, Wx, Wh, b);
    expect(h.shape).toEqual([N, T, 3]);
    const { dWx, dh0, db } = lstmBackward(zeros([N, T, 3], 'f64'), cache);
    expect([elementCount(dWx.shape), dh0.shape]).toEqual([24, [N, 3]]);
    expect([...list(dWx), ...list(db)].every((value) => value === 0)).toBe(true);

    const [Wx3, Wh3, b3] = [zeros([2, 9], 'f64'), zeros([3, 9], 'f64'), zeros([9], 'f64')];
    const unit = gruForward(zeros([N, T, 2], 'f64'), h0, Wx3, Wh3, b3, zeros([3], 'f64'));
    const backward = gruBackward(zeros([N, T, 3], 'f64'), unit.cache);
    expect([unit.h.shape, backward.dh0.shape]).toEqual([
      [N, T, 3],
      [N, 3],
    ]);
    expect([...list(backward.dWh), ...list(backward.dbh)]).toEqual(new Array(30).fill(0));
  }
});
