/** Sequences of different lengths as one value each: their mean, a weighted mean, their last step. */
import { differentiable } from '../autograd/differentiable.js';
import { once } from '../autograd/once.js';
import { ShapeError, ValueError } from '../errors.js';
import { addInPlace, kernelsFor, matmul, transposed } from '../tensor/arithmetic.js';
import { combineInto } from '../tensor/broadcast.js';
import { full, tensor } from '../tensor/create.js';
import { checkCotangent, dimensions, elementCount, showShape } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import { reshape } from './indexing/axes.js';
import { gather } from './indexing/gather.js';

/**
 * The lengths of N sequences within T steps; T for all by default.
 * @throws ShapeError unless there are N, ValueError naming one that is no integer from 1 to T.
 */
export function checkedLengths(
  operation: string,
  { N, T }: { readonly N: number; readonly T: number },
  lengths: ArrayLike<number> | undefined,
): readonly number[] {
  if (!lengths) return Array<number>(N).fill(T);
  if (lengths.length !== N) {
    throw new ShapeError(
      `${operation}: ${lengths.length} lengths for ${N} sequences: give one for each`,
    );
  }
  return Array.from(lengths, (length, n) => {
    if (Number.isInteger(length) && length >= 1 && length <= T) return length;
    throw new ValueError(
      `${operation}: sequence ${n} has length ${length}, but a length is an integer from 1 to the ${T} steps that there are`,
    );
  });
}

interface MeanCache {
  /** (N, T, D) */
  x: Tensor;
  lengths: readonly number[];
  out: Tensor;
}

/**
 * The mean of each sequence over its steps:
 *
 *     out[n] = 1 / lengths[n]  Σ_{t < lengths[n]} x[n, t]
 *
 * x (N, T, ...), lengths (N) from 1 to T, T by default; out (N, ...). What lies behind a sequence is not
 * read, whatever it holds.
 * @throws ShapeError unless there is a length for each sequence; ValueError for a length that is none,
 *   and for sequences of no steps.
 */
export function meanOverTimeForward(
  x: Tensor,
  lengths?: ArrayLike<number>,
): { out: Tensor; cache: MeanCache } {
  const { N, T, rest, known } = sequencesOf('meanOverTime', x, lengths);
  const D = elementCount(rest);
  const rows = x.view(N, T, D);
  const out = empty(x.dtype, [N, ...rest]);
  const kernels = kernelsFor(x);
  for (const [n, length] of known.entries()) {
    const sum = out.at(n);
    kernels.sumRows(rows.at(n), sum, length, D);
    kernels.axpby(1 / length, sum, 0, sum, D);
  }
  return { out, cache: { x: rows, lengths: known, out } };
}

/** dx[n, t] = dout[n] / lengths[n] for t < lengths[n], and 0 behind. */
export function meanOverTimeBackward(dout: Tensor, { x, lengths, out }: MeanCache): { dx: Tensor } {
  checkCotangent('meanOverTimeBackward: dout', dout, out);
  const [N = 0, , D = 0] = x.shape;
  const dx = empty(x.dtype, x.shape);
  const rows = dout.view(N, D);
  for (const [n, length] of lengths.entries()) {
    combineInto(valid(dx, n, length), 'multiply', rows.at(n), full([], 1 / length, x.dtype));
    padded(dx, n, length).fill(0);
  }
  return { dx };
}

/** `meanOverTimeForward` as an op. */
export const meanOverTime = differentiable(meanOverTimeForward, meanOverTimeBackward, {
  outputs: ['out'],
  gradients: ['dx'],
});

interface PoolCache {
  /** (N, T, D) */
  x: Tensor;
  weights: Tensor;
  lengths: readonly number[];
  out: Tensor;
}

/**
 * Attention pooling over time: the mean of each sequence, its steps weighted by the softmax of scores.
 *
 *     weights[n, t] = softmax(scores[n, 0 ... lengths[n] - 1])_t, and 0 behind
 *     out[n] = Σ_t weights[n, t] x[n, t]
 *
 * x (N, T, ...), scores (N, T), lengths (N) from 1 to T, T by default; out (N, ...), weights (N, T). What
 * lies behind a sequence is not read, whatever it holds. Source: Raffel and Ellis 2016.
 * @throws ShapeError when shapes disagree; ShapeError, ValueError as `meanOverTimeForward`.
 */
