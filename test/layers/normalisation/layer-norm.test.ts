import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { ShapeError } from '@/errors.js';
import { layerNorm, scaledLayerNorm } from '@/layers/normalisation/layer-norm.js';
import { Random } from '@/random.js';
import { full, randomNormal, zeros } from '@/tensor/create.js';

const random = new Random(23);
const normal = (...shape: number[]) => randomNormal(random, shape, 1, 'f64');

describe('scaledLayerNorm', () => {
  test.each([[[1, 3]], [[3, 1, 7]], [[2, 3, 8]], [[1, 1]]])(
    'has right gradients for %j',
    (shape) => {
      using _work = scope();
      const D = shape.at(-1) ?? 0;
      const tree = { x: normal(...shape), gain: normal(D), bias: normal(D) };
      // A row of one value is its own mean.
      const idle = D === 1 ? ['x', 'gain'] : [];
      expectRightGradients(({ x, gain, bias }) => scaledLayerNorm(x, gain, bias), tree, { idle });
    },
  );

  test('is layerNorm of every row where gain is 1 and bias 0', () => {
    using _work = scope();
    const x = normal(2, 3, 5);
    const plain = layerNorm(x.view(6, 5));
    const scaled = scaledLayerNorm(x, full([5], 1, 'f64'), zeros([5], 'f64'));
    expect(scaled.shape).toEqual([2, 3, 5]);
    expect([...scaled.dataSync()]).toEqual([...plain.dataSync()]);
  });

  test('takes no rows, and names what disagrees', () => {
    using _work = scope();
    expect(scaledLayerNorm(zeros([0, 4, 3]), zeros([3]), zeros([3])).shape).toEqual([0, 4, 3]);
    expect(() => scaledLayerNorm(zeros([2, 4]), zeros([3]), zeros([4]))).toThrow(ShapeError);
    expect(() => scaledLayerNorm(zeros([2, 4]), zeros([3]), zeros([4]))).toThrow(
      /gain \(3\) does not fit x \(2, 4\)/,
    );
  });
});
