/** What a captioner's loss is made of: words in and out under teacher forcing, and what an attention adds. */
import { DTypeError, ShapeError } from '../errors.js';
import { add } from '../layers/elementwise/arithmetic.js';
import { doublyStochastic, reinforce } from '../layers/losses/attention.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { showShape } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import type { PlacesAttention } from './captioner-config.js';
import type { Looked } from './captioner-scores.js';

/** What goes into the cell, what should come out, and where that counts: all (T, N). */
export interface TeacherForcing {
  readonly input: Tensor;
  readonly target: Tensor;
  readonly mask: Tensor;
}

/**
 * Splits captions (N, T + 1) into inputs (all words but the last) and targets (all but the first),
 * time-major as the recurrence walks. The mask is 0 where the target is padding.
 * @param fed (N, T + 1): the inputs are taken from these words instead.
 * @throws ShapeError when a caption has fewer than two words, or `fed` another shape.
 * @throws DTypeError unless i32.
 */
export function teacherForcing(
  captions: Tensor,
  nullWord: number,
  fed: Tensor = captions,
): TeacherForcing {
  const [N = 0, length = 0] = captions.shape;
  for (const { dtype } of [captions, fed]) {
    if (dtype !== 'i32') {
      throw new DTypeError(`captions hold word indices and must be i32, not ${dtype}`);
    }
  }
  if (captions.shape.length !== 2 || length < 2) {
    throw new ShapeError(
      `captions must be (N, T + 1) with T at least 1, not ${showShape(captions.shape)}`,
    );
  }
  if (showShape(fed.shape) !== showShape(captions.shape)) {
    throw new ShapeError(
      `words fed in ${showShape(fed.shape)} do not fit captions ${showShape(captions.shape)}`,
    );
  }
  const T = length - 1;
  const words = captions.dataSync();
  const fedWords = fed.dataSync();
  const input = new Int32Array(T * N);
  const target = new Int32Array(T * N);
  const mask = new Uint8Array(T * N);
  for (let n = 0; n < N; n++) {
    for (let t = 0; t < T; t++) {
      const next = words[n * length + t + 1] ?? nullWord;
      input[t * N + n] = fedWords[n * length + t] ?? nullWord;
      target[t * N + n] = next;
      mask[t * N + n] = next === nullWord ? 0 : 1;
    }
  }
  return {
    input: empty('i32', [T, N]).assign(input),
    target: empty('i32', [T, N]).assign(target),
    mask: empty('u8', [T, N]).assign(mask),
  };
}

/** What a captioner gives under teacher forcing, and what it should have given. */
interface Forced extends Looked {
  /** (T, N, V). */
  readonly scores: Tensor;
  /** (T, N) i32, and (T, N) u8: where they count. */
  readonly target: Tensor;
  readonly mask: Tensor;
}

/** Share of the old average that stays at each step: Xu et al. 2015, equation after (11). */
const decay = 0.9;

/** The part of an attention's configuration that its losses need. */
type LossConfig = Pick<PlacesAttention, 'kind' | 'doublyStochastic' | 'entropy'>;

/**
 * Adds the losses of an attention to that of the words: the doubly stochastic penalty, and for a hard
 * attention the reward of its choices. The reward is the log-probability of the caption's words above a
 * moving average of it. The average is taken per word, so that captions of any length compare (Xu et al.
 * 2015 average whole captions). The first batch has no average before it and is compared with its own.
 * @param baseline the average before this batch; the one after it is returned.
 */
export function addAttentionLosses(
  loss: Tensor,
  { kind, doublyStochastic: lambda, entropy }: LossConfig,
  { scores, target, mask, attention, places, uniform }: Forced,
  baseline: number | undefined,
): { total: Tensor; baseline: number | undefined } {
  const penalised =
    lambda > 0 ? add(loss, doublyStochastic(attention, mask, { lambda, places })) : loss;
  if (kind !== 'hard' || !uniform) return { total: penalised, baseline };
  const { sums, words } = logProbabilities(scores, target, mask);
  const mean = total(sums) / Math.max(1, total(words));
  const expected = baseline ?? mean;
  const advantage = sums.map((sum, n) => sum - expected * (words[n] ?? 0));
  return {
    total: add(penalised, reinforce(attention, mask, { uniform, advantage, entropy })),
    baseline: decay * expected + (1 - decay) * mean,
  };
}

/** For each caption the sum of its words' log-probabilities, and their number. */
function logProbabilities(
  scores: Tensor,
  target: Tensor,
  mask: Tensor,
): { sums: Float64Array; words: Float64Array } {
  const [T = 0, N = 0, V = 0] = scores.shape;
  const logSums = empty('f64', [T * N]);
  kernelsFor(scores).logSumExpRows(scores, logSums, T * N, V);
  const [values, normals] = [scores.dataSync(), logSums.dataSync()];
  const [targets, counts] = [target.dataSync(), mask.dataSync()];
  const sums = new Float64Array(N);
  const words = new Float64Array(N);
  for (let row = 0; row < T * N; row++) {
    if (counts[row] === 0) continue;
    const n = row % N;
    const score = values[row * V + (targets[row] ?? 0)] ?? Number.NaN;
    sums[n] = (sums[n] ?? 0) + score - (normals[row] ?? 0);
    words[n] = (words[n] ?? 0) + 1;
  }
  return { sums, words };
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
