/** Captions as words and n-grams, which the metrics count and compare. */
import { tokenize } from '../data/text/tokenize.js';

/** A caption as its tokens. */
export type Words = readonly string[];

/** The characters at which Python's `str.split()` splits. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: Python counts U+001C to U+001F as space.
const PYTHON_SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/**
 * The words that coco-caption's BLEU and CIDEr see. They split the tokenised caption at every
 * white space, also at the no-break space that the tokenizer leaves inside "5 1/2"; ROUGE-L splits
 * at the plain space only and sees one word there.
 */
export function splitAtSpaces(tokens: Words): Words {
  if (!tokens.some((token) => PYTHON_SPACE.test(token))) return tokens;
  return tokens.flatMap((token) => token.split(PYTHON_SPACE)).filter((word) => word !== '');
}

/** Whether a caption is equal to one of the references, word by word as models see words. */
export function isExact(caption: string, references: readonly string[]): boolean {
  const words = tokenize(caption).join(' ');
  return references.some((truth) => tokenize(truth).join(' ') === words);
}

/** The orders of n-grams that all metrics here count: 1 to 4. */
export const ORDERS = 4;

/** How often each n-gram stands in a caption: `counts[n - 1]` maps its number to its count. */
export interface NgramCounts {
  readonly words: number;
  readonly counts: readonly ReadonlyMap<number, number>[];
}

/** Numbers of n-grams and of words stay below these, so that a key is an exact integer. */
const WORD_SPAN = 2 ** 24;

/**
 * Numbers for n-grams of one to four words, so that counting compares integers. An n-gram is its
 * beginning and one more word; the empty one is number 0. Words with any character in them stay
 * apart.
 */
export class NgramTable {
  readonly #words = new Map<string, number>();
  readonly #ngrams = new Map<number, number>();

  /** How many n-grams have a number. */
  get size(): number {
    return this.#ngrams.size;
  }

  /** The number of one n-gram, which it keeps from now on. */
  number(ngram: Words): number {
    return ngram.reduce(
      (start, word) => numberOf(this.#ngrams, start * WORD_SPAN + numberOf(this.#words, word)),
      0,
    );
  }

  /** All n-grams with their numbers, an n-gram's beginnings before itself. */
  *entries(): Generator<[number: number, ngram: Words]> {
    const words = [...this.#words.keys()];
    const ngrams = new Map<number, Words>([[0, []]]);
    for (const [key, number] of this.#ngrams) {
      const start = ngrams.get(Math.floor(key / WORD_SPAN)) ?? [];
      const ngram = [...start, words[(key % WORD_SPAN) - 1] ?? ''];
      ngrams.set(number, ngram);
      yield [number, ngram];
    }
  }

  /** Counts the n-grams of a caption; those seen for the first time get a number for good. */
  learn(words: Words): NgramCounts {
    return count(
      words,
      (word) => numberOf(this.#words, word),
      (key) => numberOf(this.#ngrams, key),
    );
  }

  /**
   * Counts the n-grams of a caption without remembering any: unknown ones get numbers above all
   * others, which are valid in this result only.
   */
  look(words: Words): NgramCounts {
    const newWords = new Map<string, number>();
    const newNgrams = new Map<number, number>();
    return count(
      words,
      (word) => this.#words.get(word) ?? numberOf(newWords, word, this.#words.size),
      (key) => this.#ngrams.get(key) ?? numberOf(newNgrams, key, this.#ngrams.size),
    );
  }
}

function numberOf<Key>(numbers: Map<Key, number>, key: Key, offset = 0): number {
  const known = numbers.get(key);
  if (known !== undefined) return known;
  const number = offset + numbers.size + 1;
  numbers.set(key, number);
  return number;
}

function count(
  words: Words,
  wordNumber: (word: string) => number,
  ngramNumber: (key: number) => number,
): NgramCounts {
  const numbers = words.map(wordNumber);
  const counts = Array.from({ length: ORDERS }, () => new Map<number, number>());
  for (let start = 0; start < numbers.length; start++) {
    let ngram = 0;
    for (const [order, ofOrder] of counts.entries()) {
      const word = numbers[start + order];
      if (word === undefined) break;
      ngram = ngramNumber(ngram * WORD_SPAN + word);
      ofOrder.set(ngram, (ofOrder.get(ngram) ?? 0) + 1);
    }
  }
  return { words: words.length, counts };
}
