import { describe, expect, test } from 'vitest';
import { ShapeError, ValueError } from '@/errors.js';
import { linearProbe } from '@/metrics/generative/linear-probe.js';
import { minimise } from '@/metrics/generative/minimise.js';
import { Random } from '@/random.js';
import { tensor, zeros } from '@/tensor/create.js';

/** Codes of two classes, normal around -distance and distance. */
function twoClasses(random: Random, N: number, distance: number, D = 3) {
  const labels = Array.from({ length: N }, (_, n) => n % 2);
  const codes = zeros([N, D], 'f64').fillBy((i) => {
    const side = Math.floor(i / D) % 2 === 0 ? -1 : 1;
    return random.normal() + (i % D === 0 ? side * distance : 0);
  });
  return { codes, labels };
}

describe('linearProbe', () => {
  test('of two normal classes comes to what Bayes allows', () => {
    const random = new Random(21);
    // Means 2 apart, deviations 1: Phi(1) = 0.8413 are told apart, with 4000 to within 0.006.
    const probe = linearProbe(twoClasses(random, 2000, 1), twoClasses(random, 4000, 1));
    expect(probe.converged).toBe(true);
    expect(Math.abs(probe.accuracy - 0.8413)).toBeLessThan(0.02);
  });

  test('of codes that say nothing: chance, and a loss of log K', () => {
    const flat = { codes: tensor([[7], [7], [7], [7]]), labels: [0, 1, 2, 3] };
    const probe = linearProbe(flat, flat);
    expect(probe.accuracy).toBe(1 / 4);
    expect(probe.loss).toBeCloseTo(Math.log(4), 9);
  });

  test('does not depend on units: standardised by train', () => {
    const random = new Random(22);
    const [train, test] = [twoClasses(random, 100, 1), twoClasses(random, 100, 1)];
    const other = ({ codes, labels }: typeof train) => ({
      codes: tensor(
        codes.dataSync().map((v, i) => 1000 * v + (i % 3)),
        { shape: codes.shape, dtype: 'f64' },
      ),
      labels,
    });
    const [one, two] = [linearProbe(train, test), linearProbe(other(train), other(test))];
    expect(two.loss).toBeCloseTo(one.loss, 6);
    expect(two.accuracy).toBe(one.accuracy);
  });

  test('classes that a line separates: all read, and the weights stay finite by the penalty', () => {
    const easy = twoClasses(new Random(23), 200, 20);
    const probe = linearProbe(easy, easy);
    expect(probe).toMatchObject({ accuracy: 1, converged: true });
    expect(linearProbe(easy, easy)).toEqual(probe);
    // One iteration is not enough, and says so.
    expect(linearProbe(easy, easy, { maxIterations: 1 }).converged).toBe(false);
  });

  test('refuses what disagrees', () => {
    const codes = tensor([[1], [2]]);
    const good = { codes, labels: [0, 1] };
    expect(() => linearProbe({ codes, labels: [0] }, good)).toThrow(ShapeError);
    expect(() => linearProbe({ codes, labels: [1, 1] }, good)).toThrow(/one class alone/);
    expect(() => linearProbe(good, { codes, labels: [0, 2] })).toThrow(
      /number 1 is 2, but there are 2/,
    );
    expect(() => linearProbe({ codes, labels: [0, -1] }, good)).toThrow(ValueError);
    expect(() => linearProbe(good, { codes: tensor([[1, 2]]), labels: [0] })).toThrow(ShapeError);
    expect(() => linearProbe(good, good, { l2: -1 })).toThrow(ValueError);
    expect(() => linearProbe({ codes: tensor([[1], [Number.NaN]]), labels: [0, 1] }, good)).toThrow(
      ValueError,
    );
  });
});

describe('minimise', () => {
  test('finds the bottom of a long valley', () => {
    const [D, stretch] = [50, 1e3];
    const curves = Float64Array.from({ length: D }, (_, d) => stretch ** (d / (D - 1)));
    const result = minimise(
      (at) => ({
        value: at.reduce((sum, v, d) => sum + ((curves[d] ?? 0) * (v - d) ** 2) / 2, 0),
        slopes: at.map((v, d) => (curves[d] ?? 0) * (v - d)),
      }),
      new Float64Array(D),
      { tolerance: 1e-8, maxIterations: 1000 },
    );
    expect(result.converged).toBe(true);
    for (const [d, v] of result.at.entries()) expect(v).toBeCloseTo(d, 6);
  });
});
