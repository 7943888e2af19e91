/** Measures by a classifier's word: the inception score, classes and modes that are made, and how evenly. */
import { ShapeError, ValueError } from '../../errors.js';
import { argmaxRows } from '../../tensor/arithmetic.js';
import type { Tensor } from '../../tensor/tensor.js';
import { float64Of, samplesOf } from './samples.js';

/** How far a row of probabilities may be from adding up to 1: float32 of many classes. */
const MOST_OFF = 1e-3;

/** The inception score of several parts of the pictures. */
export interface InceptionScore {
  /** Mean over the parts, 1 to K. */
  readonly mean: number;
  /** Standard deviation over the parts, as numpy's: divided by their number. */
  readonly deviation: number;
  /** Of each part. */
  readonly splits: readonly number[];
}

/**
 * The inception score of pictures, from a classifier's probabilities p(y | x) for them (N, K):
 *
 *     exp( 1/N Σ_n Σ_k p(k | x_n) log(p(k | x_n) / p(k)) ),   p(k) = 1/N Σ_n p(k | x_n)
 *
 * From 1, when all pictures are the same to the classifier, to K, when it is sure of every one and all
 * classes are as many. It is taken of `splits` parts, in order, as in the source; so give pictures in
 * random order. It sees neither how good nor how varied pictures are within a class.
 * Source: Salimans et al. 2016, with 50,000 pictures in 10 parts, and Inception as the classifier:
 * scores by another classifier do not compare.
 * @throws ShapeError when probabilities are not (N, K); ValueError when a row is no distribution, or there
 *   are fewer pictures than parts.
 */
export function inceptionScore(probabilities: Tensor, { splits = 10 } = {}): InceptionScore {
  if (!Number.isInteger(splits) || splits < 1) {
    throw new ValueError(`inception score: ${splits} splits; take 1 or more`);
  }
  const { p, N, K } = distributionsOf(probabilities, splits);
  const scores = Array.from({ length: splits }, (_, part) => {
    const [first, end] = [part, part + 1].map((edge) => Math.floor((edge * N) / splits));
    return scoreOf(p.subarray((first ?? 0) * K, (end ?? 0) * K), K);
  });
  const mean = scores.reduce((sum, score) => sum + score, 0) / splits;
  const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / splits;
  return { mean, deviation: Math.sqrt(variance), splits: scores };
}

function scoreOf(p: Float64Array, K: number): number {
  const N = p.length / K;
  const marginal = new Float64Array(K);
  for (const [i, value] of p.entries()) marginal[i % K] = (marginal[i % K] ?? 0) + value / N;
  let nats = 0;
  for (const [i, value] of p.entries()) {
    if (value > 0) nats += (value * Math.log(value / (marginal[i % K] ?? 1))) / N;
  }
  return Math.exp(nats);
}

/** @throws ShapeError, ValueError naming the row that is no distribution. */
function distributionsOf(probabilities: Tensor, least: number) {
  const { N, D: K, rows } = samplesOf('probabilities', probabilities, least);
  const p = float64Of(rows);
  for (let n = 0; n < N; n++) {
    const row = p.subarray(n * K, (n + 1) * K);
    const total = row.reduce((sum, value) => sum + value, 0);
    if (Math.abs(total - 1) > MOST_OFF || row.some((value) => value < 0)) {
      throw new ValueError(
        `probabilities: row ${n} adds up to ${total} with its least at ${Math.min(...row)}: give softmax(scores), not scores`,
      );
    }
    for (let k = 0; k < K; k++) row[k] = (row[k] ?? 0) / total;
  }
  return { p, N, K };
}

/** The class of each picture, that of the largest probability or score (N, K); of equals the first. */
export function classesOf(scores: Tensor): Int32Array {
  const { rows } = samplesOf('scores', scores);
  return Int32Array.from(argmaxRows(rows).dataSync());
}

