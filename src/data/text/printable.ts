/** Text as it may be shown: strangers' without what would steer a terminal, and shares as percents. */

/** Control characters but tab and line feed, what turns the direction of a text, and other ends of lines. */
const steering = /(?![\t\n])[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\ufeff]/gu;

/**
 * Text as a terminal may show it: escape sequences, other control characters and marks that turn the
 * direction of a text are written out (`\x1b`, `\u202e`). Line feeds stay.
 */
export function printable(text: string): string {
  return text.replace(steering, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`;
  });
}

/** `printable` as one line: line feeds are written out, too. */
export function printableLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n');
}

/** JSON as `JSON.stringify` has it, with the escapes that it leaves out: the value is the same. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(
    steering,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** 0.9784 as `97.8 %`, 0.97 as `97 %`. @param decimals most of them. */
export function percent(share: number, decimals = 1): string {
  return `${Number((100 * share).toFixed(decimals))} %`;
}
