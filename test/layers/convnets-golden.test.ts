import { expectNear, type FixtureCase, fixture, fromFixture } from '@test/golden.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { conv2dBackward, conv2dForward } from '@/layers/convolution/conv2d.js';
import {
  transposedConv2dBackward,
  transposedConv2dForward,
} from '@/layers/convolution/transposed-conv2d.js';
import {
  eluBackward,
  eluForward,
  geluBackward,
  geluForward,
  leakyReluBackward,
  leakyReluForward,
  softplusBackward,
  softplusForward,
} from '@/layers/elementwise/activations.js';
import {
  binaryCrossEntropyBackward,
  binaryCrossEntropyForward,
  meanSquaredErrorBackward,
  meanSquaredErrorForward,
} from '@/layers/losses/pointwise.js';
import { softmaxLossBackward, softmaxLossForward } from '@/layers/losses/softmax.js';
import {
  type BatchNormOptions,
  batchNormBackward,
  batchNormForward,
} from '@/layers/normalisation/batch-norm.js';
import {
  type GroupNormOptions,
  groupNormBackward,
  groupNormForward,
  instanceNormBackward,
  instanceNormForward,
} from '@/layers/normalisation/group-norm.js';
import {
  type AveragePoolOptions3d,
  adaptiveAveragePool3dBackward,
  adaptiveAveragePool3dForward,
  adaptiveAveragePoolBackward,
  adaptiveAveragePoolForward,
  averagePool3dBackward,
  averagePool3dForward,
  averagePoolBackward,
  averagePoolForward,
} from '@/layers/pooling/average-pool.js';
import {
  maxPool3dBackward,
  maxPool3dForward,
  maxPoolBackward,
  maxPoolForward,
} from '@/layers/pooling/max-pool.js';
import type { PoolOptions, PoolOptions3d } from '@/layers/pooling/pool-windows.js';
import type { UpsampleOptions } from '@/layers/resampling/upsampling.js';
import {
  upsampleBilinearBackward,
  upsampleBilinearForward,
  upsampleNearestBackward,
  upsampleNearestForward,
} from '@/layers/resampling/upsampling.js';
import type { DType, Tensor } from '@/tensor/tensor.js';

/** A case: its inputs and cotangents by name, and what it computes with them under its options. */
interface Case {
  of(name: string, dtype?: DType): Tensor;
  cotangent(name: string): Tensor;
  readonly options: Record<string, unknown>;
}

type Pass = (one: Case) => {
  outputs: Record<string, Tensor>;
  gradients: Record<string, Tensor>;
};

