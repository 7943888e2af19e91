/** Scheduled sampling: some of the words fed in are the model's own. */
import type { CaptionBatch } from '../../data/captions/batches.js';
import type { CaptionModel } from '../../models/caption-model.js';
import type { Random } from '../../random.js';
import { tensor } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import { captionTensor } from './measures.js';
import type { SharedInputs } from './shared-inputs.js';

/** How the share of the model's own words grows from epoch to epoch. */
export const samplingGrowths = ['linear', 'inverse-sigmoid'] as const;
export type SamplingGrowth = (typeof samplingGrowths)[number];

/** Scheduled sampling, as a recipe says it. */
export interface ScheduledSampling {
  /** The share that is grown to. */
  readonly scheduledSampling: number;
  readonly samplingGrowth: SamplingGrowth;
  /** k: epochs that linear growth takes; how slow the other is. */
  readonly samplingEpochs: number;
}

/**
 * The share of previous words that are the model's own, in an epoch counted from 0:
 *
 *     linear            share min(1, epoch / k)
 *     inverse-sigmoid   share (1 - k / (k + exp(epoch / k)))
 *
 * Source: Bengio et al. 2015, whose epsilon is the share of true words.
 */
export function sampledShare(
  { scheduledSampling, samplingGrowth, samplingEpochs: k }: ScheduledSampling,
  epoch: number,
): number {
  switch (samplingGrowth) {
    case 'linear':
      return scheduledSampling * Math.min(1, epoch / k);
    case 'inverse-sigmoid':
      return scheduledSampling * (1 - k / (k + Math.exp(epoch / k)));
  }
}

/**
 * Captions to feed in: a share of their words are replaced by what the model finds likeliest there
 * after the true words before. `<START>` stays, as do padding, `<END>`, and a word in whose place
 * the model would say one of the special words.
 *
 * All words of a caption are predicted in one pass beside the one that learns, so that the
 * recurrence stays one fused layer. Source: Mihaylova and Martins 2019, for Bengio et al. 2015.
 */
export function fedCaptions<I>(
  captioner: CaptionModel<I>,
  { inputs, image }: Pick<SharedInputs<I>, 'inputs' | 'image'>,
  batch: CaptionBatch,
  share: number,
  random: Random,
): Tensor | undefined {
  if (share === 0) return undefined;
  const { nullWord, startWord, endWord } = captioner.config;
  const special = [nullWord, startWord, endWord];
  const { captions, N, T } = batch;
  const predicted = captioner.predict(inputs, captionTensor(batch), { image });
  const fed = captions.slice();
  for (let n = 0; n < N; n++) {
    for (let t = 1; t < T; t++) {
      const own = predicted[n * (T - 1) + t - 1] ?? nullWord;
      if (special.includes(captions[n * T + t] ?? nullWord)) continue;
      // Drawn for every word, so that what is drawn does not depend on what is predicted.
      if (random.uniform() < share && !special.includes(own)) fed[n * T + t] = own;
    }
  }
  return tensor(fed, { shape: [N, T], dtype: 'i32' });
}
