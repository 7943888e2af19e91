import { describe, expect, test } from 'vitest';
import { DTypeError, ShapeError, ValueError } from '@/errors.js';
import { memorising, nearestNeighbours } from '@/metrics/generative/neighbours.js';
import { Random } from '@/random.js';
import { randomNormal, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

/** All distances and a sort: what the products have to agree with, to the bit. */
function bySorting(queries: Tensor, set: Tensor, k: number, withinItself = false) {
  const [N = 0, D = 0] = queries.shape;
  const [M = 0] = set.shape;
  const [a, b] = [queries.dataSync(), set.dataSync()];
  return Array.from({ length: N }, (_, n) =>
    Array.from({ length: M }, (_, m) => {
      let sum = 0;
      for (let d = 0; d < D; d++) sum += ((a[n * D + d] ?? 0) - (b[m * D + d] ?? 0)) ** 2;
      return { m, distance: Math.sqrt(sum) };
    })
      .filter(({ m }) => !withinItself || m !== n)
      .sort((x, y) => x.distance - y.distance || x.m - y.m)
      .slice(0, k),
  ).flat();
}

function expectSame(queries: Tensor, set: Tensor, k: number, withinItself = false) {
  const { indices, distances } = nearestNeighbours(queries, set, { k, withinItself });
  const expected = bySorting(queries, set, k, withinItself);
  expect([...indices]).toEqual(expected.map(({ m }) => m));
  expect([...distances]).toEqual(expected.map(({ distance }) => distance));
}

describe('nearestNeighbours', () => {
  test.each([
    [1, 1, 1, 1],
    [7, 30, 3, 30],
    [33, 65, 17, 4],
  ])('%d queries, %d samples of %d, k = %d: as a sort of all distances', (N, M, D, k) => {
    const random = new Random(N);
    expectSame(randomNormal(random, [N, D]), randomNormal(random, [M, D]), k);
  });

  test('far from 0 and near each other, where products alone have no digits left', () => {
    const random = new Random(4);
    const near = (N: number) =>
      tensor(
        randomNormal(random, [N, 5], 1e-4, 'f64')
          .dataSync()
          .map((v) => v + 1e4),
        {
          shape: [N, 5],
          dtype: 'f64',
        },
      );
    expectSame(near(40), near(60), 5);
  });

  test('ties go to the lower index, equal rows have distance 0', () => {
    const random = new Random(5);
    const grid = (N: number) => zeros([N, 3]).fillBy(() => random.integer(2));
    expectSame(grid(20), grid(50), 9);
    const same = grid(30);
    expectSame(same, same, 6, true);
    const one = nearestNeighbours(
      tensor([[1, 2]]),
      tensor([
        [1, 2],
        [1, 2],
        [1, 2],
      ]),
      { k: 2 },
    );
    expect([...one.indices]).toEqual([0, 1]);
    expect([...one.distances]).toEqual([0, 0]);
  });

  test('in blocks: more rows than one block has, and rows so long that a block has few', () => {
    const random = new Random(6);
    expectSame(randomNormal(random, [3, 2]), randomNormal(random, [4100, 2]), 3);
    expectSame(randomNormal(random, [2100, 2]), randomNormal(random, [9, 2]), 2);
    const one = zeros([700, 1]).fillBy((i) => i % 256);
    expectSame(one, one, 4, true);
    const long = 2 ** 18;
    const set = zeros([9, long]).fillBy((i) => (i % long === 5 ? Math.floor(i / long) : 0));
    const { indices, distances } = nearestNeighbours(set, set, { k: 1, withinItself: true });
    expect([...indices]).toEqual([1, 0, 1, 2, 3, 4, 5, 6, 7]);
    expect([...distances]).toEqual(new Array(9).fill(1));
  });

  test('takes pictures as they are', () => {
    const pictures = zeros([4, 1, 2, 2]).fillBy((i) => i);
    const { indices } = nearestNeighbours(pictures.slice(2, 3), pictures, { k: 3 });
    expect([...indices]).toEqual([2, 1, 3]);
  });

  test('refuses what it cannot find', () => {
    const set = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    for (const k of [0, -1, 1.5, 4, Number.NaN]) {
      expect(() => nearestNeighbours(set, set, { k })).toThrow(ValueError);
    }
    expect(() => nearestNeighbours(set, set, { k: 3, withinItself: true })).toThrow(
      /of 2 other samples/,
    );
    expect(() => nearestNeighbours(tensor([[1]]), set)).toThrow(ShapeError);
    expect(() => nearestNeighbours(tensor([[1, Number.POSITIVE_INFINITY]]), set)).toThrow(
      ValueError,
    );
    const huge = tensor([[1e200, 0]], { dtype: 'f64' });
    expect(() => nearestNeighbours(huge, set)).toThrow(/scale them down/);
    expect(() => nearestNeighbours(set, zeros([0, 2]))).toThrow(/too few/);
    expect(() => nearestNeighbours(set, zeros([3, 2], 'u8'))).toThrow(DTypeError);
  });
});

describe('memorising', () => {
  const random = new Random(7);
  const draw = (N: number) => randomNormal(random, [N, 4]);
  const [training, heldOut] = [draw(300), draw(300)];

  test('new samples of the distribution are as near as those held out', () => {
    const {
      nearer,
      copies,
      generated,
      heldOut: real,
    } = memorising({ generated: draw(300), training, heldOut });
    // The deviation of the statistic is about sqrt((300 + 300) / (12 300²)) = 0.024.
    expect(Math.abs(nearer - 0.5)).toBeLessThan(0.1);
    expect(copies).toBe(0);
    expect(generated / real).toBeCloseTo(1, 0);
  });

  test('a copy is found, and so is what is near one', () => {
    expect(memorising({ generated: training, training, heldOut })).toMatchObject({
      copies: 1,
      nearer: 1,
      generated: 0,
    });
    const blurred = tensor(
      training.dataSync().map((v) => v + 0.01),
      { shape: training.shape },
    );
    const { copies, nearer } = memorising({ generated: blurred, training, heldOut });
    expect(copies).toBe(0);
    expect(nearer).toBeGreaterThan(0.98);
  });

  test('medians and ties by hand', () => {
    const line = (...values: number[]) => tensor(values.map((v) => [v]));
    const result = memorising({
      generated: line(1, 2, 3),
      training: line(0),
      heldOut: line(2, -4),
    });
    expect(result).toEqual({ generated: 2, heldOut: 3, copies: 0, nearer: (1.5 + 3) / 6 });
  });
});
