/** Penalties on the slope of a discriminator, whose gradient is a second derivative: R1 and WGAN-GP. */
import { differentiable } from '../../autograd/differentiable.js';
import { alongDirection, type TangentRule } from '../../autograd/tangents.js';
import { valueAndGradients } from '../../autograd/tape.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import type { Random } from '../../random.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { full } from '../../tensor/create.js';
import { showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { sum } from '../indexing/reductions.js';
import { tangentRules } from '../tangents.js';

/** Which penalty, and how much of it. */
export interface GradientPenaltyOptions {
  /**
   * `r1`: weight / 2 times the mean of |g|², of real pictures (Mescheder et al. 2018); `wgan-gp`: weight times the mean
   * of (|g| - 1)², of pictures between real and made ones (Gulrajani et al. 2017), which `between` draws.
   */
  readonly kind: 'r1' | 'wgan-gp';
  /** gamma of R1, lambda of WGAN-GP (default 10). */
  readonly weight?: number;
  /** Rules for ops of one's own, besides those of the library's layers. */
  readonly rules?: readonly TangentRule[];
}

/**
 * The penalty on the gradient g[n] of a discriminator's scores by picture n, a scalar to add to its loss:
 *
 *     r1:       loss = weight / 2 mean over n of |g[n]|²
 *     wgan-gp:  loss = weight mean over n of (|g[n]| - 1)²,   g = d (Σ scores) / d pictures
 *
 * ```ts
 * valueAndGradients((p) => {
 *   const critic = (x: Tensor) => network(p, x);
 *   const loss = wassersteinDiscriminatorLoss(critic(real), critic(fake));
 *   return add(loss, gradientPenalty(critic, between(real, fake, random), { kind: 'wgan-gp' }));
 * }, parameters);
 * ```
 *
 * Both have the gradient of Σ_n v[n] · g[n] by the parameters with v = c g held, c[n] = weight / N for R1 and
 * 2 weight (1 - 1 / |g[n]|) / N for WGAN-GP. That sum is how the scores change along v: it is followed forward through the
 * network (`alongDirection`), in ops, over which the tape runs backward. Nothing is approximated. Measured against
 * PyTorch's double backward pass: 1e-9 or less in f64 (the test's bound); in f32 1e-7 of the f64 gradient, as PyTorch's
 * own. A central difference of two first gradients would need no rules and costs half as much again; it is right to 1e-11
 * in f64 and 1e-5 in f32 where all is smooth, but off by 40 % and more with leaky relu, of which some unit always has its
 * kink between the two points.
 *
 * The discriminator is called twice, and must be the same function both times: it draws no random numbers of its own,
 * takes no steps of power iteration, and batch norm in training takes the pictures up twice.
 *
 * @param discriminator scores (N, ...) of pictures (N, ...); what it depends on besides may be on the tape.
 * @throws ShapeError when there is not a score, or several, for each picture; ValueError for a weight that is none, for no
 *   pictures, and for a layer through which changes cannot be followed, by name.
 */
export function gradientPenalty(
  discriminator: (pictures: Tensor) => Tensor,
  pictures: Tensor,
  { kind, weight = 10, rules = [] }: GradientPenaltyOptions,
): Tensor {
  if (!(weight >= 0 && Number.isFinite(weight))) {
    throw new ValueError(`gradientPenalty: weight must be a number from 0 on, not ${weight}`);
  }
  const [N = 0] = pictures.shape;
  if (pictures.size === 0) {
    throw new ValueError(`gradientPenalty: pictures ${showShape(pictures.shape)} hold no values`);
  }
  const { gradients } = valueAndGradients(
    ({ x }) => {
      const scores = discriminator(x);
      if (scores.shape[0] === N) return sum(scores);
      throw new ShapeError(
        `gradientPenalty: ${showShape(scores.shape)} are no scores of pictures ${showShape(pictures.shape)}: the first axis must be ${N}`,
      );
    },
    { x: pictures },
  );
  const { value, direction } = penaltyOf(kind, gradients.x, weight);
  const every = [...tangentRules, ...rules];
  const { tangent } = alongDirection(discriminator, pictures, direction, every);
  return tangent ? withValue(sum(tangent), value) : full([], value, pictures.float);
}

/** The penalty of gradients g (N, ...), and v = c g, along which the scores change as the penalty's gradient says. */
function penaltyOf(
  kind: GradientPenaltyOptions['kind'],
  g: Tensor,
  weight: number,
): { value: number; direction: Tensor } {
  const direction = empty(g.dtype, g.shape);
  const [N = 0] = g.shape;
  const each = g.size / N;
  let value = 0;
  for (let n = 0; n < N; n++) {
    const squared = kernelsFor(g).sumSquares(g.at(n), each);
    const length = Math.sqrt(squared);
    value += kind === 'r1' ? squared / 2 : (length - 1) ** 2;
    // A gradient of 0 has no direction: its length is taken not to change, as PyTorch does.
    const share = kind === 'r1' ? 1 : length === 0 ? 0 : 2 * (1 - 1 / length);
    kernelsFor(g).axpby((weight * share) / N, g.at(n), 0, direction.at(n), each);
  }
  return { value: (weight * value) / N, direction };
}

/** A scalar that counts as `value`, with the gradient of another. */
const withValue = differentiable(
  (x: Tensor, value: number) => ({ out: full([], value, x.float), cache: undefined }),
  (dout: Tensor, _cache: undefined) => ({ dx: dout }),
  { outputs: ['out'], gradients: ['dx', null] },
);

/**
 * Pictures between real and made ones, as WGAN-GP takes them: x[n] = a real[n] + (1 - a) fake[n] with a uniform from
 * 0 to 1 for each pair. Source: Gulrajani et al. 2017.
 * @throws ShapeError, DTypeError when the two differ.
 */
export function between(real: Tensor, fake: Tensor, random: Random): Tensor {
  if (showShape(real.shape) !== showShape(fake.shape)) {
    throw new ShapeError(
      `between: real ${showShape(real.shape)} and fake ${showShape(fake.shape)} differ in shape`,
    );
  }
  if (real.dtype !== fake.dtype) {
    throw new DTypeError(`between: real is ${real.dtype} but fake is ${fake.dtype}`);
  }
  const out = fake.clone();
  const [N = 0] = real.shape;
  for (let n = 0; n < N; n++) {
    const share = random.uniform();
    kernelsFor(out).axpby(share, real.at(n), 1 - share, out.at(n), real.size / N);
  }
  return out;
}
