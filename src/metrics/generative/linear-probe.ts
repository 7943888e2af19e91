/** The linear probe: how much of the classes a linear classifier reads off codes. */
import { scope } from '../../engine/engine.js';
import { ShapeError, ValueError } from '../../errors.js';
import { affineBackward, affineForward } from '../../layers/dense.js';
import { softmaxLossBackward, softmaxLossForward } from '../../layers/losses/softmax.js';
import { argmaxRows } from '../../tensor/arithmetic.js';
import { full, tensor } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import { minimise } from './minimise.js';
import { checkSameLength, float64Of, matrixOf, type Samples, samplesOf } from './samples.js';

/** Codes (N, ...) and the class of each. */
export interface LabelledCodes {
  readonly codes: Tensor;
  readonly labels: ArrayLike<number>;
}

/** How a linear probe is trained. */
export interface LinearProbeOptions {
  /** How many classes there are; by default one more than the largest label. */
  readonly classes?: number;
  /** The weight λ of the penalty; by default 1 / N, which is scikit-learn's C = 1. */
  readonly l2?: number;
  /** The largest partial derivative at which it is done. */
  readonly tolerance?: number;
  readonly maxIterations?: number;
}

/** What a linear probe finds. */
export interface LinearProbe {
  /** Shares of the codes whose class is read, 0 to 1. */
  readonly accuracy: number;
  readonly trainAccuracy: number;
  /** Mean cross-entropies in nats, without the penalty. */
  readonly loss: number;
  readonly trainLoss: number;
  /** What was minimised: the loss of train and the penalty. */
  readonly objective: number;
  readonly iterations: number;
  /** The largest partial derivative at the end. */
  readonly slope: number;
  /** Whether that is within the tolerance: if not, more iterations or a larger `l2` may change the result. */
  readonly converged: boolean;
}

/**
 * The accuracy, on codes of `test`, of a multinomial logistic regression on those of `train`:
 *
 *     minimise over W, b:  1/N Σ_n -log softmax(z_n W + b)[y_n] + λ/2 |W|²
 *
 * z are the codes less train's mean, over train's standard deviation, value by value (a value that never
 * changes in train is left out). Without a penalty on b, in float64, all codes at once, from 0 on; there is one minimum, and
 * no chance in it. Train takes 8 bytes a value of memory.
 * Source: Alain and Bengio 2017, Understanding intermediate layers using linear classifier probes.
 * @throws ValueError for one class alone, labels outside [0, classes), a bad option, or codes that are not
 *   finite; ShapeError when codes and labels, or the codes of both, disagree; DTypeError for codes that are
 *   not f32 or f64.
 */
export function linearProbe(
  train: LabelledCodes,
  test: LabelledCodes,
  { classes, l2, tolerance = 1e-6, maxIterations = 1000 }: LinearProbeOptions = {},
): LinearProbe {
  using _work = scope();
  const codes = samplesOf('the codes of train', train.codes);
  const unseen = samplesOf('the codes of test', test.codes);
  checkSameLength(codes, unseen);
  const K = classes ?? Array.from(train.labels).reduce((most, y) => Math.max(most, y), 0) + 1;
  const [y, yOfTest] = [labelsOf(codes, train.labels, K), labelsOf(unseen, test.labels, K)];
  const lambda = l2 ?? 1 / codes.N;
  if (new Set(y.dataSync()).size < 2) {
    throw new ValueError(
      'linear probe: train has one class alone, of which there is nothing to learn',
    );
  }
  if (!(lambda >= 0 && Number.isFinite(lambda) && tolerance > 0 && maxIterations >= 1)) {
    throw new ValueError(
      `linear probe: l2 ${lambda} must be 0 or more, tolerance ${tolerance} above 0, maxIterations ${maxIterations} 1 or more`,
    );
  }
  const standard = standardiser(codes);
  const z = standard(codes);
  const size = codes.D * K;
  const scoresOf = (x: Tensor, weights: Float64Array) =>
    affineForward(
      x,
      matrixOf(weights.slice(0, size), K),
      tensor(weights.slice(size), { dtype: 'f64' }),
    );
  const result = minimise(
    (weights) => {
      using _evaluation = scope();
      const { out, cache } = scoresOf(z, weights);
      const { loss, cache: softmax } = softmaxLossForward(out, y);
      const { dx } = softmaxLossBackward(full([], 1, 'f64'), softmax);
      const { dW, db } = affineBackward(dx, cache);
      const slopes = new Float64Array(weights.length);
      slopes.set(float64Of(dW));
      slopes.set(float64Of(db), size);
      let penalty = 0;
      for (let i = 0; i < size; i++) {
        const weight = weights[i] ?? 0;
        penalty += (lambda / 2) * weight * weight;
        slopes[i] = (slopes[i] ?? 0) + lambda * weight;
      }
      return { value: loss.item() + penalty, slopes };
    },
    new Float64Array(size + K),
    { tolerance, maxIterations },
  );
  const judged = (x: Tensor, labels: Tensor) => {
    using _judging = scope();
    const { out } = scoresOf(x, result.at);
    const [wanted, said] = [labels.dataSync(), argmaxRows(out).dataSync()];
    const right = said.filter((label, n) => label === wanted[n]).length;
    return { accuracy: right / wanted.length, loss: softmaxLossForward(out, labels).loss.item() };
  };
  const [onTrain, onTest] = [judged(z, y), judged(standard(unseen), yOfTest)];
  return {
    ...onTest,
    trainAccuracy: onTrain.accuracy,
    trainLoss: onTrain.loss,
    objective: result.value,
    iterations: result.iterations,
    slope: result.slope,
    converged: result.converged,
  };
}

/** What takes codes to z: less the mean of these, over their standard deviation. */
function standardiser({ rows, N, D }: Samples): (codes: Samples) => Tensor {
  const values = rows.dataSync();
  const [mean, variance] = [new Float64Array(D), new Float64Array(D)];
  for (let i = 0; i < values.length; i++) {
    mean[i % D] = (mean[i % D] ?? 0) + (values[i] ?? 0) / N;
  }
  for (let i = 0; i < values.length; i++) {
    variance[i % D] = (variance[i % D] ?? 0) + ((values[i] ?? 0) - (mean[i % D] ?? 0)) ** 2 / N;
  }
  // What rounding of the mean leaves of a value that never changes is no variance.
  const factors = variance.map((square, d) => {
    const rounding = (N * 2 ** -52 * (mean[d] ?? 0)) ** 2;
    return square > rounding ? 1 / Math.sqrt(square) : 0;
  });
  return (codes) => {
    const z = float64Of(codes.rows);
    for (let i = 0; i < z.length; i++) {
      z[i] = ((z[i] ?? 0) - (mean[i % D] ?? 0)) * (factors[i % D] ?? 0);
    }
    return matrixOf(z, D);
  };
}

/** @throws ShapeError, ValueError */
function labelsOf({ name, N }: Samples, labels: ArrayLike<number>, K: number): Tensor {
  if (labels.length !== N) {
    throw new ShapeError(`${name} are ${N}, but there are ${labels.length} labels`);
  }
  for (let n = 0; n < N; n++) {
    const label = labels[n] ?? -1;
    if (Number.isInteger(label) && label >= 0 && label < K) continue;
    throw new ValueError(
      `${name}: the class of number ${n} is ${label}, but there are ${K} classes`,
    );
  }
  return tensor(Int32Array.from(labels), { dtype: 'i32' });
}
