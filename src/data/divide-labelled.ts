import { FormatError, UsageError } from '../errors.js';
import { Random } from '../random.js';
import {
  type LabelledDataset,
  type LabelledPictures,
  type LabelledSplit,
  pickPictures,
  shapeOf,
} from './labelled-pictures.js';

/** How parts that a set lacks are taken from train: shares from 0 to 1, by a seed. */
export interface LabelledShares {
  /** Held out from train to tune on, where the set has no such part (default a tenth). */
  readonly dev?: number | undefined;
  /** Held out to judge on, where the set has no such part (default none). */
  readonly test?: number | undefined;
  readonly seed?: number | undefined;
}

/** The parts that a set comes with. */
export type Parts = { readonly train: LabelledPictures } & {
  readonly [K in Exclude<LabelledSplit, 'train'>]?: LabelledPictures | undefined;
};

/**
 * The three splits of a set that comes with one, two or three: what is missing is drawn from train
 * without replacement, the same for the same seed.
 * @throws UsageError for shares that leave nothing for train; FormatError when parts differ in size.
 */
export function divideLabelled(
  { train, dev, test }: Parts,
  { dev: devShare = 0.1, test: testShare = 0, seed = 0 }: LabelledShares,
  source: string,
): LabelledDataset['splits'] {
  for (const [name, part] of Object.entries({ dev, test })) {
    if (!part || `${shapeOf(part)}` === `${shapeOf(train)}`) continue;
    throw new FormatError(
      source,
      `its ${name} pictures are (${shapeOf(part).join(', ')}), those of train (${shapeOf(train).join(', ')})`,
    );
  }
  const count = train.labels.length;
  const held = (part: LabelledPictures | undefined, share: number) =>
    part || share === 0 ? 0 : Math.max(1, Math.round(count * share));
  const [forDev, forTest] = [held(dev, devShare), held(test, testShare)];
  if (!(forDev + forTest < count)) {
    throw new UsageError(
      `${source}: dev=${devShare} and test=${testShare} leave none of ${count} pictures for train`,
    );
  }
  if (forDev + forTest === 0) return { train, dev: dev ?? none(train), test: test ?? none(train) };
  const order = new Random(seed).shuffle(Int32Array.from({ length: count }, (_, i) => i));
  const drawn = (begin: number, end: number) =>
    pickPictures(train, order.subarray(begin, end).sort());
  return {
    train: drawn(forDev + forTest, count),
    dev: dev ?? drawn(0, forDev),
    test: test ?? drawn(forDev, forDev + forTest),
  };
}

function none(like: LabelledPictures): LabelledPictures {
  return pickPictures(like, []);
}

/** As many classes as the highest label says, named by their numbers. */
export function numberedClasses(parts: readonly (LabelledPictures | undefined)[]): string[] {
  let highest = 0;
  for (const part of parts)
    for (const label of part?.labels ?? []) highest = Math.max(highest, label);
  return Array.from({ length: highest + 1 }, (_, label) => `${label}`);
}
