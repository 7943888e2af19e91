import { expectClose } from '@test/bounds.js';
import { expectNear, type FixtureArray, fixture, fromFixture } from '@test/golden.js';
import { expectRightGradients } from '@test/gradients.js';
import { inputs } from '@test/layers/inputs.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { ValueError } from '@/errors.js';
import { leakyRelu } from '@/layers/elementwise/activations.js';
import {
  type AdversarialLosses,
  adversarialLosses,
  ganDiscriminatorLoss,
  ganGeneratorLoss,
  lsganDiscriminatorLoss,
  lsganGeneratorLoss,
} from '@/layers/losses/adversarial.js';
import { tensor, zeros } from '@/tensor/create.js';

/** What the GAN notebook of CS231n checks its losses by: everything that it hands out is compared. */
const golden = fixture<Record<string, FixtureArray>>('gan.json');

test.each([
  ['', ganDiscriminatorLoss, ganGeneratorLoss],
  ['_lsgan', lsganDiscriminatorLoss, lsganGeneratorLoss],
] as const)('the course has the same losses%s', (kind, discriminator, generator) => {
  using _work = scope();
  const [real, fake] = [fromFixture(golden, 'logits_real'), fromFixture(golden, 'logits_fake')];
  expectNear(discriminator(real, fake), golden[`d_loss${kind}_true`]?.data);
  expectNear(generator(fake), golden[`g_loss${kind}_true`]?.data);
});

test('leaky relu, with the slope that is its default', () => {
  using _work = scope();
  expectNear(leakyRelu(fromFixture(golden, 'lrelu_x')), golden.lrelu_y?.data);
});

const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
const σ = (x: number) => 1 / (1 + Math.exp(-x));
/** Each loss as it stands in its paper. */
const written: Record<
  keyof typeof adversarialLosses,
  [
    (real: readonly number[], fake: readonly number[]) => number,
    (fake: readonly number[]) => number,
  ]
> = {
  'non-saturating': [
    (real, fake) =>
      -mean(real.map((x) => Math.log(σ(x)))) - mean(fake.map((x) => Math.log(1 - σ(x)))),
    (fake) => -mean(fake.map((x) => Math.log(σ(x)))),
  ],
  'least-squares': [
    (real, fake) => mean(real.map((x) => (x - 1) ** 2)) / 2 + mean(fake.map((x) => x ** 2)) / 2,
    (fake) => mean(fake.map((x) => (x - 1) ** 2)) / 2,
  ],
  hinge: [
    (real, fake) =>
      mean(real.map((x) => Math.max(0, 1 - x))) + mean(fake.map((x) => Math.max(0, 1 + x))),
    (fake) => -mean(fake),
  ],
  wasserstein: [(real, fake) => mean(fake) - mean(real), (fake) => -mean(fake)],
};

describe.each(
  Object.entries(adversarialLosses) as [keyof typeof adversarialLosses, AdversarialLosses][],
)('%s', (name, { discriminator, generator }) => {
  // More real scores than made ones, on both sides of every hinge.
  const real = [0.5, 2, -0.3, 1.5, 0.1];
  const fake = [-2, 0.7, -0.4];

  test('is what its paper says', () => {
    using _work = scope();
    const [x, y] = [tensor(real, { dtype: 'f64' }), tensor(fake, { dtype: 'f64' })];
    const [ofD, ofG] = written[name];
    const rounding = { dtype: 'f64', terms: real.length, size: 2 } as const;
    expectClose(discriminator(x, y), ofD(real, fake), rounding);
    expectClose(generator(y), ofG(fake), rounding);
  });

  test('has right gradients, also of patches and of one picture', () => {
    using _work = scope();
    for (const [of, made] of [
      [[5], [3]],
      [[1], [1]],
      [
        [2, 1, 3, 3],
        [2, 1, 3, 3],
      ],
    ] as const) {
      const tree = inputs({ real: of, fake: made });
      expectRightGradients((t) => discriminator(t.real, t.fake), tree);
      expectRightGradients((t) => generator(t.fake), { fake: tree.fake });
    }
  });

  test('no score overflows, none is no mean', () => {
    using _work = scope();
    const far = tensor([1e4, -1e4]);
    expect(discriminator(far, far).item()).toBeLessThan(1e9);
    expect(Number.isFinite(generator(far).item())).toBe(true);
    expect(() => discriminator(zeros([0]), zeros([0]))).toThrow(ValueError);
    expect(() => generator(zeros([0]))).toThrow(ValueError);
  });
});
