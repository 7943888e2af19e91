/** Group and instance normalisation: each example by itself, its channels in groups. */
import { differentiable } from '../../autograd/differentiable.js';
import { once } from '../../autograd/once.js';
import { scope } from '../../engine/engine.js';
import { ValueError } from '../../errors.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { full, zeros } from '../../tensor/create.js';
import { checkCotangent, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { channelExtents, checkGroups } from '../channels.js';

/** How `groupNorm` normalises. */
export interface GroupNormOptions {
  /** Parts into which the channels are cut. */
  readonly groups: number;
  /** Added to the variance (default 1e-5). */
  readonly epsilon?: number;
}

interface Cache {
  /** Of the shape of x: every group at mean 0 and variance 1. */
  normal: Tensor;
  /** (N groups): 1 / sqrt(variance + epsilon) */
  inverse: Tensor;
  gain: Tensor;
}

/**
 * Group normalisation: the channels of every example, in groups, to mean 0 and variance 1, then each
 * channel to a gain and a bias of its own. No other example of the batch has a say.
 *
 *     out[n, c] = gain[c] (x[n, c] - mean[n, g]) / sqrt(variance[n, g] + epsilon) + bias[c]
 *
 * with g the group of c. x (N, C, ...), gain (C), bias (C); out of the shape of x.
 * Source: Wu and He 2018.
 * @throws ShapeError when shapes disagree, or the groups do not divide C; ValueError when they are none.
 */
export function groupNormForward(
  x: Tensor,
  gain: Tensor,
  bias: Tensor,
  { groups, epsilon = 1e-5 }: GroupNormOptions,
): { out: Tensor; cache: Cache } {
  const { N, C, S } = channelExtents('groupNorm', x, { gain, bias });
  checkGroups('groupNorm', groups, { 'channels of x': C });
  const kernels = kernelsFor(x);
  const out = empty(x.dtype, x.shape);
  const normal = empty(x.dtype, x.shape);
  const inverse = empty(x.dtype, [N * groups]);
  kernels.layerNorm(x, normal, inverse, N * groups, (C / groups) * S, epsilon);
  using _scratch = scope();
  kernels.normaliseChannels(normal, ...standard(normal, C), gain, bias, out, N, C, S);
  return { out, cache: { normal, inverse, gain } };
}

/**
 * With z the normalised x, dz = dout gain and means over a group: dx = (dz - mean(dz) - z mean(dz z)) /
 * sqrt(variance + epsilon); dGain = Σ dout z and dBias = Σ dout over all but the channels.
 */
export function groupNormBackward(
  dout: Tensor,
  { normal, inverse, gain }: Cache,
): { dx: Tensor; dGain: Tensor; dBias: Tensor } {
  checkCotangent('groupNormBackward: dout', dout, normal);
  const { N, C, S } = channelExtents('groupNormBackward', normal, { gain });
  const kernels = kernelsFor(normal);
  const dGain = empty(normal.dtype, [C]);
  const dBias = empty(normal.dtype, [C]);
  const dx = once(() => {
    const made = empty(normal.dtype, normal.shape);
    const sums = [dGain, dBias] as const;
    using _scratch = scope();
    const z = [normal, ...standard(normal, C)] as const;
    kernels.normaliseChannelsBackward(...z, gain, dout, ...sums, made, N, C, S, 0);
    const rows = inverse.size;
    const columns = rows === 0 ? 0 : normal.size / rows;
    kernels.layerNormBackward(normal, made, inverse, made, rows, columns);
    return made;
  });
  using _scratch = scope();
  kernels.channelGradients(normal, ...standard(normal, C), dout, dGain, dBias, N, C, S);
  return {
    get dx() {
      return dx();
    },
    dGain,
    dBias,
  };
}

/** `groupNormForward` as an op. */
export const groupNorm = differentiable(groupNormForward, groupNormBackward, {
  outputs: ['out'],
  gradients: ['dx', 'dGain', 'dBias'],
});

/**
 * Instance normalisation: `groupNorm` with as many groups as channels, so that every channel of every
 * example is normalised by itself. Source: Ulyanov, Vedaldi and Lempitsky 2016.
 * @throws ShapeError as `groupNormForward`; ValueError when a channel has a single place.
 */
export function instanceNormForward(
  x: Tensor,
  gain: Tensor,
  bias: Tensor,
  { epsilon = 1e-5 } = {},
): { out: Tensor; cache: Cache } {
  const { C, S } = channelExtents('instanceNorm', x, { gain, bias });
  if (S < 2) {
    throw new ValueError(
      `instanceNorm: a channel of x ${showShape(x.shape)} has ${S} places: its variance needs 2 at least`,
    );
  }
  return groupNormForward(x, gain, bias, { groups: Math.max(C, 1), epsilon });
}

/** As `groupNormBackward`. */
export const instanceNormBackward = groupNormBackward;

/** `instanceNormForward` as an op. */
export const instanceNorm = differentiable(instanceNormForward, instanceNormBackward, {
  outputs: ['out'],
  gradients: ['dx', 'dGain', 'dBias'],
});

/** Mean 0 and inverse deviation 1 for each channel: what is normal already only needs gain and bias. */
function standard({ float }: Tensor, C: number): [mean: Tensor, inverse: Tensor] {
  return [zeros([C], float), full([C], 1, float)];
}
