import { type CaptionBatch, CaptionBatches } from '../data/captions/batches.js';
import type { Captioner } from '../models/captioner.js';
import { captionTensor, inEpoch, targetWords } from './evaluate.js';
import type { Learned, Lesson, TrainingData } from './lesson.js';
import type { Recipe } from './recipe.js';
import { fedCaptions, sampledShare } from './scheduled-sampling.js';
import { type SharedInputs, sharedInputs } from './shared-inputs.js';

/** Learning to predict the next word of true captions, by and by after words of its own. */
export class CrossEntropy implements Lesson {
  readonly #captioner: Captioner;
  readonly #data: TrainingData;
  readonly #batches: CaptionBatches;
  readonly #recipe: Recipe;

  constructor(captioner: Captioner, recipe: Recipe, data: TrainingData) {
    this.#captioner = captioner;
    this.#data = data;
    this.#recipe = recipe;
    this.#batches = new CaptionBatches(data.train, recipe);
  }

  get batchesPerEpoch(): number {
    return this.#batches.batchesPerEpoch;
  }

  *batches(epoch: number, fromBatch: number): Generator<() => Promise<Learned>> {
    const seen = inEpoch(this.#data.inputs, epoch);
    const share = sampledShare(this.#recipe, epoch);
    const always = this.#captioner.tail !== undefined;
    for (const batch of this.#batches.batches(epoch, fromBatch)) {
      yield async () =>
        this.#learn(batch, sharedInputs(seen, batch.imageIndices, { always }), share);
    }
  }

  #learn(batch: CaptionBatch, shown: SharedInputs, share: number): Learned {
    const { inputs, images, image } = shown;
    const { crossEntropy, gradients } = this.#captioner.loss(inputs, captionTensor(batch), {
      labelSmoothing: this.#recipe.labelSmoothing,
      image,
      fed: fedCaptions(this.#captioner, shown, batch, share),
    });
    const words = targetWords(batch);
    return {
      gradients,
      lossSum: crossEntropy * batch.N,
      words,
      examples: batch.N,
      inputs,
      images,
    };
  }
}
