/** From the clips that a reader found to a set: their classes, and which split each is in. */
import { z } from 'zod';
import { FormatError, UsageError } from '../../errors.js';
import { countSetting, shareSetting } from '../dataset-settings.js';
import { firstFew } from '../formats/notes.js';
import { listed } from '../formats/strict-json.js';
import {
  type Divided,
  divideAsSaid,
  mapSplits,
  SPLIT_NAMES,
  type SplitName,
  splitByColumn,
} from '../splits.js';
import { classesOf, readClassNames } from './class-names.js';
import type { ClipDataset, LabelledClip } from './labelled-clips.js';

/** A clip as a reader found it. */
export interface FoundClip {
  readonly id: string;
  readonly clip: LabelledClip['clip'];
  /** As the file has it: a name, or a number. */
  readonly label: string;
  /** Where the set itself says so. */
  readonly split?: SplitName | undefined;
  /** What else is known of it, by the names of the columns. */
  readonly columns?: Readonly<Record<string, string>>;
}

const text = z.string().min(1).optional();

/** Settings of how any set of clips is divided, and what its classes are called. */
export const clipSetSettings = {
  dev: text,
  test: text,
  seed: countSetting.optional(),
  split: z.enum(SPLIT_NAMES).optional(),
  names: text,
  first: countSetting.optional(),
};

/** Those of sets with columns. */
export const columnSettings = { ...clipSetSettings, by: text, train: text, label: text };

/** All of them, as a reader gets them. */
export interface ClipSetOptions {
  /** The column whose values divide the set: no value is in two splits. */
  readonly by?: string | undefined;
  /** With `by` values of it, joined by +; otherwise `dev` and `test` are shares. */
  readonly train?: string | undefined;
  readonly dev?: string | undefined;
  readonly test?: string | undefined;
  readonly seed?: number | undefined;
  /** All clips are in this split. */
  readonly split?: SplitName | undefined;
  /** A file that names the classes. */
  readonly names?: string | undefined;
  /** The number of the first class, where labels are numbers. */
  readonly first?: number | undefined;
}

/** What is known of a set beside its clips. */
export interface FoundSet {
  readonly name: string;
  readonly format: string;
  /** The file or folder, for errors. */
  readonly source: string;
  readonly clips: readonly FoundClip[];
  /** The number with which labels of this format begin, where they are numbers. */
  readonly begin?: number;
  /** The columns that `by` may name. */
  readonly columns?: readonly string[];
  readonly notes?: readonly string[];
}

/**
 * The set of the clips that were found. Without `by`, `split` and splits of its own, a tenth is held out for
 * dev and nothing for test, unless shares say otherwise.
 *
 * @throws FileError; FormatError for a set without clips, of one class, or whose labels are no classes;
 *   UsageError for a column or a value that does not occur.
 */
export async function clipDataset(found: FoundSet, options: ClipSetOptions): Promise<ClipDataset> {
  const { name, format, source, clips, begin } = found;
  if (clips.length === 0) throw new FormatError(source, 'holds no clips');
  const names =
    options.names === undefined ? undefined : await readClassNames(options.names, source);
  const labels = clips.map(({ label }) => label);
  const { first } = options;
  const { classes, labels: numbers } = classesOf(labels, source, { names, first, begin });
  const [only] = classes;
  if (classes.length === 1) {
    throw new FormatError(source, `has one class, ${only}: a classifier tells two or more apart`);
  }
  const places = new Map(clips.map((clip, index) => [clip, numbers[index] ?? 0]));
  const { splits, notes } = divided(found, options);
  const learned = new Set(splits.train.map((clip) => places.get(clip)));
  const lacking = classes.filter((_, label) => !learned.has(label));
  return {
    name,
    format,
    classes,
    splits: mapSplits(
      splits,
      (clip): LabelledClip => ({
        id: clip.id,
        clip: clip.clip,
        label: places.get(clip) ?? 0,
      }),
    ),
    notes: [
      ...(found.notes ?? []),
      ...notes,
      ...(learned.size > 0 && lacking.length > 0
        ? [`no clip in train is of the class ${firstFew(lacking)}: it cannot be learned`]
        : []),
      ...(learned.size === 0 && options.split === undefined
        ? ['no clip is in train: the set can be judged on, not trained on']
        : []),
    ],
  };
}

/** By a column, as the set says itself, or at random. */
function divided(
  { source, clips, columns = [] }: FoundSet,
  { by, train, dev, test, seed, split }: ClipSetOptions,
): Divided<FoundClip> {
  if (split !== undefined) {
    const idle = Object.entries({ by, train, dev, test, seed }).find(
      ([, set]) => set !== undefined,
    );
    if (idle) {
      throw new UsageError(`${source}: split=${split} is all clips: leave out ${idle[0]}=`);
    }
    return { splits: { train: [], dev: [], test: [], [split]: clips }, notes: [] };
  }
  if (by === undefined) {
    if (train !== undefined) {
      throw new UsageError(
        `${source}: train=${train} needs to know of which column, by=<column>${ofColumns(columns)}`,
      );
    }
    const shares = { dev: shareOf(dev), test: shareOf(test), seed };
    for (const [name, share] of Object.entries(shares)) {
      if (!Number.isNaN(share)) continue;
      throw new UsageError(
        `${source}: ${name}=${name === 'dev' ? dev : test} is no share from 0 to 1${columns.length > 0 ? `; if it is a value, say of which column, by=<column>${ofColumns(columns)}` : ''}`,
      );
    }
    return divideAsSaid(clips, shares, { source, what: 'clip', otherwise: { dev: 0.1, test: 0 } });
  }
  if (seed !== undefined) {
    throw new UsageError(
      `${source}: by=${by} divides by values, nothing at random: leave out seed=`,
    );
  }
  if (!columns.includes(by)) {
    throw new UsageError(`${source}: there is no column ${by}${ofColumns(columns)}`);
  }
  const context = { source, column: by, what: 'clip' };
  const valueFor = (clip: FoundClip) => clip.columns?.[by] ?? '';
  if (clips.every((clip) => clip.split === undefined)) {
    return splitByColumn(clips, valueFor, { train, dev, test }, context);
  }
  // The set says itself what is judged on: a column can only divide what is left.
  for (const [name, list] of Object.entries({ train, test })) {
    if (list === undefined) continue;
    throw new UsageError(
      `${source} says which clips are in which split: with by=${by} only dev= can be taken from its train, leave out ${name}=`,
    );
  }
  const own = (split: SplitName) => clips.filter((clip) => clip.split === split);
  if (own('dev').length > 0) {
    throw new UsageError(`${source} has clips for dev itself: leave out by= and dev=`);
  }
  const { splits, notes } = splitByColumn(own('train'), valueFor, { dev }, context);
  return { splits: { ...splits, test: own('test') }, notes };
}

function ofColumns(columns: readonly string[]): string {
  return columns.length > 0 ? ` (one of ${listed(columns)})` : '';
}

/** NaN for what is no share. */
function shareOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const share = shareSetting.safeParse(text);
  return share.success ? share.data : Number.NaN;
}
