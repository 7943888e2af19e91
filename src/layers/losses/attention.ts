/** Losses of attention: every place is looked at, and hard choices are rewarded. */
import { differentiable } from '../../autograd/differentiable.js';
import { ShapeError } from '../../errors.js';
import { tensor } from '../../tensor/create.js';
import { dimensions, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { choosePlace } from '../attention/soft-and-hard.js';

interface PenaltyCache {
  weights: Tensor;
  mask: Tensor;
  /** N L values 1 - Σ_t w. */
  missing: Float64Array;
  factor: number;
}

/** What `doublyStochastic` weighs. */
export interface PenaltyOptions {
  readonly lambda: number;
  /** (N, L) u8: 0 where there is no place, which costs nothing; all are there by default. */
  readonly places?: Tensor | undefined;
}

/**
 * What it costs not to have looked at every place once, over the whole caption:
 *
 *     loss = λ / N  Σ_n Σ_l places[n, l] (1 - Σ_t mask[t, n] w[t, n, l])²
 *
 * weights (T, N, L), mask (T, N) u8. Source: Xu et al. 2015, section 4.2.1, equation 14.
 */
export function doublyStochasticForward(
  weights: Tensor,
  mask: Tensor,
  { lambda, places }: PenaltyOptions,
): { loss: Tensor; cache: PenaltyCache } {
  const { T, N, L } = dimensions('doublyStochastic', {
    weights: [weights, 'T', 'N', 'L'],
    mask: [mask, 'T', 'N'],
    places: [places ?? weights.at(0), 'N', 'L'],
  });
  const [w, counts] = [weights.dataSync(), mask.dataSync()];
  const missing = new Float64Array(N * L).fill(1);
  for (let t = 0; t < T; t++) {
    for (let n = 0; n < N; n++) {
      if (counts[t * N + n] === 0) continue;
      for (let l = 0; l < L; l++) {
        const place = n * L + l;
        missing[place] = (missing[place] ?? 0) - (w[t * N * L + place] ?? 0);
      }
    }
  }
  if (places) {
    const there = places.dataSync();
    for (let place = 0; place < N * L; place++) if (there[place] === 0) missing[place] = 0;
  }
  const factor = lambda / N;
  const total = missing.reduce((sum, value) => sum + value ** 2, 0);
  return {
    loss: tensor(factor * total, { dtype: weights.dtype }),
    cache: { weights, mask, missing, factor },
  };
}

/** dw[t, n, l] = -2 λ / N mask[t, n] (1 - Σ_t w). */
export function doublyStochasticBackward(
  dLoss: Tensor,
  { weights, mask, missing, factor }: PenaltyCache,
): { dWeights: Tensor } {
  const [T = 0, N = 0, L = 0] = weights.shape;
  const counts = mask.dataSync();
  const scale = -2 * factor * dLoss.item();
  const dWeights = new Float64Array(T * N * L);
  for (let row = 0; row < T * N; row++) {
    if (counts[row] === 0) continue;
    const from = (row % N) * L;
    for (let l = 0; l < L; l++) dWeights[row * L + l] = scale * (missing[from + l] ?? 0);
  }
  return { dWeights: empty(weights.dtype, weights.shape).assign(dWeights) };
}

/** `doublyStochasticForward` as an op; a mask has no gradient. */
export const doublyStochastic = differentiable(doublyStochasticForward, doublyStochasticBackward, {
  outputs: ['loss'],
  gradients: ['dWeights', null],
});

/** What a hard attention is rewarded for. */
export interface ReinforceOptions {
  /** (T N) the numbers that decided which places were taken: see `hardMechanism`. */
  readonly uniform: ArrayLike<number>;
  /** (N): how much better than expected each caption went. Counts as a constant. */
  readonly advantage: ArrayLike<number>;
  /** Weight of the entropy H of the choice. */
  readonly entropy: number;
}

interface ReinforceCache extends ReinforceOptions {
  weights: Tensor;
  mask: Tensor;
}

/**
 * A loss whose gradient is the REINFORCE estimate for the places that were taken, and which keeps
 * the choice open:
 *
 *     loss = -1/N Σ_n Σ_t mask[t, n] (advantage[n] log w[t, n, place] + entropy H(w[t, n]))
 *     H(w) = -Σ_l w_l log w_l
 *
 * weights (T, N, L), mask (T, N) u8. Source: Williams 1992; Xu et al. 2015, equation 11.
 */
export function reinforceForward(
  weights: Tensor,
  mask: Tensor,
  options: ReinforceOptions,
): { loss: Tensor; cache: ReinforceCache } {
  const { N } = dimensions('reinforce', {
    weights: [weights, 'T', 'N', 'L'],
    mask: [mask, 'T', 'N'],
  });
  if (options.uniform.length !== mask.size || options.advantage.length !== N) {
    throw new ShapeError(
      `reinforce: ${options.uniform.length} numbers and ${options.advantage.length} advantages do not fit weights ${showShape(weights.shape)}`,
    );
  }
  let total = 0;
  eachChoice(weights, mask, options, (w, taken, advantage) => {
    total -= advantage * logOf(w[taken] ?? 0);
    for (const value of w) total += options.entropy * value * logOf(value);
  });
  return {
    loss: tensor(total / N, { dtype: weights.dtype }),
    cache: { weights, mask, ...options },
  };
}

/** dw_l = -1/N mask (advantage [l = place] / w_l - entropy (log w_l + 1)). */
export function reinforceBackward(
  dLoss: Tensor,
  { weights, mask, ...options }: ReinforceCache,
): { dWeights: Tensor } {
  const [, N = 0, L = 0] = weights.shape;
  const scale = dLoss.item() / N;
  const dWeights = new Float64Array(weights.size);
  eachChoice(weights, mask, options, (w, taken, advantage, row) => {
    for (const [l, value] of w.entries()) {
      const chosen = l === taken ? -advantage / Math.max(value, smallest) : 0;
      dWeights[row * L + l] = scale * (chosen + options.entropy * (logOf(value) + 1));
    }
  });
  return { dWeights: empty(weights.dtype, weights.shape).assign(dWeights) };
}

/** `reinforceForward` as an op; a mask has no gradient. */
export const reinforce = differentiable(reinforceForward, reinforceBackward, {
  outputs: ['loss'],
  gradients: ['dWeights', null],
});

/** A weight may underflow to 0, and its place may all the same have been the likeliest. */
const smallest = 1e-30;

function logOf(value: number): number {
  return Math.log(Math.max(value, smallest));
}

function eachChoice(
  weights: Tensor,
  mask: Tensor,
  { uniform, advantage }: ReinforceOptions,
  visit: (w: Float32Array | Float64Array, taken: number, advantage: number, row: number) => void,
): void {
  const [T = 0, N = 0, L = 0] = weights.shape;
  const [values, counts] = [weights.dataSync(), mask.dataSync()];
  for (let row = 0; row < T * N; row++) {
    if (counts[row] === 0) continue;
    const taken = choosePlace(values, row * L, L, uniform[row]);
    const w = Float64Array.from(values.subarray(row * L, (row + 1) * L));
    visit(w, taken, advantage[row % N] ?? 0, row);
  }
}
