/** What can be wrong with a clip, whatever decodes it. */
import { ClipError, ValueError } from '../../errors.js';
import type { ClipFile } from './clip.js';

/**
 * Most pixels of a frame: what the highest level (6.2) of H.265 and AV1 allows, 8192 x 4352. A decoder keeps
 * dozens of frames in memory.
 */
export const LARGEST_FRAME = 8192 * 4352;

/** Most bytes of a clip in memory. */
export const LARGEST_CLIP = 2 ** 31;

export function noVideo(path: string): ClipError {
  return new ClipError(path, 'has no video in it, only sound or other data');
}

export function emptyFile(path: string): ClipError {
  return new ClipError(path, 'is empty, so it is no clip: copy or download it again');
}

/** @param photo the name of its format */
export function onlyPhoto(path: string, photo: string): ClipError {
  return new ClipError(
    path,
    `is a ${photo} photo, not a clip: frames are put into a folder of their own`,
  );
}

export function cutGif(path: string): ClipError {
  return new ClipError(path, 'is a GIF that is cut short: copy or download it again');
}

export function frameTooLarge(path: string, width: number | string, height: number | string) {
  return new ClipError(
    path,
    `has frames of ${width} x ${height} pixels, more than the ${Math.floor(LARGEST_FRAME / 1e6)} million that are read: make it smaller`,
  );
}

/** A size, in pixels. */
interface Size {
  readonly width: number;
  readonly height: number;
}

export function clipTooLarge(path: string, { width, height }: Size): ClipError {
  return new ClipError(
    path,
    `has more frames of ${width}x${height} pixels than fit into ${LARGEST_CLIP / 2 ** 30} GB: take fewer (frames, rate, from, to) or make them smaller`,
  );
}

export function sizeChanges(path: string, before: Size, after: Size): ClipError {
  return new ClipError(
    path,
    `has frames of ${before.width} x ${before.height} and then of ${after.width} x ${after.height} pixels: ask for one size`,
  );
}

/** The error for a part of a clip without frames. @param duration of the clip, in seconds. */
export function noFramesWithin({ path, from = 0, to }: ClipFile, duration?: number): ClipError {
  const part = to === undefined ? `from ${from} s on` : `from ${from} s to ${to} s`;
  const lasts = duration === undefined ? '' : `: it lasts ${Number(duration.toFixed(3))} s`;
  return new ClipError(path, `has no frames ${part}${lasts}`);
}

/** @throws ValueError for a part of a clip that cannot be meant */
export function checkPart({
  from = 0,
  to = Number.POSITIVE_INFINITY,
}: Pick<ClipFile, 'from' | 'to'>): void {
  if (!(from >= 0 && Number.isFinite(from))) {
    throw new ValueError(`A clip cannot be read from ${from} s on: say 0 or more.`);
  }
  if (!(to > from)) {
    throw new ValueError(`A clip cannot be read from ${from} s to ${to} s: the end comes first.`);
  }
}
