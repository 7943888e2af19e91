/** Writes clips as files that pages and programs show: animated GIF and WebP, and videos by ffmpeg. */
import { ClipError, UsageError, ValueError } from '../../errors.js';
import { writeFileAtomically } from '../formats/write-files.js';
import { importSharp } from '../pictures/untrusted-photo.js';
import type { Clip } from './clip.js';
import { programOutput } from './ffmpeg.js';
import { clipEnd } from './frame-list.js';

/** How a clip is written. */
export interface ClipWriting {
  /** Of WebP: 1 to 100, smaller files the lower it is (default: without loss). */
  readonly quality?: number | undefined;
}

/**
 * A clip as an animation that plays for ever. A GIF has at most 256 colours, and times in 1/100 s.
 * @throws ValueError for a clip without frames; MissingDependencyError without sharp.
 */
export async function encodeClip(
  clip: Clip,
  type: 'gif' | 'webp',
  { quality }: ClipWriting = {},
): Promise<Uint8Array> {
  const { width, height, channels, values } = checked(clip);
  const sharp = await importSharp();
  const T = clip.times.length;
  const raw = { width, height: height * T, channels, pageHeight: height };
  const animation = sharp(values, { raw });
  const delay = delays(clip, type === 'gif' ? 10 : 1);
  const file =
    type === 'gif'
      ? animation.gif({ delay, loop: 0 })
      : animation.webp({ delay, loop: 0, ...(quality ? { quality } : { lossless: true }) });
  const { buffer, byteOffset, byteLength } = await file.toBuffer();
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Browsers show a shorter frame for 100 ms instead. */
const SHORTEST = 20;

/** How long each frame is shown, in ms, by steps of so many. */
function delays(clip: Clip, step: number): number[] {
  const ticks = [...clip.times, clipEnd(clip.times)].map((time) =>
    Math.round((1000 * time) / step),
  );
  return ticks.slice(1).map((tick, i) => Math.max(SHORTEST, (tick - (ticks[i] ?? 0)) * step));
}

/**
 * Writes a clip as `.gif` or `.webp`, or, by ffmpeg, as a video: `.mp4`, `.webm`, `.mkv`. Videos have frames
 * at even times, and mostly even sides: an odd one becomes a pixel longer.
 *
 * @throws UsageError for another ending; ValueError for a clip without frames, or a video with frames at
 *   uneven times; FileError; MissingDependencyError; ClipError when ffmpeg cannot write it.
 */
export async function writeClip(
  path: string,
  clip: Clip,
  writing: ClipWriting = {},
): Promise<void> {
  const [, ending = ''] = /\.([^.]*)$/.exec(path.toLowerCase()) ?? [];
  if (ending === 'gif' || ending === 'webp') {
    await writeFileAtomically(path, await encodeClip(clip, ending, writing));
    return;
  }
  const muxer = MUXERS[ending];
  if (!muxer) {
    const endings = ['gif', 'webp', ...Object.keys(MUXERS)].map((name) => `.${name}`);
    throw new UsageError(`${path}: a clip is written as ${endings.join(', ')}.`);
  }
  await writeFileAtomically(path, encodedVideo(path, clip, muxer));
}

/** What ffmpeg is told to write a video into a pipe. */
const MUXERS: Readonly<Record<string, readonly string[]>> = {
  mp4: ['-f', 'mp4', '-movflags', 'frag_keyframe+empty_moov+default_base_moof'],
  webm: ['-f', 'webm'],
  mkv: ['-f', 'matroska'],
};

async function* encodedVideo(
  path: string,
  clip: Clip,
  muxer: readonly string[],
): AsyncGenerator<Uint8Array, void> {
  const { width, height, channels, values } = checked(clip);
  const output = programOutput(
    'ffmpeg',
    [
      ...['-hide_banner', '-nostats', '-loglevel', 'repeat+level+warning'],
      ...['-f', 'rawvideo', '-pix_fmt', channels === 1 ? 'gray' : 'rgb24'],
      ...['-s', `${width}x${height}`, '-framerate', String(evenRate(clip)), '-i', 'pipe:0'],
      ...['-vf', "pad='ceil(iw/2)*2':'ceil(ih/2)*2',format=yuv420p", ...muxer, 'pipe:1'],
    ],
    path,
    { input: values },
  );
  for (;;) {
    const { done, value } = await output.next();
    if (!done) {
      yield value;
    } else if (value.isGood) {
      return;
    } else {
      throw new ClipError(path, `cannot be written: ffmpeg says "${value.complaints.at(-1)}"`);
    }
  }
}

/** Seconds by which a frame may be shown early or late: less than screens show. */
const UNEVEN = 0.004;

/** Frames a second. @throws ValueError when they are not evenly apart */
function evenRate({ times }: Clip): number {
  const step = clipEnd(times) / times.length;
  if (times.every((time, t) => Math.abs(time - t * step) <= UNEVEN)) return 1 / step;
  throw new ValueError(
    'The frames of this clip are at uneven times, which is not written as a video: write it as .gif or .webp.',
  );
}

function checked(clip: Clip): Clip {
  const { width, height, channels, values, times } = clip;
  const needed = times.length * height * width * channels;
  if (times.length === 0) throw new ValueError('A clip without frames cannot be written.');
  if (values.length === needed) return clip;
  throw new ValueError(
    `A clip of ${times.length} frames of ${width}x${height} pixels in ${channels} channels has ${needed} bytes, not ${values.length}.`,
  );
}
