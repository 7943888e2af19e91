/** The regular expressions that the rules of the Penn Treebank lexer are made of. */

/**
 * The parts of which the lexer's rules are made, as sources of regular expressions. Outside of
 * square brackets a letter stands for both cases (see `anyCase`), inside for itself.
 */

/** An apostrophe that ends or begins a clitic. */
export const APOSTROPHE = String.raw`(?:['\u0092\u2019]|&apos;)`;
/** Also those that appear inside a word, rightly or wrongly. */
export const ANY_APOSTROPHE = String.raw`(?:${APOSTROPHE}|[\x60\u0091\u2018\u201B])`;
export const SPACE = String.raw`[ \t\u00A0\u2000-\u200A\u3000]`;
export const SPACE_OR_LINE = String.raw`[ \t\u00A0\u2000-\u200A\u3000\r\n\u2028\u2029\v\f\u0085]`;
export const INNER_PUNCTUATION = String.raw`[,;:\u3001]`;

const LETTER = String.raw`(?:[\p{L}\p{M}\u00AD]|&[aeiouAEIOU](?:acute|grave|uml);)`;
const LETTER_OR_DIGIT = String.raw`(?:${LETTER}|\p{Nd})`;
const PART_OF_WORD = `${LETTER}${LETTER_OR_DIGIT}*`;
/** Letters, with digits and inner dots after them: dog, FEV1, A.B, ball.x2. */
export const WORD = `${PART_OF_WORD}(?:[.!?]${PART_OF_WORD})*`;
/** What n't can stand behind: a word that ends in any letter but n. */
export const WORD_BEFORE_NOT = String.raw`[A-Za-z\u00AD]*[A-MO-Za-mo-z]\u00AD*`;
export const NOT = `n${ANY_APOSTROPHE}t`;
export const CLITIC = `${APOSTROPHE}(?:re|ve|ll|[msdMSD])`;

/** Words of which the last three, or the last two letters are a word of their own. */
export const JOINED_3 = "cannot|'twas";
export const JOINED_2 = `${APOSTROPHE}tis|gonna|gotta|lemme|gimme|wanna`;
export const PROGRAMMING_LANGUAGE = String.raw`c\+\+|(?:c|f)#`;
/** Names that end in an exclamation mark. */
export const NAME_WITH_BANG = '(?:e|yahoo|jeopardy)!';
/** Words that keep an apostrophe: o'er, rock 'n' roll, '80s, nor'easter, Shi'ite. */
export const APOSTROPHE_WORD = [
  String.raw`\p{L}+[aeiouyAEIOUY]${ANY_APOSTROPHE}[aeiouA-Z]\p{L}*`,
  String.raw`[A-HJ-XZn]${ANY_APOSTROPHE}\p{L}{2,}`,
  String.raw`cont'd\.?`,
  `o${ANY_APOSTROPHE}o`,
  "nor'easter",
  "c'mon",
  "e'er",
  "s'mores",
  "ev'ry",
  "li'l",
  "nat'l",
  `${APOSTROPHE}n${APOSTROPHE}?`,
  `${APOSTROPHE}em`,
  `${APOSTROPHE}[2-9]0s`,
  `${APOSTROPHE}till?`,
  `${APOSTROPHE}cause`,
  `(?:Dunkin|somethin|ol|[lLdDjJ])${APOSTROPHE}`,
].join('|');

