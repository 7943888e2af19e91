import { expectNear, type FixtureArray, fixture, fromFixture } from '@test/golden.js';
import { describe, test } from 'vitest';
import { valueAndGradients } from '@/autograd/tape.js';
import { scope } from '@/engine/engine.js';
import { conv2d } from '@/layers/convolution/conv2d.js';
import { affine } from '@/layers/dense.js';
import { leakyRelu, sigmoid, softplus, tanh } from '@/layers/elementwise/activations.js';
import { gradientPenalty } from '@/layers/losses/gradient-penalty.js';
import { batchNorm, initialStatistics } from '@/layers/normalisation/batch-norm.js';
import { groupNorm } from '@/layers/normalisation/group-norm.js';
import { layerNorm } from '@/layers/normalisation/layer-norm.js';
import { averagePool } from '@/layers/pooling/average-pool.js';
import { maxPool } from '@/layers/pooling/max-pool.js';
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
