import { expectNear, type FixtureCase, fixture, fromFixture } from '@test/golden.js';
import { expectRightGradients } from '@test/gradients.js';
import { inputs } from '@test/layers/inputs.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { DTypeError, ShapeError } from '@/errors.js';
import { sum } from '@/layers/indexing/reductions.js';
import {
  bernoulliLogLikelihood,
  bernoulliLogLikelihoodBackward,
  bernoulliLogLikelihoodForward,
  gaussianLogLikelihood,
  gaussianLogLikelihoodBackward,
  gaussianLogLikelihoodForward,
  klToUnitNormal,
  klToUnitNormalBackward,
  klToUnitNormalForward,
  sampledKlToUnitNormal,
  sampledKlToUnitNormalBackward,
  sampledKlToUnitNormalForward,
  sampleNormal,
  sampleNormalBackward,
  sampleNormalForward,
} from '@/layers/losses/likelihoods.js';
import { Random } from '@/random.js';
import { full, randomNormal, randomUniform, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const shapes = [[1, 1], [3, 5], [2, 3, 2, 5], [4]];

describe.each(shapes.map((shape) => [shape]))('gradients of %j', (shape) => {
  const values = () => inputs({ mean: shape, logVariance: shape, z: shape, noise: shape });

  test('sampleNormal', () => {
    using _work = scope();
    const { mean, logVariance, noise } = values();
    expectRightGradients((p) => sampleNormal(p.mean, p.logVariance, noise), { mean, logVariance });
  });

  test('bernoulliLogLikelihood', () => {
    using _work = scope();
    const { mean: logits } = values();
    const x = randomUniform(new Random(3), shape, 0, 1, 'f64');
    expectRightGradients((p) => bernoulliLogLikelihood(p.logits, x), { logits });
  });

  test('gaussianLogLikelihood, with a variance for each value and with one for all', () => {
    using _work = scope();
    const { mean, logVariance, z: x } = values();
    const f = (p: { mean: Tensor; logVariance: Tensor; x: Tensor }) =>
      gaussianLogLikelihood(p.mean, p.logVariance, p.x);
    expectRightGradients(f, { mean, logVariance, x });
    expectRightGradients(f, { mean, logVariance: tensor(0.3, { dtype: 'f64' }), x });
  });

  test('klToUnitNormal and sampledKlToUnitNormal', () => {
    using _work = scope();
    const { mean, logVariance, z } = values();
    expectRightGradients((p) => klToUnitNormal(p.mean, p.logVariance), { mean, logVariance });
    expectRightGradients((p) => sampledKlToUnitNormal(p.mean, p.logVariance, p.z), {
      ...{ mean, logVariance, z },
    });
  });
});

type Of = (name: string) => Tensor;

/** Outputs and gradients of each kind of case; the kind is the case's name up to its variant. */
const passes: Record<string, (of: Of, cotangent: Of) => Record<string, Tensor>> = {
  sample: (of, cotangent) => {
    const { z, cache } = sampleNormalForward(of('mean'), of('logVariance'), of('noise'));
    return { z, ...sampleNormalBackward(cotangent('dz'), cache) };
  },
  bernoulli: (of, cotangent) => {
    const { out, cache } = bernoulliLogLikelihoodForward(of('logits'), of('x'));
    return { out, ...bernoulliLogLikelihoodBackward(cotangent('dout'), cache) };
  },
  gaussian: (of, cotangent) => {
    const { out, cache } = gaussianLogLikelihoodForward(of('mean'), of('logVariance'), of('x'));
    const gradients = gaussianLogLikelihoodBackward(cotangent('dout'), cache);
    const { dMean, dLogVariance, dx } = gradients;
    return { out, dMean, dLogVariance, dx };
  },
  kl: (of, cotangent) => {
    const { out, cache } = klToUnitNormalForward(of('mean'), of('logVariance'));
    return { out, ...klToUnitNormalBackward(cotangent('dout'), cache) };
  },
  sampled_kl: (of, cotangent) => {
    const { out, cache } = sampledKlToUnitNormalForward(of('mean'), of('logVariance'), of('z'));
    const { dMean, dLogVariance, dz } = sampledKlToUnitNormalBackward(cotangent('dout'), cache);
    return { out, dMean, dLogVariance, dz };
  },
};

const cases = Object.entries(fixture<Record<string, FixtureCase>>('likelihoods.json'));

test.each(cases)('%s agrees with PyTorch in float64', (name, of) => {
  using _work = scope();
  const kind = Object.keys(passes).findLast((kind) => name.startsWith(`${kind}_`)) ?? '';
  const found = passes[kind]?.(
    (input) => fromFixture(of.inputs, input),
    (output) => fromFixture(of.cotangents, output),
  );
  const named = new Map(
    Object.entries(found ?? {}).map(([key, value]) => [key.toLowerCase(), value]),
  );
  for (const [key, { shape, data }] of Object.entries({ ...of.outputs, ...of.gradients })) {
    const value = named.get(key.toLowerCase());
    expect(value?.shape, key).toEqual(shape);
    if (value) expectNear(value, data);
  }
});

test('no score overflows, and a certain right answer costs nothing', () => {
  using _work = scope();
  const logits = tensor([
    [500, -500],
    [1000, -1000],
    [0, 0],
  ]);
  const { out, cache } = bernoulliLogLikelihoodForward(
    logits,
    tensor([
      [1, 0],
      [0, 0],
      [1, 0],
    ]),
  );
  expect([...out.dataSync()]).toEqual([0, -1000, Math.fround(-2 * Math.LN2)]);
  const { dLogits } = bernoulliLogLikelihoodBackward(full([3], 1), cache);
  expect([...dLogits.dataSync()].map((value) => Math.round(value * 1e6) / 1e6 + 0)).toEqual([
    ...[0, 0, -1, 0, 0.5, -0.5],
  ]);
});

test('probabilities of all binary pictures add up to 1', () => {
  using _work = scope();
  const count = 2 ** 9;
  const row = randomNormal(new Random(5), [9], 2, 'f64').dataSync();
  const logits = tensor(
    Float64Array.from({ length: count * 9 }, (_, i) => row[i % 9] ?? 0),
    {
      shape: [count, 9],
      dtype: 'f64',
    },
  );
  const all = Float64Array.from(
    { length: count * 9 },
    (_, i) => (Math.floor(i / 9) >> (i % 9)) & 1,
  );
  const out = bernoulliLogLikelihood(logits, tensor(all, { shape: [count, 9], dtype: 'f64' }));
  const total = Array.from(out.dataSync(), Math.exp).reduce((a, b) => a + b, 0);
  expect(total).toBeCloseTo(1, 12);
});

test('a density adds up to 1, and the sampled divergence is the exact one in the mean', () => {
  using _work = scope();
  const steps = 20_001;
  const at = Float64Array.from({ length: steps }, (_, i) => -20 + (40 * i) / (steps - 1));
  const column = (values: Float64Array) => tensor(values, { shape: [steps, 1], dtype: 'f64' });
  const mean = full([steps, 1], 0.7, 'f64');
  const logVariance = full([steps, 1], -0.9, 'f64');
  const logarithms = gaussianLogLikelihood(mean, logVariance, column(at)).dataSync();
  const density = Array.from(logarithms, Math.exp);
  const weight = 40 / (steps - 1);
  expect(density.reduce((total, value) => total + value * weight, 0)).toBeCloseTo(1, 10);
  const sampled = Array.from(sampledKlToUnitNormal(mean, logVariance, column(at)).dataSync());
  const integral = sampled.reduce((total, kl, i) => total + kl * (density[i] ?? 0) * weight, 0);
  const exact = klToUnitNormal(mean, logVariance).dataSync()[0] ?? Number.NaN;
  expect(integral).toBeCloseTo(exact, 10);
  // The standard normal distribution is nowhere away from itself.
  expect(sum(klToUnitNormal(zeros([2, 3]), zeros([2, 3]))).item()).toBe(0);
});

test('samples have the mean and the variance that were asked for', () => {
  using _work = scope();
  const count = 40_000;
  const noise = randomNormal(new Random(8), [count], 1, 'f64');
  const z = sampleNormal(full([count], 2, 'f64'), full([count], Math.log(9), 'f64'), noise);
  const values = Array.from(z.dataSync());
  const mean = values.reduce((a, b) => a + b, 0) / count;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / count;
  // Five standard errors of each.
  expect(Math.abs(mean - 2)).toBeLessThan((5 * 3) / Math.sqrt(count));
  expect(Math.abs(variance - 9)).toBeLessThan(5 * 9 * Math.sqrt(2 / count));
});

test('what does not fit is named', () => {
  using _work = scope();
  const [x, other] = [zeros([2, 3]), zeros([3, 2])];
  expect(() => sampleNormal(x, x, other)).toThrow(/mean \(2, 3\) and noise \(3, 2\)/);
  expect(() => bernoulliLogLikelihood(x, other)).toThrow(/logits \(2, 3\) and x \(3, 2\)/);
  expect(() => gaussianLogLikelihood(x, zeros([2]), x)).toThrow(ShapeError);
  expect(() => gaussianLogLikelihood(x, zeros([4, 2, 3]), x)).toThrow(/differ in shape/);
  expect(() => klToUnitNormal(x, other)).toThrow(ShapeError);
  expect(() => sampledKlToUnitNormal(x, x, zeros([2, 3], 'f64'))).toThrow(DTypeError);
  expect(() => bernoulliLogLikelihood(zeros([]), zeros([]))).toThrow(/no axes/);
  const { cache } = bernoulliLogLikelihoodForward(x, x);
  expect(() => bernoulliLogLikelihoodBackward(zeros([3]), cache)).toThrow(ShapeError);
});
