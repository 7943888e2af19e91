import { expectNear, relativeError } from '@test/golden.js';
import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { DTypeError, ShapeError, ValueError } from '@/errors.js';
import {
  batchNorm,
  batchNormBackward,
  batchNormForward,
  initialStatistics,
} from '@/layers/normalisation/batch-norm.js';
import {
  groupNorm,
  groupNormBackward,
  groupNormForward,
  instanceNorm,
} from '@/layers/normalisation/group-norm.js';
import { layerNorm } from '@/layers/normalisation/layer-norm.js';
import { Random } from '@/random.js';
import { full, randomNormal, randomUniform, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const random = new Random(29);
const normal = (...shape: number[]) => randomNormal(random, shape, 1, 'f64');

/** x with a gain and a bias for each channel. */
const inputs = (shape: readonly number[]) => {
  const C = shape[1] ?? 0;
  return { x: normal(...shape), gain: normal(C), bias: normal(C) };
};

type Inputs = ReturnType<typeof inputs>;

function expectGradients(f: (tree: Inputs) => Tensor, tree: Inputs): void {
  const { checked } = expectRightGradients(f, tree);
  expect(checked).toBe(tree.x.size + 2 * tree.gain.size);
}

const statistics = (C: number) => ({
  mean: normal(C),
  variance: randomUniform(random, [C], 0.5, 2, 'f64'),
});

describe('batchNorm', () => {
  test.each([
    { shape: [3, 2, 2, 3], training: true },
    { shape: [4, 3], training: true },
    { shape: [1, 2, 5], training: true },
    { shape: [2, 3, 3, 2, 2], training: true },
    { shape: [2, 2, 2, 1, 3], training: false },
    { shape: [3, 2, 2, 3], training: false },
    { shape: [1, 3, 1, 1], training: false },
  ])('has right gradients for $shape, training $training', ({ shape, training }) => {
    using _work = scope();
    const running = statistics(shape[1] ?? 0);
    expectGradients(
      ({ x, gain, bias }) => batchNorm(x, gain, bias, running, { training, epsilon: 0.01 }),
      inputs(shape),
    );
  });

  test('takes up the unbiased variance of the batch, and goes by it later', () => {
    using _work = scope();
    const x = tensor(
      [
        [1, 10],
        [3, 10],
      ],
      { dtype: 'f64' },
    );
    const running = initialStatistics(2, 'f64');
    const [gain, bias] = [full([2], 1, 'f64'), zeros([2], 'f64')];
    const options = { training: true, momentum: 0.5, epsilon: 0 };
    const { cache } = batchNormForward(x, gain, bias, running, { ...options, epsilon: 1e-5 });
    expect([...running.mean.dataSync()]).toEqual([1, 5]);
    expect([...running.variance.dataSync()]).toEqual([1.5, 0.5]);
    const { out } = batchNormForward(x, gain, bias, running, { training: false, epsilon: 0.5 });
    expectNear(out, [0, 5, Math.SQRT2, 5]);
    // Later batches do not reach what the backward pass of this one needs.
    const before = [...batchNormBackward(x, cache).dx.dataSync()];
    batchNormForward(normal(5, 2), gain, bias, running, options);
    expect([...batchNormBackward(x, cache).dx.dataSync()]).toEqual(before);
  });

  test('f32 loses little far from zero', () => {
    using _work = scope();
    const values = [...normal(8, 2, 5, 5).dataSync()].map((value) => value + 1000);
    const [exact, single] = (['f64', 'f32'] as const).map((dtype) => {
      const x = tensor(values, { shape: [8, 2, 5, 5], dtype });
      const options = { training: true };
      const running = initialStatistics(2, dtype);
      return batchNorm(x, full([2], 1, dtype), zeros([2], dtype), running, options).dataSync();
    });
    const worst = Math.max(...[...(exact ?? [])].map((e, i) => Math.abs(e - (single?.[i] ?? 9))));
    // A float32 near 1000 is 3e-5 off by itself.
    expect(worst).toBeLessThan(2e-4);
  });

  test('names what disagrees', () => {
    using _work = scope();
    const [x, one, running] = [zeros([2, 3, 2]), zeros([3]), initialStatistics(3)];
    const training = { training: true };
    expect(() => batchNorm(x, zeros([2]), one, running, training)).toThrow(
      /gain \(2\).*\(2, 3, 2\)/,
    );
    expect(() => batchNorm(x, one, one, initialStatistics(4), training)).toThrow(
      /runningMean \(4\)/,
    );
    expect(() => batchNorm(x, one, one, initialStatistics(3, 'f64'), training)).toThrow(DTypeError);
    expect(() => batchNorm(zeros([3]), one, one, running, training)).toThrow(
      /\(3\).*\(N, C, ...\)/,
    );
    expect(() => batchNorm(zeros([1, 3]), one, one, running, training)).toThrow(ValueError);
    expect(() => batchNorm(x, one, one, running, { training: true, momentum: 2 })).toThrow(/2/);
    expect(batchNorm(zeros([0, 3, 2]), one, one, running, { training: false }).shape).toEqual([
      0, 3, 2,
    ]);
  });
});

describe('groupNorm and instanceNorm', () => {
  test.each([
    { shape: [2, 4, 2, 3], groups: 2 },
    { shape: [1, 3, 5], groups: 1 },
    { shape: [2, 3, 2, 2], groups: 3 },
    { shape: [3, 6], groups: 2 },
    { shape: [2, 4, 3, 2, 2], groups: 2 },
  ])('groupNorm has right gradients for %j', ({ shape, groups }) => {
    using _work = scope();
    const options = { groups, epsilon: 0.01 };
    expectGradients(({ x, gain, bias }) => groupNorm(x, gain, bias, options), inputs(shape));
  });

  test('instanceNorm has right gradients', () => {
    using _work = scope();
    expectGradients(
      ({ x, gain, bias }) => instanceNorm(x, gain, bias, { epsilon: 0.01 }),
      inputs([2, 3, 2, 3]),
    );
  });

  test('one group is layerNorm, and a group for each channel instanceNorm', () => {
    using _work = scope();
    const x = normal(2, 4, 3, 3);
    const [gain, bias] = [full([4], 1, 'f64'), zeros([4], 'f64')];
    const one = groupNorm(x, gain, bias, { groups: 1 });
    expect(relativeError(one.dataSync(), layerNorm(x).dataSync())).toBe(0);
    const each = groupNorm(x, gain, bias, { groups: 4 });
    expect(relativeError(each.dataSync(), instanceNorm(x, gain, bias).dataSync())).toBe(0);
  });

  test('a dx that is read late is the same', () => {
    using _work = scope();
    const { x, gain, bias } = inputs([2, 4, 3, 3]);
    const { cache } = groupNormForward(x, gain, bias, { groups: 2 });
    const early = [...groupNormBackward(x, cache).dx.dataSync()];
    const late = groupNormBackward(x, cache);
    for (let i = 0; i < 20; i++) normal(4).fill(Number.NaN);
    expect([...late.dx.dataSync()]).toEqual(early);
  });

  test('names what disagrees', () => {
    using _work = scope();
    const [x, one] = [zeros([2, 4, 3]), zeros([4])];
    expect(() => groupNorm(x, one, one, { groups: 3 })).toThrow(
      /4 channels of x .* 3 equal groups/,
    );
    expect(() => groupNorm(x, one, one, { groups: 0 })).toThrow(ValueError);
    expect(() => groupNorm(x, one, zeros([3]), { groups: 2 })).toThrow(ShapeError);
    expect(() => instanceNorm(zeros([2, 4, 1, 1]), one, one)).toThrow(
      /\(2, 4, 1, 1\) has 1 places/,
    );
    expect(groupNorm(zeros([0, 4, 3]), one, one, { groups: 2 }).shape).toEqual([0, 4, 3]);
    const { cache } = groupNormForward(x, one, one, { groups: 2 });
    expect(() => groupNormBackward(zeros([2, 4]), cache)).toThrow(/\(2, 4\).*\(2, 4, 3\)/);
  });
});
