/** A few frames of a clip of any length, made small, for pages that show it. */
import { ClipError } from '../../errors.js';
import type { Clip, ClipSource, TimedFrame } from './clip.js';
import { clipEnd, joinedFrames } from './frame-list.js';
import { clipFrames } from './read-clip.js';
import { evenPlaces } from './sampling.js';

/** What a page shows of a clip. */
export interface Film {
  /** Some of its frames, evenly over it, with their times. */
  readonly frames: Clip;
  /** Of all its frames, in seconds. */
  readonly times: Float64Array;
  /** When its last frame ends, in seconds. */
  readonly end: number;
}

/**
 * Reads a film: once through the clip, with at most `4 most` small frames in memory.
 * @param size.most frames; a clip with fewer keeps all of them.
 * @param size.side most pixels of a frame across and down; small frames stay as they are.
 * @throws as `clipFrames`; ClipError for a clip without frames.
 */
export async function readFilm(
  source: ClipSource,
  { most, side }: { readonly most: number; readonly side: number },
): Promise<Film> {
  let kept: TimedFrame[] = [];
  /** Every so many frames are kept. */
  let apart = 1;
  const times: number[] = [];
  for await (const timed of clipFrames(source, { size: await sizeWithin(source, side) })) {
    if (times.length % apart === 0) kept.push(timed);
    times.push(timed.time);
    if (kept.length <= 4 * most) continue;
    kept = kept.filter((_, i) => i % 2 === 0);
    apart *= 2;
  }
  const chosen =
    kept.length > most ? evenPlaces(kept.length, most).flatMap((place) => kept[place] ?? []) : kept;
  const [first, ...others] = chosen;
  if (!first) throw new ClipError('path' in source ? source.path : 'a clip', 'has no frames');
  return {
    frames: joinedFrames([first, ...others]),
    times: Float64Array.from(times),
    end: clipEnd(times),
  };
}

/** The size of a clip's frames, made to fit; undefined where they fit as they are. */
async function sizeWithin(source: ClipSource, side: number) {
  for await (const { frame } of clipFrames(source)) {
    const scale = side / Math.max(frame.width, frame.height);
    if (scale >= 1) return undefined;
    const [width, height] = [frame.width, frame.height].map((pixels) =>
      Math.max(1, Math.round(scale * pixels)),
    );
    return { width: width ?? 1, height: height ?? 1, resize: 'squash' as const };
  }
  return undefined;
}
