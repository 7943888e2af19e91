/** Cuts a video of any length into stretches of some seconds, of which two at most are in memory. */
import { ClipError, ValueError } from '../../errors.js';
import type { Clip, TimedFrame } from './clip.js';
import { clipEnd } from './frame-list.js';

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

interface Part {
  readonly from: number;
  readonly frames: readonly TimedFrame[];
}

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
  /** A stretch that is complete, unless it is the last but a short rest. */
  let before: Part | undefined;
  let place = 0;
  let own: TimedFrame[] = [];
  let bytes = 0;
  /** Of the last two frames. */
  let times: number[] = [];
  for await (const timed of frames) {
    const { frame, time } = timed;
    times = [...times.slice(-1), time];
    const at = Math.floor((time + SAME_TIME) / every);
    if (at > place) {
      if (before) yield stretchOf(before, place * every);
      before = own.length > 0 ? { from: place * every, frames: own } : undefined;
      [place, own, bytes] = [at, [], 0];
    }
    bytes += frame.data.length;
    if (bytes > LARGEST_STRETCH) {
      throw new ClipError(
        name,
        `has more frames of ${frame.width}x${frame.height} pixels within ${every} seconds than fit into ${LARGEST_STRETCH / 2 ** 30} GB of memory: take shorter stretches`,
      );
    }
    own.push(timed);
  }
  if (own.length === 0) return;
  const rest: Part = { from: place * every, frames: own };
  const end = clipEnd(times);
  if (!before) {
    yield stretchOf(rest, end);
  } else if (end - rest.from < every / 2) {
    yield stretchOf({ from: before.from, frames: [...before.frames, ...rest.frames] }, end);
  } else {
    yield stretchOf(before, rest.from);
    yield stretchOf(rest, end);
  }
}

function stretchOf({ from, frames }: Part, to: number): Stretch {
  const { width, height, channels, data } = frames[0]?.frame ?? nothing;
  const values = new Uint8Array(frames.length * data.length);
  for (const [t, { frame }] of frames.entries()) values.set(frame.data, t * data.length);
  const times = Float64Array.from(frames, ({ time }) => Math.max(0, time - from));
  return { from, to, clip: { width, height, channels, values, times } };
}

const nothing: TimedFrame['frame'] = { width: 0, height: 0, channels: 3, data: new Uint8Array() };
