import { differentiable } from '../../autograd/differentiable.js';
import { kernelsFor } from '../../tensor/arithmetic.js';
import { full, tensor } from '../../tensor/create.js';
import { checkCotangent, dimensions } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { transposeForward } from '../indexing/axes.js';

/** The mean over an image's places: x (M, L, D), out (M, D). @throws ShapeError unless of three axes. */
export function meanPlacesForward(x: Tensor): { out: Tensor; cache: { x: Tensor } } {
  const { M, L, D } = dimensions('meanPlaces', { x: [x, 'M', 'L', 'D'] });
  const out = empty(x.dtype, [M, D]);
  const weights = full([M, L], 1, x.dtype);
  kernelsFor(x).attendSum(x, weights, everyRow(M), out, M, L, D, 1 / L);
  return { out, cache: { x } };
}

/** dx[m, l, :] = dout[m, :] / L. */
export function meanPlacesBackward(dout: Tensor, { x }: { x: Tensor }): { dx: Tensor } {
  const [M = 0, L = 0, D = 0] = x.shape;
  checkCotangent('meanPlacesBackward: dout', dout, { dtype: x.dtype, shape: [M, D] });
  const dx = empty(x.dtype, x.shape);
  // Each place as a row that is about its image: the image's one row of dout, shared out.
  const image = tensor(
    Int32Array.from({ length: M * L }, (_, row) => Math.floor(row / L)),
    { dtype: 'i32' },
  );
  const ones = full([M * L], 1, x.dtype);
  kernelsFor(x).attendSum(dout, ones, image, dx, M * L, 1, D, 1 / L);
  return { dx };
}

/** `meanPlacesForward` as an op. */
export const meanPlaces = differentiable(meanPlacesForward, meanPlacesBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});

/** Swaps the last two of three axes, there as back. */
const channelsLast = [0, 2, 1];

/** Maps (N, C, H, W) as places: out (N, H W, C), channels last. */
export function placesOfMapsForward(x: Tensor): { out: Tensor; cache: { x: Tensor } } {
  const { N, C, H, W } = dimensions('placesOfMaps', { x: [x, 'N', 'C', 'H', 'W'] });
  return { out: transposeForward(x.view(N, C, H * W), channelsLast).out, cache: { x } };
}

/** The cotangent's axes the other way round. */
export function placesOfMapsBackward(dout: Tensor, { x }: { x: Tensor }): { dx: Tensor } {
  const [N = 0, C = 0, H = 0, W = 0] = x.shape;
  checkCotangent('placesOfMapsBackward: dout', dout, { dtype: x.dtype, shape: [N, H * W, C] });
  return { dx: transposeForward(dout, channelsLast).out.view(...x.shape) };
}

/** `placesOfMapsForward` as an op. */
export const placesOfMaps = differentiable(placesOfMapsForward, placesOfMapsBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});

function everyRow(count: number): Tensor {
  return tensor(
    Int32Array.from({ length: count }, (_, row) => row),
    { dtype: 'i32' },
  );
}