/** How each kind of case is computed here; the kind is the case's name up to its variant. */
const passes: Record<string, Pass> = {
  conv2d: ({ of, cotangent, options }) => {
    const { y, cache } = conv2dForward(of('x'), of('W'), of('b'), options);
    return { outputs: { y }, gradients: conv2dBackward(cotangent('dy'), cache) };
  },
  transposed: ({ of, cotangent, options }) => {
    const { y, cache } = transposedConv2dForward(of('x'), of('W'), of('b'), options);
    return { outputs: { y }, gradients: transposedConv2dBackward(cotangent('dy'), cache) };
  },
  max_pool: ({ of, cotangent, options }) => {
    const { y, cache } = maxPoolForward(of('x'), options as unknown as PoolOptions);
    return { outputs: { y }, gradients: maxPoolBackward(cotangent('dy'), cache) };
  },
  average_pool: ({ of, cotangent, options }) => {
    const { y, cache } = averagePoolForward(of('x'), options as unknown as PoolOptions);
    return { outputs: { y }, gradients: averagePoolBackward(cotangent('dy'), cache) };
  },
  adaptive: ({ of, cotangent, options }) => {
    const { y, cache } = adaptiveAveragePoolForward(of('x'), options.extent as [number, number]);
    return { outputs: { y }, gradients: adaptiveAveragePoolBackward(cotangent('dy'), cache) };
  },
  max_pool3d: ({ of, cotangent, options }) => {
    const { y, cache } = maxPool3dForward(of('x'), options as unknown as PoolOptions3d);
    return { outputs: { y }, gradients: maxPool3dBackward(cotangent('dy'), cache) };
  },
  average_pool3d: ({ of, cotangent, options }) => {
    const { y, cache } = averagePool3dForward(of('x'), options as unknown as AveragePoolOptions3d);
    return { outputs: { y }, gradients: averagePool3dBackward(cotangent('dy'), cache) };
  },
  adaptive3d: ({ of, cotangent, options }) => {
    const extent = options.extent as [number, number, number];
    const { y, cache } = adaptiveAveragePool3dForward(of('x'), extent);
    return { outputs: { y }, gradients: adaptiveAveragePool3dBackward(cotangent('dy'), cache) };
  },
  batch_norm: ({ of, cotangent, options }) => {
    const { after, ...how } = options as unknown as BatchNormOptions & {
      after: { mean: number[]; variance: number[] };
    };
    const running = { mean: of('mean'), variance: of('variance') };
    const { out, cache } = batchNormForward(of('x'), of('gain'), of('bias'), running, how);
    expectNear(running.mean, after.mean);
    expectNear(running.variance, after.variance);
    return { outputs: { out }, gradients: named(batchNormBackward(cotangent('dout'), cache)) };
  },
  group_norm: ({ of, cotangent, options }) => {
    const how = options as unknown as GroupNormOptions;
    const { out, cache } = groupNormForward(of('x'), of('gain'), of('bias'), how);
    return { outputs: { out }, gradients: named(groupNormBackward(cotangent('dout'), cache)) };
  },
  instance_norm: ({ of, cotangent, options }) => {
    const { out, cache } = instanceNormForward(of('x'), of('gain'), of('bias'), options);
    return { outputs: { out }, gradients: named(instanceNormBackward(cotangent('dout'), cache)) };
  },
  leaky_relu: ({ of, cotangent, options }) => {
    const { out, cache } = leakyReluForward(of('x'), options);
    return { outputs: { out }, gradients: leakyReluBackward(cotangent('dout'), cache) };
  },
  elu: ({ of, cotangent, options }) => {
    const { out, cache } = eluForward(of('x'), options);
    return { outputs: { out }, gradients: eluBackward(cotangent('dout'), cache) };
  },
  gelu: ({ of, cotangent, options }) => {
    const { out, cache } = geluForward(of('x'), options);
    return { outputs: { out }, gradients: geluBackward(cotangent('dout'), cache) };
  },
  softplus: ({ of, cotangent, options }) => {
    const { out, cache } = softplusForward(of('x'), options);
    return { outputs: { out }, gradients: softplusBackward(cotangent('dout'), cache) };
  },
  softmax_loss: ({ of, cotangent, options }) => {
    const { loss, cache } = softmaxLossForward(of('x'), of('targets', 'i32'), options);
    return { outputs: { loss }, gradients: softmaxLossBackward(cotangent('dloss'), cache) };
  },
  squared_error: ({ of, cotangent }) => {
    const { loss, cache } = meanSquaredErrorForward(of('x'), of('y'));
    return { outputs: { loss }, gradients: meanSquaredErrorBackward(cotangent('dloss'), cache) };
  },
  binary_cross_entropy: ({ of, cotangent }) => {
    const { loss, cache } = binaryCrossEntropyForward(of('x'), of('targets'));
    return { outputs: { loss }, gradients: binaryCrossEntropyBackward(cotangent('dloss'), cache) };
  },
  nearest: ({ of, cotangent, options }) => {
    const { y, cache } = upsampleNearestForward(of('x'), options as unknown as UpsampleOptions);
    return { outputs: { y }, gradients: upsampleNearestBackward(cotangent('dy'), cache) };
  },
  bilinear: ({ of, cotangent, options }) => {
    const { y, cache } = upsampleBilinearForward(of('x'), options as unknown as UpsampleOptions);
    return { outputs: { y }, gradients: upsampleBilinearBackward(cotangent('dy'), cache) };
  },
};

/** The gradients of a norm under the names that PyTorch's side gives them. */
function named({ dx, dGain, dBias }: { dx: Tensor; dGain: Tensor; dBias: Tensor }) {
  return { dx, dgain: dGain, dbias: dBias };
}

const cases = Object.entries(fixture<Record<string, FixtureCase>>('convnets.json'));
const kindOf = (name: string) =>
  Object.keys(passes)
    .filter((kind) => name === kind || name.startsWith(`${kind}_`))
    .sort((a, b) => b.length - a.length)[0];

test('every case of the fixture is computed here', () => {
  expect(cases.filter(([name]) => !kindOf(name))).toEqual([]);
});

describe.each(Object.keys(passes))('%s agrees with PyTorch in float64', (kind) => {
  const mine = cases.filter(([name]) => kindOf(name) === kind);

  test.each(mine)('%s', (_name, { inputs, options, outputs, cotangents, gradients }) => {
    using _work = scope();
    const result = (passes[kind] as Pass)({
      of: (name, dtype) => fromFixture(inputs, name, dtype),
      cotangent: (name) => fromFixture(cotangents, name),
      options,
    });
    for (const [name, { shape, data }] of Object.entries(outputs)) {
      const output = result.outputs[name] as Tensor;
      expect(output.shape, name).toEqual(shape);
      expectNear(output, data);
    }
    for (const [name, { data }] of Object.entries(gradients)) {
      expectNear(result.gradients[name] as Tensor, data);
    }
  });
});
