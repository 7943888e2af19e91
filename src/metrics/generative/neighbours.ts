/** Nearest neighbours: the training pictures that pictures are most like, and whether they are copies. */
import { ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { distanceBlocks } from './distances.js';
import { checkSameLength, type Samples, samplesOf } from './samples.js';

/** The k nearest of a set for each of N queries, the nearest first; of equals that of the lower index. */
export interface Neighbours {
  readonly k: number;
  /** (N k): places in the set. */
  readonly indices: Int32Array;
  /** (N k): Euclidean distances. */
  readonly distances: Float64Array;
}

/**
 * The k nearest of `set` (M, ...) to each of `queries` (N, ...): rows of features, or pictures as they are.
 *
 * Matrix products in float64 say which distances can be among the smallest; these are computed again as
 * Σ (a - b)². So distances and ties are exact, 0 between equal rows included. Memory is bounded: 256
 * rows of either side at a time, or fewer where rows are long.
 * @param options.k how many (default 1). With `withinItself` (queries and set are one) a row is not its
 *   own neighbour, though an equal one at another place is.
 * @throws ValueError for a k that is no number from 1 to that of the others, or values that are not
 *   finite; ShapeError when rows differ in length; DTypeError when one of the two is not f32 or f64.
 */
export function nearestNeighbours(
  queries: Tensor,
  set: Tensor,
  { k = 1, withinItself = false } = {},
): Neighbours {
  const [from, to] = [samplesOf('the queries', queries), samplesOf('the set', set)];
  const { indices, squares } = neighboursOf(from, to, { k, withinItself });
  return { k, indices, distances: squares.map(Math.sqrt) };
}

/** `nearestNeighbours` of samples, with squared distances (N k). */
export function neighboursOf(
  queries: Samples,
  set: Samples,
  { k, withinItself }: { readonly k: number; readonly withinItself: boolean },
): { readonly indices: Int32Array; readonly squares: Float64Array } {
  checkSameLength(queries, set);
  const others = set.N - (withinItself ? 1 : 0);
  if (!Number.isInteger(k) || k < 1 || k > others) {
    throw new ValueError(
      `${set.name}: k = ${k} neighbours of ${others} ${withinItself ? 'other samples' : 'samples'}: take k from 1 to ${others}, or more samples`,
    );
  }
  const indices = new Int32Array(queries.N * k).fill(-1);
  const squares = new Float64Array(queries.N * k).fill(Number.POSITIVE_INFINITY);
  for (const { from, to, rows, columns, least, exact } of distanceBlocks(queries, set)) {
    for (let i = 0; i < rows; i++) {
      const begin = (from + i) * k;
      const last = begin + k - 1;
      const itself = withinItself ? from + i - to : -1;
      let worst = squares[last] ?? 0;
      for (let j = 0; j < columns; j++) {
        // Of equals the one before stays: places rise. Nothing is nearer than 0.
        if ((least[i * columns + j] ?? 0) >= worst || worst === 0 || j === itself) continue;
        const square = exact(i, j);
        if (square >= worst) continue;
        let place = last;
        for (; place > begin && square < (squares[place - 1] ?? 0); place--) {
          squares[place] = squares[place - 1] ?? 0;
          indices[place] = indices[place - 1] ?? 0;
        }
        squares[place] = square;
        indices[place] = to + j;
        worst = squares[last] ?? 0;
      }
    }
  }
  return { indices, squares };
}

/** How near generated pictures come to those of training, beside pictures that were held out. */
export interface Memorising {
  /** Medians of the distances to the nearest training sample. */
  readonly generated: number;
  readonly heldOut: number;
  /** Share of generated samples at distance 0: copies. */
  readonly copies: number;
  /**
   * The probability that a generated sample is nearer to training than one held out, ties counted half:
   * 0.5 where nothing is memorised, near 1 where training is given back, below 0.5 where pictures are not
   * like the data at all.
   */
  readonly nearer: number;
}

/**
 * Whether a model gives back its training set: distances of generated samples to their nearest training
 * sample, against those of real samples that it has not seen, by the statistic of Mann and Whitney.
 *
 * Source: Meehan, Chaudhuri and Dasgupta 2020, A non-parametric test to detect data-copying in generative
 * models (their test on the whole space, as a probability).
 * @throws as `nearestNeighbours`.
 */
export function memorising({
  generated,
  training,
  heldOut,
}: Readonly<Record<'generated' | 'training' | 'heldOut', Tensor>>): Memorising {
  const set = samplesOf('the training set', training);
  const nearest = (name: string, samples: Tensor) =>
    neighboursOf(samplesOf(name, samples), set, { k: 1, withinItself: false })
      .squares.map(Math.sqrt)
      .sort();
  const [made, real] = [nearest('generated', generated), nearest('held out', heldOut)];
  return {
    generated: median(made),
    heldOut: median(real),
    copies: made.filter((distance) => distance === 0).length / made.length,
    nearer: shareBelow(made, real),
  };
}

/** Of numbers that rise. */
function median(rising: Float64Array): number {
  const [low, high] = [rising[(rising.length - 1) >> 1] ?? 0, rising[rising.length >> 1] ?? 0];
  return (low + high) / 2;
}

/** Of all pairs of rising numbers the share with a < b, and half of that with a = b. */
function shareBelow(a: Float64Array, b: Float64Array): number {
  let [below, upTo, pairs] = [0, 0, 0];
  for (const value of b) {
    while (below < a.length && (a[below] ?? 0) < value) below++;
    while (upTo < a.length && (a[upTo] ?? 0) <= value) upTo++;
    pairs += (below + upTo) / 2;
  }
  return pairs / (a.length * b.length);
}
