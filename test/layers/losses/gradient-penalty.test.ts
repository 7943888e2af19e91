import { expectClose } from '@test/bounds.js';
import { expectNear, type FixtureArray, fixture, fromFixture } from '@test/golden.js';
import { expectRightGradients } from '@test/gradients.js';
import { inputs } from '@test/layers/inputs.js';
import { describe, expect, test } from 'vitest';
import { valueAndGradients } from '@/autograd/tape.js';
import { scope } from '@/engine/engine.js';
import { DTypeError, ShapeError, ValueError } from '@/errors.js';
import { conv2d } from '@/layers/convolution/conv2d.js';
import { affine } from '@/layers/dense.js';
import { gelu, leakyRelu, sigmoid, softplus, tanh } from '@/layers/elementwise/activations.js';
import { add, multiply } from '@/layers/elementwise/arithmetic.js';
import { square } from '@/layers/elementwise/functions.js';
import { gather } from '@/layers/indexing/gather.js';
import { sum } from '@/layers/indexing/reductions.js';
import { between, gradientPenalty } from '@/layers/losses/gradient-penalty.js';
import { batchNorm, initialStatistics } from '@/layers/normalisation/batch-norm.js';
import { groupNorm } from '@/layers/normalisation/group-norm.js';
import { layerNorm } from '@/layers/normalisation/layer-norm.js';
import { minibatchDeviation } from '@/layers/normalisation/minibatch-deviation.js';
import { initialSingularVectors, spectralNorm } from '@/layers/normalisation/spectral-norm.js';
import { averagePool } from '@/layers/pooling/average-pool.js';
import { maxPool } from '@/layers/pooling/max-pool.js';
import { Random } from '@/random.js';
import { full, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

interface Case {
  readonly x: FixtureArray;
  readonly parameters: Record<string, FixtureArray>;
  readonly r1: Penalty;
  readonly 'wgan-gp': Penalty;
}
interface Penalty {
  readonly loss: FixtureArray;
  readonly gradients: Record<string, FixtureArray>;
}

type Network = (of: (name: string) => Tensor, x: Tensor) => Tensor;
const leaky = (x: Tensor) => leakyRelu(x, { slope: 0.2 });
const half = { stride: 2, padding: 1 };

/** The discriminators of tools/reference/gradient_penalty.py. */
const networks: Readonly<Record<string, Network>> = {
  dense: (p, x) => {
    const h = leaky(affine(x, p('W1'), p('b1')));
    return affine(leaky(affine(h, p('W2'), p('b2'))), p('W'), p('b'));
  },
  convolutional: (p, x) => {
    const h = leaky(conv2d(x, p('K1'), p('c1'), half));
    return affine(leaky(conv2d(h, p('K2'), p('c2'), half)), p('W'), p('b'));
  },
  course: (p, x) => {
    const pooled = { kernel: 2, stride: 2 };
    const h = maxPool(leaky(conv2d(x, p('K1'), p('c1'))), pooled);
    const maps = maxPool(leaky(conv2d(h, p('K2'), p('c2'), { padding: 1 })), pooled);
    return affine(leaky(affine(maps, p('W1'), p('b1'))), p('W'), p('b'));
  },
  normalised: (p, x) => {
    const h = leaky(layerNorm(conv2d(x, p('K1'), p('c1'), half)));
    const maps = conv2d(h, p('K2'), p('c2'), half);
    return affine(leaky(groupNorm(maps, p('gain'), p('bias'), { groups: 2 })), p('W'), p('b'));
  },
  smooth: (p, x) => {
    const h = tanh(conv2d(x, p('K1'), p('c1'), half));
    const maps = softplus(conv2d(h, p('K2'), p('c2'), { padding: 1 }));
    return sigmoid(affine(averagePool(maps, { kernel: 2, stride: 2 }), p('W'), p('b')));
  },
  batch_normed: (p, x) => {
    const maps = conv2d(x, p('K1'), p('c1'), half);
    const running = initialStatistics(3, 'f64');
    const h = leaky(batchNorm(maps, p('gain1'), p('bias1'), running, { training: true }));
    return affine(leaky(conv2d(h, p('K2'), p('c2'), half)), p('W'), p('b'));
  },
};
const cases = Object.entries(fixture<Record<string, Case>>('gradient-penalty.json'));

describe.each(cases)('%s agrees with the double backward pass of PyTorch', (name, one) => {
  test.each(['r1', 'wgan-gp'] as const)('%s', (kind) => {
    using _work = scope();
    const x = fromFixture({ x: one.x }, 'x');
    const names = Object.keys(one.parameters);
    const parameters = Object.fromEntries(
      names.map((key) => [key, fromFixture(one.parameters, key)]),
    );
    const { value, gradients } = valueAndGradients((p: typeof parameters) => {
      const discriminator = (pictures: Tensor) =>
        networks[name === 'one_picture' ? 'convolutional' : name]?.(
          (key) => p[key] as Tensor,
          pictures,
        ) as Tensor;
      return gradientPenalty(discriminator, x, { kind });
    }, parameters);
    expectNear(value, one[kind].loss.data);
    for (const [key, { data }] of Object.entries(one[kind].gradients)) {
      expectNear(gradients[key] as Tensor, data);
    }
  });
});

test('a network with spectral norm, minibatch deviation and a projection of classes', () => {
  using _work = scope();
  const tree = inputs({ K: [4, 1, 3, 3], W: [20, 3], E: [2, 3], v: [3, 1] }, 5);
  const { x } = inputs({ x: [4, 1, 4, 4] });
  const classes = tensor([0, 1, 1, 0], { dtype: 'i32' });
  const vectors = initialSingularVectors(tree.K, new Random(1));
  const penalty = (p: typeof tree) => {
    const discriminator = (pictures: Tensor) => {
      const maps = conv2d(pictures, spectralNorm(p.K, vectors), zeros([4], 'f64'), half);
      const h = affine(minibatchDeviation(leaky(maps)), p.W, zeros([3], 'f64'));
      const likely = sum(multiply(h, gather(p.E, classes)), { axes: 1, keepDims: true });
      return add(affine(tanh(h), p.v, zeros([1], 'f64')), likely);
    };
    // In a loss, as it is used.
    return add(sum(square(discriminator(x))), gradientPenalty(discriminator, x, { kind: 'r1' }));
  };
  expectRightGradients(penalty, tree, { perLeaf: 12 });
});

test('pictures between real and made ones, each at a place of its own', () => {
  using _work = scope();
  const [real, fake] = [full([3, 2], 1), full([3, 2], 3)];
  const values = between(real, fake, new Random(4)).dataSync();
  const random = new Random(4);
  const shares = Array.from({ length: 3 }, () => random.uniform());
  const expected = shares.flatMap((share) => [3 - 2 * share, 3 - 2 * share]);
  expectClose(values, expected, { dtype: 'f32', terms: 3 });
  expect(new Set(values).size).toBe(3);
  expect(() => between(real, zeros([2, 3]), random)).toThrow(ShapeError);
  expect(() => between(real, zeros([3, 2], 'f64'), random)).toThrow(DTypeError);
});

test.each(['r1', 'wgan-gp'] as const)('%s of scores that do not depend on pictures', (kind) => {
  using _work = scope();
  const W = full([3], 2, 'f64');
  const x = zeros([3, 2], 'f64');
  const { value, gradients } = valueAndGradients(
    (p) => gradientPenalty(() => p.W, x, { kind, weight: 2 }),
    { W },
  );
  expect(value.item()).toBe(kind === 'r1' ? 0 : 2);
  expect([...gradients.W.dataSync()]).toEqual([0, 0, 0]);
});

test('what does not fit is named', () => {
  using _work = scope();
  const x = zeros([3, 2]);
  const r1 = { kind: 'r1' } as const;
  expect(() => gradientPenalty((y) => sum(y), x, r1)).toThrow(
    /\(\) are no scores of pictures \(3, 2\)/,
  );
  expect(() => gradientPenalty((y) => y, x, { ...r1, weight: Number.NaN })).toThrow(ValueError);
  expect(() => gradientPenalty((y) => y, zeros([0, 2]), r1)).toThrow(/\(0, 2\) hold no values/);
  expect(() => gradientPenalty(gelu, x, r1)).toThrow(/geluForward has no rule/);
});