/** How many pictures are of each class. */
export interface ClassHistogram {
  /** (K). */
  readonly counts: readonly number[];
  /** counts / N, each 0 to 1. */
  readonly shares: readonly number[];
  /** Classes that at least one picture is of. */
  readonly found: number;
  /** Total variation from what it should be, ½ Σ |share - expected|: 0 to 1, 0 for as it should be. */
  readonly unevenness: number;
  /** KL(shares || expected) in nats: 0 to log K for equal classes, infinite for a class that should not be. */
  readonly divergence: number;
}

/**
 * How often each of K classes is made, against how often it should be (`expected`: counts or shares of K
 * classes; by default all alike). Modes are classes as well: of stacked MNIST (`stackedClasses`) there are
 * 1000, `found` is the number of modes and `divergence` the "reverse KL" that is printed beside it.
 * Of N pictures of the right distribution the divergence is about (K - 1) / (2 N), and of K equal classes
 * K (1 - (1 - 1/K)^N) are found: with 26,000 pictures of 1000 classes 0.019, and all 1000.
 * Source: Metz et al. 2017, Unrolled GANs, and Srivastava et al. 2017, VEEGAN (26,000 pictures, 1000 modes).
 * @throws ValueError for no labels, a label outside [0, K), or expected shares that are none; ShapeError when
 *   there are not K of them.
 */
export function classHistogram(
  labels: ArrayLike<number>,
  K: number,
  expected: ArrayLike<number> = new Float64Array(K).fill(1),
): ClassHistogram {
  if (labels.length === 0) throw new ValueError('classes: no pictures have no histogram');
  if (expected.length !== K) {
    throw new ShapeError(
      `classes: ${expected.length} expected shares are not those of ${K} classes`,
    );
  }
  const total = Array.from(expected).reduce((sum, share) => sum + share, 0);
  const fair = Array.from(expected).every((share) => share >= 0) && total > 0;
  if (!fair || !Number.isFinite(total)) {
    throw new ValueError('classes: expected shares must be 0 or more, finite, and not all 0');
  }
  const counts = new Array<number>(K).fill(0);
  for (let n = 0; n < labels.length; n++) {
    const label = labels[n] ?? -1;
    if (!(Number.isInteger(label) && label >= 0 && label < K)) {
      throw new ValueError(
        `classes: the class of picture ${n} is ${label}, but there are ${K} classes`,
      );
    }
    counts[label] = (counts[label] ?? 0) + 1;
  }
  const shares = counts.map((count) => count / labels.length);
  let [apart, divergence] = [0, 0];
  for (const [k, share] of shares.entries()) {
    const wanted = (expected[k] ?? 0) / total;
    apart += Math.abs(share - wanted) / 2;
    if (share > 0) divergence += share * Math.log(share / wanted);
  }
  return {
    counts,
    shares,
    found: counts.filter((count) => count > 0).length,
    unevenness: apart,
    divergence: Math.max(0, divergence),
  };
}

/**
 * One class for each picture that is several stacked ones: stacked MNIST has a digit in each of three
 * channels, so that digits 2, 0, 7 are class 207 of 1000.
 * @param channels the classes of each channel's pictures, each (N).
 * @param K classes of one channel.
 * @throws ShapeError when channels differ in length; ValueError for a label outside [0, K).
 */
export function stackedClasses(channels: readonly ArrayLike<number>[], K = 10): Int32Array {
  const [first] = channels;
  if (!first) throw new ValueError('stacked classes: give the classes of one channel or more');
  const stacked = new Int32Array(first.length);
  for (const [c, labels] of channels.entries()) {
    if (labels.length !== first.length) {
      throw new ShapeError(
        `stacked classes: channel ${c} has ${labels.length} labels, channel 0 has ${first.length}`,
      );
    }
    for (let n = 0; n < labels.length; n++) {
      const label = labels[n] ?? -1;
      if (!(Number.isInteger(label) && label >= 0 && label < K)) {
        throw new ValueError(
          `stacked classes: picture ${n} has class ${label} in channel ${c}, but there are ${K}`,
        );
      }
      stacked[n] = (stacked[n] ?? 0) * K + label;
    }
  }
  return stacked;
}
