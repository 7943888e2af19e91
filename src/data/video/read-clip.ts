/** Reads clips: of videos, animations, folders of frames, and what is drawn or in memory, all in the size asked for. */
import { availableParallelism } from 'node:os';
import { ValueError } from '../../errors.js';
import { fileKind, KIND_BYTES } from '../formats/file-kinds.js';
import { readPlainStart } from '../formats/files.js';
import { isFolder } from '../formats/folders.js';
import { Semaphore } from '../pictures/photo-limits.js';
import { loadPixels, photoSize } from '../pictures/photos.js';
import type { Pixels } from '../pictures/pixels.js';
import { openAnimation } from './animations.js';
import type { Clip, ClipFile, ClipSource, TimedFrame } from './clip.js';
import { checkPart, emptyFile, onlyPhoto } from './clip-faults.js';
import { openFrameFolder } from './frame-folders.js';
import {
  clipEnd,
  collectedFrames,
  type FrameList,
  type FrameRequest,
  inChannels,
  inTurns,
  listedFrames,
} from './frame-list.js';
import { checkSampling, type Sampling } from './sampling.js';
import { type Decoding, videoFrames } from './video-frames.js';
import { type ClipHeader, videoHeader } from './video-header.js';

/** Which frames of a clip are read, in which size, and how they are decoded. */
export interface ClipRequest extends FrameRequest, Decoding {}

/** Clips that are read at the same time: decoders divide their own work, too. */
const reading = new Semaphore(Math.max(2, availableParallelism()));

/**
 * Reads a clip.
 * @throws as `clipFrames`; ClipError also when the frames that are asked for do not fit into memory.
 */
export async function readClip(source: ClipSource, request: ClipRequest = {}): Promise<Clip> {
  return reading.run(1, async () => {
    const name = 'path' in source ? source.path : 'a clip in memory';
    return collectedFrames(clipFrames(source, request), name);
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
  yield* inChannels(frames, channels);
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
  checkFile(file);
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
    throw emptyFile(path);
  }
  const { photo } = fileKind(start) ?? {};
  if (photo === 'GIF' || photo === 'WebP') return 'animation';
  // A film of JPEG pictures, one after the other, begins as the first of them.
  if (photo === undefined || /\.mjpe?g$/i.test(path)) return 'video';
  throw onlyPhoto(path, photo);
}

function checkFile({ frameRate = 1, ...part }: ClipFile): void {
  checkPart(part);
  if (!(frameRate > 0 && Number.isFinite(frameRate))) {
    throw new ValueError(`A folder of frames cannot be read at ${frameRate} frames a second.`);
  }
}

/** The frames of a clip in memory. */
function clipList({ width, height, channels, values, times }: Clip): FrameList {
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

function inColour(grey: Uint8Array): Uint8Array {
  const data = new Uint8Array(3 * grey.length);
  for (const [i, value] of grey.entries()) data.fill(value, 3 * i, 3 * i + 3);
  return data;
}
