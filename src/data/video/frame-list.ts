/** Clips whose frames' times are known before they are decoded: which are taken, and in which size. */
import { ValueError } from '../../errors.js';
import { greyPlane, type Pixels } from '../pictures/pixels.js';
import type { PictureSize } from '../pictures/preprocessing.js';
import type { Clip, ClipFile, FramePixels, TimedFrame } from './clip.js';
import { clipTooLarge, LARGEST_CLIP, noFramesWithin } from './clip-faults.js';
import { type Sampling, takenFrames } from './sampling.js';

/** Which frames of a clip are read, and in which size. */
export interface FrameRequest {
  /** Default: as the frames are. */
  readonly size?: PictureSize | undefined;
  /** 3 (the default): red, green, blue. 1: grey, as `greyPlane` weighs them. */
  readonly channels?: 1 | 3 | undefined;
  /** Default: all frames. */
  readonly sampling?: Sampling | undefined;
}

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

/** Frames in colour as they are, or in grey: see `greyPlane`. */
export async function* inChannels(
  frames: AsyncIterable<TimedFrame<3>>,
  channels: 1 | 3,
): AsyncGenerator<TimedFrame, void> {
  for await (const { frame, time } of frames) {
    yield { frame: channels === 3 ? frame : inGrey(frame), time };
  }
}

function inGrey(pixels: Pixels): FramePixels<1> {
  return { width: pixels.width, height: pixels.height, channels: 1, data: greyPlane(pixels) };
}

/** All frames as a clip. @throws ClipError when they do not fit into memory */
export async function collectedFrames(
  frames: AsyncIterable<TimedFrame>,
  name: string,
): Promise<Clip> {
  const kept: TimedFrame[] = [];
  let bytes = 0;
  for await (const timed of frames) {
    kept.push(timed);
    bytes += timed.frame.data.length;
    if (bytes > LARGEST_CLIP) throw clipTooLarge(name, timed.frame);
  }
  const [first, ...others] = kept;
  if (!first) throw new ValueError('A clip without frames cannot be read.');
  return joinedFrames([first, ...others]);
}
