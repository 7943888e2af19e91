/** Self-critical training: a captioner learns from the rewards of captions that it drew itself. */
import { valueAndGradients } from '../../autograd/tape.js';
import { CaptionBatches, collate, type EncodedCaption } from '../../data/captions/batches.js';
import { batchOf } from '../../data/source.js';
import { START_INDEX, UNKNOWN_INDEX } from '../../data/text/vocabulary.js';
import { decode } from '../../decoding/decode.js';
import type { Hypothesis } from '../../decoding/hypothesis.js';
import { captionerModel, type WordModel } from '../../decoding/word-model.js';
import { UsageError } from '../../errors.js';
import { CiderScorer } from '../../metrics/cider.js';
import type { Words } from '../../metrics/words.js';
import type { CaptionModel } from '../../models/caption-model.js';
import type { CaptionerState } from '../../models/captioner-state.js';
import { suppressWords } from '../../models/output.js';
import { type Random, randomAt } from '../../random.js';
import { tensor } from '../../tensor/create.js';
import { captionTensor, targetWords } from './measures.js';
import { type CaptionData, type Learned, type Objective, withNext } from './objectives.js';
import type { Baseline, CaptionRecipe } from './recipe.js';

/** A caption in words of the vocabulary, and whether it ended by itself. */
export type Said = Pick<Hypothesis, 'words' | 'finished'>;

/**
 * The reward of self-critical training: CIDEr-D, 0 to 10, of a caption against the training
 * captions of its image, in words of the vocabulary, `<END>` counted as a word.
 *
 * Without `<END>` the best caption would break off before "with a" costs anything. A caption that
 * did not end by itself does not get it. Document frequencies are those of the training captions.
 * `<UNK>` never agrees with anything, or it would be rewarded.
 *
 * Source: Rennie et al. 2017; `<END>` as in ruotianluo/self-critical.pytorch. The references'
 * vectors are made once.
 */
export class CaptionReward {
  /** The images that have captions, rising. */
  readonly images: readonly number[];
  readonly #place: ReadonlyMap<number, number>;
  readonly #scorer: CiderScorer;
  readonly #endWord: number;

  /** @throws ValueError when there is no caption. */
  constructor(captions: readonly EncodedCaption[], endWord: number) {
    const references = new Map<number, Words[]>();
    for (const { imageIndex, words } of captions) {
      const known = references.get(imageIndex);
      const reference = Array.from(words)
        .filter((word) => word !== START_INDEX)
        .map((word) => (word === UNKNOWN_INDEX ? 'unknown' : String(word)));
      if (known) known.push(reference);
      else references.set(imageIndex, [reference]);
    }
    this.images = [...references.keys()].sort((a, b) => a - b);
    this.#place = new Map(this.images.map((image, place) => [image, place]));
    this.#scorer = new CiderScorer(this.images.map((image) => references.get(image) ?? []));
    this.#endWord = endWord;
  }

