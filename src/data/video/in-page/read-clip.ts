/** Reads clips in a page: of videos and animations, all in the size asked for, as `readClip` does in Node. */
import { fileKind } from '../../formats/file-kinds.js';
import type { Clip, ClipFile, TimedFrame } from '../clip.js';
import { checkPart, emptyFile, onlyPhoto } from '../clip-faults.js';
import { collectedFrames, type FrameRequest, inChannels, listedFrames } from '../frame-list.js';
import { checkSampling } from '../sampling.js';
import { openAnimationInPage } from './animation.js';
import { type FileInPage, nameOf, startOf } from './file.js';
import { openVideoInPage } from './video.js';

/** Which frames of a clip are read in a page, and in which size: what `ClipRequest` says in Node. */
export interface PageClipRequest extends FrameRequest, Pick<ClipFile, 'from' | 'to'> {}

/**
 * Reads a clip in a page: a video that the browser's WebCodecs decode (MP4, QuickTime, WebM, Matroska, Ogg,
 * MPEG-TS, by the package mediabunny), or an animated GIF or WebP that its ImageDecoder does. Frames are taken
 * and brought to their size as by `readClip` in Node; their values differ by what decoders round.
 *
 *     const clip = await readClipInPage(input.files[0], { size, sampling: { frames: 16 } });
 *
 * @param file what the user chose, bytes (`new Blob([bytes])`), or an address that the page may read.
 * @throws as `clipFramesInPage`; ClipError also when the frames that are asked for do not fit into memory.
 */
export async function readClipInPage(
  file: FileInPage,
  request: PageClipRequest = {},
): Promise<Clip> {
  return collectedFrames(clipFramesInPage(file, request), nameOf(file));
}

/**
 * The frames of a clip in a page, one after the other; only a few of them are in memory.
 * @throws ValueError for what cannot be meant; FileError when the file cannot be read; ClipError when it is no
 *   clip that this browser decodes; MissingDependencyError in a browser without WebCodecs (or ImageDecoder, for
 *   animations), on a page that is not served securely, or without the package mediabunny.
 */
export async function* clipFramesInPage(
  file: FileInPage,
  { from, to, size, channels = 3, sampling = {} }: PageClipRequest = {},
): AsyncGenerator<TimedFrame, void> {
  const part = {
    path: nameOf(file),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  };
  checkSampling(sampling);
  checkPart(part);
  const start = await startOf(file);
  if (start.length === 0) throw emptyFile(part.path);
  const { photo } = fileKind(start) ?? {};
  const isAnimation = photo === 'GIF' || photo === 'WebP';
  if (photo !== undefined && !isAnimation) throw onlyPhoto(part.path, photo);
  using list = isAnimation ? await openAnimationInPage(file, photo) : await openVideoInPage(file);
  yield* inChannels(listedFrames(list, part, size, sampling), channels);
}
