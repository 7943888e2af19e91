/** Normal and Bernoulli distributions: samples that gradients flow through, log-likelihoods, and divergences. */
import { differentiable } from '../../autograd/differentiable.js';
import { once } from '../../autograd/once.js';
import { DTypeError, ShapeError } from '../../errors.js';
import { kernelsFor, scaled } from '../../tensor/arithmetic.js';
import { combined, combineInto, sumAxes, sumTo } from '../../tensor/broadcast.js';
import { full } from '../../tensor/create.js';
import { checkCotangent, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';

/** The parameters of independent normal distributions. */
interface Normal {
  readonly mean: Tensor;
  readonly logVariance: Tensor;
}

interface SampleCache extends Normal {
  /** e^(logVariance / 2) noise: how far each sample lies from its mean. */
  readonly moved: Tensor;
}

/**
 * Samples of normal distributions, as a function of their parameters (the reparameterisation trick):
 *
 *     z = mean + e^(logVariance / 2) noise
 *
 * All of one shape; noise is constant, of independent standard normal values.
 * Source: Kingma and Welling 2014; Rezende et al. 2014.
 * @throws ShapeError, DTypeError when shapes or element types differ.
 */
export function sampleNormalForward(
  mean: Tensor,
  logVariance: Tensor,
  noise: Tensor,
): { z: Tensor; cache: SampleCache } {
  requireAlike('sampleNormal', { mean, logVariance, noise });
  const moved = multiplied(exponential(scaled(logVariance, 0.5)), noise);
  return { z: combined('add', mean, moved), cache: { mean, logVariance, moved } };
}

/** dMean = dz, dLogVariance = dz (z - mean) / 2. */
export function sampleNormalBackward(
  dz: Tensor,
  { mean, moved }: SampleCache,
): { dMean: Tensor; dLogVariance: Tensor } {
  checkCotangent('sampleNormalBackward: dz', dz, mean);
  return { dMean: dz, dLogVariance: scaled(multiplied(dz, moved), 0.5) };
}

/** `sampleNormalForward` as an op. */
export const sampleNormal = differentiable(sampleNormalForward, sampleNormalBackward, {
  outputs: ['z'],
  gradients: ['dMean', 'dLogVariance', null],
});

interface BernoulliCache {
  readonly logits: Tensor;
  readonly x: Tensor;
  readonly out: Tensor;
}

/**
 * Log-likelihood of independent Bernoulli values by their scores before the sigmoid, in nats, a sum for each
 * example:
 *
 *     out[n] = Σ x log σ(l) + (1 - x) log(1 - σ(l)) = Σ x l - log(1 + e^l)
 *
 * logits l and x (N, ...) of one shape, x constant: 0 or 1, or between, where it is no probability of
 * anything but still a score; out (N). No score overflows.
 * @throws ShapeError, DTypeError when shapes or element types differ.
 */
export function bernoulliLogLikelihoodForward(
  logits: Tensor,
  x: Tensor,
): { out: Tensor; cache: BernoulliCache } {
  requireAlike('bernoulliLogLikelihood', { logits, x });
  const terms = multiplied(x, logits);
  const atZero = empty(logits.dtype, logits.shape);
  kernelsFor(logits).softplus(logits, atZero, logits.size, 1);
  combineInto(terms, 'subtract', terms, atZero);
  const out = sumEach(terms);
  return { out, cache: { logits, x, out } };
}

/** dLogits = dout (x - σ(l)). */
export function bernoulliLogLikelihoodBackward(
  dout: Tensor,
  { logits, x, out }: BernoulliCache,
): { dLogits: Tensor } {
  checkCotangent('bernoulliLogLikelihoodBackward: dout', dout, out);
  const dLogits = empty(logits.dtype, logits.shape);
  kernelsFor(logits).sigmoid(logits, dLogits, logits.size);
  combineInto(dLogits, 'subtract', x, dLogits);
  combineInto(dLogits, 'multiply', dLogits, forEach(dout, logits));
  return { dLogits };
}

/** `bernoulliLogLikelihoodForward` as an op. */
export const bernoulliLogLikelihood = differentiable(
  bernoulliLogLikelihoodForward,
  bernoulliLogLikelihoodBackward,
  { outputs: ['out'], gradients: ['dLogits', null] },
);

interface GaussianCache extends Normal {
  /** x - mean. */
  readonly apart: Tensor;
  /** (x - mean) e^-logVariance. */
  readonly weighed: Tensor;
  readonly out: Tensor;
}

/**
 * Log-likelihood of independent normal values, in nats, a sum for each example:
 *
 *     out[n] = -1/2 Σ log 2π + logVariance + (x - mean)² e^-logVariance
 *
 * mean and x (N, ...) of one shape; logVariance of that shape, or one that is broadcast to it, such as ()
 * for one variance of all; out (N). It is the logarithm of a density: above 0 where that is above 1.
 * @throws ShapeError, DTypeError when shapes or element types do not fit.
 */
export function gaussianLogLikelihoodForward(
  mean: Tensor,
  logVariance: Tensor,
  x: Tensor,
): { out: Tensor; cache: GaussianCache } {
  requireAlike('gaussianLogLikelihood', { mean, x });
  const apart = combined('subtract', x, mean);
  const weighed = combined('multiply', apart, precision(logVariance), 'gaussianLogLikelihood');
  requireAlike('gaussianLogLikelihood', { mean, 'mean with logVariance': weighed });
  const terms = multiplied(apart, weighed);
  combineInto(terms, 'add', terms, logVariance);
  combineInto(terms, 'add', terms, full([], Math.log(2 * Math.PI), terms.dtype));
  const out = scaled(sumEach(terms), -0.5);
  return { out, cache: { mean, logVariance, apart, weighed, out } };
}

/**
 * dMean = dout (x - mean) e^-logVariance, dx = -dMean, and
 *
 *     dLogVariance = dout ((x - mean)² e^-logVariance - 1) / 2,
 *
 * summed over the axes along which logVariance was broadcast.
 */
export function gaussianLogLikelihoodBackward(
  dout: Tensor,
  { mean, logVariance, apart, weighed, out }: GaussianCache,
): { dMean: Tensor; dLogVariance: Tensor; dx: Tensor } {
  checkCotangent('gaussianLogLikelihoodBackward: dout', dout, out);
  const each = forEach(dout, mean);
  const dMean = multiplied(weighed, each);
  const dLogVariance = once(() => {
    const terms = multiplied(apart, weighed);
    combineInto(terms, 'subtract', terms, full([], 1, terms.dtype));
    combineInto(terms, 'multiply', terms, each);
    return sumTo(scaled(terms, 0.5), logVariance.shape);
  });
  const dx = once(() => scaled(dMean, -1));
  return {
    dMean,
    get dLogVariance() {
      return dLogVariance();
    },
    get dx() {
      return dx();
    },
  };
}

/** `gaussianLogLikelihoodForward` as an op. */
export const gaussianLogLikelihood = differentiable(
  gaussianLogLikelihoodForward,
  gaussianLogLikelihoodBackward,
  { outputs: ['out'], gradients: ['dMean', 'dLogVariance', 'dx'] },
);

interface KlCache extends Normal {
  readonly variance: Tensor;
}

/**
 * How far normal distributions are from the standard normal one, in nats, exactly:
 *
 *     out = KL(N(mean, e^logVariance) || N(0, 1)) = (mean² + e^logVariance - 1 - logVariance) / 2
 *
 * All of one shape: a divergence for each value. `sum` adds those of one example, which are independent.
 * Source: Kingma and Welling 2014, appendix B.
 * @throws ShapeError, DTypeError when shapes or element types differ.
 */
export function klToUnitNormalForward(
  mean: Tensor,
  logVariance: Tensor,
): { out: Tensor; cache: KlCache } {
  requireAlike('klToUnitNormal', { mean, logVariance });
  const variance = exponential(logVariance);
  const out = multiplied(mean, mean);
  combineInto(out, 'add', out, variance);
  combineInto(out, 'subtract', out, full([], 1, out.dtype));
  combineInto(out, 'subtract', out, logVariance);
  return { out: scaled(out, 0.5), cache: { mean, logVariance, variance } };
}

/** dMean = dout mean, dLogVariance = dout (e^logVariance - 1) / 2. */
export function klToUnitNormalBackward(
  dout: Tensor,
  { mean, variance }: KlCache,
): { dMean: Tensor; dLogVariance: Tensor } {
  checkCotangent('klToUnitNormalBackward: dout', dout, mean);
  const beyond = combined('subtract', variance, full([], 1, variance.dtype));
  return { dMean: multiplied(dout, mean), dLogVariance: scaled(multiplied(dout, beyond), 0.5) };
}

/** `klToUnitNormalForward` as an op. */
export const klToUnitNormal = differentiable(klToUnitNormalForward, klToUnitNormalBackward, {
  outputs: ['out'],
  gradients: ['dMean', 'dLogVariance'],
});

interface SampledKlCache extends Normal {
  readonly z: Tensor;
  /** (z - mean) e^-logVariance. */
  readonly weighed: Tensor;
}

/**
 * What one sample says of the same divergence: log q(z) - log p(z), q = N(mean, e^logVariance) and p the
 * standard normal distribution. Of samples of q its mean is `klToUnitNormal`:
 *
 *     out = (z² - logVariance - (z - mean)² e^-logVariance) / 2
 *
 * All of one shape. Above or below 0; weights of importance sampling are made of it.
 * @throws ShapeError, DTypeError when shapes or element types differ.
 */
export function sampledKlToUnitNormalForward(
  mean: Tensor,
  logVariance: Tensor,
  z: Tensor,
): { out: Tensor; cache: SampledKlCache } {
  requireAlike('sampledKlToUnitNormal', { mean, logVariance, z });
  const apart = combined('subtract', z, mean);
  const weighed = multiplied(apart, precision(logVariance));
  const out = multiplied(z, z);
  combineInto(out, 'subtract', out, logVariance);
  combineInto(apart, 'multiply', apart, weighed);
  combineInto(out, 'subtract', out, apart);
  return { out: scaled(out, 0.5), cache: { mean, logVariance, z, weighed } };
}

/**
 * dMean = dout (z - mean) e^-logVariance, dz = dout z - dMean, and
 *
 *     dLogVariance = dout ((z - mean)² e^-logVariance - 1) / 2
 */
export function sampledKlToUnitNormalBackward(
  dout: Tensor,
  { mean, z, weighed }: SampledKlCache,
): { dMean: Tensor; dLogVariance: Tensor; dz: Tensor } {
  checkCotangent('sampledKlToUnitNormalBackward: dout', dout, z);
  const dMean = multiplied(dout, weighed);
  const dLogVariance = once(() => {
    const terms = multiplied(combined('subtract', z, mean), dMean);
    combineInto(terms, 'subtract', terms, dout);
    return scaled(terms, 0.5);
  });
  const dz = once(() => combined('subtract', multiplied(dout, z), dMean));
  return {
    dMean,
    get dLogVariance() {
      return dLogVariance();
    },
    get dz() {
      return dz();
    },
  };
}

/** `sampledKlToUnitNormalForward` as an op. */
export const sampledKlToUnitNormal = differentiable(
  sampledKlToUnitNormalForward,
  sampledKlToUnitNormalBackward,
  { outputs: ['out'], gradients: ['dMean', 'dLogVariance', 'dz'] },
);

function multiplied(x: Tensor, y: Tensor): Tensor {
  return combined('multiply', x, y);
}

function exponential(x: Tensor): Tensor {
  const out = empty(x.dtype, x.shape);
  kernelsFor(x).exp(x, out, x.size);
  return out;
}

/** 1 / variance. */
function precision(logVariance: Tensor): Tensor {
  return exponential(scaled(logVariance, -1));
}

/** (N, ...) to (N): a sum for each example. */
function sumEach(terms: Tensor): Tensor {
  const [N = 1] = terms.shape;
  return sumAxes(
    terms,
    terms.shape.map((_, axis) => axis > 0),
  ).view(N);
}

/** (N) as (N, 1, ...), to meet values of every example. */
function forEach(dout: Tensor, values: Tensor): Tensor {
  return dout.view(...values.shape.map((extent, axis) => (axis === 0 ? extent : 1)));
}

/** @throws ShapeError, DTypeError naming the first two that differ */
function requireAlike(operation: string, tensors: Readonly<Record<string, Tensor>>): void {
  const [[name, first] = ['', undefined], ...others] = Object.entries(tensors);
  if (!first) return;
  for (const [otherName, other] of others) {
    if (showShape(first.shape) !== showShape(other.shape)) {
      throw new ShapeError(
        `${operation}: ${name} ${showShape(first.shape)} and ${otherName} ${showShape(other.shape)} differ in shape`,
      );
    }
    if (first.float !== other.float) {
      throw new DTypeError(
        `${operation}: ${name} is ${first.dtype} but ${otherName} is ${other.dtype}: use one element type`,
      );
    }
  }
  if (first.shape.length === 0) {
    throw new ShapeError(`${operation}: ${name} has no axes: the first one counts examples`);
  }
}
