import { describe, expect, test } from 'vitest';
import { ShapeError, ValueError } from '@/errors.js';
import {
  classesOf,
  classHistogram,
  inceptionScore,
  stackedClasses,
} from '@/metrics/generative/classes.js';
import { Random } from '@/random.js';
import { full, tensor, zeros } from '@/tensor/create.js';

describe('inceptionScore', () => {
  test('is K when every picture is surely of a class and all are as many, 1 when all look alike', () => {
    const sure = zeros([40, 4]).fillBy((i) => (Math.floor(i / 4) % 4 === i % 4 ? 1 : 0));
    const score = inceptionScore(sure, { splits: 5 });
    expect(score.mean).toBeCloseTo(4, 10);
    expect(score.deviation).toBeCloseTo(0, 10);
    expect(score.splits).toHaveLength(5);
    expect(inceptionScore(full([30, 4], 0.25)).mean).toBeCloseTo(1, 10);
    const one = zeros([30, 4]).fillBy((i) => (i % 4 === 2 ? 1 : 0));
    expect(inceptionScore(one).mean).toBeCloseTo(1, 10);
  });

  test('of two classes, one of them always doubted', () => {
    // p = (q, 1 - q) and (1 - q, q): log 2 less the entropy of q.
    const q = 0.9;
    const entropy = -q * Math.log(q) - (1 - q) * Math.log(1 - q);
    const p = tensor(
      [
        [q, 1 - q],
        [1 - q, q],
      ],
      { dtype: 'f64' },
    );
    expect(inceptionScore(p, { splits: 1 }).mean).toBeCloseTo(2 * Math.exp(-entropy), 12);
  });

  test('is of each part by itself, in order, where parts do not divide the pictures evenly', () => {
    // Parts 0:1, 1:3, 3:5 of five pictures.
    const p = tensor([
      [1, 0],
      [1, 0],
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    const { splits, mean, deviation } = inceptionScore(p, { splits: 3 });
    for (const [i, score] of [1, 2, 1].entries()) expect(splits[i]).toBeCloseTo(score, 12);
    expect(mean).toBeCloseTo(4 / 3, 12);
    expect(deviation).toBeCloseTo(Math.sqrt(2) / 3, 12);
  });

  test('refuses scores, too few pictures, and what is no number', () => {
    expect(() => inceptionScore(full([3, 2], 0.5))).toThrow(/3 samples are too few.*10/);
    expect(() => inceptionScore(tensor([[2, -1]]), { splits: 1 })).toThrow(/give softmax/);
    expect(() => inceptionScore(tensor([[3, 4]]), { splits: 1 })).toThrow(ValueError);
    expect(() => inceptionScore(tensor([[1, Number.NaN]]), { splits: 1 })).toThrow(ValueError);
    expect(() => inceptionScore(tensor([1, 0]), { splits: 1 })).toThrow(ShapeError);
    expect(() => inceptionScore(full([3, 2], 0.5), { splits: 0 })).toThrow(ValueError);
  });
});

describe('classHistogram', () => {
  test('counts, and how far from even', () => {
    const { counts, shares, found, unevenness, divergence } = classHistogram([0, 0, 0, 2], 4);
    expect(counts).toEqual([3, 0, 1, 0]);
    expect(shares).toEqual([0.75, 0, 0.25, 0]);
    expect(found).toBe(2);
    expect(unevenness).toBeCloseTo(0.5, 12);
    expect(divergence).toBeCloseTo(0.75 * Math.log(3) + 0.25 * Math.log(1), 12);
    expect(classHistogram([3, 3], 4).divergence).toBeCloseTo(Math.log(4), 12);
  });

  test('against counts of the data', () => {
    const same = classHistogram([0, 0, 1], 2, [200, 100]);
    expect(same.unevenness).toBeCloseTo(0, 12);
    expect(same.divergence).toBeCloseTo(0, 12);
    expect(classHistogram([1], 2, [1, 0]).divergence).toBe(Number.POSITIVE_INFINITY);
  });

  test('of fair draws: as many classes and as much divergence as there should be', () => {
    const random = new Random(8);
    const [N, K] = [5000, 1000];
    const labels = Array.from({ length: N }, () => random.integer(K));
    const { found, divergence } = classHistogram(labels, K);
    // 993.3 with a deviation of 2.5; the divergence of 5 a class is a little above 999 / 10,000.
    expect(Math.abs(found - K * (1 - (1 - 1 / K) ** N))).toBeLessThan(10);
    expect(divergence / ((K - 1) / (2 * N))).toBeCloseTo(1, 0);
  });

  test('refuses labels and shares that are none', () => {
    expect(() => classHistogram([], 2)).toThrow(ValueError);
    expect(() => classHistogram([0, 2], 2)).toThrow(/picture 1 is 2, but there are 2/);
    expect(() => classHistogram([0.5], 2)).toThrow(ValueError);
    expect(() => classHistogram([0], 2, [1])).toThrow(ShapeError);
    expect(() => classHistogram([0], 2, [0, 0])).toThrow(ValueError);
    expect(() => classHistogram([0], 2, [1, -1])).toThrow(ValueError);
  });
});

test('stackedClasses and classesOf', () => {
  expect([
    ...stackedClasses([
      [2, 9],
      [0, 9],
      [7, 9],
    ]),
  ]).toEqual([207, 999]);
  expect([
    ...stackedClasses(
      [
        [1, 0],
        [2, 1],
      ],
      3,
    ),
  ]).toEqual([5, 1]);
  expect(() => stackedClasses([[1], [2, 3]])).toThrow(ShapeError);
  expect(() => stackedClasses([[1], [10]])).toThrow(ValueError);
  expect(() => stackedClasses([])).toThrow(ValueError);
  expect([
    ...classesOf(
      tensor([
        [0.1, 0.9],
        [0.5, 0.5],
      ]),
    ),
  ]).toEqual([1, 0]);
});
