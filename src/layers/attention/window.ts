/** Attention through a window that moves and zooms over the grid: a spatial transformer. */
import type { TensorTree } from '../../autograd/tree.js';
import type { FloatDType } from '../../engine/blas.js';
import { ShapeError, UsageError } from '../../errors.js';
import {
  addInPlace,
  copyInto,
  kernelsFor,
  matmul,
  sumRows,
  transposed,
} from '../../tensor/arithmetic.js';
import { tensor, zeros } from '../../tensor/create.js';
import { dimensions, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { windowBackward, windowForward } from '../resampling/affine-maps.js';
import { affineGridBackward, affineGridForward, regularPlaces } from '../resampling/grids.js';
import { attentionPair } from './attention.js';
import type { AttentionMechanism, OpenMechanism, Scene } from './mechanism.js';
import { type AdditiveParameters, openAdditiveScorer } from './scored.js';
import { type Scorer, softMechanism } from './soft-and-hard.js';

/**
 * W (H, 6), b (6): hidden state to the six numbers of a window. With `centre` an additive attention
 * says where its middle is.
 */
export interface WindowParameters extends TensorTree {
  readonly W: Tensor;
  readonly b: Tensor;
  readonly centre?: AdditiveParameters;
}

/** Size of a centred window, as a part of one that the state alone moves. */
const centredSize = 0.25;

/** (2, 6): adds a centre's x and y to the translation of a map, row-major 2 x 3. */
const translation = [
  [0, 0, 1, 0, 0, 0],
  [0, 0, 0, 0, 0, 1],
];

/** What a window is over, and what is seen through it. */
export interface WindowOptions {
  /** Rows and columns of the grid of places; L is their product. */
  readonly locations: readonly [height: number, width: number];
  /** k: a glimpse has k x k points. */
  readonly glimpse: number;
  /** Of a window with `centre`: its `additiveKeys`, so that they are not computed again. */
  readonly keys?: Tensor | undefined;
}

/**
 * Attention through a spatial transformer: the hidden state says which window of the grid to look
 * through, and a bilinear sampler crops a glimpse of k x k points from it. A window moves and zooms
 * freely where other attentions choose among the grid's places.
 *
 *     theta = window(prevH W + b),   context = bilinearSample(values, affineGrid(theta, [k, k]))
 *
 * The context (N, k² E) holds the points row by row; looked (N, 6) is theta, row-major 2 x 3. Beside
 * the grid there are zeros. Source: CS231n, lecture on attention ("spatial transformers" as the cure
 * for the fixed grid of soft attention); Jaderberg et al. 2015.
 *
 * A state that has seen nothing cannot say where a thing is. With `centre` the features say it, as the
 * localisation network of Jaderberg et al. sees what it crops, and the window is smaller:
 *
 *     theta = window(prevH W + b) / 4 + [0 0 x; 0 0 y],   (x, y) = softCentre(additive scores)
 */
function windowMechanism(
  T: number,
  scene: Scene,
  parameters: WindowParameters,
  { locations, glimpse: k, keys }: WindowOptions,
): AttentionMechanism {
  const { values, image, mask } = scene;
  if (mask) {
    throw new UsageError(
      'windowAttention: a window sees all of the grid, so no place can be masked: use another kind of attention',
    );
  }
  const { W, b } = parameters;
  const [height, width] = locations;
  const [, L = 0, E = 0] = values.shape;
  if (height * width !== L) {
    throw new ShapeError(
      `windowAttention: values ${showShape(values.shape)} have ${L} places, not ${height} x ${width}`,
    );
  }
  dimensions('windowAttention', { W: [W, 'H', 'P'], b: [b, 'P'] });
  const [N = 0] = image.shape;
  const images = image.dataSync();
  const kernels = kernelsFor(values);
  const points = k * k;
  const { dtype } = values;
  const centre = parameters.centre
    ? softCentre(
        T,
        N,
        locations,
        values.float,
        openAdditiveScorer(T, scene, parameters.centre, keys),
      )
    : undefined;
  const context = empty(dtype, [T, N, points * E]);
  const looked = empty(dtype, [T, N, 6]);
  // A row's points of all steps lie together: its gradient is then one pass over them.
  const grids = empty(dtype, [N, T, points, 2]);
  const steps: Pick<ReturnType<typeof pointsThrough>, 'windowCache' | 'gridCache'>[] = [];
  const extents = (P: number) => [1, E, height, width, P, 1, 0, 0] as const;
  return {
    context,
    looked,
    forward(t, prevH) {
      const raw = matmul(prevH, W);
      kernels.addRow(raw, b, N, 6);
      const { theta, grid, ...caches } = pointsThrough(raw, k, centre?.forward(t, prevH));
      steps[t] = caches;
      copyInto(looked.at(t), theta);
      for (let n = 0; n < N; n++) {
        const own = grids.at(n).at(t);
        copyInto(own, grid.at(n));
        const seen = context.at(t).at(n);
        kernels.bilinearSample(values.at(images[n] ?? 0), own, seen, ...extents(points));
      }
    },
    startBackward() {
      const dRaws = empty(dtype, [T, N, 6]);
      const dSeen = empty(dtype, [N, T, points * E]);
      const back = centre?.startBackward();
      return {
        step(t, dContext, dLooked, dPrevH) {
          const step = steps[t];
          if (!step) throw new ShapeError(`windowAttention: step ${t} has no window`);
          const dGrid = empty(dtype, [N, k, k, 2]);
          for (let n = 0; n < N; n++) {
            const own = dContext.at(n);
            copyInto(dSeen.at(n).at(t), own);
            const from = values.at(images[n] ?? 0);
            const at = grids.at(n).at(t);
            kernels.bilinearSampleDGrid(from, at, own, dGrid.at(n), ...extents(points));
          }
          const { dTheta } = affineGridBackward(dGrid, step.gridCache);
          addInPlace(dTheta, dLooked);
          if (back) {
            const add = transposed(tensor(translation, { dtype }));
            back.step(t, matmul(dTheta.view(N, 6), add), dPrevH);
            kernels.axpby(0, dTheta, centredSize, dTheta, dTheta.size);
          }
          const dRaw = windowBackward(dTheta, step.windowCache).dRaw;
          copyInto(dRaws.at(t), dRaw);
          matmul(dRaw, transposed(W), { into: dPrevH, accumulate: true });
        },
        gradients(prevH) {
          const ofCentre = back?.gradients(prevH);
          const dValues = ofCentre?.dValues ?? zeros(values.shape, dtype);
          const dImage = empty(dtype, [L, E]);
          for (let n = 0; n < N; n++) {
            const all = extents(T * points);
            kernels.bilinearSampleDx(grids.at(n), dSeen.at(n), dImage, ...all);
            addInPlace(dValues.at(images[n] ?? 0), dImage);
          }
          const own = { W: matmul(transposed(prevH), dRaws), b: sumRows(dRaws) };
          return { dValues, dAttention: ofCentre ? { ...own, centre: ofCentre.dAttention } : own };
        },
      };
    },
  };
}

/** Where the k x k points of each row's window lie, about its centre (N, 2) if there is one. */
function pointsThrough(raw: Tensor, k: number, centre: Tensor | undefined) {
  const { theta, cache: windowCache } = windowForward(raw);
  if (centre) {
    const { dtype } = centre;
    const [N = 0] = theta.shape;
    kernelsFor(theta).axpby(0, theta, centredSize, theta, theta.size);
    const add = tensor(translation, { dtype });
    matmul(centre, add, { into: theta.view(N, 6), accumulate: true });
  }
  const { grid, cache: gridCache } = affineGridForward(theta, [k, k]);
  return { theta, grid, windowCache, gridCache };
}

/** A centre at work over T steps. */
interface Centre {
  /** The centres (N, 2) of step t, x before y, from -1 to 1 between the grid's outer edges. */
  forward(t: number, prevH: Tensor): Tensor;
  startBackward(): {
    /** Step t: from dCentre (N, 2); adds to dPrevH (N, H). */
    step(t: number, dCentre: Tensor, dPrevH: Tensor): void;
    /** After step 0: of the scorer's parameters and of the features. */
    gradients(prevH: Tensor): { readonly dAttention: TensorTree; readonly dValues?: Tensor };
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
function softCentre(
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
          const { dAttention, dValues: ofScores } = back.gradients(prevH, dScores);
          dValues = ofScores;
          return { dAttention };
        },
      };
    },
  };
  const shape = [1, height * width, 2];
  const places = tensor(regularPlaces('windowAttention', [height, width]).flat(), { shape, dtype });
  const mean = softMechanism(T, { values: places, image: zeros([N], 'i32') }, scores);
  return {
    forward(t, prevH) {
      mean.forward(t, prevH);
      return mean.context.at(t);
    },
    startBackward() {
      const back = mean.startBackward();
      const dWeights = zeros([N, height * width], dtype);
      return {
        step: (t, dCentre, dPrevH) => back.step(t, dCentre, dWeights, dPrevH),
        gradients(prevH) {
          const { dAttention } = back.gradients(prevH);
          return dValues ? { dAttention, dValues } : { dAttention };
        },
      };
    },
  };
}

/** Opens an attention through a window. @throws ShapeError without options: they have no default. */
export const openWindow: OpenMechanism<WindowParameters, WindowOptions> = (
  T,
  scene,
  parameters,
  options,
) => {
  if (!options) {
    throw new ShapeError('windowAttention: say the extents of the grid and of the glimpse');
  }
  return windowMechanism(T, scene, parameters, options);
};

/** A recurrent cell that looks through a window: see `attentionPair` for arguments and results. */
export const windowPair = attentionPair(openWindow);
export const {
  forward: windowAttentionForward,
  backward: windowAttentionBackward,
  op: windowAttention,
} = windowPair;
