/** What a captioner learns from, the interface of an objective, and cross-entropy. */
import {
  type CaptionBatch,
  CaptionBatches,
  type EncodedCaption,
} from '../../data/captions/batches.js';
import type { Source } from '../../data/source.js';
import type { Vocabulary } from '../../data/text/vocabulary.js';
import type { CaptionModel } from '../../models/caption-model.js';
import type { CaptionerParameters } from '../../models/captioner-parameters.js';
import { randomAt } from '../../random.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Sums } from '../../training/task.js';
import { captionTensor, targetWords } from './measures.js';
import type { CaptionRecipe } from './recipe.js';
import { fedCaptions, sampledShare } from './scheduled-sampling.js';
import { sharedInputs } from './shared-inputs.js';

/** Captions and images, or clips, to learn from, and others to measure on. */
export interface CaptionData<I = Tensor> {
  readonly vocabulary: Vocabulary;
  readonly inputs: Source<I>;
  readonly train: readonly EncodedCaption[];
  /** Names of the images that are trained on, for messages. */
  readonly ids?: readonly string[];
  /**
   * Whether to look at an image costs much more than to say a caption (default no): all captions of an image
   * then share a batch unless the recipe says otherwise, and it is looked at once in each.
   */
  readonly costly?: boolean;
  /** Images that are not trained on, and their captions. */
  readonly dev: {
    readonly inputs: Source<I>;
    readonly captions: readonly EncodedCaption[];
    readonly ids?: readonly string[];
    /** For each image what people wrote: needed when a score of captions selects. */
    readonly references?: readonly (readonly string[])[];
  };
}

/** The gradients and losses of a batch. Tensors belong to the scope around the call. */
export interface Learned {
  readonly gradients: CaptionerParameters;
  /** `loss`: cross-entropy over all words, in nats. Of self-critical training also `reward`, over captions. */
  readonly sums: Sums;
  /** The inputs of the batch, and the images that they are of, for messages. */
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

/** Teacher forcing: the loss of the words, with dropout and label smoothing as the recipe says. */
export class CrossEntropy<I> implements Objective {
  baseline: number | undefined;
  readonly #captioner: CaptionModel<I>;
  readonly #data: CaptionData<I>;
  readonly #batches: CaptionBatches;
  readonly #recipe: CaptionRecipe;

  constructor(captioner: CaptionModel<I>, recipe: CaptionRecipe, data: CaptionData<I>) {
    this.#captioner = captioner;
    this.#data = data;
    this.#recipe = recipe;
    this.#batches = new CaptionBatches(data.train, {
      ...recipe,
      lengths: recipe.lengths ?? (data.costly ? 'grouped' : 'equal'),
    });
  }

  get batchesPerEpoch(): number {
    return this.#batches.batchesPerEpoch;
  }

  *batches(epoch: number, from: number): Generator<() => Promise<Learned>> {
    let index = from;
    for (const [batch, next] of withNext(this.#batches.batches(epoch, from))) {
      const number = index++;
      yield () => {
        if (next) this.#data.inputs.expect?.(next.imageIndices, epoch);
        return this.#learn(batch, epoch, number);
      };
    }
  }

  async #learn(batch: CaptionBatch, epoch: number, index: number): Promise<Learned> {
    const { seed, labelSmoothing } = this.#recipe;
    const captioner = this.#captioner;
    const { inputs, costly = false } = this.#data;
    const shown = await sharedInputs(inputs, batch.imageIndices, { epoch, always: costly });
    const share = sampledShare(this.#recipe, epoch);
    const draw = randomAt(seed, 'scheduled sampling', epoch, index);
    const { crossEntropy, baseline, gradients } = captioner.loss(
      shown.inputs,
      captionTensor(batch),
      {
        labelSmoothing,
        image: shown.image,
        fed: fedCaptions(captioner, shown, batch, share, draw),
        random: randomAt(seed, 'loss', epoch, index),
        baseline: this.baseline,
      },
    );
    this.baseline = baseline;
    const sums = { loss: { total: crossEntropy * batch.N, count: targetWords(batch) } };
    const numbers = captioner.numbersOf(shown.inputs);
    return { gradients, sums, inputs: numbers, images: shown.images };
  }
}

/** Each item with the one after it. */
export function* withNext<T>(items: Iterable<T>): Generator<[item: T, next: T | undefined]> {
  let last: { readonly item: T } | undefined;
  for (const item of items) {
    if (last) yield [last.item, item];
    last = { item };
  }
  if (last) yield [last.item, undefined];
}
