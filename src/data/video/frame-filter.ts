/** What ffmpeg does to the frames of a video: takes some, and brings them to the size of a preprocessing. */
import type { PictureSize } from '../pictures/photos.js';
import type { Sampling } from './sampling.js';

/** Of libswscale: as exact as it can, colours included. */
const EXACT = 'accurate_rnd+full_chroma_int+full_chroma_inp';

/** libswscale's kernels that are closest to those of `loadPixels`. */
const KERNELS = {
  nearest: 'neighbor',
  bilinear: 'bilinear',
  // Catmull and Rom's, B = 0 and C = 1/2.
  bicubic: 'bicubic:param0=0:param1=0.5',
  lanczos: 'lanczos:param0=3',
} as const;

/**
 * The filter that gives what `loadPixels` gives of each frame, up to small differences: RGB, a byte each.
 * @param size undefined: as the frames are.
 */
function sizeFilter(size: PictureSize | undefined): string {
  if (!size) return `scale=flags=${EXACT},format=rgb24`;
  const { width, height, resize, cutFrom, resample = 'lanczos' } = size;
  const [across, down] = cutFrom ?? [width, height];
  const flags = `flags=${EXACT}+${KERNELS[resample]}`;
  // Covers across x down; dar is the frame's width over its height, as it is shown.
  const [w, h] =
    resize === 'squash'
      ? [across, down]
      : [`max(${across},round(${down}*dar))`, `max(${down},round(${across}/dar))`];
  const scaled = `scale=w='${w}':h='${h}':${flags},format=rgb24`;
  if (resize === 'squash' && across === width && down === height) return scaled;
  // The middle of across x down out of what covers it, then the middle of that.
  const [x, y] = [
    [across, width, 'iw'],
    [down, height, 'ih'],
  ].map(([outer, inner, all]) => {
    const inside = Math.floor((Number(outer) - Number(inner)) / 2);
    return `floor((${all}-${outer}+1)/2)+${inside}`;
  });
  return `${scaled},crop=w=${width}:h=${height}:x='${x}':y='${y}':exact=1`;
}

/** Takes T frames evenly out of N, see `evenPlaces`: each once, where several places are the same. */
function evenFilter(N: number, T: number): string {
  // Place n is floor((i + 1/2) N / T) for an i when an i lies between these two.
  const before = `ceil((2*n*${T}-${N})/${2 * N})`;
  const behind = `ceil((2*(n+1)*${T}-${N})/${2 * N})`;
  return `select='gt(${behind},${before})'`;
}

/** The filter for one reading: tells of each frame that is decoded, takes those asked for, resizes them. */
export function frameFilter(
  size: PictureSize | undefined,
  { frames, rate }: Sampling,
  N: number,
): string {
  return [
    'showinfo=checksum=0',
    ...(frames === undefined ? [] : [evenFilter(N, frames)]),
    // At k / rate the last frame that has begun.
    ...(rate === undefined ? [] : [`fps=fps=${rate}:round=up:start_time=0`]),
    sizeFilter(size),
    // As many a second as are written, or ffmpeg would repeat some and leave others out.
    `settb=1/${WRITTEN_RATE},setpts=N`,
  ].join(',');
}

/** Frames a second at which frames are written; it says nothing about when they are shown. */
export const WRITTEN_RATE = 25;

/** What ffmpeg tells of a frame that it has decoded. */
export interface DecodedFrame {
  readonly width: number;
  readonly height: number;
  /** In seconds; undefined where the file does not say. */
  readonly time: number | undefined;
}

/** Reads what the filter `showinfo` tells, line by line. */
export class ShowinfoLines {
  /** Seconds a tick. */
  #tick = 0;

  /** The frame that a line tells of; undefined for other lines. */
  read(line: string): DecodedFrame | undefined {
    if (!line.startsWith('[Parsed_showinfo_')) return undefined;
    const [, above, below] = /config in time_base: (\d+)\/(\d+)/.exec(line) ?? [];
    if (above !== undefined) this.#tick = Number(above) / Number(below);
    const [, pts, width, height] = /\] n: *\d+ pts: *(\S+) .*\bs:(\d+)x(\d+)/.exec(line) ?? [];
    if (pts === undefined) return undefined;
    const time = Number(pts) * this.#tick;
    return {
      width: Number(width),
      height: Number(height),
      time: Number.isFinite(time) ? time : undefined,
    };
  }
}