const URL_STOP = String.raw` \t\n\f\r"<>|`;
const URL_END = String.raw`[^${URL_STOP}.!?(){},\-]`;
const URL_TAIL = `[^${URL_STOP}()]+${URL_END}`;
export const FULL_URL = String.raw`https?:\/\/[^${URL_STOP}(){}]+${URL_END}`;
const WWW_PART = `[^${URL_STOP}.!?(){},]+`;
const WWW_PARTS = String.raw`www\.(?:${WWW_PART}\.)`;
export const WWW_URL = String.raw`${WWW_PARTS}+[a-zA-Z]{2,4}(?:\/${URL_TAIL})?`;
// The range ,-_ holds digits and capitals: a bare host is of small letters.
const HOST_PART = String.raw`[^${URL_STOP}\x60'.!?(){},-_$]+`;
export const HOST_URL = String.raw`(?:${HOST_PART}\.)+(?:com|net|org|edu)(?:\/${URL_TAIL})?`;
const EMAIL_STOP = String.raw`${URL_STOP}(){}\u00A0`;
const EMAIL_NAME = `(?:&lt;|<)?[a-zA-Z0-9][^${EMAIL_STOP}]*`;
export const EMAIL = String.raw`${EMAIL_NAME}@(?:[^${EMAIL_STOP}.]+\.)*[^${EMAIL_STOP}.]+(?:&gt;|>)?`;
const FILE_PARTS = String.raw`${LETTER_OR_DIGIT}+(?:\.${LETTER_OR_DIGIT}+)*`;
/** Before a space, or what ends a clause. */
export const FILE_NAME = String.raw`${FILE_PARTS}\.(?:bat|bmp|c|class|cgi|cpp|dll|docx?|exe|gif|gz|h|html?|jar|java|jpe?g|mov|mp3|pdf|php|pl|png|ppt|ps|py|sql|tar|txt|wav|x|xml|zip)`;
export const TWITTER = `@[a-zA-Z_][a-zA-Z_0-9]*|#${LETTER}+`;

export const DATE = String.raw`\p{Nd}{1,2}[\-\/]\p{Nd}{1,2}[\-\/]\p{Nd}{2,4}`;
export const NUMBER = String.raw`[\-+]?(?:\p{Nd}*(?:[.:,\u00AD\u066B\u066C]\p{Nd}+)+|\p{Nd}+)`;
export const RAISED_NUMBER = String.raw`[\u207A\u207B\u208A\u208B]?(?:[\u2070\u00B9\u00B2\u00B3\u2074-\u2079]+|[\u2080-\u2089]+)`;
export const FRACTION = String.raw`(?:\p{Nd}{1,4}[\- \u00A0])?\p{Nd}{1,4}(?:\\?\/|\u2044)\p{Nd}{1,4}`;
export const PHONE = String.raw`(?:\([0-9]{2,3}\)[ \u00A0]?|(?:\+\+?)?(?:[0-9]{2,4}[\- \u00A0])?[0-9]{2,4}[\- \u00A0])[0-9]{3,4}[\- \u00A0]?[0-9]{3,5}|(?:(?:\+\+?)?[0-9]{2,4}\.)?[0-9]{2,4}\.[0-9]{3,4}\.[0-9]{3,5}`;
export const CURRENCY = String.raw`[\u00A2\u00A3\u00A4\u00A5\u0080\u20A0\u20AC\u060B\u0E3F\u20A4\uFFE0\uFFE1\uFFE5\uFFE6]`;

const TAG_NAME = String.raw`[A-Za-z][A-Za-z0-9_:.\-]*`;
const TAG_VALUE = String.raw`(?:'[^'\r\n]*'|"[^"\r\n]*"|${TAG_NAME})`;
export const TAG = String.raw`<(?:[!?][A-Za-z\-][^>\r\n]*|${TAG_NAME}(?: +${TAG_NAME}(?: *= *${TAG_VALUE})?)*(?: *\/)?|\/${TAG_NAME}) *>`;

