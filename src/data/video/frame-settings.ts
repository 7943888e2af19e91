/** Settings of sets whose clips are folders of frames: how fast these are shown, and which of their files are meant. */
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import { mapSplits, SPLIT_NAMES, type SplitName } from '../splits.js';
import type { ClipSource, Sequence } from './clip.js';
import { isClipName } from './clip-files.js';

/** A rate of frames, in frames a second. */
export const rateSetting = z.coerce
  .number('must be a number of frames a second')
  .positive('must be above 0')
  .max(1e6)
  .optional();

/** The settings of folders of frames, see `ClipFile`. */
export const frameSettings = { rate: rateSetting, series: z.string().min(1).optional() };

/** Those settings, as they are read. */
export interface FrameOptions {
  /** Frames a second of folders of frames. */
  readonly rate?: number | undefined;
  /** The begin of the names of their files: `img_`. */
  readonly series?: string | undefined;
}

interface SetOfClips<I> {
  readonly splits: { readonly [K in SplitName]: readonly I[] };
}

/**
 * A set of clips as its reader opens it, with these settings for its folders of frames.
 * @param open the reader.
 */
export function framed<
  C extends ClipSource | Sequence,
  I extends { readonly clip: C },
  T extends SetOfClips<I>,
  S,
>(
  open: (path: string, settings: S) => Promise<T & SetOfClips<I>>,
): (path: string, settings: S & FrameOptions) => Promise<T> {
  return async (path, settings) => {
    const set = await open(path, settings);
    const { rate, series } = settings;
    if (rate === undefined && series === undefined) return set;
    const folders = SPLIT_NAMES.flatMap((name) => set.splits[name]).filter(isFolderOfFrames);
    if (folders.length === 0) {
      const name = rate === undefined ? 'series' : 'rate';
      throw new UsageError(`${path} has no folders of frames, which ${name}= is for: leave it out`);
    }
    const given = {
      ...(rate === undefined ? {} : { frameRate: rate }),
      ...(series === undefined ? {} : { series }),
    };
    const splits = mapSplits(
      set.splits,
      (item: I): I =>
        isFolderOfFrames(item) ? { ...item, clip: { ...item.clip, ...given } } : item,
    );
    return { ...set, splits };
  };
}

function isFolderOfFrames({ clip }: { readonly clip: ClipSource | Sequence }): boolean {
  return 'path' in clip && !isClipName(clip.path);
}
