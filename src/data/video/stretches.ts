/** Cuts a video of any length into stretches of some seconds, of which two at most are in memory. */
import { ClipError, ValueError } from '../../errors.js';
import type { Clip, TimedFrame } from './clip.js';
import { clipEnd, joinedFrames } from './frame-list.js';

/** A part of a video, and its frames. */
export interface Stretch {
  /** Seconds from the video's begin. */
  readonly from: number;
  readonly to: number;
  /** Its frames; their times count from the stretch's begin. */
  readonly clip: Clip;
}

/** Seconds by which times may differ that mean the same. */
const SAME_TIME = 1e-6;
/** Most bytes of the frames of a stretch. */
const LARGEST_STRETCH = 2 ** 30;

/** Frames of a stretch, of which there is one at least. */
type Frames = [TimedFrame, ...TimedFrame[]];

/**
 * The stretches of a video: `every` seconds each, from its begin. A stretch in which no frame begins belongs to the
 * one before, whose last frame is still shown; a rest of less than half a stretch, too.
 *
 * @param frames of one size, as `clipFrames` gives them.
 * @param name of the video, for errors.
 * @throws ValueError unless `every` is above 0; ClipError for a stretch that is too large for the memory; what reading
 *   the frames throws.
 */
export async function* stretchesOf(
  frames: AsyncIterable<TimedFrame>,
  every: number,
  name: string,
): AsyncGenerator<Stretch, void> {
  if (!(every > 0 && every < Number.POSITIVE_INFINITY)) {
    throw new ValueError(`A video cannot be cut every ${every} seconds: say a number above 0.`);
  }
  const cut = (from: number, frames: Frames, to: number): Stretch => {
    return { from, to, clip: joinedFrames(frames, from) };
  };
  /** A stretch that is complete, unless it is the last but a short rest. */
  let before: { readonly from: number; readonly frames: Frames } | undefined;
  let place = 0;
  let own: Frames | undefined;
  let bytes = 0;
  /** Of the last two frames. */
  let times: number[] = [];
  for await (const timed of frames) {
    const { frame, time } = timed;
    times = [...times.slice(-1), time];
    const at = Math.floor((time + SAME_TIME) / every);
    if (at > place) {
      if (before) yield cut(before.from, before.frames, place * every);
      before = own && { from: place * every, frames: own };
      [place, own, bytes] = [at, undefined, 0];
    }
    bytes += frame.data.length;
    if (bytes > LARGEST_STRETCH) {
      throw new ClipError(
        name,
        `has more frames of ${frame.width}x${frame.height} pixels within ${every} seconds than fit into ${LARGEST_STRETCH / 2 ** 30} GB of memory: take shorter stretches`,
      );
    }
    if (own) own.push(timed);
    else own = [timed];
  }
  if (!own) return;
  const [begin, end] = [place * every, clipEnd(times)];
  if (!before) {
    yield cut(begin, own, end);
  } else if (end - begin < every / 2) {
    yield cut(before.from, [...before.frames, ...own], end);
  } else {
    yield cut(before.from, before.frames, begin);
    yield cut(begin, own, end);
  }
}
