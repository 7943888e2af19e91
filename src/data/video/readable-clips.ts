/** Leaves out the clips of a set that cannot be read. */
import { UsageError } from '../../errors.js';
import { refuseIfMany, unreadableNote } from '../formats/notes.js';
import type { ClipSource, Sequence } from './clip.js';
import { readClips } from './read-clips.js';

/** A clip of a set: its files may be damaged, what is drawn or in memory is not. */
interface ClipOfSet {
  readonly id: string;
  readonly clip: ClipSource | Sequence;
}

/** Frames are decoded only to see whether they can be. */
const TINY = { width: 4, height: 4, resize: 'squash', resample: 'nearest' } as const;

/**
 * The clips of some splits that can be read. Each file is decoded once for that, from begin to end.
 * @param name of the set, for errors.
 * @param note is told which are left out, and why.
 * @throws UsageError for a set without files; FormatError when more than a third cannot be read: then something else
 *   is wrong.
 */
export async function readableClips<C extends ClipOfSet, K extends string>(
  splits: Readonly<Record<K, readonly C[]>>,
  name: string,
  note: (text: string) => void,
): Promise<Record<K, readonly C[]>> {
  const all = Object.values<readonly C[]>(splits).flat();
  const files = all.flatMap(({ id, clip }) => ('path' in clip ? [{ id, clip }] : []));
  if (files.length === 0 && all.length > 0) {
    throw new UsageError(
      `--skip-bad: ${name} holds no files of clips, of which some could be left out: leave --skip-bad out`,
    );
  }
  const bad = new Map<string, string>();
  const sources = files.map(({ clip }) => clip);
  const damaged: string[] = [];
  const reading = readClips(sources, {
    size: TINY,
    onNote: (sentence) => void damaged.push(sentence),
    skip: true,
    onSkip: (place, { message }) => void bad.set(files[place]?.id ?? '', message),
  });
  for await (const _ of reading);
  const reasons = [...bad.values()];
  refuseIfMany(name, reasons, all.length, 'clip');
  for (const sentence of unreadableNote(reasons, 'clip')) note(`${name}: ${sentence}`);
  if (damaged.length > 0) {
    const more = damaged.length > 1 ? `; ${damaged.length - 1} more` : '';
    note(`${name}: not all of a clip can be read: ${damaged[0]}${more}`);
  }
  const readable = (clips: readonly C[]) => clips.filter(({ id }) => !bad.has(id));
  const left: Record<K, readonly C[]> = { ...splits };
  for (const split in splits) left[split] = readable(splits[split]);
  return left;
}
