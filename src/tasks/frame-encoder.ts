/** The encoder of a model that sees features of frames: its entry in the model file, and which frames go through it. */
import { z } from 'zod';
import { isRecord } from '../data/formats/strict-json.js';
import { type Preprocessing, parsePreprocessing } from '../data/pictures/preprocessing.js';
import type { ClipSource, Sequence } from '../data/video/clip.js';
import type { PreparedClip } from '../data/video/prepared-clips.js';
import type { Sampling } from '../data/video/sampling.js';
import type { SavedEncoder } from '../models/encoders/encoder.js';
import { encoderEntry } from './attached-encoder.js';

/** The entry of a model file for an encoder of frames. */
export const frameEncoderEntry = encoderEntry.extend({
  frames: z.int().positive().optional(),
});

/** The encoder of a model that sees features of frames. */
export interface FrameEncoder extends SavedEncoder {
  /** So many frames of each clip go through it, evenly over it; undefined: by the model's rate, or all. */
  readonly frames?: number | undefined;
}

/** Which frames of a clip a model sees. */
export function samplingOf(encoder: FrameEncoder | undefined, rate: number | undefined): Sampling {
  const { frames } = encoder ?? {};
  if (frames !== undefined) return { frames };
  return rate === undefined ? {} : { rate };
}

/** How frames become an encoder's input. @throws FormatError when it does not say */
export function preprocessingOf({ metadata }: SavedEncoder, source: string): Preprocessing {
  return parsePreprocessing(isRecord(metadata) ? metadata.preprocessing : undefined, source);
}

/** A clip of any set. */
export interface AnyClip {
  readonly id: string;
  readonly clip: ClipSource | Sequence;
}

/** What gives the features of a clip's frames. */
export interface FrameReader {
  /** Of a frame: (D), or (L, C) of a grid. */
  readonly shape: readonly number[];
  /** The places of a grid, L = H W. */
  readonly locations: readonly [H: number, W: number] | undefined;
  /** @throws what reading the clip, or the file of features, throws */
  read(clip: AnyClip): Promise<PreparedClip>;
}
