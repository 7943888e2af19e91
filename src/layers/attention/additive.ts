import type { TensorTree } from '../../autograd/tree.js';
import { kernelsFor, matmul, sumRows, transposed } from '../../tensor/arithmetic.js';
import { zeros } from '../../tensor/create.js';
import { dimensions } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { attentionPair } from './attention.js';
import type { OpenLook, Scene } from './look.js';
import { hardLook, type Scorer, softLook } from './reading.js';

/** Wk (D, A): features to keys; Wq (H, A), b (A): hidden state to query; v (A). */
export interface AdditiveParameters extends TensorTree {
  readonly Wk: Tensor;
  readonly Wq: Tensor;
  readonly b: Tensor;
  readonly v: Tensor;
}

/** What stays the same over all steps: exp(2 values Wk), (M, L, A). See kernels/attention-additive.ts. */
export function additiveKeys(values: Tensor, { Wk }: AdditiveParameters): Tensor {
  const { M, L, A } = dimensions('additiveAttention', {
    values: [values, 'M', 'L', 'D'],
    Wk: [Wk, 'D', 'A'],
  });
  const keys = matmul(values, Wk, { into: empty(values.dtype, [M, L, A]) });
  kernelsFor(keys).additiveExponentials(keys, keys, keys.size);
  return keys;
}

/**
 * A one-layer network scores each place against the hidden state:
 *
 *     scores_l = v . tanh(values_l Wk + prevH Wq + b)
 *
 * Source: Bahdanau, Cho and Bengio 2015, equation 6 and appendix A.1.2; Xu et al. 2015, equation 4.
 */
function additiveScorer(
  T: number,
  { values, image }: Scene,
  { Wk, Wq, b, v }: AdditiveParameters,
  keys: Tensor,
): Scorer {
  const [, L = 0, A = 0] = keys.shape;
  const [N = 0] = image.shape;
  const queries = empty(values.dtype, [T, N, A]);
  const kernels = kernelsFor(values);
  return {
    forward(t, prevH, scores) {
      const query = matmul(prevH, Wq, { into: queries.at(t) });
      kernels.addRow(query, b, N, A);
      kernels.additiveExponentials(query, query, query.size);
      kernels.additiveScores(keys, query, v, image, scores, N, L, A);
    },
    startBackward() {
      const dQueries = empty(values.dtype, [T, N, A]);
      return {
        step(t, dScores, dPrevH) {
          const dQuery = dQueries.at(t);
          kernels.additiveQueryBackward(keys, queries.at(t), v, image, dScores, dQuery, N, L, A);
          matmul(dQuery, transposed(Wq), { into: dPrevH, accumulate: true });
        },
        gradients(prevH, dScores) {
          const dKeys = zeros(keys.shape, keys.dtype);
          const dv = zeros(v.shape, v.dtype);
          kernels.additiveKeysBackward(keys, queries, v, image, dScores, dKeys, dv, T, N, L, A);
          return {
            dValues: matmul(dKeys, transposed(Wk), { into: empty(values.dtype, values.shape) }),
            dLook: {
              Wk: matmul(transposed(values), dKeys),
              Wq: matmul(transposed(prevH), dQueries),
              b: sumRows(dQueries),
              v: dv,
            },
          };
        },
      };
    },
  };
}

/** The scores alone; `keys` of `additiveKeys` save computing them again. @throws ShapeError */
export function openAdditiveScorer(
  T: number,
  scene: Scene,
  parameters: AdditiveParameters,
  keys = additiveKeys(scene.values, parameters),
): Scorer {
  dimensions('additiveAttention', {
    keys: [keys, 'M', 'L', 'A'],
    Wk: [parameters.Wk, 'D', 'A'],
    Wq: [parameters.Wq, 'H', 'A'],
    b: [parameters.b, 'A'],
    v: [parameters.v, 'A'],
  });
  return additiveScorer(T, scene, parameters, keys);
}

/** Opens an additive attention; `keys` of `additiveKeys` save computing them again. */
export const additiveLook: OpenLook<AdditiveParameters, { readonly keys?: Tensor | undefined }> = (
  T,
  scene,
  parameters,
  { keys } = {},
) => softLook(T, scene, openAdditiveScorer(T, scene, parameters, keys));

/** Which places a hard attention takes: see `hardLook`. */
export interface HardOptions {
  readonly keys?: Tensor | undefined;
  /** T N numbers in [0, 1), time-major; without them the likeliest places are taken. */
  readonly uniform?: ArrayLike<number> | undefined;
}

/**
 * Opens a hard attention: additive scores, of which one place is chosen.
 * Source: Xu et al. 2015, section 4.1.
 */
export const hardAttentionLook: OpenLook<AdditiveParameters, HardOptions> = (
  T,
  scene,
  parameters,
  { keys, uniform } = {},
) => hardLook(T, scene, openAdditiveScorer(T, scene, parameters, keys), uniform);

/** A recurrent cell with additive attention: see `attentionPair` for arguments and results. */
export const additivePair = attentionPair(additiveLook);
export const {
  forward: additiveAttentionForward,
  backward: additiveAttentionBackward,
  op: additiveAttention,
} = additivePair;

/** A recurrent cell with hard attention: see `attentionPair` for arguments and results. */
export const hardPair = attentionPair(hardAttentionLook);
export const {
  forward: hardAttentionForward,
  backward: hardAttentionBackward,
  op: hardAttention,
} = hardPair;
