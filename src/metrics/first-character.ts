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
