/** The rules of the Penn Treebank lexer, and how they are tried. */
import * as ptb from './ptb-patterns.js';
import { firstCharacter } from './ptb-patterns.js';

/** A rule of the lexer. */
export interface LexerRule {
  readonly name: string;
  /** At a position: group 1 is the token's text, what follows it in the match is only looked at. */
  readonly pattern: RegExp;
  /** One character that such a text can start with. */
  readonly first: RegExp;
  /** The token that the text becomes; without it the text is skipped. */
  readonly token?: (text: string) => string;
  /** How many of the text's characters are read again for the next token. */
  readonly giveBack: number;
  /** What the pattern runs through: where it fails, it fails at every position of that (`RUNS`). */
  readonly run?: RegExp;
  /** A character without which, further on, the pattern cannot match. */
  readonly needs?: string;
}

const same = (text: string) => text;
const withoutSoftHyphens = (text: string) => text.replaceAll('\u00AD', '') || '-';
const noBreakSpaces = (text: string) => text.replaceAll(' ', '\u00A0');
const brackets = (text: string) => text.replaceAll('(', '-LRB-').replaceAll(')', '-RRB-');
const ampersand = (text: string) => text.replace(/&amp;/gi, '&');
const always = (token: string) => () => token;

function quotes(text: string, opening: boolean): string {
  const mark = opening ? '`' : "'";
  return text
    .replace(/&apos;|'/gi, mark)
    .replace(/"|&quot;/gi, mark + mark)
    .replace(/[\u0091\u2018\u201B\u2039]/g, '`')
    .replace(/[\u0092\u2019\u203A]/g, "'")
    .replace(/[\u0093\u201C\u00AB]/g, '``')
    .replace(/[\u0094\u201D\u00BB]/g, "''");
}
const closing = (text: string) => quotes(text, false);
const opening = (text: string) => quotes(text, true);

const FRACTIONS: Readonly<Record<string, string>> = {
  '\u00BC': '1/4',
  '\u00BD': '1/2',
  '\u00BE': '3/4',
  '\u2153': '1/3',
  '\u2154': '2/3',
};

function currency(text: string): string {
  return text
    .replace(/\u00A2/g, 'cents')
    .replace(/\u00A3/g, '#')
    .replace(/[\u0080\u00A4\u20A0\u20AC]/g, '$');
}

interface RuleOptions {
  readonly before?: string;
  readonly token?: (text: string) => string;
  readonly giveBack?: number;
  readonly skip?: boolean;
  readonly needs?: string;
}

function rule(name: string, text: string, options: RuleOptions = {}): LexerRule {
  const { before = '', token = same, giveBack = 0, skip, needs } = options;
  const run = ptb.RUNS.get(text);
  return {
    name,
    pattern: at(`(${text})${before && `(?:${before})`}`),
    first: new RegExp(`^(?:${firstCharacter(ptb.anyCase(text))})$`, 'u'),
    giveBack,
    ...(!skip && { token }),
    ...(run !== undefined && { run: at(run) }),
    ...(needs !== undefined && { needs }),
  };
}

/** Tried at one position only, where `lastIndex` says. */
function at(pattern: string): RegExp {
  return new RegExp(ptb.anyCase(pattern), 'uy');
}

const inner = { before: ptb.INNER_PUNCTUATION };
const word = { token: withoutSoftHyphens };
/** The period that ends an abbreviation and the sentence is a token of its own as well. */
const twice = { giveBack: 1 };

/**
 * The lexer's rules. At each position the one that matches furthest wins, its right context
 * counted; of two that match equally far, the earlier one. See docs/metrics.md for their sources.
 */
export const LEXER_RULES: readonly LexerRule[] = [
  rule('programming language', ptb.PROGRAMMING_LANGUAGE),
  rule('cannot', ptb.JOINED_3, { token: (text) => text.slice(0, -3), giveBack: 3 }),
  rule('gonna', ptb.JOINED_2, { token: (text) => text.slice(0, -2), giveBack: 2 }),
  rule('tag', ptb.TAG, { token: noBreakSpaces, needs: '>' }),
  rule('dash', String.raw`&(?:MD|mdash|ndash);|[\u0096\u0097\u2013-\u2015]`, {
    token: always('--'),
  }),
  rule('ampersand', '&amp;', { token: always('&') }),
  rule('entity', '&(?:HT|TL|UR|LR|QC|QL|QR|odq|cdq|#[0-9]+);'),
  rule('word before clitic', ptb.WORD, { before: ptb.CLITIC, ...word }),
  rule("word before n't", ptb.WORD_BEFORE_NOT, { before: ptb.NOT, ...word }),
  rule('word', ptb.WORD, word),
  rule('word with apostrophe', ptb.APOSTROPHE_WORD),
  rule("y'", `y${ptb.APOSTROPHE}`, { before: String.raw`\p{L}` }),
  rule('URL', ptb.FULL_URL),
  rule('www URL', ptb.WWW_URL),
  rule('host URL', ptb.HOST_URL),
  rule('e-mail', ptb.EMAIL),
  rule('name or hashtag', ptb.TWITTER),
  rule('clitic', ptb.CLITIC, { before: '[^A-Za-z]', token: closing }),
  rule("n't", ptb.NOT, { token: closing }),
  rule('date', ptb.DATE),
  rule('number', ptb.NUMBER, word),
  rule('raised number', ptb.RAISED_NUMBER),
  rule('fraction', ptb.FRACTION, { token: noBreakSpaces }),
  rule('fraction sign', String.raw`[\u00BC-\u00BE\u2153-\u215E]`, {
    token: (text) => FRACTIONS[text] ?? text,
  }),
  rule('treebank word', ptb.TREEBANK_WORDS, { token: ampersand }),
  rule('name with !', ptb.NAME_WITH_BANG),
  rule('slashed', ptb.SLASHED),
  rule('dollar', String.raw`[A-Z]*\$|#`),
  rule('currency', ptb.CURRENCY, { token: currency }),
  rule('acronym at the end', String.raw`${ptb.ACRONYM}\.`, {
    before: `${ptb.SPACE_OR_LINE}+${ptb.SENTENCE_STARTS}${ptb.SPACE_OR_LINE}`,
    ...twice,
  }),
  // A letter alone is no acronym there: "Plan B. The dog".
  rule('letter at the end', String.raw`[A-Za-z]\.`, {
    before: `${ptb.SPACE_OR_LINE}+${ptb.SENTENCE_STARTS}${ptb.SPACE_OR_LINE}`,
    token: (text) => text.slice(0, -1),
    giveBack: 1,
  }),
  rule('abbreviation before number', ptb.NUMBER_ABBREVIATION, {
    before: String.raw`${ptb.SPACE_OR_LINE}?\p{Nd}`,
  }),
  rule('Pty. Ltd.', String.raw`(?:pt[eyEY]|co)\.`, { before: `${ptb.SPACE}(?:ltd|lim)` }),
  rule('abbreviation at the end', ptb.LOWER_ABBREVIATION, {
    before: String.raw`${ptb.SPACE_OR_LINE}(?:${ptb.SPACE_OR_LINE}|\p{Lu})`,
    ...twice,
  }),
  rule('abbreviation before a tag', ptb.LOWER_ABBREVIATION, {
    before: `${ptb.SPACE_OR_LINE}${ptb.TAG}`,
    needs: '>',
    ...twice,
  }),
  rule('abbreviation', ptb.LOWER_ABBREVIATION, { before: String.raw`[\s\S][\s\S]` }),
  rule('abbreviation at the very end', ptb.LOWER_ABBREVIATION, twice),
  rule('title', String.raw`${ptb.UPPER_ABBREVIATION}\.`),
  rule('title without dot', ptb.UPPER_ABBREVIATION, { before: ptb.SPACE }),
  rule('acronym without dot', ptb.ACRONYM, { before: ptb.SPACE_OR_LINE }),
  rule("'96", `${ptb.APOSTROPHE}[0-9][0-9]`, { before: ptb.SPACE_OR_LINE }),
  rule('file name', ptb.FILE_NAME, { before: `${ptb.SPACE_OR_LINE}|[.?!,]` }),
  rule('dotted word', String.raw`${ptb.WORD}\.`, { ...inner, ...word }),
  rule('phone', ptb.PHONE, { token: (text) => brackets(noBreakSpaces(text)) }),
  rule('opening double quote', '"|&quot;', { before: '[A-Za-z0-9$]', token: opening }),
  rule('double quote', '"|&quot;', { token: closing }),
  rule('less than', '<|&lt;', { token: always('<') }),
  rule('greater than', '>|&gt;', { token: always('>') }),
  rule('smiley', ptb.SMILEY, { before: '[^A-Za-z0-9]', token: brackets }),
  rule('Asian smiley', ptb.ASIAN_SMILEY, { token: brackets }),
  rule('{', String.raw`\{`, { token: always('-LCB-') }),
  rule('}', String.raw`\}`, { token: always('-RCB-') }),
  rule('[', String.raw`\[`, { token: always('-LSB-') }),
  rule(']', String.raw`\]`, { token: always('-RSB-') }),
  rule('(', String.raw`\(`, { token: brackets }),
  rule(')', String.raw`\)`, { token: brackets }),
  rule('hyphens', '-+', { token: (text) => (/^-{3,4}$/.test(text) ? '--' : text) }),
  rule('dots', ptb.DOTS, { token: always('...') }),
  rule('footnote mark', '@+|#+|_+'),
  rule('stars', String.raw`\*+|(?:\\\*){1,3}`),
  rule('inner punctuation', ptb.INNER_PUNCTUATION),
  rule('! and ?', '[?!]+'),
  rule('full stop', String.raw`[.\u00A1\u00BF\u037E\u0589\u061F\u06D4\u0700-\u0702\u07FA\u3002]`),
  rule('=', '=+'),
  rule('/', String.raw`\/`),
  rule('dotted hyphenated', ptb.DOTTED_HYPHENATED, { ...inner, ...word }),
  rule('hyphenated', ptb.HYPHENATED, word),
  rule('dotted thing', String.raw`${ptb.THING}\.`, inner),
  rule('thing', ptb.THING),
  rule('dotted joined capitals', String.raw`${ptb.JOINED_CAPITALS}\.`, {
    ...inner,
    token: ampersand,
  }),
  rule('joined capitals', ptb.JOINED_CAPITALS, { token: ampersand }),
  rule('opening quote', "'", { before: String.raw`[A-Za-z][^ \t\n\r\u00A0]`, token: opening }),
  rule('clitic anywhere', ptb.CLITIC, { token: closing }),
  rule('quotes', ptb.QUOTES, { token: closing }),
  rule('duck feet', '<<|>>'),
  rule('symbol', ptb.SYMBOL),
  rule('space', String.raw`\0|${ptb.SPACE_OR_LINE}+|[\u200B\u200E\u200F\uFEFF]|&nbsp;`, {
    skip: true,
  }),
  rule('anything else', String.raw`[\s\S]`, { skip: true }),
];

/** What the lexer makes of the text at a position: a token or nothing, and where it goes on. */
export interface Lexed {
  readonly rule: string;
  readonly token: string | undefined;
  readonly next: number;
}

/** The rules by their places in the list that are worth a try at a character. */
const rulesAt = new Map<string, readonly number[]>();

function rulesFor(character: string): readonly number[] {
  const known = rulesAt.get(character);
  if (known !== undefined) return known;
  const found = LEXER_RULES.flatMap(({ first }, index) => (first.test(character) ? [index] : []));
  rulesAt.set(character, found);
  return found;
}

/**
 * Applies the rules to one text, from left to right. A rule that failed far ahead is not tried again
 * before that place, so that a text takes time in proportion to its length.
 */
export class Lexer {
  readonly #text: string;
  /** For each rule, where it is worth a try again, and the last place where it can match. */
  readonly #from: number[] = LEXER_RULES.map(() => 0);
  readonly #until: readonly number[];

  constructor(text: string) {
    this.#text = text;
    this.#until = LEXER_RULES.map(({ needs }) =>
      needs === undefined ? text.length : text.lastIndexOf(needs),
    );
  }

  /** Applies the rules at `position`: inside the text, and not left of any asked for before. */
  at(position: number): Lexed {
    let longest = -1;
    let best: Lexed = { rule: 'anything else', token: undefined, next: position + 1 };
    for (const index of rulesFor(this.#text.charAt(position))) {
      const rule = LEXER_RULES[index];
      if (rule === undefined || !this.#isWorthATry(index, position)) continue;
      const { name, pattern, token, giveBack, run } = rule;
      const match = matchAt(pattern, this.#text, position);
      const matched = match?.[1];
      if (match === null || matched === undefined) {
        if (run) {
          const inVain = matchAt(run, this.#text, position)?.[0].length ?? 0;
          this.#from[index] = position + inVain;
        }
      } else if (match[0].length > longest) {
        longest = match[0].length;
        best = { rule: name, token: token?.(matched), next: position + matched.length - giveBack };
      }
    }
    return best;
  }

  #isWorthATry(rule: number, position: number): boolean {
    return position >= (this.#from[rule] ?? 0) && position <= (this.#until[rule] ?? 0);
  }
}

function matchAt(pattern: RegExp, text: string, position: number): RegExpExecArray | null {
  pattern.lastIndex = position;
  return pattern.exec(text);
}
