/** Endings that belong to the word before them. */
const ENDING = /\s+(['’](?:s|re|ve|ll|d|m)|n['’]t)(?![\p{L}\p{M}\p{N}])/giu;

/**
 * A caption as a sentence for the `alt` of a picture: a capital first, a full stop last, `I`, and
 * what a tokenizer took apart put together again: "dog 's", "do n't", "t - shirt", "grass , too".
 * Nothing stays nothing: an empty `alt` says that a picture tells nothing.
 */
export function altText(caption: string): string {
  const text = caption
    .replaceAll(ENDING, '$1')
    .replaceAll(/(?<=[\p{L}\p{M}\p{N}])\s+-\s+(?=[\p{L}\p{M}\p{N}])/gu, '-')
    .replaceAll(/\s+(?=[,.;:!?)\]])/g, '')
    .replaceAll(/(?<=[([])\s+/g, '')
    .replaceAll(/(?<![\p{L}\p{M}\p{N}'’-])i(?![\p{L}\p{M}\p{N}-])/gu, 'I')
    .replaceAll(/\s+/g, ' ')
    .replace(/^[\s,;:.-]+/, '')
    .replace(/[\s,;:-]+$/, '');
  if (text === '') return '';
  const capital = text.replace(/^[^\p{L}\p{N}]*\p{L}/u, (start) => start.toUpperCase());
  return /[.!?]\s*["'”’)\]]*$/.test(capital) ? capital : `${capital}.`;
}
