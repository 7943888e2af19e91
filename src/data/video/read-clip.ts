/** Reads clips: of videos, animations, folders of frames, and what is drawn or in memory, all in the size asked for. */
import { ClipError } from '../../errors.js';
import { loadPixels, type PictureSize } from '../pictures/photos.js';
import { greyPlane, type Pixels } from '../pictures/pixels.js';
import type { Clip, ClipFile, ClipSource, FramePixels, TimedFrame } from './clip.js';
import { checkSampling, type Sampling, takenFrames } from './sampling.js';
import { videoFrames } from './video-files.js';

/** Which frames of a clip are read, and in which size. */
export interface ClipRequest {
  /** Default: as they are. */
  readonly size?: PictureSize | undefined;
  /** 3 (the default): red, green, blue. 1: grey, as `greyPlane` weighs them. */
  readonly channels?: 1 | 3 | undefined;
  /** Default: all frames. */
  readonly sampling?: Sampling | undefined;
}

/** Most bytes of a clip in memory. */
const LARGEST_CLIP = 2 ** 31;

/**
 * Reads a clip.
 * @throws as `clipFrames`; ClipError also when the frames that are asked for do not fit into memory together.
 */
export async function readClip(source: ClipSource, request: ClipRequest = {}): Promise<Clip> {
  const frames: TimedFrame[] = [];
  let bytes = 0;
  for await (const timed of clipFrames(source, request)) {
    bytes += timed.frame.data.length;
    if (bytes > LARGEST_CLIP) {
      const { width, height } = timed.frame;
      throw new ClipError(
        nameOf(source),
        `has more frames of ${width}x${height} pixels than fit into ${LARGEST_CLIP / 2 ** 30} GB of memory: take fewer (frames, rate, from, to) or make them smaller`,
      );
    }
    frames.push(timed);
  }
  const [first] = frames;
  if (!first) throw new ClipError(nameOf(source), 'has no frames');
  const { width, height, channels } = first.frame;
  const values = new Uint8Array(bytes);
  for (const [t, { frame }] of frames.entries()) values.set(frame.data, t * frame.data.length);
  return { width, height, channels, values, times: Float64Array.from(frames, ({ time }) => time) };
}

/**
 * The frames of a clip, one after the other; only a few of them are in memory, or as many as
 * `sampling.frames` asks for.
 * @throws ValueError for what cannot be meant; ClipError when the file is no clip that can be decoded;
 *   FileError when it cannot be read; MissingDependencyError without ffmpeg (videos) or sharp.
 */
export function clipFrames(
  source: ClipSource,
  request?: ClipRequest & { readonly channels?: 3 | undefined },
): AsyncIterable<TimedFrame<3>>;
export function clipFrames(source: ClipSource, request?: ClipRequest): AsyncIterable<TimedFrame>;
export async function* clipFrames(
  source: ClipSource,
  { size, channels = 3, sampling = {} }: ClipRequest = {},
): AsyncIterable<TimedFrame> {
  checkSampling(sampling);
  const frames =
    'path' in source ? videoFrames(source, size, sampling) : framesInMemory(source, size, sampling);
  for await (const { frame, time } of frames) {
    yield { frame: channels === 3 ? frame : grey(frame), time };
  }
}

function nameOf(source: ClipSource): string {
  return 'path' in source ? source.path : 'a clip in memory';
}

function grey(pixels: Pixels): FramePixels<1> {
  return { width: pixels.width, height: pixels.height, channels: 1, data: greyPlane(pixels) };
}

async function* framesInMemory(
  source: Exclude<ClipSource, ClipFile>,
  size: PictureSize | undefined,
  sampling: Sampling,
): AsyncGenerator<TimedFrame<3>, void> {
  const { width, height, channels, values, times } = 'draw' in source ? source.draw() : source;
  const bytes = width * height * channels;
  const last = times.at(-1) ?? 0;
  const end = last + (last - (times.at(-2) ?? last - 1 / 25));
  for (const { place, time } of takenFrames(times, end, sampling)) {
    const part = values.subarray(place * bytes, (place + 1) * bytes);
    const data =
      channels === 3
        ? part
        : Uint8Array.from({ length: 3 * bytes }, (_, i) => part[Math.floor(i / 3)] ?? 0);
    const pixels: Pixels = { width, height, channels: 3, data };
    yield { frame: size ? await loadPixels(pixels, size) : pixels, time };
  }
}
