/** A vocabulary: words and their indices, and captions as indices. */
import { FormatError, ValueError } from '../../errors.js';
import { joinUnspaced, segmenterHere, tokenize, tokenizeAtSpaces } from './tokenize.js';

/** Indices of the four words that every vocabulary starts with. */
export const NULL_INDEX = 0;
export const START_INDEX = 1;
export const END_INDEX = 2;
export const UNKNOWN_INDEX = 3;

const SPECIAL_WORDS: readonly string[] = ['<NULL>', '<START>', '<END>', '<UNK>'];

/** What a vocabulary is saved as: its words in the order of their indices. */
export interface VocabularyJson {
  readonly words: readonly string[];
  /** The segmenter that found words written without spaces; absent where spaces divide words. */
  readonly segmenter?: string;
}

/** How a vocabulary is made. */
export interface VocabularyOptions {
  /** Rarer words are left out (default 1: none). */
  readonly minimumCount?: number;
  /** Whether some captions are of a language without spaces, so that their words were found. */
  readonly unspaced?: boolean;
}

/**
 * A two-way table between words and indices. Index 0 is `<NULL>` (padding), 1 `<START>`, 2
 * `<END>`, 3 `<UNK>` (any word that is not in the table); the others follow, most frequent first.
 */
export class Vocabulary {
  readonly #words: readonly string[];
  readonly #indices: ReadonlyMap<string, number>;
  /** The segmenter that found words written without spaces; undefined where spaces divide words. */
  readonly segmenter: string | undefined;

  private constructor(words: readonly string[], segmenter?: string) {
    this.#words = words;
    this.segmenter = segmenter;
    this.#indices = new Map(words.map((word, index) => [word, index]));
  }

  /**
   * The vocabulary of all words that occur at least `minimumCount` times (default 1), sorted by
   * falling count, then by code units: the same captions in any order give the same vocabulary.
   *
   * @throws ValueError when `minimumCount` is not a positive integer.
   */
  static build(
    captions: Iterable<readonly string[]>,
    { minimumCount = 1, unspaced = false }: VocabularyOptions = {},
  ): Vocabulary {
    if (!Number.isInteger(minimumCount) || minimumCount < 1) {
      throw new ValueError(`minimumCount must be a positive integer, not ${minimumCount}.`);
    }
    const counts = new Map<string, number>();
    for (const tokens of captions) {
      for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
    }
    for (const word of SPECIAL_WORDS) counts.delete(word);
    const frequent = [...counts].filter(([, count]) => count >= minimumCount);
    frequent.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    const words = [...SPECIAL_WORDS, ...frequent.map(([word]) => word)];
    return new Vocabulary(words, unspaced ? segmenterHere() : undefined);
  }

  /** Number of words, the four special ones included. */
  get size(): number {
    return this.#words.length;
  }

  /** Whether the table holds `word`. */
  has(word: string): boolean {
    return this.#indices.has(word);
  }

  /** The words of a caption, divided in the same way as those that the vocabulary was built from. */
  tokenize(caption: string): string[] {
    return this.segmenter === undefined ? tokenizeAtSpaces(caption) : tokenize(caption);
  }

  /** The index of `word`, or that of `<UNK>`. */
  indexOf(word: string): number {
    return this.#indices.get(word) ?? UNKNOWN_INDEX;
  }

  /** The word at `index`. @throws ValueError when there is none. */
  word(index: number): string {
    const word = this.#words[index];
    if (word === undefined) {
      throw new ValueError(`Word index ${index} is outside this vocabulary of ${this.size} words.`);
    }
    return word;
  }

  /**
   * `<START>`, the words, `<END>`: as many indices as words plus 2. With `length`, exactly that
   * many: padded with `<NULL>` at the end, or cut so that `<END>` still comes last.
   *
   * @throws ValueError when `length` has no room for `<START>` and `<END>`.
   */
  encode(tokens: readonly string[], length = tokens.length + 2): Int32Array {
    if (!Number.isInteger(length) || length < 2) {
      throw new ValueError(`A caption's length must be an integer of at least 2, not ${length}.`);
    }
    const indices = new Int32Array(length).fill(NULL_INDEX);
    const kept = tokens.slice(0, length - 2);
    indices[0] = START_INDEX;
    indices.set(
      kept.map((token) => this.indexOf(token)),
      1,
    );
    indices[kept.length + 1] = END_INDEX;
    return indices;
  }

  /**
   * The caption that `indices` spell, up to the first `<END>`, without `<START>` and `<NULL>`;
   * a possessive 's joins the word before it, and so do words of a language without spaces, where
   * the captions that the vocabulary was made of had none.
   *
   * @throws ValueError when an index before `<END>` is outside the vocabulary.
   */
  decode(indices: Iterable<number>): string {
    const words: string[] = [];
    for (const index of indices) {
      if (index === END_INDEX) break;
      if (index !== START_INDEX && index !== NULL_INDEX) words.push(this.word(index));
    }
    const text = this.segmenter === undefined ? words.join(' ') : joinUnspaced(words);
    return text.replaceAll(" 's", "'s");
  }

  /** All words in the order of their indices. */
  toJSON(): VocabularyJson {
    return { words: this.#words, ...(this.segmenter && { segmenter: this.segmenter }) };
  }

  /**
   * The vocabulary that `toJSON` described.
   *
   * @param source the name of the file in errors.
   * @throws FormatError when the words do not start with the four special ones or one is repeated.
   */
  static fromJSON(json: unknown, source = 'vocabulary'): Vocabulary {
    const words: unknown =
      typeof json === 'object' && json !== null && 'words' in json ? json.words : undefined;
    if (!isListOfTexts(words)) {
      throw new FormatError(source, 'a vocabulary must be an object with a list of texts, "words"');
    }
    for (const [index, special] of SPECIAL_WORDS.entries()) {
      if (words[index] !== special) {
        throw new FormatError(source, `word ${index} must be ${special}, not "${words[index]}"`);
      }
    }
    const segmenter: unknown =
      typeof json === 'object' && json !== null && 'segmenter' in json ? json.segmenter : undefined;
    if (segmenter !== undefined && typeof segmenter !== 'string') {
      throw new FormatError(source, '"segmenter" of a vocabulary must be a text');
    }
    const seen = new Map<string, number>();
    for (const [index, word] of words.entries()) {
      const first = seen.get(word);
      if (first !== undefined || word === '') {
        const fault = word === '' ? 'is empty' : `"${word}" is word ${first} already`;
        throw new FormatError(source, `word ${index} ${fault}`);
      }
      seen.set(word, index);
    }
    return new Vocabulary([...words], segmenter);
  }
}

function isListOfTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
