import { differentiable } from '../autograd/differentiable.js';
import { ShapeError } from '../errors.js';
import { kernelsFor, matmul } from '../tensor/arithmetic.js';
import { tensor } from '../tensor/create.js';
import { checkCotangent, dimensions, showShape } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import { tanhBackward, tanhForward } from './activations.js';

/** Row-major 2 x 3: the whole image, unturned. */
const identity = [1, 0, 0, 0, 1, 0];

/** How far each entry may go from `identity`: scales by 0.75, shears by 0.25, translations by 1. */
const bounds = [0.75, 0.25, 1, 0.25, 0.75, 1];

interface Cache {
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
export function windowForward(raw: Tensor): { theta: Tensor; cache: Cache } {
  const { N, entries } = dimensions('window', { raw: [raw, 'N', 'entries'] });
  if (entries !== identity.length) {
    throw new ShapeError(
      `window: raw ${showShape(raw.shape)} must be (N, 6), the entries of a 2 x 3 map row by row`,
    );
  }
  const { out: squashed } = tanhForward(raw);
  const theta = empty(raw.dtype, [N, 2, 3]);
  matmul(squashed, boundsOf(raw), { into: theta });
  const start = tensor(identity, { dtype: raw.dtype });
  kernelsFor(raw).addRow(theta, start, N, identity.length);
  return { theta, cache: { squashed, theta } };
}

/** dRaw = dTheta bounds (1 - tanh²(raw)). */
export function windowBackward(dTheta: Tensor, { squashed, theta }: Cache): { dRaw: Tensor } {
  checkCotangent('windowBackward: dTheta', dTheta, theta);
  const dSquashed = matmul(dTheta.view(...squashed.shape), boundsOf(theta));
  return { dRaw: tanhBackward(dSquashed, { out: squashed }).dx };
}

/** `windowForward` as an op. */
export const window = differentiable(windowForward, windowBackward, {
  outputs: ['theta'],
  gradients: ['dRaw'],
});

/** The bounds on a diagonal: a product with it scales each entry by its own. */
function boundsOf({ dtype }: Tensor): Tensor {
  const rows = bounds.map((bound, i) => bounds.map((_, j) => (i === j ? bound : 0)));
  return tensor(rows, { dtype });
}
