import { type FixtureCase, fixture, fromFixture, relativeError } from '@test/golden.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import {
  affineBackward,
  affineForward,
  temporalAffineBackward,
  temporalAffineForward,
  tiedScoresBackward,
  tiedScoresForward,
} from '@/layers/dense.js';
import { reluBackward, reluForward } from '@/layers/elementwise/activations.js';
import { wordEmbeddingBackward, wordEmbeddingForward } from '@/layers/indexing/gather.js';
import {
  temporalSoftmaxLossBackward,
  temporalSoftmaxLossForward,
} from '@/layers/losses/softmax.js';
import {
  scaledLayerNormBackward,
  scaledLayerNormForward,
} from '@/layers/normalisation/layer-norm.js';
import { gruBackward, gruForward } from '@/layers/recurrent/gru.js';
import { lstmBackward, lstmForward } from '@/layers/recurrent/lstm.js';
import { rnnBackward, rnnForward } from '@/layers/recurrent/rnn.js';
import {
  attentionPoolBackward,
  attentionPoolForward,
  meanOverTimeBackward,
  meanOverTimeForward,
} from '@/layers/sequences.js';
import type { DType, Tensor } from '@/tensor/tensor.js';

type Pass = (
  of: (name: string, dtype?: DType) => Tensor,
  cotangent: (name: string) => Tensor,
  options: Record<string, unknown>,
) => { outputs: Record<string, Tensor>; gradients: Record<string, Tensor> };

/** How each kind of case is computed here; the kind is the case's name up to its variant. */
const passes: Record<string, Pass> = {
  rnn: (of, cotangent, options) => {
    const { h, cache } = rnnForward(of('x'), of('h0'), of('Wx'), of('Wh'), of('b'), options);
    return { outputs: { h }, gradients: rnnBackward(cotangent('dh'), cache) };
  },
  lstm: (of, cotangent, options) => {
    const weights = [of('Wx'), of('Wh'), of('b'), of('c0')] as const;
    const result = lstmForward(of('x'), of('h0'), ...weights, options);
    return {
      outputs: { h: result.h, cLast: result.lastC },
      gradients: lstmBackward(cotangent('dh'), result.cache, cotangent('dcLast')),
    };
  },
  gru: (of, cotangent, options) => {
    const weights = [of('Wx'), of('Wh'), of('b'), of('bh')] as const;
    const { h, cache } = gruForward(of('x'), of('h0'), ...weights, options);
    return { outputs: { h }, gradients: gruBackward(cotangent('dh'), cache) };
  },
  affine: (of, cotangent) => {
    const { out, cache } = affineForward(of('x'), of('W'), of('b'));
    return { outputs: { y: out }, gradients: affineBackward(cotangent('dy'), cache) };
  },
  temporal_affine: (of, cotangent) => {
    const { out, cache } = temporalAffineForward(of('x'), of('W'), of('b'));
    return { outputs: { y: out }, gradients: temporalAffineBackward(cotangent('dy'), cache) };
  },
  word_embedding: (of, cotangent) => {
    const { out, cache } = wordEmbeddingForward(of('words', 'i32'), of('W'));
    return { outputs: { y: out }, gradients: wordEmbeddingBackward(cotangent('dy'), cache) };
  },
  relu: (of, cotangent) => {
    const { out, cache } = reluForward(of('x'));
    return { outputs: { y: out }, gradients: reluBackward(cotangent('dy'), cache) };
  },
  temporal_softmax: (of, cotangent) => {
    const { loss, cache } = temporalSoftmaxLossForward(
      of('x'),
      of('targets', 'i32'),
      of('mask', 'u8'),
    );
    return { outputs: { loss }, gradients: temporalSoftmaxLossBackward(cotangent('dloss'), cache) };
  },
  tied_scores: (of, cotangent) => {
    const { scores, cache } = tiedScoresForward(of('x'), of('E'), of('b'));
    return { outputs: { scores }, gradients: tiedScoresBackward(cotangent('dscores'), cache) };
  },
  layer_norm: (of, cotangent, options) => {
    const { out, cache } = scaledLayerNormForward(of('x'), of('gain'), of('bias'), options);
    const { dx, dGain, dBias } = scaledLayerNormBackward(cotangent('dout'), cache);
    return { outputs: { out }, gradients: { dx, dgain: dGain, dbias: dBias } };
  },
  mean_over_time: (of, cotangent, { lengths }) => {
    const { out, cache } = meanOverTimeForward(of('x'), lengths as number[]);
    return { outputs: { out }, gradients: meanOverTimeBackward(cotangent('dout'), cache) };
  },
  attention_pool: (of, cotangent, { lengths }) => {
    const pool = attentionPoolForward(of('x'), of('scores'), lengths as number[]);
    return {
      outputs: { out: pool.out, weights: pool.weights },
      gradients: attentionPoolBackward(cotangent('dout'), cotangent('dweights'), pool.cache),
    };
  },
  smoothed_softmax: (of, cotangent, options) => {
    const { loss, cache } = temporalSoftmaxLossForward(
      of('x'),
      of('targets', 'i32'),
      of('mask', 'u8'),
      { labelSmoothing: Number(options.labelSmoothing), weights: of('weights') },
    );
    return { outputs: { loss }, gradients: temporalSoftmaxLossBackward(cotangent('dloss'), cache) };
  },
};

const cases = ['recurrent.json', 'layers.json'].flatMap((name) =>
  Object.entries(fixture<Record<string, FixtureCase>>(name)),
);

describe.each(Object.keys(passes))('%s agrees with PyTorch in float64', (kind) => {
  const others = Object.keys(passes).filter((name) => name !== kind && name.startsWith(`${kind}_`));
  const mine = cases.filter(
    ([name]) => name.startsWith(kind) && !others.some((other) => name.startsWith(other)),
  );

  test.each(mine)('%s', (_name, { inputs, options, outputs, cotangents, gradients }) => {
    using _work = scope();
    const result = (passes[kind] as Pass)(
      (name, dtype) => fromFixture(inputs, name, dtype),
      (name) => fromFixture(cotangents, name),
      options,
    );
    for (const name of Object.keys(outputs)) {
      expect(error(result.outputs[name], outputs[name]?.data), name).toBeLessThan(1e-7);
    }
    for (const name of Object.keys(gradients)) {
      expect(error(result.gradients[name], gradients[name]?.data), name).toBeLessThan(1e-7);
    }
  });
});

function error(actual: Tensor | undefined, expected: number[] | undefined): number {
  return relativeError(actual?.dataSync() ?? [], expected ?? []);
}
