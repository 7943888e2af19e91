import { type FixtureCase, fixture, fromFixture, relativeError } from '@test/golden.js';
import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import {
  adaptiveAveragePool,
  adaptiveAveragePool3d,
  averagePool,
  averagePool3d,
  averagePool3dForward,
  averagePoolBackward,
  averagePoolForward,
  globalAveragePool,
  globalAveragePoolForward,
} from '@/layers/pooling/average-pool.js';
import {
  maxPool,
  maxPool3d,
  maxPool3dBackward,
  maxPool3dForward,
  maxPoolBackward,
  maxPoolForward,
} from '@/layers/pooling/max-pool.js';
import type { PoolOptions } from '@/layers/pooling/pool-windows.js';
import { subsample } from '@/layers/pooling/subsampling.js';
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

  const clips = { kernel: [3, 2, 3], stride: 2, padding: 1, ceilMode: true } as const;
  test.each([
    ['maxPool3d', (x: Tensor) => maxPool3d(x, clips)],
    ['averagePool3d', (x: Tensor) => averagePool3d(x, clips)],
    [
      'averagePool3d of the clip alone',
      (x: Tensor) => averagePool3d(x, { ...clips, countPadding: false }),
    ],
    [
      'maxPool3d, padded on three sides',
      (x: Tensor) => maxPool3d(x, { kernel: 2, padding: { before: 1, bottom: 1, right: 1 } }),
    ],
    ['adaptiveAveragePool3d', (x: Tensor) => adaptiveAveragePool3d(x, [2, 3, 4])],
    ['globalAveragePool', (x: Tensor) => globalAveragePool(x)],
  ] as const)('%s of clips', (_name, pool) => {
    using _work = scope();
    const x = randomNormal(new Random(6), [2, 1, 3, 4, 5], 1, 'f64');
    const { checked } = expectRightGradients((inputs) => pool(inputs.x), { x });
    expect(checked).toBe(120);
  });

  test.each([
    [[2, 3, 4, 6], { kernel: 2 }],
    [[1, 2, 3, 5, 7], { kernel: [2, 3] }],
    [[2, 1, 2, 4, 4], { kernel: 3, stride: 1 }],
    [[1, 1, 1, 1], { kernel: 1 }],
  ] as const)('subsample of %j', (shape, options) => {
    using _work = scope();
    const random = new Random(3);
    const x = randomNormal(random, shape, 1, 'f64');
    const coefficient = randomNormal(random, [shape[1]], 1, 'f64');
    const bias = randomNormal(random, [shape[1]], 1, 'f64');
    expectRightGradients((p) => subsample(p.x, p.coefficient, p.bias, options), {
      x,
      coefficient,
      bias,
    });
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

  test('the last NaN of a window gets the gradient', () => {
    using _work = scope();
    // As many windows as there are lanes, side by side, and one more.
    const values = Array.from({ length: 20 }, (_, i) => (i === 3 || i === 14 ? Number.NaN : -i));
    const { y, cache } = maxPoolForward(tensor(values, { shape: [1, 1, 2, 10] }), { kernel: 2 });
    const { dx } = maxPoolBackward(tensor([1, 2, 3, 4, 5], { shape: y.shape }), cache);
    expect([...dx.dataSync()]).toEqual([
      1, 0, 0, 2, 0, 0, 4, 0, 5, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0,
    ]);
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

  test('of equal values in a clip the one in the earliest frame gets the gradient', () => {
    using _work = scope();
    const x = tensor([1, 3, 2, 3, 3, 0, 1, 2], { shape: [1, 1, 2, 2, 2] });
    const { y, cache } = maxPool3dForward(x, { kernel: 2 });
    expect(y.shape).toEqual([1, 1, 1, 1, 1]);
    expect(y.item()).toBe(3);
    const { dx } = maxPool3dBackward(tensor([5], { shape: y.shape }), cache);
    expect([...dx.dataSync()]).toEqual([0, 5, 0, 0, 0, 0, 0, 0]);
  });

  // Wide enough for whole vectors and a tail; the window goes over frames that are apart, too.
  test.each([1, 2, 3])('maxPool3d at stride %i is the maximum over frames of maxPool', (stride) => {
    using _work = scope();
    for (const dtype of ['f32', 'f64'] as const) {
      const x = randomNormal(new Random(stride), [1, 2, 5, 5, 23], 1, dtype);
      const { y } = maxPool3dForward(x, { kernel: 3, stride, padding: 1 });
      const frames = maxPoolForward(x.view(1, 10, 5, 23), { kernel: 3, stride, padding: 1 }).y;
      const [, , OT = 0, OH = 0, OW = 0] = y.shape;
      const [values, plane] = [frames.dataSync(), OH * OW];
      const expected = Array.from({ length: y.size }, (_, at) => {
        const [c, t] = [Math.floor(at / (OT * plane)), Math.floor(at / plane) % OT];
        const under = [-1, 0, 1].map((i) => t * stride + i).filter((f) => f >= 0 && f < 5);
        return Math.max(...under.map((f) => values[(c * 5 + f) * plane + (at % plane)] ?? 9));
      });
      expect([...y.dataSync()]).toEqual(expected);
    }
  });

  test('of clips one frame at a time what is done to images is done', () => {
    using _work = scope();
    const x = randomNormal(new Random(2), [2, 3, 4, 7, 9], 1, 'f32');
    const images = x.view(2, 12, 7, 9);
    const options = { stride: 2, padding: 1, ceilMode: true } as const;
    const flat = { kernel: 3, ...options };
    const deep = { kernel: [1, 3, 3], ...options, stride: [1, 2, 2], padding: [0, 1, 1] } as const;
    const list = (y: Tensor) => [...y.dataSync()];
    expect(list(maxPool3d(x, deep))).toEqual(list(maxPool(images, flat)));
    expect(list(averagePool3d(x, deep))).toEqual(list(averagePool(images, flat)));
    expect(list(adaptiveAveragePool3d(x, [4, 3, 2]))).toEqual(
      list(adaptiveAveragePool(images, [3, 2])),
    );
  });

  test('averages of clips count padding, but not what rounding up adds', () => {
    using _work = scope();
    const x = tensor([1, 1, 1, 1, 1], { shape: [1, 1, 5, 1, 1] });
    const options = { kernel: [2, 1, 1], stride: [2, 1, 1], padding: [1, 0, 0] } as const;
    const of = (more: object) => [...averagePool3dForward(x, { ...options, ...more }).y.dataSync()];
    expect(of({})).toEqual([0.5, 1, 1]);
    expect(of({ countPadding: false })).toEqual([1, 1, 1]);
    const wide = { kernel: [4, 1, 1], stride: [3, 1, 1], padding: [2, 0, 0], ceilMode: true };
    expect(of(wide)).toEqual([0.5, 1, Math.fround(1 / 3)]);
    expect(of({ padding: [0, 0, 0], ceilMode: true })).toEqual([1, 1, 1]);
  });

  test('subsampling is a mean, times a coefficient and plus a bias of its map', () => {
    using _work = scope();
    const maps = tensor([1, 2, 9, 3, 6, 9, 0, 0, 9, 4, 0, 9], { shape: [1, 2, 2, 3] });
    const y = subsample(maps, tensor([2, -1]), tensor([0.5, 10]), { kernel: 2 });
    // The third column has no window.
    expect(y.shape).toEqual([1, 2, 1, 1]);
    expect([...y.dataSync()]).toEqual([6.5, 9]);
    const clips = subsample(maps.view(1, 1, 2, 2, 3), tensor([2]), tensor([0.5]), {
      kernel: [2, 2],
    });
    expect(clips.shape).toEqual([1, 1, 2, 1, 1]);
    expect([...clips.dataSync()]).toEqual([6.5, 2.5]);
    expect(() => subsample(maps, tensor([1]), tensor([0, 0]), { kernel: 2 })).toThrow(
      /coefficient \(1\) does not fit x \(1, 2, 2, 3\)/,
    );
    expect(() => subsample(maps.view(2, 6), tensor([1]), tensor([0]), { kernel: 2 })).toThrow(
      /\(N, C, T, H, W\)/,
    );
    expect(() => subsample(maps, tensor([1, 1]), tensor([0, 0]), { kernel: 0 })).toThrow(
      ValueError,
    );
  });

  test('the global mean of a clip', () => {
    using _work = scope();
    const x = tensor([1, 2, 3, 4, 5, 9, 0, 0, 0, 0, 0, 6], { shape: [1, 2, 3, 2, 1] });
    expect([...globalAveragePool(x).dataSync()]).toEqual([4, 1]);
    expect(() => globalAveragePool(zeros([1, 2, 0, 3, 1]))).toThrow(/a clip of \(0, 3, 1\)/);
    expect(() => globalAveragePool(zeros([1, 2, 3]))).toThrow(ShapeError);
  });

  test('names what disagrees over clips', () => {
    using _work = scope();
    const x = zeros([1, 1, 3, 4, 4]);
    expect(() => maxPool3d(x, { kernel: [4, 2, 2] })).toThrow(/\(4, 2, 2\).*\(3, 4, 4\)/);
    expect(() => maxPool3d(x, { kernel: [1, 2, 2], padding: 1 })).toThrow(/\(1, 1, 1\).*half/);
    expect(() => averagePool3d(x, { kernel: 3, padding: { after: 2 } })).toThrow(/after 2.*half/);
    expect(() => maxPool3d(zeros([1, 1, 0, 4, 4]), { kernel: 2 })).toThrow(/\(0, 4, 4\)/);
    expect(() => maxPool3d(zeros([1, 3, 4, 4]), { kernel: 2 })).toThrow(/\(N, C, T, H, W\)/);
    expect(() => adaptiveAveragePool3d(x, [1, 0, 1])).toThrow(ValueError);
    expect(maxPool3d(zeros([0, 3, 2, 2, 2]), { kernel: 2 }).shape).toEqual([0, 3, 1, 1, 1]);
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
