/** Soft and hard attention: the mean of all places under weights, or one place that is chosen by them. */
import type { TensorTree } from '../../autograd/tree.js';
import type { FloatDType } from '../../engine/blas.js';
import { addInPlace, kernelsFor } from '../../tensor/arithmetic.js';
import { zeros } from '../../tensor/create.js';
import { empty, type HostArray, type Tensor } from '../../tensor/tensor.js';
import { type AttentionMechanism, addOverTime, type Scene } from './mechanism.js';

/** Scores of the L places at each of T steps: what these kinds of attention differ in. */
export interface Scorer {
  /** Writes scores (N, L) for step t. */
  forward(t: number, prevH: Tensor, scores: Tensor): void;
  startBackward(): ScorerBackward;
}

/** The way back of a `Scorer`. */
export interface ScorerBackward {
  /** Step t: from dScores (N, L); adds to dPrevH (N, H). */
  step(t: number, dScores: Tensor, dPrevH: Tensor): void;
  /**
   * After step 0: of the parameters, and of the features where the scores depend on them. dScores
   * (T, N, L) of all steps, prevH (T N, H).
   */
  gradients(
    prevH: Tensor,
    dScores: Tensor,
  ): { readonly dAttention: TensorTree; readonly dValues?: Tensor };
}

/**
 * Soft attention: weights are the softmax of the scores, and the context the mean of all places under
 * them.
 *
 *     w = softmax(scores(prevH)),   context = Σ_l w_l values_l
 *
 * A place that the scene's mask leaves out has the weight 0, exactly, and so no gradient.
 */
export function softMechanism(T: number, scene: Scene, scorer: Scorer): AttentionMechanism {
  return weighted(T, scene, scorer, undefined);
}

/**
 * Hard attention: one place is chosen, and the context is what lies there. `uniform[t N + n]` in
 * [0, 1) decides by the cumulated weights, so that places are drawn with these as probabilities;
 * without it the likeliest place is taken. The choice passes no gradient on to the weights: train
 * them with `reinforce`.
 */
export function hardMechanism(
  T: number,
  scene: Scene,
  scorer: Scorer,
  uniform: ArrayLike<number> | undefined,
): AttentionMechanism {
  return weighted(T, scene, scorer, (weights, t) => {
    const [N = 0, L = 0] = weights.shape;
    const probabilities = weights.dataSync();
    const chosen = new Float64Array(N * L);
    for (let n = 0; n < N; n++) {
      chosen[n * L + choosePlace(probabilities, n * L, L, uniform?.[t * N + n])] = 1;
    }
    return empty(weights.dtype, [N, L]).assign(chosen);
  });
}

/** The place that a number in [0, 1) falls on among cumulated weights; the likeliest without one. */
export function choosePlace(
  weights: HostArray,
  start: number,
  L: number,
  uniform: number | undefined,
): number {
  let best = 0;
  let sum = 0;
  for (let l = 0; l < L; l++) {
    const weight = weights[start + l] ?? 0;
    sum += weight;
    if (uniform !== undefined && uniform < sum) return l;
    if (weight > (weights[start + best] ?? 0)) best = l;
  }
  return best;
}

function weighted(
  T: number,
  { values, image, mask }: Scene,
  scorer: Scorer,
  choose: ((weights: Tensor, t: number) => Tensor) | undefined,
): AttentionMechanism {
  const [, L = 0, D = 0] = values.shape;
  const [N = 0] = image.shape;
  const kernels = kernelsFor(values);
  const weights = empty(values.dtype, [T, N, L]);
  const context = empty(values.dtype, [T, N, D]);
  /** What the places are weighted by: the weights, or 1 for the place that was chosen. */
  const taken = choose ? empty(values.dtype, [T, N, L]) : weights;
  const missing = mask && farBelow(mask, image, values.float);
  return {
    context,
    looked: weights,
    forward(t, prevH) {
      const w = weights.at(t);
      scorer.forward(t, prevH, w);
      if (missing) addInPlace(w, missing);
      kernels.softmaxRows(w, w, N, L);
      if (choose) {
        const chosen = choose(w, t);
        kernels.axpby(1, chosen, 0, taken.at(t), chosen.size);
      }
      kernels.attendSum(values, taken.at(t), image, context.at(t), N, L, D, 1);
    },
    startBackward() {
      const dScores = empty(values.dtype, [T, N, L]);
      const dContexts = empty(values.dtype, [T, N, D]);
      const back = scorer.startBackward();
      return {
        step(t, dContext, dLooked, dPrevH) {
          kernels.axpby(1, dContext, 0, dContexts.at(t), dContext.size);
          const d = dScores.at(t);
          if (choose) d.fill(0);
          else kernels.attendScores(values, dContext, image, d, N, L, D, 1);
          addInPlace(d, dLooked);
          kernels.softmaxRowsBackward(weights.at(t), d, d, N, L);
          back.step(t, d, dPrevH);
        },
        gradients(prevH) {
          const ofScores = back.gradients(prevH, dScores);
          const { dAttention, dValues = zeros(values.shape, values.dtype) } = ofScores;
          addOverTime(dValues, taken, dContexts, image.dataSync());
          return { dValues, dAttention };
        },
      };
    },
  };
}

/**
 * (N, L): what is added to the scores of the places that are not there, so that e to the score is 0 whatever
 * it was; 0 for the others.
 */
function farBelow(mask: Tensor, image: Tensor, dtype: FloatDType): Tensor {
  const rows = maskOfRows(mask, image);
  const there = rows.dataSync();
  return empty(dtype, rows.shape).assign(Float64Array.from(there, (value) => (value ? 0 : -1e30)));
}

/** A mask of images' places (M, L) for rows (N) about these: (N, L) u8. */
export function maskOfRows(mask: Tensor, image: Tensor): Tensor {
  const [M = 0, L = 0] = mask.shape;
  const [N = 0] = image.shape;
  const rows = empty('u8', [N, L]);
  const images = image.dataSync();
  const there = mask.dataSync();
  const values = new Uint8Array(N * L);
  for (let n = 0; n < N; n++) {
    const m = images[n] ?? M;
    values.set(there.subarray(m * L, (m + 1) * L), n * L);
  }
  return rows.assign(values);
}
