/** Labelled clips: what a set of them is. */
import type { SplitName } from '../splits.js';
import type { AwaitedClip, ClipSource, Sequence } from './clip.js';

/** A clip, or a sequence that stands for it, and the number of its class. */
export interface LabelledClip {
  /** Unique within a set: a path below the set's folder, or `clip 12`. */
  readonly id: string;
  readonly clip: Exclude<ClipSource, AwaitedClip> | Sequence;
  /** From 0 on. */
  readonly label: number;
}

/** A set of labelled clips, divided into what is trained on, tuned on and judged on; any may be empty. */
export interface ClipDataset {
  /** Its name in reports. */
  readonly name: string;
  /** The word before the colon in `openClips`'s argument. */
  readonly format: string;
  /** The names of the classes; a label is a place in this list. */
  readonly classes: readonly string[];
  readonly splits: { readonly [K in SplitName]: readonly LabelledClip[] };
  /** What the user should know about the files that were read, a sentence each. */
  readonly notes?: readonly string[];
}

/** A number that changes when the names, the order or the classes of clips do: FNV-1a, in hexadecimal. */
export function clipsFingerprint(clips: readonly LabelledClip[]): string {
  let hash = 0x811c9dc5;
  for (const letter of clips.map(({ id, label }) => `${id}\n${label}\n`).join('')) {
    hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}
