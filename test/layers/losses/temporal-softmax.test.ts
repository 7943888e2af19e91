import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { valueAndGradients } from '@/autograd/tape.js';
import { DTypeError, ShapeError, ValueError } from '@/errors.js';
import {
  temporalSoftmaxLoss,
  temporalSoftmaxLossBackward,
  temporalSoftmaxLossForward,
} from '@/layers/losses/softmax.js';
import { Random } from '@/random.js';
import { full, randomNormal, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const list = (x: Tensor) => [...x.dataSync()];

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
  ])('%s', (_, work, type, message) => {
    expect(work).toThrow(type);
    expect(work).toThrow(message);
  });
});
