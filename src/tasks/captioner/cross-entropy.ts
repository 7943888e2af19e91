/** Learning to predict the next word of true captions, by and by after words of the captioner's own. */
import { type CaptionBatch, CaptionBatches } from '../../data/captions/batches.js';
import type { Captioner } from '../../models/captioner.js';
import { randomAt } from '../../random.js';
import { captionTensor, inEpoch, targetWords } from './evaluate.js';
import type { CaptionData, Learned, Objective } from './objective.js';
import type { CaptionerRecipe } from './recipe.js';
import { fedCaptions, sampledShare } from './scheduled-sampling.js';
import { sharedInputs } from './shared-inputs.js';

/** Teacher forcing: the loss of the words, with dropout and label smoothing as the recipe says. */
export class CrossEntropy implements Objective {
  baseline: number | undefined;
  readonly #captioner: Captioner;
  readonly #data: CaptionData;
  readonly #batches: CaptionBatches;
  readonly #recipe: CaptionerRecipe;

  constructor(captioner: Captioner, recipe: CaptionerRecipe, data: CaptionData) {
    this.#captioner = captioner;
    this.#data = data;
    this.#recipe = recipe;
    this.#batches = new CaptionBatches(data.train, {
      ...recipe,
      lengths: recipe.lengths ?? (recipe.finetuneEncoder ? 'grouped' : 'equal'),
    });
  }

  get batchesPerEpoch(): number {
    return this.#batches.batchesPerEpoch;
  }

  *batches(epoch: number, from: number): Generator<() => Promise<Learned>> {
    let index = from;
    for (const batch of this.#batches.batches(epoch, from)) {
      const number = index++;
      yield async () => this.#learn(batch, epoch, number);
    }
  }

  #learn(batch: CaptionBatch, epoch: number, index: number): Learned {
    const { seed, labelSmoothing } = this.#recipe;
    const captioner = this.#captioner;
    const shown = sharedInputs(inEpoch(this.#data.inputs, epoch), batch.imageIndices, {
      always: captioner.tail !== undefined,
    });
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
    return { gradients, sums, inputs: shown.inputs, images: batch.imageIndices };
  }
}
