/** Batch normalisation: each channel by its mean and variance over the batch. */
import { differentiable } from '../../autograd/differentiable.js';
import { once } from '../../autograd/once.js';
import type { FloatDType } from '../../engine/blas.js';
import { ValueError } from '../../errors.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { full, zeros } from '../../tensor/create.js';
import { checkCotangent, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { channelExtents } from '../channels.js';

/** What batch norm has seen of each channel in training, and goes by afterwards: (C) each. */
export interface RunningStatistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** How `batchNorm` normalises. */
export interface BatchNormOptions {
  /** By the statistics of the batch, which the running ones take up; otherwise by the running ones. */
  readonly training: boolean;
  /** Share of the batch in the running statistics, from 0 to 1 (default 0.1). */
  readonly momentum?: number;
  /** Added to the variance (default 1e-5). */
  readonly epsilon?: number;
}

interface Cache {
  x: Tensor;
  gain: Tensor;
  /** (C): what was subtracted. */
  mean: Tensor;
  /** (C): 1 / sqrt(variance + epsilon) */
  inverse: Tensor;
  training: boolean;
}

/** The statistics of a network that has seen nothing: mean 0 and variance 1. */
export function initialStatistics(C: number, dtype: FloatDType = 'f32'): RunningStatistics {
  return { mean: zeros([C], dtype), variance: full([C], 1, dtype) };
}

/**
 * Batch normalisation: every channel to mean 0 and variance 1 over the batch and its places, then to a
 * gain and a bias of its own.
 *
 *     out[n, c] = gain[c] (x[n, c] - mean[c]) / sqrt(variance[c] + epsilon) + bias[c]
 *
 * x (N, C, ...), gain (C), bias (C); out of the shape of x. In training the statistics are those of x,
 * and `running` is overwritten in place:
 *
 *     running = (1 - momentum) running + momentum (mean, or variance count / (count - 1))
 *
 * with count the values of a channel: the running variance is the unbiased one, as in PyTorch. Otherwise
 * the statistics are `running`, as constants. Source: Ioffe and Szegedy 2015.
 * @throws ShapeError when shapes disagree; ValueError in training when a channel has a single value,
 *   which has no variance, and for a momentum outside [0, 1].
 */
export function batchNormForward(
  x: Tensor,
  gain: Tensor,
  bias: Tensor,
  running: RunningStatistics,
  options: BatchNormOptions,
): { out: Tensor; cache: Cache } {
  const { mean: runningMean, variance: runningVariance } = running;
  const { N, C, S } = channelExtents('batchNorm', x, { gain, bias, runningMean, runningVariance });
  const { training, momentum = 0.1, epsilon = 1e-5 } = options;
  if (!(momentum >= 0 && momentum <= 1)) {
    throw new ValueError(`batchNorm: momentum must lie in [0, 1], not ${momentum}`);
  }
  const kernels = kernelsFor(x);
  const mean = empty(x.dtype, [C]);
  const variance = empty(x.dtype, [C]);
  if (training) {
    const count = N * S;
    if (count < 2) {
      throw new ValueError(
        `batchNorm: x ${showShape(x.shape)} has ${count} values for each channel: training needs 2 at least`,
      );
    }
    kernels.channelMoments(x, mean, variance, N, C, S);
    const unbiased = (momentum * count) / (count - 1);
    kernels.axpby(momentum, mean, 1 - momentum, runningMean, C);
    kernels.axpby(unbiased, variance, 1 - momentum, runningVariance, C);
  } else {
    // Copies: the next step of training overwrites the running ones.
    kernels.axpby(1, runningMean, 0, mean, C);
    kernels.axpby(1, runningVariance, 0, variance, C);
  }
  const inverse = variance;
  kernels.inverseDeviation(variance, inverse, C, epsilon);
  const out = empty(x.dtype, x.shape);
  kernels.normaliseChannels(x, mean, inverse, gain, bias, out, N, C, S);
  return { out, cache: { x, gain, mean, inverse, training } };
}

/**
 * With z = (x - mean) / sqrt(variance + epsilon) and means over the values of a channel:
 *
 *     dx = gain (dout - mean(dout) - z mean(dout z)) / sqrt(variance + epsilon)
 *     dGain = Σ dout z,   dBias = Σ dout
 *
 * Where the statistics were constants, dx = gain dout / sqrt(variance + epsilon).
 */
export function batchNormBackward(
  dout: Tensor,
  { x, gain, mean, inverse, training }: Cache,
): { dx: Tensor; dGain: Tensor; dBias: Tensor } {
  checkCotangent('batchNormBackward: dout', dout, x);
  const kernels = kernelsFor(x);
  const { N, C, S } = channelExtents('batchNormBackward', x, { gain });
  const dGain = empty(x.dtype, [C]);
  const dBias = empty(x.dtype, [C]);
  kernels.channelGradients(x, mean, inverse, dout, dGain, dBias, N, C, S);
  const share = training ? 1 / (N * S) : 0;
  const dx = once(() => {
    const made = empty(x.dtype, x.shape);
    const sums = [dGain, dBias] as const;
    kernels.normaliseChannelsBackward(x, mean, inverse, gain, dout, ...sums, made, N, C, S, share);
    return made;
  });
  return {
    get dx() {
      return dx();
    },
    dGain,
    dBias,
  };
}

/** `batchNormForward` as an op. */
export const batchNorm = differentiable(batchNormForward, batchNormBackward, {
  outputs: ['out'],
  gradients: ['dx', 'dGain', 'dBias'],
});
