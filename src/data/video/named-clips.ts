/** From the clips that a list of captions names, without folder and ending, to a set. */
import { FormatError } from '../../errors.js';
import type { Part } from '../captions/caption-rows.js';
import { leftOutNote } from '../formats/notes.js';
import { divideAsSaid, mapSplits, type ShareOptions, type SplitName } from '../splits.js';
import type { CaptionedClip, ClipCaptionDataset } from './captioned-clips.js';
import { type ClipPlaces, withNames } from './locate-clips.js';

/** A clip as a reader found it. */
export interface NamedClip {
  readonly id: string;
  /** What its file may be called, without ending; the first that is there is taken. */
  readonly names: readonly string[];
  readonly captions: readonly string[];
  readonly split?: SplitName | undefined;
  /** Which part of the file it is, where a file is called by its last name. */
  readonly part?: Part;
}

/** How such a set is divided, and where its clips are. */
export interface NamedClipOptions extends ShareOptions, ClipPlaces {}

/** What is known of a set beside its clips. */
export interface NamedClipSet {
  readonly name: string;
  readonly format: string;
  /** The file, for errors. */
  readonly source: string;
  /** The set's folder. */
  readonly root: string;
  readonly clips: readonly NamedClip[];
  readonly notes: readonly string[];
}

/**
 * The set of the clips that were found. Clips without captions are left out, and said so; where none of the files
 * is there nothing is checked.
 *
 * @throws FileError; FormatError for a set without captions, a clip that is listed twice, clips without a file;
 *   UsageError for shares of what the set says itself.
 */
export async function namedClipSet(
  { name, format, source, root, clips, notes }: NamedClipSet,
  { videos, missing, ...shares }: NamedClipOptions,
): Promise<ClipCaptionDataset> {
  const known = new Set<string>();
  for (const { id } of clips) {
    if (known.has(id)) throw new FormatError(source, `${id} is listed twice`);
    known.add(id);
  }
  const captioned = clips.filter(({ captions }) => captions.length > 0);
  const without = clips.filter(({ captions }) => captions.length === 0).map(({ id }) => id);
  if (captioned.length === 0) throw new FormatError(source, 'holds no captions');
  const located = await withNames(captioned, source, root, { videos, missing, needed: false });
  const { splits, notes: division } = divideAsSaid(located.entries, shares, {
    source,
    what: 'clip',
  });
  return {
    name,
    format,
    splits: mapSplits(splits, ({ id, captions, path, name, names, part }): CaptionedClip => {
      const isPart = part !== undefined && name === names.at(-1);
      return { id, clip: isPart ? { path, ...part } : { path }, captions };
    }),
    order: clips.map(({ id }) => id),
    notes: [
      ...notes,
      ...leftOutNote(without, 'clip', ['no caption', 'no captions']),
      ...located.notes,
      ...division,
    ],
  };
}
