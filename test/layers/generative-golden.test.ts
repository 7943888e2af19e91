import { expectNear, type FixtureCase, fixture, fromFixture } from '@test/golden.js';
import { expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import {
  type MaskedConv2dOptions,
  maskedConv2dBackward,
  maskedConv2dForward,
} from '@/layers/convolution/masked-conv2d.js';
import {
  logSumExpBackward,
  logSumExpForward,
  type ReductionOptions,
} from '@/layers/indexing/reductions.js';
import {
  minibatchDeviationBackward,
  minibatchDeviationForward,
} from '@/layers/normalisation/minibatch-deviation.js';
import {
  powerIteration,
  spectralNormBackward,
  spectralNormForward,
} from '@/layers/normalisation/spectral-norm.js';
import {
  pixelShuffleBackward,
  pixelShuffleForward,
  pixelUnshuffleBackward,
  pixelUnshuffleForward,
} from '@/layers/resampling/pixel-shuffle.js';
import { tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

type Pass = (
  of: (name: string) => Tensor,
  cotangent: Tensor,
  options: FixtureCase['options'],
) => { output: Tensor; gradients: Readonly<Record<string, Tensor>> };

/** How each kind of case is computed here; the kind is what the case's name begins with. */
const passes: Readonly<Record<string, Pass>> = {
  masked_conv2d: (of, dy, options) => {
    const how = options as unknown as MaskedConv2dOptions;
    const { y, cache } = maskedConv2dForward(of('x'), of('W'), of('b'), how);
    return { output: y, gradients: { ...maskedConv2dBackward(dy, cache) } };
  },
  log_sum_exp: (of, dout, options) => {
    const { out, cache } = logSumExpForward(of('x'), options as ReductionOptions);
    return { output: out, gradients: logSumExpBackward(dout, cache) };
  },
  pixel_shuffle: (of, dy, { factor }) => {
    const { y, cache } = pixelShuffleForward(of('x'), Number(factor));
    return { output: y, gradients: pixelShuffleBackward(dy, cache) };
  },
  pixel_unshuffle: (of, dy, { factor }) => {
    const { y, cache } = pixelUnshuffleForward(of('x'), Number(factor));
    return { output: y, gradients: pixelUnshuffleBackward(dy, cache) };
  },
  minibatch_deviation: (of, dy, options) => {
    const { y, cache } = minibatchDeviationForward(of('x'), options);
    return { output: y, gradients: { dx: minibatchDeviationBackward(dy, cache).dx } };
  },
  spectral_norm: (of, dout, options) => {
    const { v: before, after } = options as { v: number[]; after: { u: number[]; v: number[] } };
    const W = of('W');
    const vectors = {
      u: zeros([after.u.length], 'f64'),
      v: tensor(before, { dtype: 'f64' }),
    };
    powerIteration(W, vectors);
    expectNear(vectors.u, after.u);
    expectNear(vectors.v, after.v);
    const { out, cache } = spectralNormForward(W, vectors);
    return { output: out, gradients: spectralNormBackward(dout, cache) };
  },
};

const cases = Object.entries(fixture<Record<string, FixtureCase>>('generative-layers.json'));

test.each(cases)('%s agrees with PyTorch in float64', (name, one) => {
  using _work = scope();
  const kind = Object.keys(passes).find((key) => name.startsWith(key)) ?? '';
  const [[, wanted] = ['', { shape: [], data: [] }]] = Object.entries(one.outputs);
  const [cotangent = ''] = Object.keys(one.cotangents);
  const found = passes[kind]?.(
    (input) => fromFixture(one.inputs, input),
    fromFixture(one.cotangents, cotangent),
    one.options,
  );
  expect(found?.output.shape).toEqual(wanted.shape);
  if (found) expectNear(found.output, wanted.data);
  for (const [gradient, { data }] of Object.entries(one.gradients)) {
    const made = found?.gradients[gradient];
    expect(made, gradient).toBeDefined();
    if (made) expectNear(made, data);
  }
});
