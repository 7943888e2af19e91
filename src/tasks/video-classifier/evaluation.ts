/** How well a classifier of clips does: every clip by all its views together, and every view for itself. */
import { scope } from '../../engine/engine.js';
import { judging } from '../../models/video/network.js';
import type { ClipInputs, Control } from './inputs.js';
import type { VideoClassifierModel } from './kind.js';

/** How a classifier does on some clips. */
export interface ClipReport {
  readonly clips: number;
  /** Of clips, by the mean of the probabilities of their views. */
  readonly mistakes: number;
  /** mistakes / clips, 0 to 1. */
  readonly error: number;
  /** Mean of -log of the probability of a clip's class, in nats. */
  readonly loss: number;
  /** Views of all clips, and mistakes among them. */
  readonly views: number;
  readonly viewMistakes: number;
  /** How often each class (row) was taken for each class (column), in clips. */
  readonly confusion: readonly (readonly number[])[];
  /** (clips, K): the probabilities. */
  readonly probabilities: readonly Float64Array[];
}

/** How clips are judged. */
export interface JudgeOptions {
  /** Views at a time. */
  readonly batchSize?: number;
  /** Steps between the windows of a clip (default: half a window). */
  readonly hop?: number | undefined;
  readonly control?: Control | undefined;
  /** Of the control's shuffling. */
  readonly seed?: number;
}

/** Judges a classifier on all clips of a split. */
export async function judgeClips(
  { network, config, parameters, state }: VideoClassifierModel,
  inputs: ClipInputs,
  { batchSize = 16, hop, control, seed }: JudgeOptions = {},
): Promise<ClipReport> {
  const K = config.classes;
  const sums = Array.from(inputs.clips, () => new Float64Array(K));
  const counts = new Int32Array(inputs.size);
  let viewMistakes = 0;
  const step = hop ?? Math.max(1, config.view.frames >> 1);
  const batches = inputs.judging(batchSize, step, control, seed);
  for (;;) {
    using _batch = scope();
    const { done, value } = await batches.next();
    if (done) break;
    const { scores } = network.scores(parameters, state, value.batch, judging);
    const values = scores.dataSync();
    for (const [n, { index }] of value.views.entries()) {
      const one = probabilitiesOf(values.subarray(n * K, (n + 1) * K));
      const sum = sums[index];
      for (const [k, p] of one.entries()) if (sum) sum[k] = (sum[k] ?? 0) + p;
      counts[index] = (counts[index] ?? 0) + 1;
      if (largest(one) !== inputs.clips[index]?.label) viewMistakes++;
    }
  }
  const probabilities = sums.map((sum, index) => sum.map((p) => p / (counts[index] ?? 1)));
  const confusion = Array.from({ length: K }, () => new Array<number>(K).fill(0));
  let [loss, mistakes] = [0, 0];
  for (const [index, { label }] of inputs.clips.entries()) {
    const own = probabilities[index] ?? new Float64Array(K);
    const guess = largest(own);
    const row = confusion[label];
    if (row) row[guess] = (row[guess] ?? 0) + 1;
    if (guess !== label) mistakes++;
    loss -= Math.log(Math.max(own[label] ?? 0, Number.MIN_VALUE));
  }
  const clips = inputs.size;
  const views = counts.reduce((sum, count) => sum + count, 0);
  return {
    clips,
    mistakes,
    error: mistakes / clips,
    loss: loss / clips,
    views,
    viewMistakes,
    confusion,
    probabilities,
  };
}

/** softmax of one row of scores. */
export function probabilitiesOf(scores: ArrayLike<number>): Float64Array {
  const most = Math.max(...Array.from(scores));
  const exponentials = Float64Array.from(scores, (score) => Math.exp(score - most));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

/** The place of the largest value; NaN is never it. */
export function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let k = 1; k < values.length; k++) if ((values[k] ?? 0) > (values[best] ?? 0)) best = k;
  return best;
}
