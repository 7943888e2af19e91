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
 * HTML with its holes filled in safely, in text and in double-quoted attributes:
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
