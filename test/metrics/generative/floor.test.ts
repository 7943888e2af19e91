import { describe, expect, test } from 'vitest';
import { ShapeError, ValueError } from '@/errors.js';
import {
  besideFloor,
  featureScoreLines,
  featureScores,
  floorLine,
  halvesOf,
} from '@/metrics/generative/floor.js';
import { frechetBias, frechetDistance, gaussianOf } from '@/metrics/generative/frechet.js';
import { Random } from '@/random.js';
import { randomNormal, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const numbered = (N: number) => zeros([N, 1]).fillBy((i) => i);

describe('halvesOf', () => {
  test('has every sample once, in an order by the seed', () => {
    const [a, b] = halvesOf(numbered(11), { seed: 4 });
    const all = [...a.dataSync(), ...b.dataSync()];
    expect(new Set(all).size).toBe(10);
    expect([a.shape, b.shape]).toEqual([
      [5, 1],
      [5, 1],
    ]);
    expect([...halvesOf(numbered(11), { seed: 4 })[0].dataSync()]).toEqual([...a.dataSync()]);
    expect([...halvesOf(numbered(11), { seed: 5 })[0].dataSync()]).not.toEqual([...a.dataSync()]);
  });

  test('of a size', () => {
    expect(halvesOf(numbered(10), { count: 2 })[1].shape).toEqual([2, 1]);
    expect(() => halvesOf(numbered(10), { count: 6 })).toThrow(ValueError);
    expect(() => halvesOf(numbered(1))).toThrow(ValueError);
  });
});

describe('besideFloor', () => {
  test('both are against one half of the real samples, all of one size', () => {
    const seen: number[][] = [];
    const measure = (real: Tensor, other: Tensor) => {
      seen.push([...real.dataSync()], [...other.dataSync()]);
      return seen.length;
    };
    const generated = tensor([[100], [101], [102]]);
    expect(besideFloor(numbered(9), generated, measure, { seed: 1 })).toEqual({
      value: 2,
      floor: 4,
      count: 3,
    });
    const [A, made = [], again, B = []] = seen;
    expect(again).toEqual(A);
    expect(made).toEqual([100, 101, 102]);
    expect(new Set([...(A ?? []), ...B]).size).toBe(6);
    // Four of nine is half, so one of the generated ones is left out.
    expect(besideFloor(numbered(4), generated, measure).count).toBe(2);
  });

  test('a model as good as the data reaches the floor, which is the bias of the distance', () => {
    const random = new Random(9);
    const [real, generated] = [randomNormal(random, [1200, 6]), randomNormal(random, [600, 6])];
    const { value, floor, count } = besideFloor(real, generated, frechetDistance);
    const bias = frechetBias(gaussianOf(real), [count, count]);
    // Distances of samples vary by a fifth here.
    expect(Math.abs(floor / bias - 1)).toBeLessThan(0.7);
    expect(Math.abs(value / bias - 1)).toBeLessThan(0.7);
  });

  test('refuses what cannot be compared', () => {
    expect(() => besideFloor(numbered(1), numbered(1), frechetDistance)).toThrow(ValueError);
    expect(() => besideFloor(numbered(9), zeros([3, 2]), frechetDistance)).toThrow(ShapeError);
  });
});

test('featureScores as lines', () => {
  const random = new Random(10);
  const [real, generated] = [randomNormal(random, [200, 3]), randomNormal(random, [90, 3], 0.1)];
  const scores = besideFloor(real, generated, featureScores);
  expect(scores.value.precision).toBeGreaterThan(scores.floor.precision);
  expect(scores.value.recall).toBeLessThan(0.1);
  expect(scores.value.frechet).toBeGreaterThan(5 * scores.floor.frechet);
  const lines = featureScoreLines(scores);
  expect(lines[0]).toBe('of 90 samples a side:');
  expect(lines).toHaveLength(6);
  expect(lines[1]).toMatch(/^Frechet distance [\d.]+ \(two halves of the real data: [\d.]+\)$/);
  expect(floorLine('modes', { value: 950, floor: 1000, count: 1 }, String)).toBe(
    'modes 950 (two halves of the real data: 1000)',
  );
});