export function attentionPoolForward(
  x: Tensor,
  scores: Tensor,
  lengths?: ArrayLike<number>,
): { out: Tensor; weights: Tensor; cache: PoolCache } {
  const { N, T, rest, known } = sequencesOf('attentionPool', x, lengths);
  const rows = x.view(N, T, elementCount(rest));
  dimensions('attentionPool', { x: [rows, 'N', 'T', 'D'], scores: [scores, 'N', 'T'] });
  const out = empty(x.dtype, [N, ...rest]);
  const weights = empty(x.dtype, [N, T]);
  const kernels = kernelsFor(x);
  for (const [n, length] of known.entries()) {
    const w = valid(weights, n, length);
    kernels.softmaxRows(valid(scores, n, length), w, 1, length);
    padded(weights, n, length).fill(0);
    matmul(w.view(1, length), valid(rows, n, length), { into: out.at(n) });
  }
  return { out, weights, cache: { x: rows, weights, lengths: known, out } };
}

/**
 * dx[n, t] = weights[n, t] dout[n]. With dw[n, t] = dweights[n, t] + dout[n] . x[n, t]:
 * dscores[n, t] = weights[n, t] (dw[n, t] - Σ_s weights[n, s] dw[n, s]). Both are 0 behind a sequence.
 */
export function attentionPoolBackward(
  dout: Tensor,
  dweights: Tensor,
  { x, weights, lengths, out }: PoolCache,
): { dx: Tensor; dscores: Tensor } {
  checkCotangent('attentionPoolBackward: dout', dout, out);
  checkCotangent('attentionPoolBackward: dweights', dweights, weights);
  const [N = 0, , D = 0] = x.shape;
  const rows = dout.view(N, D);
  const dx = once(() => {
    const made = empty(x.dtype, x.shape);
    for (const [n, length] of lengths.entries()) {
      const w = valid(weights, n, length).view(length, 1);
      combineInto(valid(made, n, length), 'multiply', w, rows.at(n));
      padded(made, n, length).fill(0);
    }
    return made;
  });
  const dscores = empty(x.dtype, weights.shape);
  for (const [n, length] of lengths.entries()) {
    const d = valid(dscores, n, length);
    matmul(valid(x, n, length), transposed(rows.at(n).view(1, D)), { into: d });
    addInPlace(d, valid(dweights, n, length));
    kernelsFor(x).softmaxRowsBackward(valid(weights, n, length), d, d, 1, length);
    padded(dscores, n, length).fill(0);
  }
  return {
    get dx() {
      return dx();
    },
    dscores,
  };
}

/** `attentionPoolForward` as an op; its results are out and weights. */
export const attentionPool = differentiable(attentionPoolForward, attentionPoolBackward, {
  outputs: ['out', 'weights'],
  gradients: ['dx', 'dscores'],
});

/**
 * The last step of each sequence, an op: out[n] = x[n, lengths[n] - 1].
 *
 * x (N, T, ...), lengths (N) from 1 to T, T by default; out (N, ...). Of states that were computed in
 * reverse the last one is at step 0.
 * @throws ShapeError, ValueError as `meanOverTimeForward`.
 */
export function lastSteps(x: Tensor, lengths?: ArrayLike<number>): Tensor {
  const { N, T, rest, known } = sequencesOf('lastSteps', x, lengths);
  const places = known.map((length, n) => n * T + length - 1);
  return gather(reshape(x, [N * T, ...rest]), tensor(places, { shape: [N], dtype: 'i32' }));
}

/** The extents of x (N, T, ...) and the length of each sequence. */
function sequencesOf(operation: string, x: Tensor, lengths: ArrayLike<number> | undefined) {
  const [N = 0, T = 0, ...rest] = x.shape;
  if (x.shape.length < 2) {
    throw new ShapeError(`${operation}: x ${showShape(x.shape)} must have the axes (N, T, ...)`);
  }
  if (T === 0 && N > 0) {
    throw new ValueError(`${operation}: x ${showShape(x.shape)} has sequences of no steps`);
  }
  return { N, T, rest, known: checkedLengths(operation, { N, T }, lengths) };
}

/** The steps of sequence n, without a copy. */
function valid(x: Tensor, n: number, length: number): Tensor {
  return x.at(n).slice(0, length);
}

/** What lies behind them. */
function padded(x: Tensor, n: number, length: number): Tensor {
  return x.at(n).slice(length, x.shape[1] ?? length);
}
