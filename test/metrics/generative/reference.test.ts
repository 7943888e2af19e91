import { type FixtureArray, fixture, fromFixture, relativeError } from '@test/golden.js';
import { describe, expect, test } from 'vitest';
import { frechetDistance } from '@/metrics/generative/frechet.js';
import { linearProbe } from '@/metrics/generative/linear-probe.js';
import { densityAndCoverage, precisionAndRecall } from '@/metrics/generative/manifolds.js';
import { picturesMse, psnr, ssim } from '@/metrics/generative/pictures.js';

const file = fixture<Record<string, Record<string, FixtureArray | number>>>(
  'generative-measures.json',
);

/** The arrays and the numbers of a case. */
function read(name: string) {
  const entries = Object.entries(file[name] ?? {});
  const arrays: Record<string, FixtureArray> = {};
  const numbers: Record<string, number> = {};
  for (const [key, value] of entries) {
    if (typeof value === 'number') numbers[key] = value;
    else arrays[key] = value;
  }
  const number = (key: string) => numbers[key] ?? Number.NaN;
  const values = (key: string) => arrays[key]?.data ?? [];
  return { number, values, array: (key: string) => fromFixture(arrays, key) };
}

describe('agree with tools/reference/generative_measures.py', () => {
  test.each(['grey', 'colour', 'bytes'])('MSE, PSNR and SSIM of %s pictures', (name) => {
    const { number, values, array } = read(name);
    const [a, b, range] = [array('a'), array('b'), number('range')];
    const mse = picturesMse(a, b);
    expect(relativeError(mse, values('mse'))).toBeLessThan(1e-12);
    expect(
      relativeError(
        [...mse].map((error) => psnr(error, { range })),
        values('psnr'),
      ),
    ).toBeLessThan(1e-12);
    expect(relativeError(ssim(a, b, { range }), values('ssim'))).toBeLessThan(1e-10);
    expect(relativeError(ssim(b, a, { range }), values('ssim'))).toBeLessThan(1e-10);
  });

  test.each(['features', 'few_features'])(
    '%s: Frechet distance, precision, recall, density, coverage',
    (name) => {
      const { number, array } = read(name);
      const [real, generated, k] = [array('real'), array('generated'), number('k')];
      // Of covariances without full rank the reference itself has half of the digits.
      expect(Math.abs(frechetDistance(real, generated) / number('frechet') - 1)).toBeLessThan(
        name === 'features' ? 1e-10 : 1e-6,
      );
      const found = {
        ...precisionAndRecall(real, generated, { k }),
        ...densityAndCoverage(real, generated, { k }),
      };
      for (const [what, value] of Object.entries(found))
        expect(value, what).toBeCloseTo(number(what), 12);
      expect(found.precision).toBeGreaterThan(0);
      expect(found.recall).toBeLessThan(1);
    },
  );

  test.each(['probe', 'two_classes'])('%s: logistic regression by Newton steps', (name) => {
    const { number, values, array } = read(name);
    const data = { codes: array('codes'), labels: values('labels') };
    const probe = linearProbe(data, data, { l2: number('l2'), tolerance: 1e-9 });
    expect(probe.converged).toBe(true);
    expect(probe.accuracy).toBe(number('accuracy'));
    expect(probe.objective).toBeCloseTo(number('objective'), 12);
    expect(probe.loss).toBeCloseTo(number('loss'), 7);
    expect(probe.trainLoss).toBe(probe.loss);
  });
});
