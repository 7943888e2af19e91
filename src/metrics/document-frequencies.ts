/** In the references of how many images each n-gram occurs: the weights of CIDEr. */
import { isRecord, quote } from '../data/formats/strict-json.js';
import { FormatError } from '../errors.js';
import type { Words } from './words.js';
import { NgramTable, ORDERS } from './words.js';

/** A table of document frequencies as a file holds it. */
export interface DocumentFrequenciesJson {
  /** How many images the table was made from. */
  readonly images: number;
  /** For every n-gram, its words joined by spaces: how many images have it in a reference. */
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * How many images have an n-gram, n = 1 to 4, in one of their references: what CIDEr weighs
 * n-grams by. Source: Vedantam et al. 2015.
 */
export class DocumentFrequencies {
  /** How many images the table was made from. */
  readonly images: number;
  /** The numbers of n-grams; it may learn more of them, which no image has. */
  readonly table: NgramTable;
  readonly #counts: readonly number[];
  readonly #weights: Float64Array;
  readonly #unseen: number;

  private constructor(images: number, table: NgramTable, counts: readonly number[]) {
    this.images = images;
    this.table = table;
    this.#counts = counts;
    this.#unseen = Math.log(images);
    this.#weights = Float64Array.from(
      { length: table.size + 1 },
      (_, ngram) => this.#unseen - Math.log(Math.max(1, counts[ngram] ?? 0)),
    );
  }

  /** Counts the n-grams of all images' references, tokenised. */
  static of(references: readonly (readonly Words[])[]): DocumentFrequencies {
    const table = new NgramTable();
    const counts: number[] = [];
    for (const captions of references) {
      const seen = new Set<number>();
      for (const caption of captions) {
        for (const ofOrder of table.learn(caption).counts) {
          for (const ngram of ofOrder.keys()) seen.add(ngram);
        }
      }
      for (const ngram of seen) counts[ngram] = (counts[ngram] ?? 0) + 1;
    }
    return new DocumentFrequencies(references.length, table, counts);
  }

  /** `log(images) - log(max(1, document frequency))` of the n-gram of that number. */
  weight(ngram: number): number {
    return this.#weights[ngram] ?? this.#unseen;
  }

  /** The table as a file holds it; words must be without spaces, as tokenised ones are. */
  toJSON(): DocumentFrequenciesJson {
    const counts: [ngram: string, count: number][] = [];
    for (const [number, ngram] of this.table.entries()) {
      const count = this.#counts[number];
      if (count !== undefined) counts.push([ngram.join(' '), count]);
    }
    return { images: this.images, counts: Object.fromEntries(counts) };
  }

  /**
   * The table that `toJSON` described.
   *
   * @param source the name of the file in errors.
   * @throws FormatError naming the n-gram whose count is no whole number from 1 to `images`, or
   *   which has not one to four words.
   */
  static fromJSON(json: unknown, source = 'document frequencies'): DocumentFrequencies {
    const images = isRecord(json) ? json.images : undefined;
    const entries = isRecord(json) && isRecord(json.counts) ? Object.entries(json.counts) : [];
    if (!isCount(images) || entries.length === 0) {
      throw new FormatError(
        source,
        'a table of document frequencies must be an object with "images", a whole number above 0, and "counts", an object',
      );
    }
    const table = new NgramTable();
    const counts: number[] = [];
    for (const [text, count] of entries) {
      const ngram = text.split(' ');
      if (ngram.length > ORDERS || ngram.includes('')) {
        throw new FormatError(source, `${quote(text)} is not one to ${ORDERS} words`);
      }
      if (!isCount(count) || count > images) {
        throw new FormatError(
          source,
          `the count of ${quote(text)} must be a whole number from 1 to ${images} (images), not ${quote(count)}`,
        );
      }
      counts[table.number(ngram)] = count;
    }
    return new DocumentFrequencies(images, table, counts);
  }
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0;
}
