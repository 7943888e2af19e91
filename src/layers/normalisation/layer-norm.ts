/** Layer normalisation: each example, or each row, to mean 0 and variance 1. */
import { differentiable } from '../../autograd/differentiable.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { zeros } from '../../tensor/create.js';
import { checkCotangent, dimensions, elementCount } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';

interface Cache {
  out: Tensor;
  /** (N): 1 / sqrt(variance + epsilon) */
  inverse: Tensor;
}

/**
 * Layer normalisation without gain and bias: every example to mean 0 and variance 1.
 *
 *     out[n] = (x[n] - mean(x[n])) / sqrt(variance(x[n]) + epsilon)
 *
 * x (N, ...); the statistics are over all axes but the first. What follows is usually affine and
 * brings its own gain and bias; where it is not, take `scaledLayerNorm`. Source: Ba, Kiros and Hinton 2016.
 */
export function layerNormForward(
  x: Tensor,
  { epsilon = 1e-5 } = {},
): { out: Tensor; cache: Cache } {
  const [N = 1, ...rest] = x.shape;
  const out = empty(x.dtype, x.shape);
  const inverse = empty(x.dtype, [N]);
  kernelsFor(x).layerNorm(x, out, inverse, N, elementCount(rest), epsilon);
  return { out, cache: { out, inverse } };
}

/** dx = (dout - mean(dout) - out mean(dout out)) / sqrt(variance + epsilon), per example. */
export function layerNormBackward(dout: Tensor, { out, inverse }: Cache): { dx: Tensor } {
  checkCotangent('layerNormBackward: dout', dout, out);
  const [N = 1, ...rest] = out.shape;
  const dx = empty(out.dtype, out.shape);
  kernelsFor(out).layerNormBackward(out, dout, inverse, dx, N, elementCount(rest));
  return { dx };
}

/** `layerNormForward` as an op. */
export const layerNorm = differentiable(layerNormForward, layerNormBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});

interface ScaledCache {
  /** Of the shape of x: the rows at mean 0 and variance 1. */
  normal: Tensor;
  /** (rows): 1 / sqrt(variance + epsilon) */
  inverse: Tensor;
  gain: Tensor;
}

/**
 * Layer normalisation of every row, with a gain and a bias per column:
 *
 *     out = gain (x - mean(x)) / sqrt(variance(x) + epsilon) + bias
 *
 * x (..., D), gain (D), bias (D); out of the shape of x. The statistics are over the last axis: all
 * others count as rows, so a sequence of hidden states (T, N, H) is normalised state by state.
 * Source: Ba, Kiros and Hinton 2016.
 */
export function scaledLayerNormForward(
  x: Tensor,
  gain: Tensor,
  bias: Tensor,
  { epsilon = 1e-5 } = {},
): { out: Tensor; cache: ScaledCache } {
  const columns = x.shape.at(-1) ?? 1;
  const { rows, D } = dimensions('scaledLayerNorm', {
    x: [x.view(elementCount(x.shape.slice(0, -1)), columns), 'rows', 'D'],
    gain: [gain, 'D'],
    bias: [bias, 'D'],
  });
  const out = empty(x.dtype, x.shape);
  const normal = empty(x.dtype, x.shape);
  const inverse = empty(x.dtype, [rows]);
  kernelsFor(x).scaledLayerNorm(x, gain, bias, normal, out, inverse, rows, D, epsilon);
  return { out, cache: { normal, inverse, gain } };
}

/**
 * With z the normalised rows and dz = dout gain: dx = (dz - mean(dz) - z mean(dz z)) / sqrt(variance
 * + epsilon) per row, dGain = the sum of dout z over the rows, dBias = that of dout.
 */
export function scaledLayerNormBackward(
  dout: Tensor,
  { normal, inverse, gain }: ScaledCache,
): { dx: Tensor; dGain: Tensor; dBias: Tensor } {
  checkCotangent('scaledLayerNormBackward: dout', dout, normal);
  const { dtype, shape } = normal;
  const dx = empty(dtype, shape);
  const dGain = zeros(gain.shape, dtype);
  const dBias = zeros(gain.shape, dtype);
  const kernels = kernelsFor(normal);
  const rows = inverse.size;
  kernels.scaledLayerNormBackward(normal, dout, gain, inverse, dx, dGain, dBias, rows, gain.size);
  return { dx, dGain, dBias };
}

/** `scaledLayerNormForward` as an op. */
export const scaledLayerNorm = differentiable(scaledLayerNormForward, scaledLayerNormBackward, {
  outputs: ['out'],
  gradients: ['dx', 'dGain', 'dBias'],
});
