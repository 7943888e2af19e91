import { differentiable } from '../autograd/differentiable.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { checkCotangent, elementCount } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

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
 * brings its own gain and bias. Source: Ba, Kiros and Hinton 2016.
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
