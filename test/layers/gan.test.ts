import { expectNear, type FixtureArray, fixture, fromFixture } from '@test/golden.js';
import { expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { leakyRelu } from '@/layers/elementwise/activations.js';
import { binaryCrossEntropy, meanSquaredError } from '@/layers/losses/pointwise.js';
import { full } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

/** What the GAN notebook of CS231n checks its losses by: everything that it hands out is compared. */
const golden = fixture<Record<string, FixtureArray>>('gan.json');
const [real, fake] = ['logits_real', 'logits_fake'].map((name) => () => fromFixture(golden, name));

/** The loss of calling all of these scores real, or all fake. */
type Loss = (scores: Tensor, target: Tensor) => Tensor;
const called = (loss: Loss, scores: (() => Tensor) | undefined, target: number): number => {
  if (!scores) return Number.NaN;
  const x = scores();
  return loss(x, full(x.shape, target, 'f64')).item();
};

/** The errors of float64: sums of ten terms about 1, compared with what numpy made of them. */
const bound = 20 * Number.EPSILON;

test.each([
  ['', binaryCrossEntropy, 1],
  // The course's least squares are halved.
  ['_lsgan', meanSquaredError, 0.5],
] as [string, Loss, number][])(
  'losses of the discriminator and the generator%s',
  (kind, loss, share) => {
    using _work = scope();
    const discriminator = share * (called(loss, real, 1) + called(loss, fake, 0));
    const generator = share * called(loss, fake, 1);
    const expected = (name: string) => golden[`${name}_loss${kind}_true`]?.data[0] ?? Number.NaN;
    expect(Math.abs(discriminator / expected('d') - 1)).toBeLessThan(bound);
    expect(Math.abs(generator / expected('g') - 1)).toBeLessThan(bound);
  },
);

test('leaky relu, with the slope that is its default', () => {
  using _work = scope();
  expectNear(leakyRelu(fromFixture(golden, 'lrelu_x')), golden.lrelu_y?.data);
});
