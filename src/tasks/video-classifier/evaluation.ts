/** How well a classifier of clips does: every clip by all its views together, and every view for itself. */
import { z } from 'zod';
import type { JudgedBy, ViewOptions } from '../../data/video/views.js';
import { scope } from '../../engine/engine.js';
import { UsageError } from '../../errors.js';
import { judging } from '../../models/video/network.js';
import type { HostArray } from '../../tensor/tensor.js';
import type { ClipInputs, ClipView, Control } from './inputs.js';
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

const positive = z.int().positive();

/** By which views a clip is judged, and how many go through the network together. */
export const viewFlags = z.object({
  hop: positive.optional().meta({
    flag: '--hop <frames>',
    help: 'between the windows of a clip (default: half a window)',
  }),
  views: positive.max(1000).optional().meta({
    flag: '--views <count>',
    help: 'of a clip whose frames are spread evenly, each of other frames (default: 1)',
  }),
  batchSize: positive.default(16).meta({ flag: '--batch-size <views>', help: 'views at a time' }),
});

/** How clips are judged. */
export interface JudgeOptions extends JudgedBy {
  /** Views at a time. */
  readonly batchSize?: number;
  readonly control?: Control | undefined;
  /** Of the control's shuffling. */
  readonly seed?: number;
}

/** A view of a clip, and what a classifier says of it. */
export interface JudgedView extends ClipView {
  /** (K) */
  readonly probabilities: Float64Array;
  /** (steps, K): the probabilities by each step's own scores, of networks that have such. */
  readonly steps?: readonly Float64Array[];
  /** (steps): what each step counts, of networks that weigh them. */
  readonly weights?: Float64Array;
}

/**
 * What a classifier says of all views by which clips are judged, in their order.
 * @throws UsageError for a hop of a model that sees no windows, and for views of one that does
 */
export async function* judgedViews(
  model: VideoClassifierModel,
  inputs: ClipInputs,
  { batchSize = 16, hop, views, control, seed }: JudgeOptions = {},
): AsyncGenerator<JudgedView, void> {
  checkViews(model.config.view, { hop, views });
  const batches = inputs.judging(batchSize, { hop, views }, control, seed);
  for (;;) {
    const judged = await judgedBatch(model, batches);
    if (!judged) return;
    yield* judged;
  }
}

/** @throws UsageError for a hop of a model that sees no windows, and for views of one that does */
export function checkViews({ take }: ViewOptions, { hop, views }: JudgedBy): void {
  const seen = take === 'whole' ? 'whole clips' : 'frames that are spread evenly';
  if (hop !== undefined && take !== 'window') {
    throw new UsageError(`--hop is about windows, but the model sees ${seen}: leave it out`);
  }
  if (views !== undefined && take === 'window') {
    throw new UsageError(
      '--views is about frames that are spread evenly, but the model sees windows: say --hop, or leave it out',
    );
  }
}

/** What a classifier says of the views of the next batch; undefined when there is none. */
async function judgedBatch(
  { network, config, parameters, state }: VideoClassifierModel,
  batches: ReturnType<ClipInputs['judging']>,
): Promise<JudgedView[] | undefined> {
  using _batch = scope();
  const { done, value } = await batches.next();
  if (done) return undefined;
  const { scores, steps, weights } = network.scores(parameters, state, value.batch, judging);
  const K = config.classes;
  const T = steps?.shape[1] ?? 0;
  const [ofViews, ofSteps, ofWeights] = [scores, steps, weights].map((one) => one?.dataSync());
  const row = (values: HostArray, i: number) => values.subarray(i * K, (i + 1) * K);
  return value.views.map((view, n): JudgedView => {
    const { length } = view.view;
    return {
      ...view,
      probabilities: probabilitiesOf(ofViews ? row(ofViews, n) : []),
      ...(ofSteps && {
        steps: Array.from({ length }, (_, t) => probabilitiesOf(row(ofSteps, n * T + t))),
      }),
      ...(ofWeights && {
        weights: Float64Array.from(ofWeights.subarray(n * T, n * T + length)),
      }),
    };
  });
}

/** Judges a classifier on all clips of a split. */
export async function judgeClips(
  model: VideoClassifierModel,
  inputs: ClipInputs,
  options: JudgeOptions = {},
): Promise<ClipReport> {
  const K = model.config.classes;
  const sums = Array.from(inputs.clips, () => new Float64Array(K));
  const counts = new Int32Array(inputs.size);
  let viewMistakes = 0;
  for await (const { index, probabilities } of judgedViews(model, inputs, options)) {
    const sum = sums[index];
    for (const [k, p] of probabilities.entries()) if (sum) sum[k] = (sum[k] ?? 0) + p;
    counts[index] = (counts[index] ?? 0) + 1;
    if (largest(probabilities) !== inputs.clips[index]?.label) viewMistakes++;
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

/** The mean of what is said of some views of a clip: (K). */
export function meanProbabilities(views: readonly JudgedView[], K: number): Float64Array {
  return Float64Array.from({ length: K }, (_, k) => {
    const sum = views.reduce((all, { probabilities }) => all + (probabilities[k] ?? 0), 0);
    return sum / views.length;
  });
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
