import { describe, expect, test } from 'vitest';
import { ShapeError, ValueError } from '@/errors.js';
import {
  densityAndCoverage,
  expectedCoverage,
  precisionAndRecall,
} from '@/metrics/generative/manifolds.js';
import { Random } from '@/random.js';
import { randomNormal, randomUniform, tensor, zeros } from '@/tensor/create.js';

const line = (...values: number[]) => tensor(values.map((v) => [v]));

describe('by hand', () => {
  // Radii with k = 1: 1, 1, 2, 4; with k = 2: 3, 2, 3, 6.
  const real = line(0, 1, 3, 7);

  test('precision and recall', () => {
    // 12 lies in no ball of the real ones, 11 on the edge of that of 7.
    expect(precisionAndRecall(real, line(-1, 11, 12), { k: 1 })).toEqual({
      precision: 2 / 3,
      // Radii of the generated ones: 12, 1, 1: the first ball holds all.
      recall: 1,
    });
    expect(precisionAndRecall(real, line(20, 21), { k: 1 })).toEqual({ precision: 0, recall: 0 });
    // Balls of radius 0.5 hold 3 and 7, but 0 and 1 not.
    expect(precisionAndRecall(real, line(3, 3.5, 7, 7.5), { k: 1 })).toEqual({
      precision: 1,
      recall: 1 / 2,
    });
  });

  test('density and coverage', () => {
    // Balls [-1, 1], [0, 2], [1, 5], [3, 11]: 1 lies in three, 4 in two, 12 in none.
    expect(densityAndCoverage(real, line(1, 4, 12), { k: 1 })).toEqual({
      density: 5 / 3,
      coverage: 1,
    });
    expect(densityAndCoverage(real, line(-1), { k: 1 })).toEqual({ density: 1, coverage: 1 / 4 });
    // Balls [-3, 3], [-1, 3], [0, 6], [1, 13].
    expect(densityAndCoverage(real, line(-3, 6), { k: 2 })).toEqual({
      density: 3 / 4,
      coverage: 3 / 4,
    });
  });

  test('edges are exact, far from 0 as well, where products alone cannot tell', () => {
    const far = (...values: number[]) =>
      tensor(
        values.map((v) => [1e4 + v]),
        { dtype: 'f64' },
      );
    const set = far(0, 1, 3, 7);
    expect(densityAndCoverage(set, far(11), { k: 1 })).toEqual({ density: 1, coverage: 1 / 4 });
    expect(densityAndCoverage(set, far(11 + 1e-9), { k: 1 })).toEqual({ density: 0, coverage: 0 });
    expect(precisionAndRecall(set, far(11, 11 + 1e-9), { k: 1 }).precision).toBe(1 / 2);
  });

  test('equal samples have balls of radius 0, which hold themselves', () => {
    const same = line(2, 2, 2);
    expect(precisionAndRecall(same, same, { k: 2 })).toEqual({ precision: 1, recall: 1 });
    expect(densityAndCoverage(same, line(2, 3), { k: 2 })).toEqual({ density: 3 / 4, coverage: 1 });
  });

  test('the set itself: each ball holds its centre and k others', () => {
    const set = randomNormal(new Random(2), [200, 6]);
    expect(precisionAndRecall(set, set)).toEqual({ precision: 1, recall: 1 });
    expect(densityAndCoverage(set, set)).toEqual({ density: 6 / 5, coverage: 1 });
  });
});

describe('of distributions', () => {
  test('one and the same: density 1 and the coverage that Naeem et al. prove', () => {
    const random = new Random(11);
    for (const [N, M, k] of [
      [2000, 2000, 5],
      [2500, 800, 3],
    ] as const) {
      const draw = (count: number) => randomNormal(random, [count, 3]);
      const { density, coverage } = densityAndCoverage(draw(N), draw(M), { k });
      expect(density).toBeCloseTo(1, 1);
      expect(Math.abs(coverage - expectedCoverage(N, M, k))).toBeLessThan(0.03);
    }
    expect(expectedCoverage(10_000, 10_000)).toBeCloseTo(1 - 1 / 32, 3);
    expect(expectedCoverage(2, 1, 1)).toBe(1 / 2);
  });

  test('half of the data: all precise, half recalled; the other way round likewise', () => {
    const random = new Random(12);
    const whole = randomUniform(random, [3000, 1], 0, 1);
    const half = randomUniform(random, [3000, 1], 0, 0.5);
    const lost = precisionAndRecall(whole, half);
    expect(lost.precision).toBeGreaterThan(0.97);
    expect(lost.recall).toBeCloseTo(0.5, 1);
    const strange = precisionAndRecall(half, whole);
    expect(strange.precision).toBeCloseTo(0.5, 1);
    expect(strange.recall).toBeGreaterThan(0.97);
    // Twice as dense on half of it.
    const { density, coverage } = densityAndCoverage(whole, half);
    expect(density).toBeCloseTo(1, 1);
    expect(coverage).toBeCloseTo(0.5, 1);
  });
});

test('refuses what it cannot measure', () => {
  const three = tensor([[1], [2], [3]]);
  expect(() => precisionAndRecall(three, three)).toThrow(
    /real: k = 3 neighbours of 2 other samples/,
  );
  expect(() => precisionAndRecall(three, line(1), { k: 1 })).toThrow(/generated: k = 1/);
  expect(densityAndCoverage(three, line(1), { k: 1 }).density).toBe(2);
  expect(() => densityAndCoverage(three, three, { k: 0 })).toThrow(ValueError);
  expect(() => densityAndCoverage(three, zeros([3, 2]), { k: 1 })).toThrow(ShapeError);
  expect(() => precisionAndRecall(three, line(1, Number.NaN), { k: 1 })).toThrow(
    /generated: sample 1 has NaN/,
  );
});