  /**
   * The reward of each caption.
   * @param images for each caption the number of its image.
   * @throws ValueError when an image has no training captions.
   */
  of(captions: readonly Said[], images: ArrayLike<number>): Float64Array {
    const places = Array.from(images, (image) => this.#place.get(image) ?? -1);
    const candidates = captions.map(({ words, finished }) =>
      [...words, ...(finished ? [this.#endWord] : [])].map(String),
    );
    return this.#scorer.scores(candidates, places);
  }
}

/**
 * Self-critical sequence training: the captioner draws several captions of an image, and
 * those that are rewarded better than a baseline are made likelier, the others less likely.
 *
 *     loss = -1/N Σ_n (r(sample_n) - b_n) Σ_t log p(word_t of sample_n)
 *
 * The baseline b is the reward of the image's greedy caption (`greedy`), or the mean reward of the
 * image's other samples (`leave-one-out`), for which nothing more has to be decoded. Samples are
 * drawn from the current parameters as they are, and the gradient is that of the same
 * probabilities: no dropout, and padding and `<START>`, which no caption has, have probability 0.
 *
 * Source: Rennie et al. 2017; Kool et al. 2019 for `leave-one-out`. The reward: `CaptionReward`.
 *
 * An epoch has every image once; a batch has as many images as `batchSize` captions allow.
 */
export class SelfCritical<I> implements Objective {
  readonly #captioner: CaptionModel<I>;
  readonly #data: CaptionData<I>;
  readonly #reward: CaptionReward;
  readonly #batches: CaptionBatches;
  readonly #options: { baseline: Baseline; samples: number; maxWords: number };
  readonly #random: (epoch: number, index: number) => Random;

  /** @throws UsageError when there is nothing to leave one out of. */
  constructor(
    captioner: CaptionModel<I>,
    { baseline, samples, maxWords, batchSize, seed }: CaptionRecipe,
    data: CaptionData<I>,
    random = (epoch: number, index: number) => randomAt(seed, 'samples', epoch, index),
  ) {
    if (baseline === 'leave-one-out' && samples < 2) {
      throw new UsageError(`the baseline leave-one-out needs at least 2 samples, not ${samples}`);
    }
    this.#captioner = captioner;
    this.#data = data;
    this.#reward = new CaptionReward(data.train, captioner.config.endWord);
    // One caption stands for each image: only the images' order is used.
    const one = new Map(data.train.map((caption) => [caption.imageIndex, caption]));
    this.#batches = new CaptionBatches([...one.values()], {
      batchSize: Math.max(1, Math.floor(batchSize / samples)),
      lengths: 'padded',
      seed,
    });
    this.#options = { baseline, samples, maxWords };
    this.#random = random;
  }

  get batchesPerEpoch(): number {
    return this.#batches.batchesPerEpoch;
  }

  *batches(epoch: number, from: number): Generator<() => Promise<Learned>> {
    let index = from;
    const { inputs } = this.#data;
    for (const [{ imageIndices }, next] of withNext(this.#batches.batches(epoch, from))) {
      const random = this.#random(epoch, index++);
      yield async () => {
        if (next) inputs.expect?.(next.imageIndices, epoch);
        return this.#learn(imageIndices, await batchOf(inputs, imageIndices, epoch), random);
      };
    }
  }

  async #learn(images: Int32Array, inputs: I, random: Random): Promise<Learned> {
    const { samples } = this.#options;
    const drawn = await this.#draw(inputs, random);
    const batch = collate(
      drawn.map((caption, n) =>
        // Image by image, as the samples come.
        encoded(caption, images[Math.floor(n / samples)] ?? -1, this.#captioner.config),
      ),
    );
    const rewards = this.#reward.of(drawn, batch.imageIndices);
    const advantages = await this.#advantages(rewards, images, inputs);

    const captions = captionTensor(batch);
    const numbers = this.#captioner.numbersOf(inputs);
    const weights = tensor(advantages, { dtype: numbers.float });
    const image = Int32Array.from(drawn, (_, n) => Math.floor(n / samples));
    const { suppressed } = this.#model();
    const { gradients } = valueAndGradients(
      (parameters) =>
        this.#captioner.forward(parameters, inputs, captions, { weights, image, suppressed }),
      this.#captioner.parameters,
    );
    return {
      gradients,
      sums: {
        loss: {
          total: -sum(drawn.map(({ logProbability }) => logProbability)),
          count: targetWords(batch),
        },
        reward: { total: sum(rewards), count: batch.N },
      },
      inputs: numbers,
      images,
    };
  }

  /** The samples of all images. */
  async #draw(inputs: I, random: Random) {
    const { samples: nBest, maxWords: maxLength } = this.#options;
    const options = { decoder: 'sample' as const, nBest, maxLength, blockUnknown: false };
    return (await decode(this.#model(), inputs, options, random)).flat();
  }

  async #advantages(rewards: Float64Array, images: Int32Array, inputs: I): Promise<Float64Array> {
    const { baseline, samples, maxWords: maxLength } = this.#options;
    if (baseline === 'leave-one-out') return leaveOneOut(rewards, samples);
    const options = { maxLength, blockUnknown: false };
    const greedy = await decode(this.#model(), inputs, options);
    const expected = this.#reward.of(greedy.flat(), images);
    return rewards.map((reward, n) => reward - (expected[Math.floor(n / samples)] ?? 0));
  }

  /** The captioner with probabilities that add up to 1 without the suppressed words. */
  #model(): WordModel<CaptionerState, I> {
    const captioner = this.#captioner;
    const model = captionerModel(captioner, this.#data.vocabulary);
    const bias = suppressWords(captioner.parameters.vocabulary.b, model.suppressed);
    return { ...model, step: (state, words) => captioner.step(state, words, bias) };
  }
}

/**
 * What each reward is above the mean of the others of its group of `size`:
 * r - (Σ - r) / (size - 1). Source: Kool et al. 2019.
 */
export function leaveOneOut(rewards: Float64Array, size: number): Float64Array {
  return rewards.map((reward, n) => {
    const start = n - (n % size);
    const others = sum(rewards.subarray(start, start + size)) - reward;
    return reward - others / (size - 1);
  });
}

/** A caption as a captioner is trained on it: `<END>` only where it ended. */
function encoded(
  { words, finished }: Said,
  imageIndex: number,
  { startWord, endWord }: { startWord: number; endWord: number },
): EncodedCaption {
  return {
    imageIndex,
    words: Int32Array.from([startWord, ...words, ...(finished ? [endWord] : [])]),
  };
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
