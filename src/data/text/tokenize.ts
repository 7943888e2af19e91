/** Captions to words: the tokenizer, and the words of languages that are written without spaces. */
import { MissingDependencyError } from '../../errors.js';

/**
 * A word is a run of letters, marks and digits; a hyphen or an apostrophe inside joins two runs,
 * but a final 's is a word of its own.
 */
const WORD =
  /'s(?![\p{L}\p{M}\p{N}])|[\p{L}\p{M}\p{N}]+(?:(?!'s(?![\p{L}\p{M}\p{N}]))['-][\p{L}\p{M}\p{N}]+)*/gu;

/**
 * The words of a caption: lower case, punctuation dropped.
 *
 * Hyphenated words stay whole ("t-shirt"), as do contractions ("don't"). The possessive is a word
 * of its own, whether written "man's" or, as in Flickr8k, "man 's": both give `man`, `'s`, so a
 * model learns one ending and not each noun twice. Typographic apostrophes count as plain ones.
 * Words of languages that are written without spaces are found (`divideUnspaced`). Tokens joined with
 * spaces give the same tokens again.
 *
 * @throws MissingDependencyError where there is no `Intl.Segmenter` and such a language needs it.
 */
export function tokenize(caption: string): string[] {
  return tokenizeAtSpaces(divideUnspaced(caption.normalize('NFC')));
}

/** The same where only spaces and punctuation divide. */
export function tokenizeAtSpaces(caption: string): string[] {
  const text = caption.toLowerCase().normalize('NFC').replace(/[’ʼ]/g, "'");
  return text.match(WORD) ?? [];
}

/** Chinese and Japanese: next to these, Latin letters and digits have no spaces either. */
const EAST_ASIAN = String.raw`\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}`;
const UNSPACED = String.raw`${EAST_ASIAN}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}`;
const LETTER = String.raw`(?=[\p{L}\p{M}\p{N}])`;
const RUN = new RegExp(`(?:${LETTER}[${UNSPACED}])+`, 'gu');
/** A zero width space divides Thai and Khmer words as well. */
const SPACES = /[\s\u200B]+/u;
const NO_SPACE = new RegExp(
  `(?<=[${UNSPACED}]) (?=${LETTER}[${UNSPACED}])|(?<=[${EAST_ASIAN}]) (?=[\\p{L}\\p{N}])|(?<=[\\p{L}\\p{N}]) (?=${LETTER}[${EAST_ASIAN}])`,
  'gu',
);

/** So many characters are divided at once: the time that it takes grows with their square. */
const AT_ONCE = 200;

/**
 * A caption with spaces between the words of languages that are written without spaces: Chinese, Japanese,
 * Thai, Lao, Khmer and Burmese. `Intl.Segmenter` finds these words, by dictionaries of its version of
 * ICU; other words, punctuation and spaces stay.
 *
 * A caption whose words are divided by spaces already stays as it is: one that has at least half as
 * many pieces between spaces as words are found. Fewer spaces divide phrases, as in Thai.
 *
 * @throws MissingDependencyError where there is no `Intl.Segmenter`.
 */
export function divideUnspaced(caption: string): string {
  if (caption.search(RUN) < 0) return caption;
  const pieces = caption.split(SPACES).filter((piece) => piece.search(RUN) >= 0);
  let found = 0;
  const divided = caption.replace(RUN, (run) => {
    const words = wordsOf(run);
    found += words.length;
    return ` ${words.join(' ')} `;
  });
  return pieces.length > 1 && 2 * pieces.length >= found ? caption : divided;
}

/** Whether `divideUnspaced` has anything to divide. */
export function isUnspaced(caption: string): boolean {
  return divideUnspaced(caption) !== caption;
}

/** Words as a text: with spaces, but none where the language has none. */
export function joinUnspaced(words: readonly string[]): string {
  return words.join(' ').replace(NO_SPACE, '');
}

/** The name of the segmenter of this machine, as a model file contains it. */
export function segmenterHere(): string {
  const icu = typeof process === 'undefined' ? undefined : process.versions?.icu;
  return `Intl.Segmenter, ${icu === undefined ? 'of a browser' : `ICU ${icu}`}`;
}

let segmenter: Intl.Segmenter | undefined;

function wordsOf(run: string): string[] {
  if (typeof Intl.Segmenter !== 'function') {
    throw new MissingDependencyError(
      `"${run.slice(0, 20)}" is written without spaces, and Intl.Segmenter, which finds its words, is not there: use Node 20 or a browser of 2024, or divide the words by spaces`,
    );
  }
  // The language makes no difference: the dictionaries are chosen by the script.
  segmenter ??= new Intl.Segmenter('zh', { granularity: 'word' });
  const words: string[] = [];
  for (let start = 0; start < run.length; ) {
    const end = start + AT_ONCE;
    // Half of a character beyond 16 bits belongs to the next part.
    const part = run.slice(start, end).replace(/[\uD800-\uDBFF]$/, '');
    const found = Array.from(segmenter.segment(part), ({ segment }) => segment);
    // The last word may continue in the next part.
    if (end < run.length && found.length > 1) start -= found.pop()?.length ?? 0;
    words.push(...found);
    start += part.length;
  }
  return words;
}
