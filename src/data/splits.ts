/** The splits of a set: their names, and how a set is divided, as it says itself, by a column or at random. */
import { FormatError, UsageError } from '../errors.js';
import { Random } from '../random.js';
import { counted, isOrAre } from './formats/notes.js';

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
    case 'validate':
    case 'validation':
      return 'dev';
    case 'test':
      return 'test';
    default:
      return undefined;
  }
}

/** What is in which split, and what the user should know of it. */
export interface Divided<T> {
  readonly splits: Readonly<Record<SplitName, readonly T[]>>;
  readonly notes: readonly string[];
}

/** The same splits of what `change` makes of each item. */
export function mapSplits<T, U>(
  { train, dev, test }: Divided<T>['splits'],
  change: (item: T) => U,
): Record<SplitName, U[]> {
  return { train: train.map(change), dev: dev.map(change), test: test.map(change) };
}

/**
 * The splits that a set says itself, else random ones by shares. What it lacks (dev, and test where a share
 * is asked for) is drawn from train.
 *
 * @param context.what one of them is: `photo`, `clip`.
 * @param context.otherwise the shares of a set that says nothing (default: as `splitAtRandom`).
 * @throws FormatError when only some are in a split; UsageError for shares of what the set says itself.
 */
export function divideAsSaid<
  T extends { readonly id: string; readonly split?: SplitName | undefined },
>(
  items: readonly T[],
  shares: ShareOptions,
  { source, what, otherwise = {} }: { source: string; what: string; otherwise?: ShareOptions },
): Divided<T> {
  const of = (split?: SplitName) => items.filter((item) => item.split === split);
  const unsplit = of();
  if (unsplit.length === items.length) {
    const { dev = otherwise.dev, test = otherwise.test, seed } = shares;
    return { splits: splitAtRandom(items, { dev, test, seed }), notes: [] };
  }
  const [first] = unsplit;
  if (first) throw new FormatError(source, `${first.id} has no split, but others have`);
  const own = { train: of('train'), dev: of('dev'), test: of('test') };
  const drawn = {
    dev: own.dev.length > 0 ? 0 : (shares.dev ?? 0.1),
    test: own.test.length > 0 ? 0 : (shares.test ?? 0),
  };
  const draws = own.train.length > 0 && drawn.dev + drawn.test > 0;
  for (const name of ['dev', 'test', 'seed'] as const) {
    const idle = name === 'seed' ? !draws : own[name].length > 0;
    if (shares[name] === undefined || !idle) continue;
    throw new UsageError(`${source} says which ${what}s are in which split: leave out ${name}=`);
  }
  if (!draws) return { splits: own, notes: [] };
  const { train, dev, test } = splitAtRandom(own.train, { ...drawn, seed: shares.seed });
  const notes =
    dev.length === 0
      ? []
      : [
          `no ${what} is in a split dev: ${counted(dev.length, what)} of train ${isOrAre(dev.length)} held out for it (dev=${drawn.dev})`,
        ];
  return {
    splits: {
      train,
      dev: own.dev.length > 0 ? own.dev : dev,
      test: own.test.length > 0 ? own.test : test,
    },
    notes,
  };
}

/** Which values of a column are in which split, as settings say it: `daria+denis`. */
export type SplitValues = { readonly [K in SplitName]?: string | undefined };

/**
 * Divides by the values of a column, such as the person whom a clip shows, so that no value is in two splits.
 * Without a list for train all values that are in no other list are trained on; with one, those are left out,
 * and said so. Leaving one subject out is a list of one value for test.
 *
 * @param column its name.
 * @param what one of the items is: `clip`.
 * @throws UsageError for a value that does not occur, one that is named twice, or no list at all: it names the
 *   values that there are.
 */
export function splitByColumn<T>(
  items: readonly T[],
  valueFor: (item: T) => string,
  lists: SplitValues,
  { source, column, what }: { source: string; column: string; what: string },
): Divided<T> {
  const values = sortedValues(items.map(valueFor));
  const known = `${column} has ${values.slice(0, MOST_SHOWN).join(', ')}${values.length > MOST_SHOWN ? ', …' : ''}`;
  if (SPLIT_NAMES.every((name) => lists[name] === undefined)) {
    throw new UsageError(
      `${source}: by=${column} needs to know which values are in which split, such as test=${values[0]}, all others being trained on; ${known}`,
    );
  }
  const splitOf = new Map<string, SplitName>();
  for (const name of SPLIT_NAMES) {
    for (const value of valuesIn(lists[name], values)) {
      const other = splitOf.get(value);
      if (!values.includes(value)) {
        throw new UsageError(`${source}: there is no ${column} ${value} (${name}=); ${known}`);
      }
      if (other !== undefined) {
        const where = other === name ? `twice in ${name}=` : `in ${other}= and in ${name}=`;
        throw new UsageError(
          `${source}: ${column} ${value} is ${where}: each value belongs to one split`,
        );
      }
      splitOf.set(value, name);
    }
  }
  const rest = lists.train === undefined ? 'train' : undefined;
  const of = (split: SplitName | undefined) =>
    items.filter((item) => (splitOf.get(valueFor(item)) ?? rest) === split);
  const splits = { train: of('train'), dev: of('dev'), test: of('test') };
  const shown = (some: readonly T[]) => sortedValues(some.map(valueFor)).join(', ');
  const parts = SPLIT_NAMES.filter((name) => splits[name].length > 0).map(
    (name) => `${name} has ${shown(splits[name])} (${counted(splits[name].length, what)})`,
  );
  const unused = of(undefined);
  return {
    splits,
    notes: [
      `divided by ${column}: ${parts.join('; ')}`,
      ...(unused.length > 0
        ? [
            `${counted(unused.length, what)} of ${column} ${shown(unused)} ${isOrAre(unused.length)} in no split and left out`,
          ]
        : []),
    ],
  };
}

/** Values of a column that an error shows: all, so that a script can go through them, but not without end. */
const MOST_SHOWN = 50;

/** `1+3+5`; a value that has a plus itself can stand alone. */
function valuesIn(list: string | undefined, values: readonly string[]): readonly string[] {
  if (list === undefined) return [];
  return values.includes(list) ? [list] : list.split('+').map((value) => value.trim());
}

/** Values without repetitions, by size where all are whole numbers, otherwise by their letters. */
export function sortedValues(values: readonly string[]): string[] {
  const distinct = [...new Set(values)];
  const numbers = distinct.every((value) => /^-?\d+$/.test(value));
  return distinct.sort((a, b) => (numbers ? Number(a) - Number(b) : 0) || (a < b ? -1 : 1));
}
