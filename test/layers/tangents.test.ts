import { expectRightGradients } from '@test/gradients.js';
import { inputs } from '@test/layers/inputs.js';
import { describe, expect, test } from 'vitest';
import { sequential } from '@/autograd/sequential.js';
import { alongDirection, tangentRule } from '@/autograd/tangents.js';
import { valueAndGradients } from '@/autograd/tape.js';
import { scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import { conv2d } from '@/layers/convolution/conv2d.js';
import { conv3d } from '@/layers/convolution/conv3d.js';
import { maskedConv2d } from '@/layers/convolution/masked-conv2d.js';
import { transposedConv2d } from '@/layers/convolution/transposed-conv2d.js';
import { transposedConv3d } from '@/layers/convolution/transposed-conv3d.js';
import { affine, temporalAffine } from '@/layers/dense.js';
import {
  elu,
  gelu,
  leakyRelu,
  relu,
  sigmoid,
  softplus,
  tanh,
} from '@/layers/elementwise/activations.js';
import { add, divide, maximum, multiply, subtract } from '@/layers/elementwise/arithmetic.js';
import { dropout } from '@/layers/elementwise/dropout.js';
import { abs, clamp, exp, log, scale, sqrt, square } from '@/layers/elementwise/functions.js';
import { flatten, reshape, transpose } from '@/layers/indexing/axes.js';
import { gather } from '@/layers/indexing/gather.js';
import { concat, slice, split, stack } from '@/layers/indexing/pieces.js';
import { mean, sum } from '@/layers/indexing/reductions.js';
import { gradientPenalty } from '@/layers/losses/gradient-penalty.js';
import { batchNorm, initialStatistics } from '@/layers/normalisation/batch-norm.js';
import { groupNorm, instanceNorm } from '@/layers/normalisation/group-norm.js';
import { layerNorm, scaledLayerNorm } from '@/layers/normalisation/layer-norm.js';
import { minibatchDeviation } from '@/layers/normalisation/minibatch-deviation.js';
import {
  adaptiveAveragePool,
  adaptiveAveragePool3d,
  averagePool,
  averagePool3d,
  globalAveragePool,
} from '@/layers/pooling/average-pool.js';
import { maxPool, maxPool3d } from '@/layers/pooling/max-pool.js';
import { pixelShuffle, pixelUnshuffle } from '@/layers/resampling/pixel-shuffle.js';
import { upsampleBilinear, upsampleNearest } from '@/layers/resampling/upsampling.js';
import { tangentRules } from '@/layers/tangents.js';
import { Random } from '@/random.js';
import { full, randomNormal, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const fixed = inputs({
  gain: [4],
  bias: [4],
  row: [4],
  toOne: [48, 3],
  toStep: [12, 3],
  three: [3],
  filters: [2, 4, 3, 3],
  up: [4, 2, 2, 2],
  upInTime: [4, 2, 1, 2, 2],
  inTime: [2, 4, 2, 2, 2],
  two: [2],
});
const { gain, bias, filters, two, three } = fixed;
const clips = (x: Tensor) => reshape(x, [2, 2, 2, 3, 4]);

/** A network for each rule: from (2, 4, 3, 4) to (2, ...), curved or not. */
const layers: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  affine: (x) => affine(x, fixed.toOne, three),
  'affine whose weights change': (x) => {
    const first = reshape(slice(flatten(x), 1, 3, 4), [2]);
    return affine(x, reshape(x, [48, 2]), first);
  },
  temporalAffine: (x) => temporalAffine(reshape(x, [2, 4, 12]), fixed.toStep, three),
  conv2d: (x) => conv2d(x, filters, two, { padding: 1, stride: 2 }),
  'conv2d with relu': (x) => conv2d(x, filters, two, { padding: 1, relu: true }),
  maskedConv2d: (x) => maskedConv2d(x, filters, two, { type: 'B', colours: 2, relu: true }),
  transposedConv2d: (x) => transposedConv2d(x, fixed.up, two, { stride: 2 }),
  transposedConv3d: (x) => transposedConv3d(reshape(x, [2, 4, 3, 2, 2]), fixed.upInTime, two),
  conv3d: (x) => conv3d(reshape(x, [2, 4, 3, 2, 2]), fixed.inTime, two),
  'conv3d with relu': (x) => conv3d(reshape(x, [2, 4, 3, 2, 2]), fixed.inTime, two, { relu: true }),
  relu,
  leakyRelu: (x) => leakyRelu(x, { slope: 0.3 }),
  elu: (x) => elu(x, { alpha: 0.7 }),
  abs,
  clamp: (x) => clamp(x, { low: -0.4, high: 0.6 }),
  sigmoid,
  tanh,
  softplus: (x) => softplus(x, { beta: 2 }),
  exp,
  log: (x) => log(add(square(x), 1)),
  sqrt: (x) => sqrt(add(square(x), 0.5)),
  'add, broadcast': (x) => add(x, mean(x, { axes: [2, 3], keepDims: true })),
  'add to what is larger': (x) =>
    add(full([2, 4, 3, 4], 1, 'f64'), mean(x, { axes: 1, keepDims: true })),
  'add a number': (x) => add(0.3, x),
  'subtract, broadcast': (x) => subtract(mean(x, { axes: 1, keepDims: true }), x),
  'subtract from a number': (x) => subtract(1, x),
  multiply: (x) => multiply(x, sum(x, { axes: 2, keepDims: true })),
  divide: (x) => divide(x, add(square(mean(x, { axes: 1, keepDims: true })), 1)),
  'divide a number': (x) => divide(2, add(square(x), 1)),
  maximum: (x) => maximum(x, scale(x, -0.5)),
  'maximum with a number': (x) => maximum(0.2, x),
  dropout: (x) => dropout(x, { rate: 0.4, seed: 3 }),
  transpose: (x) => transpose(x, [0, 2, 3, 1]),
  gather: (x) => gather(x, tensor([2, 0, 0], { dtype: 'i32' }), 1),
  concat: (x) => concat([x, full([2, 1, 3, 4], 2, 'f64'), x], 1),
  stack: (x) => stack([x, square(x)], 2),
  split: (x) => {
    const [a = x, b = x] = split(x, 1, [1, 3]);
    return multiply(a, b);
  },
  sequential: (x) => sequential(x, [tanh, (y) => scale(y, 3), tanh]),
  layerNorm: (x) => layerNorm(x),
  scaledLayerNorm: (x) => scaledLayerNorm(x, gain, bias),
  groupNorm: (x) => groupNorm(x, gain, bias, { groups: 2 }),
  instanceNorm: (x) => instanceNorm(x, gain, bias),
  'batchNorm in training': (x) =>
    batchNorm(x, gain, bias, initialStatistics(4, 'f64'), { training: true }),
  'batchNorm afterwards': (x) => {
    const running = { mean: bias, variance: full([4], 3, 'f64') };
    return batchNorm(x, gain, bias, running, { training: false });
  },
  minibatchDeviation: (x) => minibatchDeviation(x, { features: 2 }),
  averagePool: (x) => averagePool(x, { kernel: 2, padding: 1, stride: 1 }),
  averagePool3d: (x) => averagePool3d(clips(x), { kernel: 2, stride: 1 }),
  adaptiveAveragePool: (x) => adaptiveAveragePool(x, [2, 3]),
  adaptiveAveragePool3d: (x) => adaptiveAveragePool3d(clips(x), [1, 2, 3]),
  globalAveragePool: (x) => globalAveragePool(x),
  'maxPool, overlapping': (x) => maxPool(x, { kernel: 2, stride: 1, padding: 1 }),
  maxPool3d: (x) => maxPool3d(clips(x), { kernel: 2, stride: 1 }),
  upsampleNearest: (x) => upsampleNearest(x, { factor: 2 }),
  upsampleBilinear: (x) => upsampleBilinear(x, { extent: [5, 3] }),
  pixelShuffle: (x) => pixelShuffle(x, 2),
  pixelUnshuffle: (x) => pixelUnshuffle(x, [3, 2]),
};

/** Scores (2) of pictures: what a layer makes of maps, squared, under weights that differ. */
function scores(layer: (x: Tensor) => Tensor, K: Tensor, x: Tensor): Tensor {
  const h = flatten(layer(conv2d(x, K, bias, { padding: 1 })));
  const weights = randomNormal(new Random(9), [h.size / 2], 1, 'f64');
  return sum(multiply(square(h), weights), { axes: 1 });
}

describe('second derivatives through each layer agree with central differences', () => {
  test.each(Object.entries(layers))('%s', (_name, layer) => {
    using _work = scope();
    const { x, K } = inputs({ x: [2, 2, 3, 4], K: [4, 2, 3, 3] }, 7);
    expectRightGradients(
      (p) => gradientPenalty((pictures) => scores(layer, p.K, pictures), x, { kind: 'wgan-gp' }),
      { K },
      { perLeaf: 8 },
    );
  });
});

test('a change goes on as a difference does, and outside a tape, too', () => {
  using _work = scope();
  const { x, v } = inputs({ x: [3, 4], v: [3, 4] }, 2);
  const f = (y: Tensor) => sequential(y, [tanh, square, (z) => sum(z, { axes: 1 })]);
  const { value, tangent } = alongDirection(f, x, v, tangentRules);
  expect(value.dataSync()).toEqual(f(x).dataSync());
  const h = 2 ** -17;
  const [high, low] = [h, -h].map((step) => f(add(x, scale(v, step))).dataSync());
  for (const [i, found] of [...(tangent?.dataSync() ?? [])].entries()) {
    expect(found).toBeCloseTo(((high?.[i] ?? 0) - (low?.[i] ?? 0)) / 2 / h, 8);
  }
  expect(alongDirection(() => zeros([3]), x, v, tangentRules).tangent).toBeUndefined();
});

test('an op of its own has a rule of its own', () => {
  using _work = scope();
  const { x, v } = inputs({ x: [4], v: [4] });
  expect(() => alongDirection(gelu, x, v, tangentRules)).toThrow(/geluForward has no rule/);
  const rule = tangentRule(gelu, (of, [y]) => of(y) ?? y);
  const { tangent } = alongDirection(gelu, x, v, [...tangentRules, rule]);
  expect(tangent?.dataSync()).toEqual(v.dataSync());
  const wrong = tangentRule(gelu, () => zeros([2], 'f64'));
  expect(() => alongDirection(gelu, x, v, [wrong])).toThrow(ShapeError);
  // What failed leaves nothing behind.
  expect(gelu(x).size).toBe(4);
});

test('what would lose a change is refused', () => {
  using _work = scope();
  const { x, v } = inputs({ x: [2, 4], v: [2, 4] });
  const lost = (y: Tensor) => tanh(y.view(8));
  expect(() => alongDirection(lost, x, v, tangentRules)).toThrow(/view \(8\)/);
  expect(() => alongDirection(tanh, x, v.view(8), tangentRules)).toThrow(ShapeError);
  const moved = (y: Tensor) => scaledLayerNorm(y, reshape(slice(y, 0, 0, 1), [4]), bias);
  expect(() => alongDirection(moved, x, v, tangentRules)).toThrow(ValueError);
});

test('a tape within a tape: what comes out of the inner one is a constant', () => {
  using _work = scope();
  const { x } = inputs({ x: [3] });
  const { gradients } = valueAndGradients(
    (p) => {
      const inner = valueAndGradients((q) => sum(square(q.x)), { x: p.x });
      return sum(multiply(p.x, inner.gradients.x));
    },
    { x },
  );
  expect([...gradients.x.dataSync()]).toEqual([...x.dataSync()].map((value) => 2 * value));
});
