/** Captioned clips: what every reader of sentences about clips gives, and what training and scoring take. */
import type { Captioned, CaptionSet } from '../captions/captioned-images.js';
import type { Box } from '../pictures/pixels.js';
import type { ClipSource } from './clip.js';

/** A word of a caption that names a thing in a clip, or what happens to it, and where that is seen. */
export interface NamedTrack {
  /** Which of the clip's captions, and which of its words. */
  readonly caption: number;
  readonly word: number;
  /** What the word says about the thing: `colour`, `shape`, `event`, ... */
  readonly kind: string;
  /** (T): the rectangle around the thing in each frame; undefined where it is not seen. */
  readonly boxes: readonly (Box | undefined)[];
}

/** A clip and its captions. */
export interface CaptionedClip extends Captioned {
  readonly clip: ClipSource;
  /** Where and when is seen what words name, where the set knows: what attention is checked against. */
  readonly tracks?: readonly NamedTrack[];
}

/** A set of captioned clips, divided into what is trained on, tuned on and judged on. */
export type ClipCaptionDataset = CaptionSet<CaptionedClip>;