/** Dotted letters: U.S, a.m, and compounds with U.S. */
export const ACRONYM = String.raw`(?:[A-Za-z](?:\.[A-Za-z])+|(?:Canada|Sino|Korean|EU|Japan|non)-U\.S|U\.S\.-(?:U\.K|U\.S\.S\.R))`;
/** Mostly followed by a small letter; before a capital they end the sentence. */
export const LOWER_ABBREVIATION = String.raw`(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Mon|Tues?|Wed|Thu|Thurs|Fri|Ala|Ariz|[A]z|[A]rk|Calif|Colo|Conn|Ct|Dak|[D]el|Fla|Ga|[I]ll|Ind|Kans?|Ky|[L]a|[M]ass|Md|Mich|Minn|[M]iss|Mo|Mont|Neb|Nev|Okla|[O]re|[P]a|Penn|Tenn|[T]ex|Va|Vt|[W]ash|Wisc?|Wyo|Inc|Cos?|Corp|Pp?t[ye]s?|Ltd|Plc|Rt|Bancorp|Bhd|Assn|Univ|Intl|Sys|(?:Ed|Ph)\.D|tel|est|ext|sq|Jr|Sr|Bros|Blvd|Rd|Esq|etc|al|seq|Bldg)\.`;
/** Mostly followed by a capital: titles, single letters, dotted letters. */
export const UPPER_ABBREVIATION = `(?:${ACRONYM}|Mr|Mrs|Ms|[M]iss|Drs?|Profs?|Sens?|Reps?|Attys?|Lt|Col|Gen|Messrs|Govs?|Adm|Rev|Maj|Sgt|Cpl|Pvt|Capt|Ste?|Ave|Pres|Lieut|Hon|Brig|Co?mdr|Pfc|Spc|Supts?|Det|Mt|Ft|Adj|Adv|Asst|Assoc|Ens|Insp|Mlle|Mme|Msgr|Sfc|vs|Alex|Wm|Jos|Cie|cf|TREAS|Ph|Invt|Elec|Natl|M[ft]g|Dept|[A-Za-z])`;
/** Abbreviations only before a number. */
export const NUMBER_ABBREVIATION = String.raw`(?:ca|figs?|prop|nos?|art|bldg|pp|op)\.`;
/** Words at the start of a sentence: an acronym before them ends the one before. */
export const SENTENCE_STARTS = String.raw`(?:[A]bout|[A]ccording|[A]dditionally|[A]fter|[A]n|[A]s|[A]t|[A]|[B]ut|[E]arlier|[H]ere|[H]er|[H]e|[H]owever|[I]f|[I]n|[I]t|[L]ast|[M]any|[M]ore|[M]r\.|[M]s\.|[N]ow|[O]nce|[O]ne|[O]ther|[O]ur|[S]he|[S]ince|[S]ome|[S]o|[S]uch|[T]hat|[T]heir|[T]hen|[T]here|[T]hese|[T]hey|[T]his|[T]he|[W]e|[W]hen|[W]hile|[W]hat|[Y]et|[Y]ou)`;

const ALPHANUMERIC = String.raw`[\p{L}\p{Nd}]`;
const THING_PART = `(?:[dDoOlL]${ANY_APOSTROPHE}${ALPHANUMERIC})?${ALPHANUMERIC}+`;
/** Letters and digits, hyphenated or not: t-shirt, 4x4, o'clock, ten-year-old. */
export const THING = String.raw`${THING_PART}(?:[\-_\u058A\u2010\u2011]${THING_PART})*`;
/** AT&T, R+B: capitals only. */
export const JOINED_CAPITALS = '[A-Z]+(?:(?:&amp;|[+&])[A-Z]+)+';
/** black/white, on-/off-road. */
export const SLASHED = String.raw`[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}(?:\\?\/[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}){1,2}`;
const BEFORE_HYPHEN = String.raw`[A-Za-z0-9][A-Za-z0-9.,\u00AD]*`;
/** Hyphenated, with dots and commas before the first hyphen: 80,000-man, U.S.-made. */
export const HYPHENATED = String.raw`${BEFORE_HYPHEN}(?:-(?:${ACRONYM}\.|[A-Za-z0-9\u00AD]+))+`;
export const DOTTED_HYPHENATED = String.raw`${HYPHENATED}\.`;

