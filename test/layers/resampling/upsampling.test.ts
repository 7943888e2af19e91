import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import {
  upsampleBilinear,
  upsampleBilinearBackward,
  upsampleBilinearForward,
  upsampleNearest,
  upsampleNearestForward,
} from '@/layers/resampling/upsampling.js';
import { Random } from '@/random.js';
import { linspace, randomNormal, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const random = new Random(53);
const normal = (...shape: number[]) => randomNormal(random, shape, 1, 'f64');
const list = (x: Tensor) => [...x.dataSync()];

describe('images in another size', () => {
  const extents = [{ extent: [5, 4] }, { extent: [2, 1] }, { factor: [1, 3] }] as const;
  test.each(extents)('have right gradients for %j', (size) => {
    using _work = scope();
    const x = normal(2, 2, 3, 2);
    for (const op of [
      (image: Tensor) => upsampleNearest(image, size),
      (image: Tensor) => upsampleBilinear(image, size),
      (image: Tensor) => upsampleBilinear(image, { ...size, alignCorners: true }),
    ]) {
      const { checked } = expectRightGradients((tree) => op(tree.x), { x });
      expect(checked).toBe(24);
    }
  });

  test('by hand', () => {
    using _work = scope();
    const x = tensor([
      [
        [
          [0, 4],
          [8, 12],
        ],
      ],
    ]);
    const twice = upsampleNearestForward(x, { factor: 2 }).y;
    expect(twice.shape).toEqual([1, 1, 4, 4]);
    expect(list(twice).slice(0, 8)).toEqual([0, 0, 4, 4, 0, 0, 4, 4]);
    const row = (alignCorners: boolean) =>
      list(upsampleBilinearForward(x, { extent: [1, 5], alignCorners }).y);
    expect(row(true)).toEqual([0, 1, 2, 3, 4]);
    expect(row(false).map((value) => Number(value.toFixed(5)))).toEqual([4, 4.4, 6, 7.6, 8]);
    // The same size is the same image, and a ramp stays one.
    for (const alignCorners of [false, true]) {
      expect(list(upsampleBilinear(x, { factor: 1, alignCorners }))).toEqual([0, 4, 8, 12]);
    }
    const ramp = linspace(0, 6, [1, 1, 1, 4], 'f64');
    const finer = upsampleBilinear(ramp, { extent: [1, 7], alignCorners: true });
    expect(list(finer)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test('name what does not fit', () => {
    using _work = scope();
    const x = zeros([1, 2, 3, 3]);
    expect(() => upsampleNearest(x, { extent: [0, 4] })).toThrow(ValueError);
    expect(() => upsampleBilinear(x, { factor: 1.5 })).toThrow(/factor .* 1.5/);
    expect(() => upsampleNearest(zeros([3, 3]), { factor: 2 })).toThrow(ShapeError);
    expect(() => upsampleBilinear(zeros([1, 1, 0, 3]), { extent: [2, 2] })).toThrow(/\(0, 3\)/);
    expect(upsampleNearest(zeros([0, 2, 3, 3]), { factor: 2 }).shape).toEqual([0, 2, 6, 6]);
    const { cache } = upsampleBilinearForward(x, { factor: 2 });
    expect(() => upsampleBilinearBackward(x, cache)).toThrow(/\(1, 2, 3, 3\).*\(1, 2, 6, 6\)/);
  });
});
