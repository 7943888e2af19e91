import type { TensorTree } from '../../autograd/tree.js';
import type { FloatDType } from '../../engine/blas.js';
import { zeros } from '../../tensor/create.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { type Scorer, softLook } from './reading.js';

/** A centre at work over T steps. */
export interface Centre {
  /** The centres (N, 2) of step t, x before y, from -1 to 1 between the grid's outer edges. */
  forward(t: number, prevH: Tensor): Tensor;
  startBackward(): {
    /** Step t: from dCentre (N, 2); adds to dPrevH (N, H). */
    step(t: number, dCentre: Tensor, dPrevH: Tensor): void;
    /** After step 0: of the scorer's parameters and of the features. */
    gradients(prevH: Tensor): { readonly dLook: TensorTree; readonly dValues?: Tensor };
  };
}

/**
 * The mean place under a softmax of the places' scores (soft arg-max):
 *
 *     centre = Σ_l softmax(scores(prevH))_l (x_l, y_l)
 *
 * Source: Levine, Finn, Darrell and Abbeel 2016, section 5.2 (there of a map's own values).
 * @param N rows; scores are of a grid of [height, width] places.
 */
export function softCentre(
  T: number,
  N: number,
  [height, width]: readonly [number, number],
  dtype: FloatDType,
  scorer: Scorer,
): Centre {
  let dValues: Tensor | undefined;
  // What is read are the places' coordinates, alike for all rows: the features' gradient is the scores' own.
  const scores: Scorer = {
    forward: scorer.forward,
    startBackward() {
      const back = scorer.startBackward();
      return {
        step: back.step,
        gradients(prevH, dScores) {
          const { dLook, dValues: ofScores } = back.gradients(prevH, dScores);
          dValues = ofScores;
          return { dLook };
        },
      };
    },
  };
  const places = empty(dtype, [1, height * width, 2]).assign(coordinates(height, width));
  const look = softLook(T, { values: places, image: zeros([N], 'i32') }, scores);
  return {
    forward(t, prevH) {
      look.forward(t, prevH);
      return look.context.at(t);
    },
    startBackward() {
      const back = look.startBackward();
      const dWeights = zeros([N, height * width], dtype);
      return {
        step: (t, dCentre, dPrevH) => back.step(t, dCentre, dWeights, dPrevH),
        gradients(prevH) {
          const { dLook } = back.gradients(prevH);
          return dValues ? { dLook, dValues } : { dLook };
        },
      };
    },
  };
}

/** x and y of each place's middle, row by row. */
function coordinates(height: number, width: number): Float64Array {
  return Float64Array.from({ length: height * width * 2 }, (_, index) => {
    const place = Math.floor(index / 2);
    return index % 2 === 0
      ? (2 * (place % width) + 1) / width - 1
      : (2 * Math.floor(place / width) + 1) / height - 1;
  });
}
