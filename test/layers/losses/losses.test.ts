import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { DTypeError, ShapeError, ValueError } from '@/errors.js';
import {
  binaryCrossEntropy,
  binaryCrossEntropyBackward,
  binaryCrossEntropyForward,
  meanSquaredError,
  meanSquaredErrorForward,
} from '@/layers/losses/pointwise.js';
import { softmaxLoss, softmaxLossBackward, softmaxLossForward } from '@/layers/losses/softmax.js';
import { Random } from '@/random.js';
import { randomNormal, randomUniform, tensor, zeros } from '@/tensor/create.js';

const random = new Random(47);
const normal = (...shape: number[]) => randomNormal(random, shape, 1.5, 'f64');
const classes = (...values: number[]) => tensor(values, { dtype: 'i32' });

describe('gradients agree with central differences', () => {
  test.each([
    [1, 2, 0],
    [4, 3, 0],
    [3, 5, 0.2],
  ])('softmaxLoss of %i examples, %i classes, smoothing %d', (N, K, labelSmoothing) => {
    using _work = scope();
    const y = classes(...Array.from({ length: N }, () => random.integer(K)));
    const x = normal(N, K);
    const { checked } = expectRightGradients((tree) => softmaxLoss(tree.x, y, { labelSmoothing }), {
      x,
    });
    expect(checked).toBe(N * K);
  });

  test.each([[[1]], [[3, 5]], [[2, 2, 1, 3]]])('meanSquaredError of %j', (shape) => {
    using _work = scope();
    const tree = { x: normal(...shape), y: normal(...shape) };
    const { checked } = expectRightGradients(({ x, y }) => meanSquaredError(x, y), tree);
    expect(checked).toBe(2 * tree.x.size);
  });

  test.each([[[1]], [[3, 5]], [[2, 2, 1, 3]]])('binaryCrossEntropy of %j', (shape) => {
    using _work = scope();
    const y = randomUniform(random, shape, 0, 1, 'f64');
    const x = normal(...shape);
    const { checked } = expectRightGradients((tree) => binaryCrossEntropy(tree.x, y), { x });
    expect(checked).toBe(x.size);
  });
});

test('by hand', () => {
  using _work = scope();
  const even = softmaxLossForward(zeros([2, 4], 'f64'), classes(0, 3));
  expect(even.loss.item()).toBeCloseTo(Math.log(4), 14);
  expect([...softmaxLossBackward(tensor(2, { dtype: 'f64' }), even.cache).dx.dataSync()]).toEqual([
    -0.75, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, -0.75,
  ]);
  expect(meanSquaredErrorForward(tensor([1, 2, 4]), tensor([1, 0, 1])).loss.item()).toBeCloseTo(
    13 / 3,
  );
  // No score overflows, and a certain right answer costs nothing.
  const far = binaryCrossEntropyForward(tensor([500, -500, 1000]), tensor([1, 0, 0]));
  expect(far.loss.item()).toBeCloseTo(1000 / 3, 3);
  const { dx } = binaryCrossEntropyBackward(tensor(3), far.cache);
  expect([...dx.dataSync()].map((value) => Math.round(value * 1e6) / 1e6 + 0)).toEqual([0, 0, 1]);
});

test('what does not fit is named', () => {
  using _work = scope();
  const x = zeros([2, 3]);
  expect(() => softmaxLoss(x, classes(0, 3))).toThrow(/example 1 is 3.*3 classes/);
  expect(() => softmaxLoss(x, classes(0, 1, 2))).toThrow(ShapeError);
  expect(() => softmaxLoss(x, zeros([2]))).toThrow(DTypeError);
  expect(() => softmaxLoss(x, classes(0, 1), { labelSmoothing: 1 })).toThrow(ValueError);
  expect(() => softmaxLoss(zeros([0, 3]), zeros([0], 'i32'))).toThrow(/no examples/);
  for (const loss of [meanSquaredError, binaryCrossEntropy]) {
    expect(() => loss(x, zeros([3, 2]))).toThrow(/\(2, 3\).*\(3, 2\)/);
    expect(() => loss(x, zeros([2, 3], 'f64'))).toThrow(DTypeError);
    expect(() => loss(zeros([0, 2]), zeros([0, 2]))).toThrow(/\(0, 2\)/);
  }
  const { cache } = softmaxLossForward(x, classes(0, 1));
  expect(() => softmaxLossBackward(zeros([2]), cache)).toThrow(ShapeError);
});
