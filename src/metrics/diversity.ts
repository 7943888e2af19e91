/** How varied captions are: vocabulary, distinct n-grams, novel captions. */
import { quote } from '../data/formats/strict-json.js';
import { englishBadEndings } from '../decoding/constraints.js';
import type { Words } from './words.js';
import { NgramTable } from './words.js';

/** How varied captions are, and signs of a model that has learnt too little. */
export interface Diversity {
  /** Different words. */
  readonly vocabulary: number;
  /** Words in a caption, on average. */
  readonly meanLength: number;
  /** Different n-grams / all n-grams, for n = 1 and 2 (Li et al. 2016). 0 to 1. */
  readonly distinct1: number;
  readonly distinct2: number;
  /** Different captions / captions. 0 to 1. */
  readonly distinctCaptions: number;
  /** Captions that end in one of `englishBadEndings` ("a man on the"). 0 to 1. */
  readonly badEndingRate: number;
  /** Captions that are no training caption, word for word; absent without training captions. */
  readonly novelRate?: number;
  /** The caption given most often, and the share of images that it is given to. */
  readonly commonest: { readonly caption: string; readonly share: number };
  /** Set when one caption is given to so many images that the model hardly looks at them. */
  readonly alarm?: string;
}

/** From this share on, and from this many images, one caption for many raises the alarm. */
const ALARM_SHARE = 0.25;
const ALARM_IMAGES = 10;

const BAD_ENDINGS: ReadonlySet<string> = new Set(englishBadEndings);

/**
 * Measures the captions that a model gave, tokenised.
 *
 * @param training the captions that it was trained on, tokenised the same way.
 */
export function diversity(candidates: readonly Words[], training?: Iterable<Words>): Diversity {
  const table = new NgramTable();
  const different: [Set<number>, Set<number>] = [new Set(), new Set()];
  const total: [number, number] = [0, 0];
  const times = new Map<string, number>();
  let badEndings = 0;
  for (const words of candidates) {
    const { counts } = table.learn(words);
    for (const order of [0, 1] as const) {
      for (const ngram of counts[order]?.keys() ?? []) different[order].add(ngram);
      total[order] += Math.max(0, words.length - order);
    }
    const caption = words.join(' ');
    times.set(caption, (times.get(caption) ?? 0) + 1);
    if (BAD_ENDINGS.has(words.at(-1) ?? '')) badEndings++;
  }
  const share = (count: number, of: number) => (of === 0 ? 0 : count / of);
  const [caption, count] = [...times].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0] as const);
  const commonest = { caption, share: share(count, candidates.length) };
  const alarming = candidates.length >= ALARM_IMAGES && commonest.share >= ALARM_SHARE;
  return {
    vocabulary: different[0].size,
    meanLength: share(total[0], candidates.length),
    distinct1: share(different[0].size, total[0]),
    distinct2: share(different[1].size, total[1]),
    distinctCaptions: share(times.size, candidates.length),
    badEndingRate: share(badEndings, candidates.length),
    ...(training && { novelRate: novelRate(times, candidates.length, training) }),
    commonest,
    ...(alarming && {
      alarm: `${count} of ${candidates.length} images have the same caption, ${quote(caption)}: the model hardly looks at the pictures`,
    }),
  };
}

function novelRate(
  times: ReadonlyMap<string, number>,
  candidates: number,
  training: Iterable<Words>,
): number {
  const copied = new Set<string>();
  for (const words of training) {
    const caption = words.join(' ');
    if (times.has(caption)) copied.add(caption);
  }
  const copies = [...copied].reduce((sum, caption) => sum + (times.get(caption) ?? 0), 0);
  return candidates === 0 ? 0 : 1 - copies / candidates;
}
