/** Affine maps (N, 2, 3) from a few numbers, for `affineGrid`: a bounded one, and a scale with a translation. */
import { differentiable } from '../../autograd/differentiable.js';
import { ShapeError } from '../../errors.js';
import { matmul, transposed } from '../../tensor/arithmetic.js';
import { tensor } from '../../tensor/create.js';
import { checkCotangent, dimensions, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { tanhBackward, tanhForward } from '../elementwise/activations.js';
import { addForward, multiplyForward } from '../elementwise/arithmetic.js';

/** Row-major 2 x 3: the whole image, unturned. */
const identity = [1, 0, 0, 0, 1, 0];

/** How far each entry may go from `identity`: scales by 0.75, shears by 0.25, translations by 1. */
const bounds = [0.75, 0.25, 1, 0.25, 0.75, 1];

interface WindowCache {
  /** (N, 6): tanh(raw). */
  squashed: Tensor;
  theta: Tensor;
}

/**
 * A window onto an image as an affine map that cannot run away:
 *
 *     theta = identity + bounds tanh(raw)
 *
 * raw (N, 6), any numbers, row-major 2 x 3; theta (N, 2, 3) for `affineGrid`. At raw = 0 it is the
 * whole image. Scales stay within 0.25 to 1.75, so that a window neither shrinks to a point nor turns
 * over, shears within 0.25, and its centre within the image: there is always a gradient to learn by.
 * The map itself: Jaderberg et al. 2015, equation 1; the bounds are ours.
 * @throws ShapeError when raw is not (N, 6).
 */
export function windowForward(raw: Tensor): { theta: Tensor; cache: WindowCache } {
  const { N, entries } = dimensions('window', { raw: [raw, 'N', 'entries'] });
  if (entries !== identity.length) {
    throw new ShapeError(
      `window: raw ${showShape(raw.shape)} must be (N, 6), the entries of a 2 x 3 map row by row`,
    );
  }
  const { out: squashed } = tanhForward(raw);
  const { dtype } = raw;
  const moved = multiplyForward(squashed, tensor(bounds, { dtype })).out;
  const theta = addForward(moved, tensor(identity, { dtype })).out.view(N, 2, 3);
  return { theta, cache: { squashed, theta } };
}

/** dRaw = dTheta bounds (1 - tanh²(raw)). */
export function windowBackward(dTheta: Tensor, { squashed, theta }: WindowCache): { dRaw: Tensor } {
  checkCotangent('windowBackward: dTheta', dTheta, theta);
  const row = tensor(bounds, { dtype: theta.dtype });
  const dSquashed = multiplyForward(dTheta.view(...squashed.shape), row).out;
  return { dRaw: tanhBackward(dSquashed, { out: squashed }).dx };
}

/** `windowForward` as an op. */
export const window = differentiable(windowForward, windowBackward, {
  outputs: ['theta'],
  gradients: ['dRaw'],
});

interface ScaleTranslationCache {
  theta: Tensor;
}

/**
 * Attention as a square window, with a place and a size and nothing else, as an affine map:
 *
 *     theta[n] = ( s  0  t_x )
 *                ( 0  s  t_y )
 *
 * crop (N, 3) of s, t_x, t_y; theta (N, 2, 3) for `affineGrid`. The whole image is (1, 0, 0).
 * Source: Jaderberg et al. 2015, equation 2.
 * @throws ShapeError when crop is not (N, 3).
 */
export function scaleTranslationForward(crop: Tensor): {
  theta: Tensor;
  cache: ScaleTranslationCache;
} {
  const [N = 0, columns] = crop.shape;
  if (crop.shape.length !== 2 || columns !== 3) {
    throw new ShapeError(
      `scaleTranslation: crop ${showShape(crop.shape)} must be (N, 3), a scale and a translation for each example`,
    );
  }
  const theta = matmul(crop, entriesOf(crop), { into: empty(crop.dtype, [N, 2, 3]) });
  return { theta, cache: { theta } };
}

/** ds = the sum of the two scales' cotangents; those of the translation are their own. */
export function scaleTranslationBackward(
  dTheta: Tensor,
  { theta }: ScaleTranslationCache,
): { dCrop: Tensor } {
  checkCotangent('scaleTranslationBackward: dTheta', dTheta, theta);
  const [N = 0] = theta.shape;
  return { dCrop: matmul(dTheta.view(N, 6), transposed(entriesOf(theta))) };
}

/** `scaleTranslationForward` as an op. */
export const scaleTranslation = differentiable(scaleTranslationForward, scaleTranslationBackward, {
  outputs: ['theta'],
  gradients: ['dCrop'],
});

/** Which entries of theta are s, t_x and t_y: (3, 6). */
function entriesOf({ dtype }: Tensor): Tensor {
  const rows = [
    [1, 0, 0, 0, 1, 0],
    [0, 0, 1, 0, 0, 0],
    [0, 0, 0, 0, 0, 1],
  ];
  return tensor(rows, { dtype });
}
