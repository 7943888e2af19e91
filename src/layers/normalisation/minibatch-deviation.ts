/** Minibatch standard deviation: a map that tells a discriminator how much the pictures of a batch differ. */
import { differentiable } from '../../autograd/differentiable.js';
import { once } from '../../autograd/once.js';
import { scope } from '../../engine/engine.js';
import { ShapeError, ValueError } from '../../errors.js';
import { scaled } from '../../tensor/arithmetic.js';
import { combined, repeated, sumAxes } from '../../tensor/broadcast.js';
import { full } from '../../tensor/create.js';
import { checkCotangent, dimensions, showShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkGroups } from '../channels.js';
import { sqrtForward } from '../elementwise/functions.js';
import { concatForward, sliceForward } from '../indexing/pieces.js';

/** Among which pictures deviations are taken, and how many maps are made of them. */
export interface MinibatchDeviationOptions {
  /** Pictures that are compared with each other (default 4); the whole batch where that is smaller. */
  readonly groupSize?: number;
  /** Maps that are added: as many parts of the channels have a mean deviation of their own (default 1). */
  readonly features?: number;
  /** Added to the variance (default 1e-8). */
  readonly epsilon?: number;
}

interface Cache {
  readonly x: Tensor;
  readonly y: Tensor;
  /** (G, M, features, S): x less the mean of its group. */
  readonly centred: Tensor;
  /** (1, M, features, S): √(variance + epsilon) */
  readonly deviation: Tensor;
}

/**
 * x with maps behind its channels that hold the mean standard deviation of each group of pictures:
 *
 *     y[n, C + f] = mean over s of √(mean over the group of (x[g, s] - mean over the group of x[., s])² + epsilon)
 *
 * with s the channels of part f and all places, and one number for all pictures of a group. x (N, C, H, W);
 * y (N, C + features, H, W). Of N pictures in groups of G, picture n is in group n mod (N / G), as in StyleGAN. A
 * generator that makes one picture only is found out by it. Source: Karras et al. 2018.
 * @throws ShapeError when the groups do not divide N, or the features C; ValueError for bad options and an empty batch.
 */
export function minibatchDeviationForward(
  x: Tensor,
  { groupSize = 4, features = 1, epsilon = 1e-8 }: MinibatchDeviationOptions = {},
): { y: Tensor; cache: Cache } {
  const { N, C, H, W } = dimensions('minibatchDeviation', { x: [x, 'N', 'C', 'H', 'W'] });
  checkGroups('minibatchDeviation', features, { 'channels of x': C });
  if (!Number.isSafeInteger(groupSize) || groupSize < 1) {
    throw new ValueError(
      `minibatchDeviation: groupSize must be an integer from 1 on, not ${groupSize}`,
    );
  }
  if (x.size === 0) {
    throw new ValueError(`minibatchDeviation: x ${showShape(x.shape)} has no values to deviate`);
  }
  const G = Math.min(groupSize, N);
  const M = N / G;
  if (!Number.isInteger(M)) {
    throw new ShapeError(
      `minibatchDeviation: a batch of ${N} pictures does not fall into groups of ${G}: take a groupSize that divides it`,
    );
  }
  const S = (C / features) * H * W;
  const groups = x.view(G, M, features, S);
  const centred = combined('subtract', groups, meanOver(groups, 0));
  const deviation = deviationOf(centred, epsilon);
  using work = scope();
  const map = repeated(meanOver(deviation, 3), [G, M, features, H * W]);
  const { out: y } = concatForward([x, map.view(N, features, H, W)], 1);
  work.keep(y);
  return { y, cache: { x, y, centred, deviation } };
}

/**
 * dx = dy of x's own channels + dMap centred / (G S deviation), with dMap the sum of dy over the places of a map and
 * the pictures of a group. That the mean moves along cancels out: what is centred adds up to 0.
 */
export function minibatchDeviationBackward(
  dy: Tensor,
  { x, y, centred, deviation }: Cache,
): { dx: Tensor } {
  checkCotangent('minibatchDeviationBackward: dy', dy, y);
  const [, C = 0, H = 0, W = 0] = x.shape;
  const [G = 0, M = 0, features = 0, S = 0] = centred.shape;
  const dx = once(() => {
    using work = scope();
    const own = sliceForward(dy, 1, 0, C).out;
    const dMaps = sliceForward(dy, 1, C).out.view(G, M, features, H * W);
    const dMap = scaled(sumAxes(dMaps, [true, false, false, true]), 1 / (G * S));
    const share = combined('divide', combined('multiply', centred, dMap), deviation);
    return work.keep(combined('add', own, share.view(...x.shape)));
  });
  return {
    get dx() {
      return dx();
    },
  };
}

/** `minibatchDeviationForward` as an op. */
export const minibatchDeviation = differentiable(
  minibatchDeviationForward,
  minibatchDeviationBackward,
  { outputs: ['y'], gradients: ['dx'] },
);

function deviationOf(centred: Tensor, epsilon: number): Tensor {
  using work = scope();
  const variance = meanOver(combined('multiply', centred, centred), 0);
  const shifted = combined('add', variance, full([], epsilon, variance.float));
  return work.keep(sqrtForward(shifted).out);
}

/** The mean over an axis, which stays with extent 1. */
function meanOver(x: Tensor, axis: number): Tensor {
  const sum = sumAxes(
    x,
    x.shape.map((_, other) => other === axis),
  );
  return scaled(sum, 1 / (x.shape[axis] ?? 1));
}
