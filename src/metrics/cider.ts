/** CIDEr and CIDEr-D. */
import { ValueError } from '../errors.js';
import { DocumentFrequencies } from './document-frequencies.js';
import type { Words } from './words.js';
import { type NgramCounts, ORDERS } from './words.js';

/** Width of the penalty on a difference in length, in words. */
const SIGMA = 6;

/** What a score of one image without a table of others means. */
export const CIDER_OF_ONE =
  'CIDEr of one image is 0 by definition: its weights are log(images / images with the words)';

/** How a candidate is compared with a reference. */
export type CiderKind =
  /** CIDEr-D: counts are clipped, a difference in length is punished. coco-caption's "CIDEr". */
  | 'd'
  /** CIDEr as first published: the plain cosine. */
  | 'plain';

export interface CiderOptions {
  /** Where n-grams' weights come from (default: the references themselves). */
  readonly documentFrequencies?: DocumentFrequencies;
}

/** The tf-idf vector of a caption, by order. */
interface Vector {
  readonly weights: readonly ReadonlyMap<number, number>[];
  readonly norms: readonly number[];
  /** coco-caption's measure of length: the number of pairs of neighbours. */
  readonly pairs: number;
}

/**
 * CIDEr-D of captions against references whose vectors are prepared once. For an image with m
 * references, with g_n the tf-idf vector of a caption's n-grams
 * (`count (log(images) - log(max(1, document frequency)))`):
 *
 *     score = 10 / (4 m) sum over references and n = 1..4 of
 *             exp(-(pairs - pairs_ref)^2 / (2 6^2)) <min(g_n, gref_n), gref_n> / (|g_n| |gref_n|)
 *
 * where a vector of length 0 contributes 0, and pairs is the number of word pairs (words - 1).
 * Kind `plain` leaves out the minimum and the exponential. The scale is 0 to 10, not 0 to 1: a
 * candidate equal to the only reference has 10, several references that differ allow less. Papers
 * print 100 times coco-caption's number, "CIDEr 110" being 1.10 here.
 *
 * Source: Vedantam et al. 2015; Chen et al. 2015 (Microsoft COCO Captions), whose "CIDEr" is
 * CIDEr-D. With a single image all weights are log 1 = 0, so that all scores are 0.
 */
export class CiderScorer {
  /** How many images have references. */
  readonly images: number;
  readonly #frequencies: DocumentFrequencies;
  readonly #references: readonly (readonly Vector[])[];

  /**
   * @param references for each image the tokenised captions.
   * @throws ValueError when there is no image, or one has no reference.
   */
  constructor(references: readonly (readonly Words[])[], options: CiderOptions = {}) {
    if (references.length === 0) throw new ValueError('CIDEr needs at least one image.');
    const empty = references.findIndex((captions) => captions.length === 0);
    if (empty >= 0) throw new ValueError(`CIDEr: image ${empty} has no reference.`);
    this.images = references.length;
    this.#frequencies = options.documentFrequencies ?? DocumentFrequencies.of(references);
    this.#references = references.map((captions) =>
      // Learnt, so that n-grams that are not in the table get different numbers.
      captions.map((words) => this.#vector(this.#frequencies.table.learn(words))),
    );
  }

  /**
   * The score of each caption, 0 to 10.
   *
   * @param images for each caption the number of its image; by default the captions are those of
   *   image 0, 1, 2, ...
   * @param kind by default CIDEr-D, which is what coco-caption prints as CIDEr.
   * @throws ValueError when captions and images differ in number or there is no such image.
   */
  scores(
    candidates: readonly Words[],
    images?: ArrayLike<number>,
    kind: CiderKind = 'd',
  ): Float64Array {
    const expected = images?.length ?? this.images;
    if (candidates.length !== expected) {
      throw new ValueError(
        `CIDEr needs one caption for each image: there are ${candidates.length} captions for ${expected} images.`,
      );
    }
    return Float64Array.from(candidates, (candidate, index) => {
      const image = images?.[index] ?? index;
      const references = this.#references[image];
      if (references === undefined) {
        throw new ValueError(`CIDEr has references for ${this.images} images, none for ${image}.`);
      }
      const vector = this.#vector(this.#frequencies.table.look(candidate));
      let sum = 0;
      for (const reference of references) sum += similarity(vector, reference, kind);
      return ((sum / ORDERS) * 10) / references.length;
    });
  }

  #vector({ words, counts }: NgramCounts): Vector {
    const norms: number[] = [];
    const weights = counts.map((ofOrder) => {
      const weighted = new Map<number, number>();
      let squares = 0;
      for (const [ngram, count] of ofOrder) {
        const weight = count * this.#frequencies.weight(ngram);
        weighted.set(ngram, weight);
        squares += weight ** 2;
      }
      norms.push(Math.sqrt(squares));
      return weighted;
    });
    return { weights, norms, pairs: Math.max(0, words - 1) };
  }
}

/** Sum of the similarities of all four orders. */
function similarity(candidate: Vector, reference: Vector, kind: CiderKind): number {
  let sum = 0;
  for (let n = 0; n < ORDERS; n++) {
    const norms = (candidate.norms[n] ?? 0) * (reference.norms[n] ?? 0);
    const own = candidate.weights[n];
    const theirs = reference.weights[n];
    if (norms === 0 || own === undefined || theirs === undefined) continue;
    let product = 0;
    for (const [ngram, weight] of own) {
      const other = theirs.get(ngram);
      if (other === undefined) continue;
      product += (kind === 'd' ? Math.min(weight, other) : weight) * other;
    }
    sum += product / norms;
  }
  const difference = candidate.pairs - reference.pairs;
  return kind === 'd' ? sum * Math.exp(-(difference ** 2) / (2 * SIGMA ** 2)) : sum;
}
