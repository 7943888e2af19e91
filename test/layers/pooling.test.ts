import { type FixtureCase, fixture, fromFixture, relativeError } from '@test/golden.js';
import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import {
  adaptiveAveragePool,
  averagePool,
  averagePoolBackward,
  averagePoolForward,
  globalAveragePool,
  globalAveragePoolForward,
  maxPool,
  maxPoolBackward,
  maxPoolForward,
  type PoolOptions,
} from '@/layers/pooling.js';
import { Random } from '@/random.js';
import { randomNormal, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const cases = Object.entries(fixture<Record<string, FixtureCase>>('recurrent.json'));
const named = (prefix: string) => cases.filter(([name]) => name.startsWith(prefix));

/** A pool forward and backward. */
function both<C>(
  forward: (x: Tensor, options: PoolOptions) => { y: Tensor; cache: C },
  backward: (dy: Tensor, cache: C) => { dx: Tensor },
) {
  return ({ inputs, options, cotangents }: FixtureCase) => {
    const { y, cache } = forward(fromFixture(inputs, 'x'), options as unknown as PoolOptions);
    return { y, ...backward(fromFixture(cotangents, 'dy'), cache) };
  };
}

describe('agrees with PyTorch in float64', () => {
  test('the fixture has cases of both kinds', () => {
    expect(['max_pool_', 'average_pool_'].map((kind) => named(kind).length)).toEqual([10, 4]);
  });

  const passes = [
    ...named('max_pool_').map((one) => [...one, both(maxPoolForward, maxPoolBackward)] as const),
    ...named('average_pool_').map(
      (one) => [...one, both(averagePoolForward, averagePoolBackward)] as const,
    ),
  ];
  test.each(passes)('%s', (_name, one, pass) => {
    using _work = scope();
    const { y, dx } = pass(one);
    expect(y.shape).toEqual(one.outputs.y?.shape);
    expect(relativeError(y.dataSync(), one.outputs.y?.data ?? [])).toBeLessThan(1e-7);
    expect(relativeError(dx.dataSync(), one.gradients.dx?.data ?? []), 'dx').toBeLessThan(1e-7);
  });
});

describe('gradients agree with central differences', () => {
  const overlapping = { kernel: 3, stride: 2, padding: 1, ceilMode: true };
  test.each([
    ['maxPool', (x: Tensor) => maxPool(x, overlapping)],
    ['averagePool', (x: Tensor) => averagePool(x, overlapping)],
    [
      'averagePool of the image alone',
      (x: Tensor) => averagePool(x, { ...overlapping, countPadding: false }),
    ],
    [
      'maxPool, padded on two sides',
      (x: Tensor) => maxPool(x, { kernel: 2, padding: { top: 1, right: 1 } }),
    ],
    [
      'averagePool, padded on two sides',
      (x: Tensor) => averagePool(x, { kernel: 4, padding: { bottom: 2, right: 1 } }),
    ],
    ['adaptiveAveragePool', (x: Tensor) => adaptiveAveragePool(x, [4, 3])],
    ['globalAveragePool', (x: Tensor) => globalAveragePool(x)],
  ] as const)('%s', (_name, pool) => {
    using _work = scope();
    const x = randomNormal(new Random(6), [2, 2, 6, 5], 1, 'f64');
    const { checked } = expectRightGradients((inputs) => pool(inputs.x), { x });
    expect(checked).toBe(120);
  });
});

describe('pooling', () => {
  test('of equal values the first gets the gradient', () => {
    using _work = scope();
    const x = tensor([
      [
        [
          [1, 3, 3],
          [3, 3, 0],
          [0, 3, 3],
        ],
      ],
    ]);
    const { y, cache } = maxPoolForward(x, { kernel: 2, stride: 1 });
    expect([...y.dataSync()]).toEqual([3, 3, 3, 3]);
    const { dx } = maxPoolBackward(
      tensor([
        [
          [
            [1, 2],
            [4, 8],
          ],
        ],
      ]),
      cache,
    );
    expect([...dx.dataSync()]).toEqual([0, 3, 0, 4, 8, 0, 0, 0, 0]);
  });

  test('NaN is not lost, values below zero are not padded away', () => {
    using _work = scope();
    const x = tensor([
      [
        [
          [-1, -2, -3],
          [-4, -5, -6],
          [-7, -8, Number.NaN],
        ],
      ],
    ]);
    const y = maxPoolForward(x, { kernel: 3, stride: 2, padding: 1 }).y;
    expect([...y.dataSync()]).toEqual([-1, -2, -4, Number.NaN]);
  });

  // Wide enough for whole vectors and a tail, at the strides that have a vector path and one that has none.
  test.each([1, 2, 3])('maxPool at stride %i over wide rows', (stride) => {
    using _work = scope();
    for (const dtype of ['f32', 'f64'] as const) {
      const [H, W] = [5, 23];
      const x = randomNormal(new Random(stride), [1, 1, H, W], 1, dtype);
      const values = x.dataSync();
      const { y } = maxPoolForward(x, { kernel: 3, stride, padding: 1 });
      const [, , OH = 0, OW = 0] = y.shape;
      const expected = Array.from({ length: OH * OW }, (_, at) => {
        let best = Number.NEGATIVE_INFINITY;
        for (let k = 0; k < 9; k++) {
          const h = Math.floor(at / OW) * stride - 1 + Math.floor(k / 3);
          const w = (at % OW) * stride - 1 + (k % 3);
          if (h >= 0 && h < H && w >= 0 && w < W) best = Math.max(best, values[h * W + w] ?? 9);
        }
        return best;
      });
      expect([...y.dataSync()]).toEqual(expected);
    }
  });

  test('averages count padding, but not what rounding up adds', () => {
    using _work = scope();
    const x = tensor([
      [
        [
          [1, 1, 1, 1],
          [1, 1, 1, 1],
          [1, 1, 1, 1],
          [1, 1, 1, 1],
        ],
      ],
    ]);
    const padded = averagePoolForward(x, { kernel: 3, stride: 2, padding: 1, ceilMode: true });
    expect([...padded.y.dataSync()].map((v) => Math.round(v * 9))).toEqual([
      4, 6, 3, 6, 9, 5, 3, 5, 2,
    ]);
  });

  test('padding may differ from side to side', () => {
    using _work = scope();
    const x = tensor([
      [
        [
          [-1, -2],
          [-3, -6],
        ],
      ],
    ]);
    const options = { kernel: 2, stride: 1, padding: { top: 1, right: 1 } };
    expect([...maxPoolForward(x, options).y.dataSync()]).toEqual([-1, -2, -1, -2]);
    const means = (countPadding: boolean) => [
      ...averagePoolForward(x, { ...options, countPadding }).y.dataSync(),
    ];
    expect(means(true)).toEqual([-0.75, -0.5, -3, -2]);
    expect(means(false)).toEqual([-1.5, -2, -3, -4]);
    const below = averagePoolForward(x, { kernel: 2, stride: 1, padding: { bottom: 1 } });
    expect([...below.y.dataSync()]).toEqual([-3, -2.25]);
  });

  test('adaptive means are over windows as even as they can be', () => {
    using _work = scope();
    const x = tensor([[[[1, 2, 3, 4, 5]]]]);
    expect([...adaptiveAveragePool(x, [1, 2]).dataSync()]).toEqual([2, 4]);
    expect([...adaptiveAveragePool(x, 1).dataSync()]).toEqual([3]);
    expect(() => adaptiveAveragePool(x, [0, 1])).toThrow(ValueError);
    expect(() => adaptiveAveragePool(zeros([1, 1, 0, 2]), 1)).toThrow(/\(0, 2\)/);
    expect(adaptiveAveragePool(zeros([0, 3, 2, 2]), 1).shape).toEqual([0, 3, 1, 1]);
  });

  test('the global mean', () => {
    using _work = scope();
    const x = tensor([
      [
        [
          [1, 2, 3],
          [4, 5, 9],
        ],
        [
          [0, 0, 0],
          [0, 0, 6],
        ],
      ],
    ]);
    expect([...globalAveragePoolForward(x).y.dataSync()]).toEqual([4, 1]);
    expect(() => globalAveragePool(zeros([1, 2, 0, 3]))).toThrow(ShapeError);
  });

  test('names what disagrees', () => {
    const x = zeros([1, 1, 4, 4]);
    expect(() => maxPool(x, { kernel: 5 })).toThrow(/\(5, 5\).*\(4, 4\)/);
    expect(() => maxPool(x, { kernel: 2, padding: 2 })).toThrow(/\(2, 2\).*half/);
    expect(() => maxPool(x, { kernel: 3, padding: { bottom: 2 } })).toThrow(/bottom 2.*half/);
    expect(() => maxPool(zeros([1, 1, 0, 4]), { kernel: 2, padding: 1 })).toThrow(/\(0, 4\)/);
    expect(() => averagePool(x, { kernel: 1.5 })).toThrow(ValueError);
    expect(() => maxPool(zeros([4, 4]), { kernel: 2 })).toThrow(/\(4, 4\)/);
    x.dispose();
  });
});
