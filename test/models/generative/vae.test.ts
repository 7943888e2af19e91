import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { UsageError } from '@/errors.js';
import { sum } from '@/layers/indexing/reductions.js';
import {
  boundParts,
  fullVae,
  logSumExp,
  logWeights,
  negativeBound,
  negativeImportanceBound,
  pixelMeans,
  planVae,
  type VaeOptions,
  type VaeParameters,
  vaeDecode,
  vaeEncode,
  vaeShapes,
} from '@/models/generative/vae.js';
import { initialise } from '@/models/parameters.js';
import { Random } from '@/random.js';
import { randomNormal, randomUniform, tensor } from '@/tensor/create.js';

/** A VAE of few values, with pictures to check, in float64. */
function tiny(options: Partial<VaeOptions> = {}, N = 3) {
  const plan = planVae(
    fullVae({ picture: [2, 5, 3], hidden: [4], latent: 2, activation: 'tanh', ...options }),
  );
  const random = new Random(4);
  const parameters = initialise<VaeParameters>(vaeShapes(plan), random, 'f64');
  const { picture, classes, latent } = plan.config;
  const x = randomUniform(random, [N, ...picture], 0, 1, 'f64');
  const labels = tensor(
    Array.from({ length: N }, (_, n) => n % Math.max(1, classes)),
    { dtype: 'i32' },
  );
  const noise = randomNormal(random, [N, latent], 1, 'f64');
  return { plan, parameters, seen: classes > 0 ? { x, labels } : { x }, noise };
}

const variants: [string, Partial<VaeOptions>][] = [
  ['fully connected', {}],
  ['without a hidden layer', { hidden: [] }],
  ['convolutional', { network: 'cnn', filters: [2, 3] }],
  ['convolutional down to one pixel', { network: 'cnn', filters: [2, 2, 2], hidden: [] }],
  ['of a class', { classes: 3 }],
  ['Gaussian', { pixels: 'gaussian', activation: 'gelu' }],
];

describe.each(variants)('%s', (_, options) => {
  test('has right gradients of the bound', () => {
    using _work = scope();
    const { plan, parameters, seen, noise } = tiny(options);
    const weights = { beta: 0.7, freeBits: 0 };
    expectRightGradients(
      (p) => negativeBound(boundParts(plan, p, seen, noise), weights),
      parameters,
    );
  });

  test('makes pictures of the size that it takes', () => {
    using _work = scope();
    for (const [H, W] of [
      [1, 1],
      [4, 4],
      [7, 2],
    ] as const) {
      const { plan, parameters, seen, noise } = tiny({ ...options, picture: [2, H, W] });
      const scores = vaeDecode(plan, parameters, noise, 'labels' in seen ? seen.labels : undefined);
      expect(scores.shape).toEqual([3, 2, H, W]);
    }
  });
});

test('the importance-weighted bound has right gradients, and is one of more samples', () => {
  using _work = scope();
  const { plan, parameters, seen } = tiny({}, 2);
  const K = 3;
  const of = Int32Array.of(0, 0, 0, 1, 1, 1);
  const noise = randomNormal(new Random(2), [2 * K, 2], 1, 'f64');
  const weightsOf = (p: VaeParameters) =>
    logWeights(plan, p, vaeEncode(plan, p, seen), seen, of, noise);
  expectRightGradients((p) => negativeImportanceBound(weightsOf(p), K), parameters);
  const weights = weightsOf(parameters).dataSync();
  const each = [weights.subarray(0, K), weights.subarray(K)].map((own) => {
    return Math.log(Array.from(own, Math.exp).reduce((a, b) => a + b, 0) / K);
  });
  const bound = negativeImportanceBound(weightsOf(parameters), K).item();
  expect(bound).toBeCloseTo(-((each[0] ?? 0) + (each[1] ?? 0)) / 2, 10);
});

test('free bits: KL below them costs nothing, and has no gradient', () => {
  using _work = scope();
  const { plan, parameters, seen, noise } = tiny();
  const parts = boundParts(plan, parameters, seen, noise);
  const kl = sum(parts.kl).item() / 3;
  const plain = negativeBound(parts, { beta: 1, freeBits: 0 }).item();
  expect(negativeBound(parts, { beta: 3, freeBits: 0 }).item()).toBeCloseTo(plain + 2 * kl, 10);
  expect(negativeBound(parts, { beta: 1, freeBits: 50 }).item()).toBeCloseTo(plain - kl + 100, 10);
});

test('before training every pixel is 1/2 and the code the unit normal', () => {
  using _work = scope();
  const { plan, parameters, seen, noise } = tiny({ picture: [1, 28, 28], hidden: [64], latent: 8 });
  const { logLikelihood, kl } = boundParts(plan, parameters, seen, noise);
  const mean = sum(logLikelihood).item() / 3;
  expect(Math.abs(mean + 784 * Math.LN2)).toBeLessThan(10);
  expect(sum(kl).item() / 3).toBeLessThan(1);
  const means = pixelMeans(plan, vaeDecode(plan, parameters, noise)).dataSync();
  expect(Math.max(...means)).toBeLessThan(0.75);
});

test('logSumExp neither overflows nor loses minus infinity', () => {
  expect(logSumExp([1000, 1000])).toBeCloseTo(1000 + Math.LN2, 10);
  expect(logSumExp([-2000, Number.NEGATIVE_INFINITY])).toBe(-2000);
  expect(logSumExp([Number.NEGATIVE_INFINITY])).toBe(Number.NEGATIVE_INFINITY);
});

test('what makes no VAE is refused', () => {
  const picture = [1, 4, 4] as [number, number, number];
  expect(() => fullVae({ picture, latent: 0 })).toThrow(/latent.*above 0, not 0/);
  expect(() => fullVae({ picture, pixels: 'gaussian', binarise: 'dynamic' })).toThrow(UsageError);
  expect(fullVae({ picture, pixels: 'gaussian' }).binarise).toBe('none');
  expect(fullVae({ picture }).binarise).toBe('dynamic');
  using _work = scope();
  const { plan, parameters, seen } = tiny({ classes: 3 });
  expect(() => vaeEncode(plan, parameters, { x: seen.x })).toThrow(/told of 3 classes/);
});
