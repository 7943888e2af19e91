/** The tokens of captions as the Stanford PTBTokenizer and coco-caption make them. */
import { divideUnspaced } from '../data/text/tokenize.js';
import { Lexer } from './ptb-lexer.js';

/**
 * The tokens that coco-caption removes. They are written here as it writes them: the tokenizer has
 * put everything into lower case by then, so that -lrb- and its like are NOT removed.
 */
const REMOVED: ReadonlySet<string> = new Set([
  ...["''", "'", '``', '`', '-LRB-', '-RRB-', '-LCB-', '-RCB-'],
  ...['.', '?', '!', ',', ':', '-', '--', '...', ';'],
]);

/** Punctuation of East Asian texts, which coco-caption's list lacks: removed as its like is. */
const EAST_ASIAN_PUNCTUATION = /^(?=\p{P})[\u3000-\u303F\uFF00-\uFF65]$/u;

/** A word of plain letters before a space or the end: all that most captions are made of. */
const PLAIN_WORD = /([A-Za-z]+)(?=[ \n])/y;
const SPLIT_WORD = /^(?:(can)(not)|(gon|got|wan)(na|ta)|(lem|gim)(me))$/i;

/**
 * The tokens of a caption as the Stanford PTBTokenizer 3.4.1 gives them with its default options,
 * before anything is put into lower case or removed: "I can't!" is `I`, `ca`, `n't`, `!`.
 * A line break in a caption counts as a space. Source: docs/metrics.md.
 */
export function ptbTokens(caption: string): string[] {
  const text = `${caption
    .replace(/\r\n?|[\n\v\f\u2028\u2029]/g, ' ')
    // The lexer knows 16 bits only and drops the two halves of a larger character.
    .replace(/[\u{10000}-\u{10FFFF}]/gu, '\uFFFF\uFFFF')}\n`;
  const lexer = new Lexer(text);
  const tokens: string[] = [];
  let position = 0;
  while (position < text.length) {
    PLAIN_WORD.lastIndex = position;
    const plain = PLAIN_WORD.exec(text)?.[1];
    if (plain !== undefined && !SPLIT_WORD.test(plain)) {
      tokens.push(plain);
      position += plain.length;
    } else if (text[position] === ' ') {
      position++;
    } else {
      const { token, next } = lexer.at(position);
      if (token !== undefined) tokens.push(token);
      position = next;
    }
  }
  return tokens;
}

/**
 * The words of a caption as coco-caption scores them: Penn Treebank tokens in lower case, without
 * its list of punctuation. "A man's t-shirt (grey), isn't it?" is `a man 's t-shirt -lrb- grey
 * -rrb- is n't it`.
 *
 * Words of languages that are written without spaces are found before that (`divideUnspaced`);
 * coco-caption takes such a sentence for one word.
 *
 * A token can hold a no-break space ("5 1/2"): `splitAtSpaces` gives what BLEU and CIDEr see.
 */
export function ptbTokenize(caption: string): string[] {
  return ptbTokens(divideUnspaced(caption))
    .map((token) => token.toLowerCase())
    .filter((token) => !REMOVED.has(token) && !EAST_ASIAN_PUNCTUATION.test(token));
}
