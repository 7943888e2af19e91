import type { TensorTree } from '../../autograd/tree.js';
import { kernelsFor, matmul, transposed } from '../../tensor/arithmetic.js';
import { zeros } from '../../tensor/create.js';
import { dimensions } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { attentionPair } from './attention.js';
import { addOverTime, type OpenLook, type Scene } from './look.js';
import { type Scorer, softLook } from './reading.js';

/** Wk (D, A): features to keys; Wq (H, A): hidden state to query. */
export interface DotParameters extends TensorTree {
  readonly Wk: Tensor;
  readonly Wq: Tensor;
}

/** What stays the same over all steps: keys (M, L, A). */
export function dotKeys(values: Tensor, { Wk }: DotParameters): Tensor {
  const { M, L, A } = dimensions('dotAttention', {
    values: [values, 'M', 'L', 'D'],
    Wk: [Wk, 'D', 'A'],
  });
  return matmul(values, Wk, { into: empty(values.dtype, [M, L, A]) });
}

/**
 * Scaled dot products of a query with the keys of the places:
 *
 *     scores_l = (prevH Wq) . (values_l Wk) / sqrt(A)
 *
 * Source: Luong, Pham and Manning 2015; the scale is that of Vaswani et al. 2017, section 3.2.1.
 */
function dotScorer(
  T: number,
  { values, image }: Scene,
  { Wk, Wq }: DotParameters,
  keys: Tensor,
): Scorer {
  const [, L = 0, A = 0] = keys.shape;
  const [N = 0] = image.shape;
  const scale = 1 / Math.sqrt(A);
  const queries = empty(values.dtype, [T, N, A]);
  const kernels = kernelsFor(values);
  return {
    forward(t, prevH, scores) {
      matmul(prevH, Wq, { into: queries.at(t) });
      kernels.attendScores(keys, queries.at(t), image, scores, N, L, A, scale);
    },
    startBackward() {
      const dQueries = empty(values.dtype, [T, N, A]);
      return {
        step(t, dScores, dPrevH) {
          kernels.attendSum(keys, dScores, image, dQueries.at(t), N, L, A, scale);
          matmul(dQueries.at(t), transposed(Wq), { into: dPrevH, accumulate: true });
        },
        gradients(prevH, dScores) {
          const dKeys = zeros(keys.shape, keys.dtype);
          addOverTime(dKeys, dScores, queries, image.dataSync(), scale);
          return {
            dValues: matmul(dKeys, transposed(Wk), { into: empty(values.dtype, values.shape) }),
            dLook: {
              Wk: matmul(transposed(values), dKeys),
              Wq: matmul(transposed(prevH), dQueries),
            },
          };
        },
      };
    },
  };
}

/** Opens an attention by scaled dot products; `keys` of `dotKeys` save computing them again. */
export const dotLook: OpenLook<DotParameters, { readonly keys?: Tensor | undefined }> = (
  T,
  scene,
  parameters,
  { keys = dotKeys(scene.values, parameters) } = {},
) => {
  dimensions('dotAttention', {
    keys: [keys, 'M', 'L', 'A'],
    Wk: [parameters.Wk, 'D', 'A'],
    Wq: [parameters.Wq, 'H', 'A'],
  });
  return softLook(T, scene, dotScorer(T, scene, parameters, keys));
};

/** A recurrent cell that looks by dot products: see `attentionPair` for arguments and results. */
export const dotPair = attentionPair(dotLook);
export const {
  forward: dotAttentionForward,
  backward: dotAttentionBackward,
  op: dotAttention,
} = dotPair;
