import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { DTypeError, ShapeError, ValueError } from '@/errors.js';
import { concat, concatBackward, concatForward } from '@/layers/indexing/pieces.js';
import { Random } from '@/random.js';
import { randomNormal, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const random = new Random(53);
const normal = (...shape: number[]) => randomNormal(random, shape, 1, 'f64');
const list = (x: Tensor) => [...x.dataSync()];

describe('concat', () => {
  test.each([
    [
      0,
      [
        [1, 3],
        [2, 3],
        [4, 3],
      ],
    ],
    [
      1,
      [
        [2, 1, 2, 2],
        [2, 3, 2, 2],
      ],
    ],
    [
      2,
      [
        [2, 2, 1],
        [2, 2, 5],
      ],
    ],
    [1, [[3, 2]]],
  ])('along axis %i has right gradients for %j', (axis, shapes) => {
    using _work = scope();
    const tree = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, normal(...shape)]));
    expectRightGradients((parts) => concat(Object.values(parts), axis), tree);
  });

  test('puts channels side by side, and takes them apart', () => {
    using _work = scope();
    const [a, b] = [
      tensor([
        [1, 2],
        [5, 6],
      ]),
      tensor([[3], [7]]),
    ];
    const { out, cache } = concatForward([a, b, zeros([2, 0])], 1);
    expect(out.shape).toEqual([2, 3]);
    expect(list(out)).toEqual([1, 2, 3, 5, 6, 7]);
    expect(list(concat([a, b], -1))).toEqual(list(out));
    const { dParts } = concatBackward(out, cache);
    expect(dParts.map(list)).toEqual([[1, 2, 5, 6], [3, 7], []]);
  });

  test('names what does not fit', () => {
    using _work = scope();
    const x = zeros([2, 3]);
    expect(() => concat([], 0)).toThrow(ValueError);
    expect(() => concat([x], 2)).toThrow(/\(2, 3\) has no axis 2/);
    expect(() => concat([x, zeros([3, 3])], 1)).toThrow(/\(3, 3\).*\(2, 3\).*axis 1/);
    expect(() => concat([x, zeros([2, 3, 1])], 1)).toThrow(ShapeError);
    expect(() => concat([x, zeros([2, 3], 'f64')], 1)).toThrow(DTypeError);
  });
});
