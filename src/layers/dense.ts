/** Dense layers: every output is a weighted sum of all inputs. */
import { differentiable } from '../autograd/differentiable.js';
import { once } from '../autograd/once.js';
import { kernelsFor, matmul, sumRows, transposed } from '../tensor/arithmetic.js';
import { dimensions, elementCount } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

interface Cache {
  x: Tensor;
  W: Tensor;
}

/**
 * Affine (fully connected) layer: out = x W + b.
 *
 * x (N, ...) with the trailing axes read as D inputs, W (D, M), b (M); out (N, M).
 * @throws ShapeError when they disagree.
 */
export function affineForward(x: Tensor, W: Tensor, b: Tensor): { out: Tensor; cache: Cache } {
  const [N = 1, ...rest] = x.shape;
  const rows = x.view(N, elementCount(rest));
  const { M } = dimensions('affine', { x: [rows, 'N', 'D'], W: [W, 'D', 'M'], b: [b, 'M'] });
  return { out: rowsTimes(rows, W, b, [N, M]), cache: { x, W } };
}

/** dx = dout Wᵀ, dW = xᵀ dout, db = the sum of dout over the rows. */
export function affineBackward(
  dout: Tensor,
  { x, W }: Cache,
): { readonly dx: Tensor; readonly dW: Tensor; db: Tensor } {
  const [N = 1, ...rest] = x.shape;
  const rows = x.view(N, elementCount(rest));
  return backward(dout, x, rows, W);
}

/** `affineForward` as an op. */
export const affine = differentiable(affineForward, affineBackward, {
  outputs: ['out'],
  gradients: ['dx', 'dW', 'db'],
});

/**
 * The same affine map at every time step: x (N, T, D), W (D, M), b (M); out (N, T, M).
 * The two leading axes may as well be (T, N).
 * @throws ShapeError when they disagree.
 */
export function temporalAffineForward(
  x: Tensor,
  W: Tensor,
  b: Tensor,
): { out: Tensor; cache: Cache } {
  const { N, T, M } = dimensions('temporalAffine', {
    x: [x, 'N', 'T', 'D'],
    W: [W, 'D', 'M'],
    b: [b, 'M'],
  });
  return { out: rowsTimes(x, W, b, [N, T, M]), cache: { x, W } };
}

/** As `affineBackward`, with time steps counted as rows. */
export function temporalAffineBackward(
  dout: Tensor,
  { x, W }: Cache,
): { readonly dx: Tensor; readonly dW: Tensor; db: Tensor } {
  return backward(dout, x, x, W);
}

/** `temporalAffineForward` as an op. */
export const temporalAffine = differentiable(temporalAffineForward, temporalAffineBackward, {
  outputs: ['out'],
  gradients: ['dx', 'dW', 'db'],
});

interface TiedCache {
  x: Tensor;
  E: Tensor;
}

/**
 * Scores of words by an embedding that is used the other way round: scores = x Eᵀ + b.
 *
 * x (N, T, D), E (V, D) as `wordEmbedding` takes it, b (V); scores (N, T, V). The two leading axes
 * may as well be (T, N). One matrix then serves both ends of a language model.
 * Source: Press and Wolf 2017; Inan, Khosravi and Socher 2017.
 * @throws ShapeError when they disagree.
 */
export function tiedScoresForward(
  x: Tensor,
  E: Tensor,
  b: Tensor,
): { scores: Tensor; cache: TiedCache } {
  const { N, T, V } = dimensions('tiedScores', {
    x: [x, 'N', 'T', 'D'],
    E: [E, 'V', 'D'],
    b: [b, 'V'],
  });
  const scores = matmul(x, transposed(E), { into: empty(x.dtype, [N, T, V]) });
  kernelsFor(scores).addRow(scores, b, N * T, V);
  return { scores, cache: { x, E } };
}

/** dx = dscores E, dE = dscoresᵀ x, db = the sum of dscores over the rows. */
export function tiedScoresBackward(
  dscores: Tensor,
  { x, E }: TiedCache,
): { dx: Tensor; dE: Tensor; db: Tensor } {
  const dx = once(() => matmul(dscores, E, { into: empty(x.dtype, x.shape) }));
  return {
    get dx() {
      return dx();
    },
    dE: matmul(transposed(dscores), x, { into: empty(E.dtype, E.shape) }),
    db: sumRows(dscores),
  };
}

/** `tiedScoresForward` as an op. */
export const tiedScores = differentiable(tiedScoresForward, tiedScoresBackward, {
  outputs: ['scores'],
  gradients: ['dx', 'dE', 'db'],
});

function rowsTimes(x: Tensor, W: Tensor, b: Tensor, shape: readonly number[]): Tensor {
  const out = matmul(x, W, { into: empty(x.dtype, shape) });
  kernelsFor(out).addRow(out, b, b.size === 0 ? 0 : out.size / b.size, b.size);
  return out;
}

/**
 * `rows` is x as a matrix. Features that are only looked at need no dx, a third of the work; a layer that is held, as a
 * discriminator while its generator learns, needs no dW.
 */
function backward(dout: Tensor, x: Tensor, rows: Tensor, W: Tensor) {
  const dx = once(() => matmul(dout, transposed(W), { into: empty(x.dtype, x.shape) }));
  const dW = once(() => matmul(transposed(rows), dout, { into: empty(W.dtype, W.shape) }));
  return {
    get dx() {
      return dx();
    },
    get dW() {
      return dW();
    },
    db: sumRows(dout),
  };
}
