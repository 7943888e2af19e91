/** Activations: what a nonlinearity does to every element of a tensor, in any shape. */
import { differentiable } from '../../autograd/differentiable.js';
import { ValueError } from '../../errors.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { checkCotangent } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';

const names = { outputs: ['out'], gradients: ['dx'] } as const;

/** Rectified linear unit: out = max(0, x), any shape. */
export function reluForward(x: Tensor): { out: Tensor; cache: { out: Tensor } } {
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).relu(x, out, x.size);
  return { out, cache: { out } };
}

/** dx = dout where x > 0, and 0 elsewhere (also at x = 0). */
export function reluBackward(dout: Tensor, { out }: { out: Tensor }): { dx: Tensor } {
  checkCotangent('reluBackward: dout', dout, out);
  const dx = empty(out.dtype, out.shape);
  kernelsFor(out).reluBackward(out, dout, dx, out.size);
  return { dx };
}

/** `reluForward` as an op. */
export const relu = differentiable(reluForward, reluBackward, names);

/** Logistic function: out = 1 / (1 + exp(-x)), any shape; no x overflows. */
export function sigmoidForward(x: Tensor): { out: Tensor; cache: { out: Tensor } } {
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).sigmoid(x, out, x.size);
  return { out, cache: { out } };
}

/** dx = dout out (1 - out). */
export function sigmoidBackward(dout: Tensor, { out }: { out: Tensor }): { dx: Tensor } {
  checkCotangent('sigmoidBackward: dout', dout, out);
  const dx = empty(out.dtype, out.shape);
  kernelsFor(out).sigmoidBackward(out, dout, dx, out.size);
  return { dx };
}

/** `sigmoidForward` as an op. */
export const sigmoid = differentiable(sigmoidForward, sigmoidBackward, names);

/** Hyperbolic tangent: out = tanh(x), any shape. */
export function tanhForward(x: Tensor): { out: Tensor; cache: { out: Tensor } } {
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).tanh(x, out, x.size);
  return { out, cache: { out } };
}

/** dx = dout (1 - out²). */
export function tanhBackward(dout: Tensor, { out }: { out: Tensor }): { dx: Tensor } {
  checkCotangent('tanhBackward: dout', dout, out);
  const dx = empty(out.dtype, out.shape);
  kernelsFor(out).tanhBackward(out, dout, dx, out.size);
  return { dx };
}

/** `tanhForward` as an op. */
export const tanh = differentiable(tanhForward, tanhBackward, names);

interface LeakyReluCache {
  x: Tensor;
  slope: number;
}

/**
 * Leaky rectified linear unit: out = x where x > 0, else slope x; any shape. No unit is ever without a
 * gradient. `slope` is 0.01 by default. Source: Maas, Hannun and Ng 2013.
 */
export function leakyReluForward(
  x: Tensor,
  { slope = 0.01 } = {},
): { out: Tensor; cache: LeakyReluCache } {
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).leakyRelu(x, out, x.size, slope);
  return { out, cache: { x, slope } };
}

/** dx = dout where x > 0, else slope dout (also at x = 0). */
export function leakyReluBackward(dout: Tensor, { x, slope }: LeakyReluCache): { dx: Tensor } {
  checkCotangent('leakyReluBackward: dout', dout, x);
  const dx = empty(x.dtype, x.shape);
  kernelsFor(x).leakyReluBackward(x, dout, dx, x.size, slope);
  return { dx };
}

/** `leakyReluForward` as an op. */
export const leakyRelu = differentiable(leakyReluForward, leakyReluBackward, names);

interface EluCache {
  x: Tensor;
  alpha: number;
}

/**
 * Exponential linear unit: out = x where x > 0, else alpha (e^x - 1); any shape. `alpha` is 1 by default,
 * and -alpha what far negative values come to. Source: Clevert, Unterthiner and Hochreiter 2016.
 */
export function eluForward(x: Tensor, { alpha = 1 } = {}): { out: Tensor; cache: EluCache } {
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).elu(x, out, x.size, alpha);
  return { out, cache: { x, alpha } };
}

/** dx = dout where x > 0, else alpha e^x dout. */
export function eluBackward(dout: Tensor, { x, alpha }: EluCache): { dx: Tensor } {
  checkCotangent('eluBackward: dout', dout, x);
  const dx = empty(x.dtype, x.shape);
  kernelsFor(x).eluBackward(x, dout, dx, x.size, alpha);
  return { dx };
}

/** `eluForward` as an op. */
export const elu = differentiable(eluForward, eluBackward, names);

/** Which of its two forms `gelu` takes. */
export interface GeluOptions {
  /** `none`: by the normal distribution itself (default); `tanh`: by a tanh that is close to it. */
  readonly approximation?: 'none' | 'tanh';
}

interface GeluCache {
  x: Tensor;
  approximation: 'none' | 'tanh';
}

/**
 * Gaussian error linear unit: every value times the probability that a standard normal one is smaller.
 *
 *     out = x Φ(x) = x (1 + erf(x / √2)) / 2
 *     tanh:  out = x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2
 *
 * Any shape. Source: Hendrycks and Gimpel 2016.
 */
export function geluForward(
  x: Tensor,
  { approximation = 'none' }: GeluOptions = {},
): { out: Tensor; cache: GeluCache } {
  const out = empty(x.dtype, x.shape);
  const kernels = kernelsFor(x);
  if (approximation === 'tanh') kernels.geluTanh(x, out, x.size);
  else kernels.gelu(x, out, x.size);
  return { out, cache: { x, approximation } };
}

/** dx = dout (Φ(x) + x φ(x)), with φ the normal density; of the tanh form its own derivative. */
export function geluBackward(dout: Tensor, { x, approximation }: GeluCache): { dx: Tensor } {
  checkCotangent('geluBackward: dout', dout, x);
  const dx = empty(x.dtype, x.shape);
  const kernels = kernelsFor(x);
  if (approximation === 'tanh') kernels.geluTanhBackward(x, dout, dx, x.size);
  else kernels.geluBackward(x, dout, dx, x.size);
  return { dx };
}

/** `geluForward` as an op. */
export const gelu = differentiable(geluForward, geluBackward, names);

interface SoftplusCache {
  x: Tensor;
  beta: number;
}

/**
 * Softplus, a smooth relu: out = ln(1 + e^(beta x)) / beta, any shape; no x overflows. `beta` is 1 by
 * default; the larger it is, the sharper the bend. Source: Dugas et al. 2001.
 * @throws ValueError for a beta that is not above 0.
 */
export function softplusForward(
  x: Tensor,
  { beta = 1 } = {},
): { out: Tensor; cache: SoftplusCache } {
  if (!(beta > 0)) throw new ValueError(`softplus: beta must be above 0, not ${beta}`);
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).softplus(x, out, x.size, beta);
  return { out, cache: { x, beta } };
}

/** dx = dout / (1 + e^(-beta x)). */
export function softplusBackward(dout: Tensor, { x, beta }: SoftplusCache): { dx: Tensor } {
  checkCotangent('softplusBackward: dout', dout, x);
  const dx = empty(x.dtype, x.shape);
  kernelsFor(x).softplusBackward(x, dout, dx, x.size, beta);
  return { dx };
}

/** `softplusForward` as an op. */
export const softplus = differentiable(softplusForward, softplusBackward, names);
