import type { TensorTree } from '../autograd/tree.js';
import type { EncodedCaption } from '../data/captions/batches.js';
import type { Vocabulary } from '../data/text/vocabulary.js';
import type { Tensor } from '../tensor/tensor.js';
import type { ImageInputs } from './evaluate.js';

/** What is learned from, and what is measured on. */
export interface TrainingData {
  readonly vocabulary: Vocabulary;
  readonly inputs: ImageInputs;
  readonly train: readonly EncodedCaption[];
  /** What the images of `inputs` are called, should one have to be named. */
  readonly ids?: readonly string[];
  /** Images that are not trained on, and their captions. */
  readonly dev: {
    readonly inputs: ImageInputs;
    readonly ids?: readonly string[];
    readonly captions: readonly EncodedCaption[];
    /** For each image what people wrote: needed when a score of captions selects. */
    readonly references?: readonly (readonly string[])[];
  };
}

/** What a batch taught, before anything has changed. Tensors belong to the scope around the call. */
export interface Learned {
  readonly gradients: TensorTree;
  /** Cross-entropy over all words of the batch, in nats. */
  readonly lossSum: number;
  readonly words: number;
  /** Captions. */
  readonly examples: number;
  /** Of self-critical training: sum of the captions' rewards. */
  readonly rewardSum?: number;
  /** What the captioner looked at, should it have to be named. */
  readonly inputs: Tensor;
  /** Which images these are. */
  readonly images: Int32Array;
}

/** A way to learn: cross-entropy, or self-critical. */
export interface Lesson {
  readonly batchesPerEpoch: number;
  /**
   * The batches of an epoch from number `fromBatch` on, in an order that is a pure function of the
   * recipe's seed and the epoch. Each computes its gradients when it is called.
   */
  batches(epoch: number, fromBatch: number): Iterable<() => Promise<Learned>>;
}
