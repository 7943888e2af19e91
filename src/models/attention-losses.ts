import { add } from '../layers/elementwise/arithmetic.js';
import { doublyStochastic, reinforce } from '../layers/losses/attention.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import type { FullAttention } from './captioner-config.js';

/** What was said under teacher forcing, and where the captioner looked for it. */
interface Spoken {
  /** (T, N, V). */
  readonly scores: Tensor;
  /** (T, N) i32, and (T, N) u8: where they count. */
  readonly target: Tensor;
  readonly mask: Tensor;
  /** (T, N, L). */
  readonly looked: Tensor;
  /** Of a hard attention: the numbers that decided. */
  readonly uniform: Float64Array | undefined;
}

/** What is left of the old average at each step: Xu et al. 2015, equation after (11). */
const memory = 0.9;

/** What an attention is trained by besides the words: of its configuration. */
type Trained = Pick<FullAttention, 'kind' | 'doublyStochastic' | 'entropy'>;

/**
 * Adds to a loss what an attention is trained by besides it: the doubly stochastic penalty, and for
 * a hard one the reward of its choices. That is the log-probability of the caption's words, measured
 * against a moving average of it, a word at a time so that captions of any length compare (Xu et al.
 * 2015 average whole captions). The first batch, which no average precedes, is measured against its own.
 * @param baseline that average before this batch; what is returned is the one after it.
 */
export function addAttentionLosses(
  loss: Tensor,
  { kind, doublyStochastic: lambda, entropy }: Trained,
  { scores, target, mask, looked, uniform }: Spoken,
  baseline: number | undefined,
): { total: Tensor; baseline: number | undefined } {
  const penalised = lambda > 0 ? add(loss, doublyStochastic(looked, mask, { lambda })) : loss;
  if (kind !== 'hard' || !uniform) return { total: penalised, baseline };
  const { sums, words } = logProbabilities(scores, target, mask);
  const mean = total(sums) / Math.max(1, total(words));
  const expected = baseline ?? mean;
  const advantage = sums.map((sum, n) => sum - expected * (words[n] ?? 0));
  return {
    total: add(penalised, reinforce(looked, mask, { uniform, advantage, entropy })),
    baseline: memory * expected + (1 - memory) * mean,
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
