/** Clips whose frames' times are known before they are decoded: which are taken, and in which size. */
import { loadPixels, type PictureSize } from '../pictures/photos.js';
import type { Pixels } from '../pictures/pixels.js';
import type { Clip, ClipFile, TimedFrame } from './clip.js';
import { type Sampling, takenFrames } from './sampling.js';
import { noFramesWithin } from './video-faults.js';

/** A clip whose frames' times are known. */
export interface FrameList {
  /** When each frame is shown, in seconds, in ascending order. */
  readonly times: ArrayLike<number>;
  /** When the last one ends. */
  readonly end: number;
  /**
   * The frames at these places, in this order.
   * @param places in ascending order; some several times.
   * @param size undefined: as they are.
   */
  read(places: readonly number[], size: PictureSize | undefined): AsyncIterable<Pixels>;
}

/** Frames that are brought to a size at the same time. */
const AT_ONCE = 8;

/**
 * The frames of a list that are asked for, one after the other.
 * @param file of which part is read.
 * @throws ClipError when the part has no frames
 */
export async function* listedFrames(
  list: FrameList,
  file: ClipFile | undefined,
  size: PictureSize | undefined,
  sampling: Sampling,
): AsyncGenerator<TimedFrame<3>, void> {
  const from = file?.from ?? 0;
  const to = file?.to ?? Number.POSITIVE_INFINITY;
  const times = Array.from(list.times);
  const first = times.filter((time) => time < from).length;
  const within = times.filter((time) => time >= from && time < to).map((time) => time - from);
  if (within.length === 0 && file) throw noFramesWithin(file, list.end);
  const taken = takenFrames(within, Math.min(list.end, to) - from, sampling);
  const places = taken.map(({ place }) => place + first);
  let k = 0;
  for await (const frame of list.read(places, size)) {
    yield { frame, time: taken[k++]?.time ?? 0 };
  }
}

/** The frames of a clip in memory. */
export function clipList({ width, height, channels, values, times }: Clip): FrameList {
  const bytes = width * height * channels;
  const frame = (place: number): Pixels => {
    const data = values.subarray(place * bytes, (place + 1) * bytes);
    return { width, height, channels: 3, data: channels === 3 ? data : inColour(data) };
  };
  return {
    times,
    end: clipEnd(times),
    read: (places, size) =>
      inTurns(places, async (place) => (size ? loadPixels(frame(place), size) : frame(place))),
  };
}

/**
 * Frames of one size as a clip.
 * @param begin when the clip begins, in seconds.
 */
export function joinedFrames(
  [first, ...others]: readonly [TimedFrame, ...(readonly TimedFrame[])],
  begin = 0,
): Clip {
  const { width, height, channels, data } = first.frame;
  const frames = [first, ...others];
  const values = new Uint8Array(frames.length * data.length);
  for (const [t, { frame }] of frames.entries()) values.set(frame.data, t * data.length);
  const times = Float64Array.from(frames, ({ time }) => Math.max(0, time - begin));
  return { width, height, channels, values, times };
}

function inColour(grey: Uint8Array): Uint8Array {
  const data = new Uint8Array(3 * grey.length);
  for (const [i, value] of grey.entries()) data.fill(value, 3 * i, 3 * i + 3);
  return data;
}

/** Seconds that a frame is shown where nothing says how long. */
const USUAL_DURATION = 1 / 25;

/** When the last frame ends: it is taken to be shown as long as the one before. */
export function clipEnd(times: ArrayLike<number>): number {
  const T = times.length;
  const last = times[T - 1] ?? 0;
  return last + (T > 1 ? last - (times[T - 2] ?? 0) : USUAL_DURATION);
}

/** What becomes of each item, in order; some are worked on at the same time. */
export async function* inTurns<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void> {
  for (let first = 0; first < items.length; first += AT_ONCE) {
    yield* await Promise.all(items.slice(first, first + AT_ONCE).map(work));
  }
}
