import type { EncodedCaption } from '../../data/captions/batches.js';
import { START_INDEX, UNKNOWN_INDEX } from '../../data/text/vocabulary.js';
import type { Hypothesis } from '../../decoding/hypothesis.js';
import { CiderScorer } from '../../metrics/cider.js';
import type { Words } from '../../metrics/words.js';

/** A caption in words of the vocabulary, and whether it ended by itself. */
export type Said = Pick<Hypothesis, 'words' | 'finished'>;

/**
 * The reward of self-critical training: CIDEr-D, 0 to 10, of a caption against the training
 * captions of its image, in words of the vocabulary, `<END>` counted as a word.
 *
 * Without `<END>` the best caption would break off before "with a" costs anything. A caption that
 * did not end by itself does not get it. Document frequencies are those of the training captions.
 * `<UNK>` never agrees with anything, or it would be worth saying.
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
