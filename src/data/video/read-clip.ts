/** Reads clips: of videos, animations, folders of frames, and what is drawn or in memory, all in the size asked for. */
import { availableParallelism } from 'node:os';
import { ClipError, ValueError } from '../../errors.js';
import { fileKind, KIND_BYTES } from '../formats/file-kinds.js';
import { readPlainStart } from '../formats/files.js';
import { isFolder } from '../formats/folders.js';
import { Semaphore } from '../pictures/photo-limits.js';
import { photoSize } from '../pictures/photos.js';
import { greyPlane, type Pixels } from '../pictures/pixels.js';
import { openAnimation } from './animations.js';
import type { Clip, ClipFile, ClipSource, FramePixels, TimedFrame } from './clip.js';
import { openFrameFolder } from './frame-folders.js';
import { clipList, listedFrames } from './frame-list.js';
import { checkSampling, type Sampling } from './sampling.js';
import { type Decoding, videoFrames } from './video-frames.js';
import { type ClipHeader, videoHeader } from './video-header.js';

/** Which frames of a clip are read, and in which size. */
export interface ClipRequest extends Decoding {
  /** 3 (the default): red, green, blue. 1: grey, as `greyPlane` weighs them. */
  readonly channels?: 1 | 3 | undefined;
  /** Default: all frames. */
  readonly sampling?: Sampling | undefined;
}

/** Most bytes of a clip in memory. */
const LARGEST_CLIP = 2 ** 31;

/** Clips that are read at the same time: decoders divide their own work, too. */
const reading = new Semaphore(Math.max(2, availableParallelism()));

/**
 * Reads a clip.
 * @throws as `clipFrames`; ClipError also when the frames that are asked for do not fit into memory.
 */
export async function readClip(source: ClipSource, request: ClipRequest = {}): Promise<Clip> {
  return reading.run(1, async () => {
    const frames: TimedFrame[] = [];
    let bytes = 0;
    for await (const timed of clipFrames(source, request)) {
      frames.push(timed);
      bytes += timed.frame.data.length;
      if (bytes > LARGEST_CLIP) throw tooLarge(source, timed.frame);
    }
    const [first] = frames;
    if (!first) throw new ValueError('A clip without frames cannot be read.');
    const { width, height, channels } = first.frame;
    const values = new Uint8Array(bytes);
    for (const [t, { frame }] of frames.entries()) values.set(frame.data, t * frame.data.length);
    const times = Float64Array.from(frames, ({ time }) => time);
    return { width, height, channels, values, times };
  });
}

/**
 * The frames of a clip, one after the other. Only a few of them are in memory, of a video of which
 * `sampling.frames` are asked for so many. Two that show the same may be the same object.
 *
 * @throws ValueError for what cannot be meant; FileError when a file cannot be read; ClipError when it is no
 *   clip that can be decoded, PhotoError when a picture of an animation or a folder cannot;
 *   MissingDependencyError without ffmpeg (videos) or sharp (all others).
 */
export function clipFrames(
  source: ClipSource,
  request?: ClipRequest & { readonly channels?: 3 | undefined },
): AsyncIterable<TimedFrame<3>>;
export function clipFrames(source: ClipSource, request?: ClipRequest): AsyncIterable<TimedFrame>;
export async function* clipFrames(
  source: ClipSource,
  { channels = 3, sampling = {}, ...decoding }: ClipRequest = {},
): AsyncIterable<TimedFrame> {
  checkSampling(sampling);
  const frames =
    'path' in source
      ? await fileFrames(source, sampling, decoding)
      : listedFrames(
          clipList('draw' in source ? await source.draw() : source),
          undefined,
          decoding.size,
          sampling,
        );
  for await (const { frame, time } of frames) {
    yield { frame: channels === 3 ? frame : inGrey(frame), time };
  }
}

/** What the file of a clip says of itself, before it is decoded. @throws as `clipFrames` */
export async function probeClip(path: string): Promise<ClipHeader> {
  switch (await formOf(path)) {
    case 'video':
      return videoHeader(path);
    case 'animation': {
      const { width, height, times, end } = await openAnimation(path);
      const frames = times.length;
      return { width, height, frames, duration: end, rate: frames / end, codec: 'animation' };
    }
    case 'folder': {
      const { names, rate, end } = await openFrameFolder({ path });
      const size = await photoSize(`${path}/${names[0]}`);
      return { ...size, frames: names.length, duration: end, rate, codec: 'pictures' };
    }
  }
}

async function fileFrames(
  file: ClipFile,
  sampling: Sampling,
  decoding: Decoding,
): Promise<AsyncIterable<TimedFrame<3>>> {
  checkPart(file);
  switch (await formOf(file.path)) {
    case 'video':
      return videoFrames(file, sampling, decoding);
    case 'animation':
      return listedFrames(await openAnimation(file.path), file, decoding.size, sampling);
    case 'folder': {
      const folder = await openFrameFolder(file, decoding.onNote);
      return listedFrames(folder, file, decoding.size, sampling);
    }
  }
}

/** What a path leads to. @throws FileError; ClipError when it is empty or a photo */
async function formOf(path: string): Promise<'video' | 'animation' | 'folder'> {
  if (await isFolder(path)) return 'folder';
  const start = await readPlainStart(path, KIND_BYTES);
  if (start.length === 0) {
    throw new ClipError(path, 'is empty, so it is no clip: copy or download it again');
  }
  const { photo } = fileKind(start) ?? {};
  if (photo === 'GIF' || photo === 'WebP') return 'animation';
  // A film of JPEG pictures, one after the other, begins as the first of them.
  if (photo === undefined || /\.mjpe?g$/i.test(path)) return 'video';
  throw new ClipError(
    path,
    `is a ${photo} photo, not a clip: frames are put into a folder of their own`,
  );
}

function checkPart({ from = 0, to = Number.POSITIVE_INFINITY, frameRate = 1 }: ClipFile): void {
  if (!(from >= 0 && Number.isFinite(from))) {
    throw new ValueError(`A clip cannot be read from ${from} s on: say 0 or more.`);
  }
  if (!(to > from)) {
    throw new ValueError(`A clip cannot be read from ${from} s to ${to} s: the end comes first.`);
  }
  if (!(frameRate > 0 && Number.isFinite(frameRate))) {
    throw new ValueError(`A folder of frames cannot be read at ${frameRate} frames a second.`);
  }
}

function inGrey(pixels: Pixels): FramePixels<1> {
  return { width: pixels.width, height: pixels.height, channels: 1, data: greyPlane(pixels) };
}

function tooLarge(source: ClipSource, { width, height }: FramePixels): ClipError {
  return new ClipError(
    'path' in source ? source.path : 'a clip in memory',
    `has more frames of ${width}x${height} pixels than fit into ${LARGEST_CLIP / 2 ** 30} GB: take fewer (frames, rate, from, to) or make them smaller`,
  );
}
