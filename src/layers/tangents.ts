/** How small changes go through layers: the rules by which `gradientPenalty` follows them. */
import { differentiable } from '../autograd/differentiable.js';
import { type TangentOf, type TangentRule, tangentRule } from '../autograd/tangents.js';
import { ValueError } from '../errors.js';
import { combined } from '../tensor/broadcast.js';
import { full, zeros } from '../tensor/create.js';
import { showShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { conv2d } from './convolution/conv2d.js';
import { conv3d } from './convolution/conv3d.js';
import { maskedConv2d } from './convolution/masked-conv2d.js';
import { transposedConv2d } from './convolution/transposed-conv2d.js';
import { transposedConv3d } from './convolution/transposed-conv3d.js';
import { affine, temporalAffine } from './dense.js';
import {
  elu,
  leakyRelu,
  leakyReluBackward,
  relu,
  reluBackward,
  sigmoid,
  softplus,
  tanh,
} from './elementwise/activations.js';
import {
  add,
  divide,
  maximum,
  multiply,
  type Operand,
  subtract,
} from './elementwise/arithmetic.js';
import { dropout } from './elementwise/dropout.js';
import {
  abs,
  absBackward,
  type ClampOptions,
  clamp,
  clampBackward,
  exp,
  log,
  scale,
  sqrt,
  square,
} from './elementwise/functions.js';
import { flatten, reshape, transpose } from './indexing/axes.js';
import { gather } from './indexing/gather.js';
import { concat, slice, split, stack } from './indexing/pieces.js';
import { mean, sum } from './indexing/reductions.js';
import { batchNorm } from './normalisation/batch-norm.js';
import { groupNorm, instanceNorm } from './normalisation/group-norm.js';
import { layerNorm, scaledLayerNorm } from './normalisation/layer-norm.js';
import { minibatchDeviation } from './normalisation/minibatch-deviation.js';
import {
  adaptiveAveragePool,
  adaptiveAveragePool3d,
  averagePool,
  averagePool3d,
  globalAveragePool,
} from './pooling/average-pool.js';
import { maxPool, maxPool3d, maxPoolTangent } from './pooling/max-pool.js';
import { poolingOf, poolingOf3d } from './pooling/pool-windows.js';
import { pixelShuffle, pixelUnshuffle } from './resampling/pixel-shuffle.js';
import { upsampleBilinear, upsampleNearest } from './resampling/upsampling.js';

/** A function that is linear in its first argument, and in no other that changes. */
function linear<Rest extends readonly unknown[], R>(
  op: (x: Tensor, ...rest: Rest) => R,
): TangentRule {
  return tangentRule(op, (of, [x, ...rest]: [Tensor, ...Rest], _out) =>
    op(changeOf(of, x), ...rest),
  );
}

/**
 * x under weights W, plus b: linear in x, and in W and b together.
 * @param plain the op without what follows the sum.
 * @param hasRelu whether max(0, .) follows it.
 */
function weighted<Rest extends readonly unknown[]>(
  op: (x: Tensor, W: Tensor, b: Tensor, ...rest: Rest) => Tensor,
  plain = op,
  hasRelu = (..._rest: Rest) => false,
): TangentRule {
  return tangentRule(op, (of, [x, W, b, ...rest]: [Tensor, Tensor, Tensor, ...Rest], out) => {
    const [dx, dW, db] = [of(x), of(W), of(b)];
    const ofInput = dx && plain(dx, W, noChange(b), ...rest);
    const ofWeights = (dW || db) && plain(x, dW ?? noChange(W), db ?? noChange(b), ...rest);
    const change = total(out, ofInput, ofWeights);
    return hasRelu(...rest) ? held(change, (dout) => reluBackward(dout, { out }).dx) : change;
  });
}

/** A function of each element by itself: its derivative, in ops of x and of what came out. */
function eachElement<Rest extends readonly unknown[]>(
  op: (x: Tensor, ...rest: Rest) => Tensor,
  derivative: (x: Tensor, out: Tensor, ...rest: Rest) => Tensor,
): TangentRule {
  return tangentRule(op, (of, [x, ...rest]: [Tensor, ...Rest], out) =>
    multiply(changeOf(of, x), derivative(x, out, ...rest)),
  );
}

/** A function of each element whose derivative is constant but for jumps: what goes forward through it is what goes back. */
function piecewise<Rest extends readonly unknown[]>(
  op: (x: Tensor, ...rest: Rest) => Tensor,
  backward: (change: Tensor, x: Tensor, out: Tensor, ...rest: Rest) => { dx: Tensor },
): TangentRule {
  return tangentRule(op, (of, [x, ...rest]: [Tensor, ...Rest], out) =>
    held(changeOf(of, x), (change) => backward(change, x, out, ...rest).dx),
  );
}

/** A linear map that is its own transpose, as an op: a factor for each element, as constants. */
const held = differentiable(
  (change: Tensor, map: (change: Tensor) => Tensor) => ({ out: map(change), cache: map }),
  (dout: Tensor, map: (change: Tensor) => Tensor) => ({ dChange: map(dout) }),
  { outputs: ['out'], gradients: ['dChange', null] },
);

/**
 * x brought to mean 0 and variance 1 over axes: with z what comes out and means over those axes,
 *
 *     change of z = (t - mean(t) - z mean(z t)) / √(variance + epsilon)
 */
function normalTangent(x: Tensor, t: Tensor, axes: readonly number[], epsilon: number): Tensor {
  const over = { axes, keepDims: true };
  const centred = subtract(x, mean(x, over));
  const deviation = sqrt(add(mean(square(centred), over), epsilon));
  const z = divide(centred, deviation);
  const along = multiply(z, mean(multiply(z, t), over));
  return divide(subtract(subtract(t, mean(t, over)), along), deviation);
}

/** The same of (N, C, ...), with the channels in groups, times the gain of each channel. */
function groupTangent(
  { x, t, gain }: { x: Tensor; t: Tensor; gain: Tensor },
  groups: number,
  epsilon = 1e-5,
): Tensor {
  const [N = 0] = x.shape;
  const rows = (tensor: Tensor) =>
    reshape(tensor, [N, groups, tensor.size / Math.max(1, N * groups)]);
  const normal = normalTangent(rows(x), rows(t), [2], epsilon);
  return multiply(reshape(normal, x.shape), perChannel(gain, x));
}

/** Values (C) in a shape that meets (N, C, ...). */
function perChannel(values: Tensor, { shape }: Tensor): Tensor {
  return reshape(values, [values.size, ...shape.slice(2).fill(1)]);
}

/** Rules of normalisations hold gain and bias: changes of those are not followed. */
const normalisations: readonly TangentRule[] = [
  tangentRule(layerNorm, (of, [x, { epsilon = 1e-5 } = {}]) => {
    return normalTangent(x, changeOf(of, x), axesFrom(1, x), epsilon);
  }),
  tangentRule(scaledLayerNorm, (of, [x, gain, bias, { epsilon = 1e-5 } = {}]) => {
    checkHeld('scaledLayerNorm', of, gain, bias);
    return multiply(normalTangent(x, changeOf(of, x), [x.shape.length - 1], epsilon), gain);
  }),
  tangentRule(groupNorm, (of, [x, gain, bias, { groups, epsilon }]) => {
    checkHeld('groupNorm', of, gain, bias);
    return groupTangent({ x, t: changeOf(of, x), gain }, groups, epsilon);
  }),
  tangentRule(instanceNorm, (of, [x, gain, bias, { epsilon } = {}]) => {
    checkHeld('instanceNorm', of, gain, bias);
    return groupTangent({ x, t: changeOf(of, x), gain }, gain.size, epsilon);
  }),
  tangentRule(batchNorm, (of, [x, gain, bias, running, { training, epsilon = 1e-5 }]) => {
    checkHeld('batchNorm', of, gain, bias);
    const t = changeOf(of, x);
    const ofChannels = perChannel(gain, x);
    if (training) {
      return multiply(normalTangent(x, t, [0, ...axesFrom(2, x)], epsilon), ofChannels);
    }
    const deviation = sqrt(add(running.variance, epsilon));
    return multiply(t, divide(ofChannels, perChannel(deviation, x)));
  }),
  tangentRule(minibatchDeviation, (of, [x, options = {}], out) => {
    const t = changeOf(of, x);
    const { groupSize = 4, features = 1, epsilon = 1e-8 } = options;
    const [N = 0, C = 0, H = 0, W = 0] = x.shape;
    const G = Math.min(groupSize, N);
    const M = N / G;
    const groups = (tensor: Tensor) => {
      const parts = reshape(tensor, [G, M, features, (C / features) * H * W]);
      return subtract(parts, mean(parts, { axes: 0, keepDims: true }));
    };
    const over = { axes: 0, keepDims: true };
    const [centred, moved] = [groups(x), groups(t)];
    const deviation = sqrt(add(mean(square(centred), over), epsilon));
    const each = divide(mean(multiply(centred, moved), over), deviation);
    const map = mean(each, { axes: 3, keepDims: true });
    const maps = add(map, zeros([G, M, features, H * W], out.dtype));
    return concat([t, reshape(maps, [N, features, H, W])], 1);
  }),
];

/** Minus infinity to infinity, where nothing is said. */
function bounds({ low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY }: ClampOptions) {
  return { low, high };
}

/** The change of a tensor that does change, or 0. */
function changeOf(of: TangentOf, x: Tensor): Tensor {
  return of(x) ?? noChange(x);
}

function changesOf(of: TangentOf, tensors: readonly Tensor[]): readonly Tensor[] {
  return tensors.map((x) => changeOf(of, x));
}

function changeOfOperand(of: TangentOf, x: Operand): Tensor | undefined {
  return x instanceof Tensor ? of(x) : undefined;
}

function noChange({ shape, dtype }: Tensor): Tensor {
  return zeros(shape, dtype);
}

function asTensor(x: Operand, { dtype }: Tensor): Tensor {
  return x instanceof Tensor ? x : full([], x, dtype);
}

/** The sum of the changes that there are, in the shape of the result. */
function total(out: Tensor, x: Tensor | undefined, y: Tensor | undefined): Tensor {
  const sum = x && y ? add(x, y) : (x ?? y ?? noChange(out));
  return showShape(sum.shape) === showShape(out.shape) ? sum : add(sum, noChange(out));
}

function axesFrom(first: number, { shape }: Tensor): number[] {
  return shape.map((_, axis) => axis).slice(first);
}

/** @throws ValueError when what scales or shifts a normalisation changes. */
function checkHeld(operation: string, of: TangentOf, ...held: readonly Tensor[]): void {
  if (held.every((tensor) => !of(tensor))) return;
  throw new ValueError(
    `${operation}: changes of its gain and its bias are not followed: a second derivative can be taken by x only`,
  );
}

/** The rules of all layers that have one. What has none (recurrent layers, attention, gelu) is refused by name. */
export const tangentRules: readonly TangentRule[] = [
  weighted(affine),
  weighted(temporalAffine),
  weighted(
    conv2d,
    (x, W, b, options) => conv2d(x, W, b, { ...options, relu: false }),
    (options) => options?.relu ?? false,
  ),
  weighted(
    conv3d,
    (x, W, b, options) => conv3d(x, W, b, { ...options, relu: false }),
    (options) => options?.relu ?? false,
  ),
  weighted(
    maskedConv2d,
    (x, W, b, options) => maskedConv2d(x, W, b, { ...options, relu: false }),
    ({ relu = false }) => relu,
  ),
  weighted(transposedConv2d),
  weighted(transposedConv3d),
  piecewise(relu, (change, _x, out) => reluBackward(change, { out })),
  piecewise(leakyRelu, (change, x, _out, { slope = 0.01 } = {}) =>
    leakyReluBackward(change, { x, slope }),
  ),
  piecewise(abs, (change, x) => absBackward(change, { x })),
  piecewise(clamp, (change, x, _out, options = {}) =>
    clampBackward(change, { x, ...bounds(options) }),
  ),
  eachElement(sigmoid, (_x, out) => multiply(out, subtract(1, out))),
  eachElement(tanh, (_x, out) => subtract(1, square(out))),
  eachElement(softplus, (x, _out, { beta = 1 } = {}) => sigmoid(scale(x, beta))),
  eachElement(exp, (_x, out) => out),
  eachElement(log, (x) => divide(1, x)),
  eachElement(sqrt, (_x, out) => divide(0.5, out)),
  eachElement(square, (x) => scale(x, 2)),
  // alpha e^x below 0, and 1 above, where e^min(x, 0) is 1.
  tangentRule(elu, (of, [x, { alpha = 1 } = {}]) => {
    const below = (change: Tensor) => leakyReluBackward(change, { x, slope: alpha }).dx;
    return multiply(held(changeOf(of, x), below), exp(clamp(x, { high: 0 })));
  }),
  tangentRule(add, (of, [x, y], out) => total(out, changeOfOperand(of, x), changeOfOperand(of, y))),
  tangentRule(subtract, (of, [x, y], out) => {
    const dy = changeOfOperand(of, y);
    return total(out, changeOfOperand(of, x), dy && scale(dy, -1));
  }),
  tangentRule(multiply, (of, [x, y], out) => {
    const [dx, dy] = [changeOfOperand(of, x), changeOfOperand(of, y)];
    return total(out, dx && multiply(dx, y), dy && multiply(x, dy));
  }),
  tangentRule(divide, (of, [x, y], out) => {
    const [dx, dy] = [changeOfOperand(of, x), changeOfOperand(of, y)];
    return total(out, dx && divide(dx, y), dy && scale(divide(multiply(out, dy), y), -1));
  }),
  tangentRule(maximum, (of, [x, y], out) => {
    const share = (one: Operand, other: Operand) => {
      const change = changeOfOperand(of, one);
      return (
        change && multiply(change, combined('share', asTensor(one, out), asTensor(other, out)))
      );
    };
    return total(out, share(x, y), share(y, x));
  }),
  linear(scale),
  linear(dropout),
  linear(reshape),
  linear(flatten),
  linear(transpose),
  linear(slice),
  linear(split),
  linear(sum),
  linear(mean),
  linear(gather),
  tangentRule(concat, (of, [parts, axis]) => concat(changesOf(of, parts), axis)),
  tangentRule(stack, (of, [parts, axis]) => stack(changesOf(of, parts), axis)),
  linear(averagePool),
  linear(averagePool3d),
  linear(adaptiveAveragePool),
  linear(adaptiveAveragePool3d),
  linear(globalAveragePool),
  tangentRule(maxPool, (of, [x, options], y) =>
    maxPoolTangent(changeOf(of, x), { x, y, ...poolingOf('maxPool', x, options) }),
  ),
  tangentRule(maxPool3d, (of, [x, options], y) =>
    maxPoolTangent(changeOf(of, x), { x, y, ...poolingOf3d('maxPool3d', x, options) }),
  ),
  linear(upsampleNearest),
  linear(upsampleBilinear),
  linear(pixelShuffle),
  linear(pixelUnshuffle),
  ...normalisations,
];
