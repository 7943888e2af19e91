/** What a captioner learns from, and what a way to learn hands to its task. */
import type { EncodedCaption } from '../../data/captions/batches.js';
import type { Vocabulary } from '../../data/text/vocabulary.js';
import type { CaptionerParameters } from '../../models/captioner-parameters.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Sums } from '../../training/task.js';
import type { ImageInputs } from './evaluate.js';

/** Captions and images to learn from, and others to measure on. */
export interface CaptionData {
  readonly vocabulary: Vocabulary;
  readonly inputs: ImageInputs;
  readonly train: readonly EncodedCaption[];
  /** Names of the images that are trained on, for messages. */
  readonly ids?: readonly string[];
  /** Images that are not trained on, and their captions. */
  readonly dev: {
    readonly inputs: ImageInputs;
    readonly captions: readonly EncodedCaption[];
    readonly ids?: readonly string[];
    /** For each image what people wrote: needed when a score of captions selects. */
    readonly references?: readonly (readonly string[])[];
  };
}

/** What a batch taught, before anything has changed. Tensors belong to the scope around the call. */
export interface Learned {
  readonly gradients: CaptionerParameters;
  /** `loss`: cross-entropy over all words, in nats. Of self-critical training also `reward`, over captions. */
  readonly sums: Sums;
  /** What the captioner looked at, and which images that were, should they have to be named. */
  readonly inputs: Tensor;
  readonly images: Int32Array;
}

/** A way to learn: cross-entropy, or self-critical. */
export interface Objective {
  readonly batchesPerEpoch: number;
  /**
   * The batches of an epoch from number `from` on. What they are and all that is drawn for them is a pure
   * function of seed, epoch and number. Each computes its gradients when it is called.
   */
  batches(epoch: number, from: number): Iterable<() => Promise<Learned>>;
  /** Of a hard attention: what a word's log-probability is on average. Training carries it along. */
  baseline?: number | undefined;
}
