/** Spectral norm: weights divided by their largest singular value, so that a layer stretches nothing. */
import { differentiable } from '../../autograd/differentiable.js';
import { scope } from '../../engine/engine.js';
import { ShapeError, ValueError } from '../../errors.js';
import type { Random } from '../../random.js';
import { copyInto, kernelsFor, matmul, scaled, transposed } from '../../tensor/arithmetic.js';
import { randomNormal, zeros } from '../../tensor/create.js';
import { checkCotangent, dimensions, elementCount, showShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';

/** What power iteration has found of a matrix (rows, columns): its first singular vectors, of length 1. */
export interface SingularVectors {
  /** (rows) */
  readonly u: Tensor;
  /** (columns) */
  readonly v: Tensor;
}

/**
 * Singular vectors to begin with: v at random, then `iterations` steps of `powerIteration` (default 15, as PyTorch
 * takes before the first step).
 * @throws ShapeError when W is no matrix; ValueError when it is 0 or not finite.
 */
export function initialSingularVectors(
  W: Tensor,
  random: Random,
  { iterations = 15 } = {},
): SingularVectors {
  const [rows, columns] = extents(W);
  const vectors = {
    u: zeros([rows], W.float),
    v: randomNormal(random, [columns], 1, W.float),
  };
  powerIteration(W, vectors, { iterations });
  return vectors;
}

/**
 * Steps of power iteration, which overwrite u and v in place; W (rows, ...), its trailing axes read as columns:
 *
 *     u = W v / |W v|,   v = Wᵀ u / |Wᵀ u|
 *
 * One step (the default) before each update keeps up with weights that change slowly. Source: Miyato et al. 2018, in
 * PyTorch's order.
 * @throws ShapeError when u and v do not fit W; ValueError for less than one step, and when W is 0 or not finite, and
 *   has no direction.
 */
export function powerIteration(
  W: Tensor,
  { u, v }: SingularVectors,
  { iterations = 1 } = {},
): void {
  if (!Number.isSafeInteger(iterations) || iterations < 1) {
    throw new ValueError(
      `powerIteration: iterations must be an integer from 1 on, not ${iterations}`,
    );
  }
  using _work = scope();
  const matrix = matrixOf('powerIteration', W, u, v);
  for (let i = 0; i < iterations; i++) {
    normalise(matmul(matrix, v.view(v.size, 1)), u);
    normalise(matmul(transposed(matrix), u.view(u.size, 1)), v);
  }
}

interface Cache extends SingularVectors {
  readonly out: Tensor;
  readonly norm: number;
}

/**
 * Weights divided by an estimate of their largest singular value:
 *
 *     out = W / σ,   σ = uᵀ W v
 *
 * W (F, ...) with the trailing axes read as columns: filters (F, C, KH, KW) as they are, and a matrix of a dense layer,
 * whose singular values are those of its transpose. u and v come from `powerIteration`, once before each update: the
 * function itself changes nothing, so that several passes of one update divide by the same. Source: Miyato et al. 2018.
 * @throws ShapeError, DTypeError when u and v do not fit W; ValueError when σ is 0 or not finite.
 */
export function spectralNormForward(
  W: Tensor,
  { u, v }: SingularVectors,
): { out: Tensor; cache: Cache } {
  const norm = largestSingularValue(W, u, v);
  if (!Number.isFinite(norm) || norm === 0) {
    throw new ValueError(
      `spectralNorm: the largest singular value of W ${showShape(W.shape)} is estimated as ${norm}: W must be finite and not 0, and u and v be made by powerIteration`,
    );
  }
  const out = scaled(W, 1 / norm);
  // Copies: the next power iteration overwrites u and v.
  return { out, cache: { u: u.clone(), v: v.clone(), out, norm } };
}

/** dW = (dout - <dout, out> u vᵀ) / σ, with u and v as constants, as PyTorch holds them. */
export function spectralNormBackward(dout: Tensor, { u, v, out, norm }: Cache): { dW: Tensor } {
  checkCotangent('spectralNormBackward: dout', dout, out);
  const dW = scaled(dout, 1 / norm);
  using _work = scope();
  const [flat, n] = [dout.view(1, dout.size), out.size];
  const along = n === 0 ? 0 : matmul(flat, out.view(n, 1)).item();
  const outer = scaled(u, -along / norm).view(u.size, 1);
  matmul(outer, v.view(1, v.size), { into: dW, accumulate: true });
  return { dW };
}

/** `spectralNormForward` as an op. */
export const spectralNorm = differentiable(spectralNormForward, spectralNormBackward, {
  outputs: ['out'],
  gradients: ['dW', null],
});

function largestSingularValue(W: Tensor, u: Tensor, v: Tensor): number {
  using _work = scope();
  const along = matmul(matrixOf('spectralNorm', W, u, v), v.view(v.size, 1));
  return matmul(u.view(1, u.size), along).item();
}

/** `to` in the direction of x. */
function normalise(x: Tensor, to: Tensor): void {
  const length = Math.sqrt(kernelsFor(x).sumSquares(x, x.size));
  if (!Number.isFinite(length) || length === 0) {
    throw new ValueError(
      `powerIteration: a product with W is a vector of length ${length}, which has no direction: W must be finite and not 0`,
    );
  }
  copyInto(to, scaled(x, 1 / length));
}

function extents(W: Tensor): [rows: number, columns: number] {
  const [rows = 1, ...rest] = W.shape;
  if (W.shape.length < 2 || W.size === 0) {
    throw new ShapeError(
      `spectralNorm: W ${showShape(W.shape)} is no matrix: it needs two axes at least, and values`,
    );
  }
  return [rows, elementCount(rest)];
}

function matrixOf(operation: string, W: Tensor, u: Tensor, v: Tensor): Tensor {
  const matrix = W.view(...extents(W));
  dimensions(operation, { W: [matrix, 'rows', 'columns'], u: [u, 'rows'], v: [v, 'columns'] });
  return matrix;
}
