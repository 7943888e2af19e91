import { tokenize } from '../data/text/tokenize.js';

/**
 * What is wrong with captions that say nothing about their pictures: empty ones, the same few
 * words again and again, the same for all of several. Undefined where they differ. @param captions one of each picture
 */
export function nothingSaid(captions: readonly string[]): string | undefined {
  const total = captions.length;
  const idle = captions.filter(saysNothing).length;
  if (idle > 0)
    return `${idle} of ${total} captions ${idle === 1 ? 'is' : 'are'} empty or the same few words again and again`;
  if (total > 2 && new Set(captions).size === 1) return `all ${total} photos have the same caption`;
  return undefined;
}

function saysNothing(caption: string): boolean {
  const words = tokenize(caption);
  // "a a a", "a girl a girl on a girl": each word three times on average.
  return 3 * new Set(words).size <= words.length;
}
