import { type CaptionBatch, CaptionBatches } from '../data/batches.js';
import type { Captioner } from '../models/captioner.js';
import { captionTensor, targetWords } from './evaluate.js';
import type { Learned, Lesson, TrainingData } from './lesson.js';
import type { Recipe } from './recipe.js';

/** Learning to predict the next word of true captions. */
export class CrossEntropy implements Lesson {
  readonly #captioner: Captioner;
  readonly #data: TrainingData;
  readonly #batches: CaptionBatches;
  readonly #labelSmoothing: number;

  constructor(captioner: Captioner, recipe: Recipe, data: TrainingData) {
    this.#captioner = captioner;
    this.#data = data;
    this.#labelSmoothing = recipe.labelSmoothing;
    this.#batches = new CaptionBatches(data.train, recipe);
  }

  get batchesPerEpoch(): number {
    return this.#batches.batchesPerEpoch;
  }

  *batches(epoch: number, fromBatch: number): Generator<() => Promise<Learned>> {
    for (const batch of this.#batches.batches(epoch, fromBatch)) {
      yield async () => this.#learn(batch);
    }
  }

  #learn(batch: CaptionBatch): Learned {
    const inputs = this.#data.inputs.batch(batch.imageIndices);
    const { loss, gradients } = this.#captioner.loss(inputs, captionTensor(batch), {
      labelSmoothing: this.#labelSmoothing,
    });
    const words = targetWords(batch);
    return { gradients, lossSum: loss.item() * batch.N, words, examples: batch.N, inputs };
  }
}
