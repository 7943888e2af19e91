/** Attention that scores the places of a grid: by location, by dot products, or by a small network. */
import type { TensorTree } from '../../autograd/tree.js';
import { kernelsFor, matmul, sumRows, transposed } from '../../tensor/arithmetic.js';
import { zeros } from '../../tensor/create.js';
import { dimensions } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { attentionPair } from './attention.js';
import { addOverTime, type OpenMechanism, type Scene } from './mechanism.js';
import { hardMechanism, type Scorer, softMechanism } from './soft-and-hard.js';

/** W (H, L), b (L): hidden state to scores of the places. */
export interface LocationParameters extends TensorTree {
  readonly W: Tensor;
  readonly b: Tensor;
}

/**
 * The lecture's attention: the hidden state alone says where to look, a score for each place of the
 * grid, whatever is there.
 *
 *     scores = prevH W + b
 *
 * Source: CS231n, lecture on recurrent networks ("soft attention for captioning").
 */
function locationScorer({ W, b }: LocationParameters): Scorer {
  return {
    forward(_t, prevH, scores) {
      const [N = 0, L = 0] = scores.shape;
      matmul(prevH, W, { into: scores });
      kernelsFor(scores).addRow(scores, b, N, L);
    },
    startBackward: () => ({
      step(_t, dScores, dPrevH) {
        matmul(dScores, transposed(W), { into: dPrevH, accumulate: true });
      },
      gradients: (prevH, dScores) => ({
        dAttention: { W: matmul(transposed(prevH), dScores), b: sumRows(dScores) },
      }),
    }),
  };
}

/** Opens an attention by location. */
export const openLocation: OpenMechanism<LocationParameters> = (T, scene, parameters) => {
  dimensions('locationAttention', {
    values: [scene.values, 'M', 'L', 'D'],
    W: [parameters.W, 'H', 'L'],
    b: [parameters.b, 'L'],
  });
  return softMechanism(T, scene, locationScorer(parameters));
};

/** A recurrent cell that looks by location: see `attentionPair` for arguments and results. */
export const locationPair = attentionPair(openLocation);
export const {
  forward: locationAttentionForward,
  backward: locationAttentionBackward,
  op: locationAttention,
} = locationPair;

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
            dAttention: {
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
export const openDot: OpenMechanism<DotParameters, { readonly keys?: Tensor | undefined }> = (
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
  return softMechanism(T, scene, dotScorer(T, scene, parameters, keys));
};

/** A recurrent cell that looks by dot products: see `attentionPair` for arguments and results. */
export const dotPair = attentionPair(openDot);
export const {
  forward: dotAttentionForward,
  backward: dotAttentionBackward,
  op: dotAttention,
} = dotPair;

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
            dAttention: {
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
export const openAdditive: OpenMechanism<
  AdditiveParameters,
  { readonly keys?: Tensor | undefined }
> = (T, scene, parameters, { keys } = {}) =>
  softMechanism(T, scene, openAdditiveScorer(T, scene, parameters, keys));

/** Which places a hard attention takes: see `hardMechanism`. */
export interface HardOptions {
  readonly keys?: Tensor | undefined;
  /** T N numbers in [0, 1), time-major; without them the likeliest places are taken. */
  readonly uniform?: ArrayLike<number> | undefined;
}

/**
 * Opens a hard attention: additive scores, of which one place is chosen.
 * Source: Xu et al. 2015, section 4.1.
 */
export const openHard: OpenMechanism<AdditiveParameters, HardOptions> = (
  T,
  scene,
  parameters,
  { keys, uniform } = {},
) => hardMechanism(T, scene, openAdditiveScorer(T, scene, parameters, keys), uniform);

/** A recurrent cell with additive attention: see `attentionPair` for arguments and results. */
export const additivePair = attentionPair(openAdditive);
export const {
  forward: additiveAttentionForward,
  backward: additiveAttentionBackward,
  op: additiveAttention,
} = additivePair;

/** A recurrent cell with hard attention: see `attentionPair` for arguments and results. */
export const hardPair = attentionPair(openHard);
export const {
  forward: hardAttentionForward,
  backward: hardAttentionBackward,
  op: hardAttention,
} = hardPair;
