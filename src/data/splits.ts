/** The splits of a set: their names, and how a set without any is divided at random. */
import { UsageError } from '../errors.js';
import { Random } from '../random.js';

/** The parts of a set: trained on, tuned on and judged on. */
export const SPLIT_NAMES = ['train', 'dev', 'test'] as const;
export type SplitName = (typeof SPLIT_NAMES)[number];

/** How a set without splits of its own is divided: shares from 0 to 1, what is left is train. */
export interface Shares {
  readonly dev: number;
  readonly test: number;
  readonly seed: number;
}

/** As options, all optional. */
export type ShareOptions = { readonly [K in keyof Shares]?: Shares[K] | undefined };

/**
 * Divides photos at random. The same photos in any order, shares and seed give the same splits. A
 * share above 0 gets one photo at the least, as long as there are enough. A tenth each for dev and
 * test unless told otherwise.
 * @throws UsageError for shares that leave nothing for train.
 */
export function splitAtRandom<T extends { readonly id: string }>(
  photos: readonly T[],
  { dev = 0.1, test = 0.1, seed = 0 }: ShareOptions,
): Record<SplitName, T[]> {
  if (!(dev >= 0 && test >= 0 && dev + test < 1)) {
    throw new UsageError(`dev=${dev} and test=${test} must be shares that leave some for train`);
  }
  const sorted = [...photos].sort((a, b) => (a.id < b.id ? -1 : 1));
  const shuffled = new Random(seed).shuffle(sorted);
  const some = (share: number) => (share > 0 ? Math.max(1, Math.round(photos.length * share)) : 0);
  const train = Math.max(0, photos.length - some(dev) - some(test));
  return {
    train: shuffled.slice(0, train),
    dev: shuffled.slice(train, train + some(dev)),
    test: shuffled.slice(train + some(dev)),
  };
}

/** The split that a word in a file means, by its usual names (`val`, `test_set`); undefined for others. */
export function splitNamed(word: string): SplitName | undefined {
  switch (
    word
      .trim()
      .toLowerCase()
      .replace(/[ _-]?set$/, '')
  ) {
    case 'train':
    case 'training':
    case 'restval':
      return 'train';
    case 'dev':
    case 'val':
    case 'valid':
    case 'validation':
      return 'dev';
    case 'test':
      return 'test';
    default:
      return undefined;
  }
}
