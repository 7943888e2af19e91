import type { TensorTree } from '../../autograd/tree.js';
import { kernelsFor, matmul, sumRows, transposed } from '../../tensor/arithmetic.js';
import { dimensions } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { attentionPair } from './attention.js';
import type { OpenLook } from './look.js';
import { type Scorer, softLook } from './reading.js';

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
        dLook: { W: matmul(transposed(prevH), dScores), b: sumRows(dScores) },
      }),
    }),
  };
}

/** Opens an attention by location. */
export const locationLook: OpenLook<LocationParameters> = (T, scene, parameters) => {
  dimensions('locationAttention', {
    values: [scene.values, 'M', 'L', 'D'],
    W: [parameters.W, 'H', 'L'],
    b: [parameters.b, 'L'],
  });
  return softLook(T, scene, locationScorer(parameters));
};

/** A recurrent cell that looks by location: see `attentionPair` for arguments and results. */
export const locationPair = attentionPair(locationLook);
export const {
  forward: locationAttentionForward,
  backward: locationAttentionBackward,
  op: locationAttention,
} = locationPair;
