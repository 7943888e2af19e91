import {
  type CaptionBatch,
  CaptionBatches,
  type EncodedCaption,
} from '../../data/captions/batches.js';
import { scope } from '../../engine/engine.js';
import type { Captioner } from '../../models/captioner.js';
import { tensor } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';

/** Where a captioner's inputs come from: features, or pixels for one that sees by itself. */
export interface ImageInputs {
  /** Number of images. */
  readonly size: number;
  /** The inputs of some images, in that order: (N, D), or (N, C, H, W). In the current scope. */
  batch(images: ArrayLike<number>): Tensor;
  /**
   * The images as training meets them in an epoch, where they change from epoch to epoch: a pure
   * function of the epoch's number, so that a resumed run sees the same. `batch` never changes them.
   */
  inEpoch?(epoch: number): ImageInputs;
}

/** Images as training meets them in an epoch. */
export function inEpoch(inputs: ImageInputs, epoch: number): ImageInputs {
  return inputs.inEpoch?.(epoch) ?? inputs;
}

/** How well a captioner predicts the words of true captions. */
export interface LossReport {
  /** Mean negative log-probability (nats) of a word, `<END>` included. */
  lossPerWord: number;
  /** exp(lossPerWord). */
  perplexity: number;
  words: number;
}

/** Loss of a captioner on captions, without dropout and without changing anything. */
export function evaluateLoss(
  captioner: Captioner,
  inputs: ImageInputs,
  captions: readonly EncodedCaption[],
  { batchSize = 128 } = {},
): LossReport {
  const batches = new CaptionBatches(captions, { batchSize, lengths: 'equal', seed: 0 });
  let sum = 0;
  let words = 0;
  for (const batch of batches.batches(0)) {
    using _step = scope();
    const loss = captioner.forward(
      captioner.parameters,
      inputs.batch(batch.imageIndices),
      captionTensor(batch),
    );
    sum += loss.item() * batch.N;
    words += targetWords(batch);
  }
  const lossPerWord = sum / words;
  return { lossPerWord, perplexity: Math.exp(lossPerWord), words };
}

/** The captions of a batch as an (N, T) tensor. */
export function captionTensor({ captions, N, T }: CaptionBatch): Tensor {
  return tensor(captions, { shape: [N, T], dtype: 'i32' });
}

/** Words of a batch that count in the loss: all but `<START>` and padding. */
export function targetWords({ captions, N }: CaptionBatch): number {
  let words = 0;
  for (const word of captions) if (word !== 0) words++;
  return words - N;
}
