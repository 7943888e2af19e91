import { differentiable } from '../autograd/differentiable.js';
import { ShapeError } from '../errors.js';
import { matmul, transposed } from '../tensor/arithmetic.js';
import { tensor } from '../tensor/create.js';
import { checkCotangent, showShape } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

interface Cache {
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
export function scaleTranslationForward(crop: Tensor): { theta: Tensor; cache: Cache } {
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
export function scaleTranslationBackward(dTheta: Tensor, { theta }: Cache): { dCrop: Tensor } {
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