export const SMILEY = String.raw`[<>]?[:;=][\-o*']?[()DPdpO\\{@|\[\]]`;
export const ASIAN_SMILEY = String.raw`[\^x=~<>]\.\[\^x=~<>\]|[\-\^x=~<>']_[\-\^x=~<>']|\([\-\^x=~<>'][_.]?[\-\^x=~<>']\)|\([\^x=~<>']-[\^x=~<>'\x60]\)`;
export const TREEBANK_WORDS = String.raw`-(?:RRB|LRB|RCB|LCB|RSB|LSB)-|C\.D\.s|pro-|anti-|S(?:&amp;|&)P-500|S(?:&amp;|&)Ls|Cap${APOSTROPHE}n|c${APOSTROPHE}est`;
export const DOTS = String.raw`\.{3,5}|(?:\.[ \u00A0]){2,4}\.|[\u0085\u2026]`;
export const QUOTES = String.raw`''|[\x60\u2018-\u201F\u0091-\u0094\u2039\u203A\u00AB\u00BB]{1,2}|${APOSTROPHE}`;
export const SYMBOL = String.raw`[+%&~\^|\\\u00A6\u00A7\u00A8\u00A9\u00AC\u00AE\u00AF\u00B0-\u00BA\u00D7\u00F7\u0387\u05BE\u05C0\u05C3\u05C6\u05F3\u05F4\u0600-\u0603\u0606-\u060A\u060C\u0614\u061B\u061E\u066A\u066D\u0703-\u070D\u07F6-\u07F8\u0964\u0965\u0E4F\u1FBD\u2016\u2017\u2020-\u2023\u2030-\u2038\u203B\u203E-\u2042\u2044\u207A-\u207F\u208A-\u208E\u2100-\u214F\u2190-\u2BFF\u3012\u30FB\uFF01-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65]`;

/**
 * What a pattern runs through before the text shows whether it matches, however far that is. Where
 * the pattern fails, it fails at every position of that run: each holds but an end of the same text.
 */
export const RUNS: ReadonlyMap<string, string> = new Map([
  [WWW_URL, `${WWW_PARTS}*(?:${WWW_PART})?`],
  [HOST_URL, String.raw`(?:${HOST_PART}\.)*(?:${HOST_PART})?`],
  [EMAIL, EMAIL_NAME],
  [FILE_NAME, FILE_PARTS],
  [HYPHENATED, BEFORE_HYPHEN],
  [DOTTED_HYPHENATED, BEFORE_HYPHEN],
]);

/**
 * A pattern whose letters match both cases, except those in square brackets: the lexer's rules are
 * written so, and `[I]ll\.` must not take "ill." for Illinois.
 */
export function anyCase(pattern: string): string {
  return pattern.replace(
    /\\u[0-9A-F]{4}|\\x[0-9a-f]{2}|\\p\{\w+\}|\\.|\[(?:\\.|[^\]\\])*\]|[A-Za-z]/g,
    (part) => (part.length === 1 ? `[${part.toLowerCase()}${part.toUpperCase()}]` : part),
  );
}

/** The parts of a regular expression's source: classes, escapes, groups, quantifiers, characters. */
const PARTS =
  /\\u[0-9A-F]{4}|\\x[0-9a-f]{2}|\\p\{\w+\}|\\.|\[(?:\\.|[^\]\\])*\]|\(\?:|\{\d+(?:,\d*)?\}|./gsu;
const QUANTIFIER = /^[?*+{]/;
const MAY_BE_NOTHING = /^(?:[?*]|\{0)/;

/**
 * Which characters a pattern can start with, as the source of a pattern of one character. It tells
 * apart what is not worth a try: a pattern of groups `(?:...)`, alternatives, classes, escapes and
 * quantifiers that matches some text matches its first character.
 */
export function firstCharacter(pattern: string): string {
  const parts = pattern.match(PARTS) ?? [];
  let position = 0;

  /** The alternatives up to a closing bracket or the end, and whether one of them may be nothing. */
  function alternatives(): { first: string[]; mayBeNothing: boolean } {
    const first: string[] = [];
    let mayBeNothing = false;
    /** Whether all parts of this alternative so far may be nothing. */
    let atStart = true;
    while (position < parts.length) {
      const part = parts[position++] ?? '';
      if (part === ')') break;
      if (part === '|') {
        mayBeNothing ||= atStart;
        atStart = true;
        continue;
      }
      const group = part === '(?:' ? alternatives() : { first: [part], mayBeNothing: false };
      if (atStart) first.push(...group.first);
      const quantifier = QUANTIFIER.test(parts[position] ?? '') ? (parts[position++] ?? '') : '';
      atStart &&= group.mayBeNothing || MAY_BE_NOTHING.test(quantifier);
    }
    return { first, mayBeNothing: mayBeNothing || atStart };
  }

  const { first, mayBeNothing } = alternatives();
  return mayBeNothing ? String.raw`[\s\S]` : [...new Set(first)].join('|');
}
