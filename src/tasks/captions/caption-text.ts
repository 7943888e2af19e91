/** Captions as text: the sentence for an `alt`, and the check for captions that say nothing. */
import { tokenize } from '../../data/text/tokenize.js';

/** Endings that belong to the word before them. */
const ENDING = /\s+(['’](?:s|re|ve|ll|d|m)|n['’]t)(?![\p{L}\p{M}\p{N}])/giu;

/**
 * A caption as a sentence for the `alt` of a picture: a capital first, a full stop last, `I`, and
 * what a tokenizer took apart put together again: "dog 's", "do n't", "t - shirt", "grass , too".
 * An empty caption stays empty: an empty `alt` means that a picture has nothing to tell.
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

/**
 * What is wrong with captions that say nothing about their pictures: empty ones, the same few
 * words again and again, the same for all of several. Undefined where they differ.
 * @param captions one of each photo, clip or stretch of a clip.
 * @param things what they are of, such as photos; undefined where all may well have the same.
 */
export function nothingSaid(
  captions: readonly string[],
  things: string | undefined,
): string | undefined {
  const total = captions.length;
  const idle = captions.filter(saysNothing).length;
  if (idle > 0)
    return `${idle} of ${total} captions ${idle === 1 ? 'is' : 'are'} empty or the same few words again and again`;
  if (things !== undefined && total > 2 && new Set(captions).size === 1) {
    return `all ${total} ${things} have the same caption`;
  }
  return undefined;
}

function saysNothing(caption: string): boolean {
  const words = tokenize(caption);
  // "a a a", "a girl a girl on a girl": each word three times on average.
  return 3 * new Set(words).size <= words.length;
}
