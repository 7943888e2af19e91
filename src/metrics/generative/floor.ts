/** The floor of a measure: what it gives for two halves of the real data, beside what it gives for a model. */
import { percent } from '../../data/text/printable.js';
import { scope } from '../../engine/engine.js';
import { ValueError } from '../../errors.js';
import { gatherForward } from '../../layers/indexing/gather.js';
import { randomAt } from '../../random.js';
import { tensor } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import { frechetDistance } from './frechet.js';
import {
  type DensityCoverage,
  densityAndCoverage,
  type PrecisionRecall,
  precisionAndRecall,
} from './manifolds.js';
import { checkSameLength, samplesOf } from './samples.js';

/** A measure of a model, and the same of real data. */
export interface BesideFloor<T> {
  readonly value: T;
  readonly floor: T;
  /** Samples on each side of both. */
  readonly count: number;
}

/** A seed of the draw. */
interface Seeded {
  readonly seed?: number;
}

/**
 * Some of the samples in two halves without a sample in common, drawn by the seed: (count, ...) each.
 * @param options.count of each half; by default as many as there are.
 * @throws ValueError when there are not two halves of that size.
 */
export function halvesOf(
  samples: Tensor,
  { count, seed = 0 }: Seeded & { readonly count?: number } = {},
): readonly [Tensor, Tensor] {
  const [N = 0] = samples.shape;
  const half = count ?? Math.floor(N / 2);
  if (!Number.isInteger(half) || half < 1 || 2 * half > N) {
    throw new ValueError(
      `${N} samples have no two halves of ${half}: give more, or a smaller count`,
    );
  }
  const order = drawnOrder(N, seed, 'halves');
  return [rowsAt(samples, order.slice(0, half)), rowsAt(samples, order.slice(half, 2 * half))];
}

/**
 * A measure of generated samples, and of real ones in their place:
 *
 *     value = measure(A, generated),   floor = measure(A, B)
 *
 * A and B are halves of the real samples, and all three have the same number of samples, so that the two
 * differ by what the model does and not by how many there are (most measures of features are biased). A
 * model as good as the data reaches the floor; below it is chance, or copying: see `memorising`.
 * @throws ValueError when there is no sample, or fewer than 2 real ones; what `measure` throws.
 */
export function besideFloor<T>(
  real: Tensor,
  generated: Tensor,
  measure: (real: Tensor, other: Tensor) => T,
  { seed = 0 }: Seeded = {},
): BesideFloor<T> {
  using _work = scope();
  const [data, made] = [samplesOf('real', real, 2), samplesOf('generated', generated)];
  checkSameLength(data, made);
  const count = Math.min(Math.floor(data.N / 2), made.N);
  const [A, B] = halvesOf(real, { count, seed });
  const some =
    made.N === count
      ? generated
      : rowsAt(generated, drawnOrder(made.N, seed, 'generated').slice(0, count));
  return { value: measure(A, some), floor: measure(A, B), count };
}

/** The measures of features that compare a model with data. */
export interface FeatureScores extends PrecisionRecall, DensityCoverage {
  readonly frechet: number;
}

/**
 * Frechet distance, precision and recall with k = 3, density and coverage with k = 5: as their sources have
 * them. With `besideFloor`: `besideFloor(real, generated, featureScores)`.
 * @throws as `frechetDistance`, `precisionAndRecall` and `densityAndCoverage`.
 */
export function featureScores(real: Tensor, generated: Tensor): FeatureScores {
  return {
    frechet: frechetDistance(real, generated),
    ...precisionAndRecall(real, generated),
    ...densityAndCoverage(real, generated),
  };
}

/**
 * One figure of a measure as a line for people: `coverage 81.3 % (two halves of the real data: 96.9 %)`.
 * @param show the figure of interest, of whatever the measure gives.
 */
export function floorLine<T>(
  name: string,
  { value, floor }: BesideFloor<T>,
  show: (measured: T) => string,
): string {
  return `${name} ${show(value)} (two halves of the real data: ${show(floor)})`;
}

/** `featureScores` as lines, each with its floor, and of how many samples they are. */
export function featureScoreLines(scores: BesideFloor<FeatureScores>): string[] {
  return [
    `of ${scores.count.toLocaleString('en')} samples a side:`,
    floorLine('Frechet distance', scores, ({ frechet }) => `${Number(frechet.toPrecision(4))}`),
    floorLine('precision', scores, ({ precision }) => percent(precision)),
    floorLine('recall', scores, ({ recall }) => percent(recall)),
    floorLine('density', scores, ({ density }) => density.toFixed(3)),
    floorLine('coverage', scores, ({ coverage }) => percent(coverage)),
  ];
}

function drawnOrder(N: number, seed: number, purpose: string): Int32Array {
  return randomAt(seed, purpose).shuffle(Int32Array.from({ length: N }, (_, n) => n));
}

function rowsAt(x: Tensor, places: Int32Array): Tensor {
  return gatherForward(x, tensor(places, { dtype: 'i32' })).out;
}
