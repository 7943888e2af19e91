/** HTML that escapes all texts, and what else a page is made of: scripts, JSON and base64. */

/**
 * Text that is HTML already. Everything else is escaped when it meets `html`, so that no caption,
 * file name or label can become markup.
 */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** What may stand in an `html` template: markup as it is, texts and numbers escaped, lists joined. */
export type Content = Markup | string | number | undefined | readonly Content[];

/**
 * An HTML template whose values are escaped, in text and in double-quoted attributes:
 *
 * ```ts
 * html`<p title="${title}">${items.map((item) => html`<b>${item}</b>`)}</p>`
 * ```
 */
export function html(strings: TemplateStringsArray, ...holes: readonly Content[]): Markup {
  return new Markup(String.raw({ raw: strings }, ...holes.map(markupOf)));
}

/** `& < > " '` as character references. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * A value as JSON that may stand inside a script element: `<` is written as an escape, so that
 * neither `</script>` nor `<!--` can end it.
 */
export function scriptJson(value: unknown): Markup {
  return new Markup(JSON.stringify(value).replaceAll('<', '\\u003c'));
}

function markupOf(content: Content): string {
  if (content === undefined) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'string' || typeof content === 'number') return escapeHtml(`${content}`);
  return content.map(markupOf).join('');
}

/** Bytes as base64, in browsers and in Node. */
export function base64(bytes: Uint8Array): string {
  let binary = '';
  const piece = 0x8000;
  for (let i = 0; i < bytes.length; i += piece) {
    binary += String.fromCharCode(...bytes.subarray(i, i + piece));
  }
  return btoa(binary);
}

/**
 * A function that runs inside the page, as a program that calls it.
 *
 * Functions of `in-page/` are ordinary code, checked and tested like all other, but only their text
 * is copied into the page: so each stands alone. It uses its parameters, the globals of a browser and
 * nothing of its module; other functions of `in-page/` that it needs come as parameters.
 *
 * @param main called with `parts`.
 * @param parts further functions, which may not refer to anything outside of themselves either.
 */
export function program<Parts extends Readonly<Record<string, unknown>>>(
  main: (parts: Parts) => void,
  parts: Parts,
): Markup {
  const texts = Object.entries(parts).map(([name, part]) => `${name}: ${part}`);
  const text = `(() => {\n'use strict';\n(${main})({\n${texts.join(',\n')}\n});\n})();`;
  // A string or comment in a program must not end its script element.
  if (/<\/script|<!--/i.test(text)) throw new TypeError('a program of a page contains markup');
  return new Markup(text);
}
