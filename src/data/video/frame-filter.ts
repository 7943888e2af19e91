/** What ffmpeg does to the frames of a video: takes some, and brings them to the size of a preprocessing. */
import type { PictureSize } from '../pictures/preprocessing.js';

/**
 * Of libswscale: exact sums, and colours of their own for each pixel. Without them pictures differ from
 * `loadPixels`'s by 3 to 15 times as much.
 */
const EXACT = 'accurate_rnd+full_chroma_int+full_chroma_inp';

/** libswscale's names of the ways to resample. */
const KERNELS = {
  nearest: 'neighbor',
  bilinear: 'bilinear',
  bicubic: 'bicubic',
  lanczos: 'lanczos',
} as const;

/**
 * The filter that gives what `loadPixels` gives of each frame, up to small differences: RGB, a byte each.
 * @param size undefined: as the frames are.
 */
function sizeFilter(size: PictureSize | undefined): string {
  if (!size) return `scale=flags=${EXACT},format=rgb24`;
  const { width, height, resize, cutFrom, resample = 'lanczos' } = size;
  const [across, down] = cutFrom ?? [width, height];
  // What covers across x down; dar is the frame's width over its height, as it is shown.
  const [w, h] =
    resize === 'squash'
      ? [across, down]
      : [`max(${across},round(${down}*dar))`, `max(${down},round(${across}/dar))`];
  const x = middle('iw', across, width);
  const y = middle('ih', down, height);
  return [
    `scale=w='${w}':h='${h}':flags=${EXACT}+${KERNELS[resample]}`,
    'format=rgb24',
    `crop=w=${width}:h=${height}:x='${x}':y='${y}':exact=1`,
  ].join(',');
}

/** Where the middle `inner` begin of the middle `outer` of all, at whole pixels as in the package sharp. */
function middle(all: string, outer: number, inner: number): string {
  return `floor((${all}-${outer}+1)/2)+${Math.floor((outer - inner) / 2)}`;
}

/** T frames evenly out of N. */
export interface Even {
  readonly N: number;
  readonly T: number;
}

/** Takes them, see `evenPlaces`; each once, where several places are the same. */
function evenFilter({ N, T }: Even): string {
  // Place n is floor((i + 1/2) N / T) for an i when an i lies between these two.
  const before = `ceil((2*n*${T}-${N})/${2 * N})`;
  const behind = `ceil((2*(n+1)*${T}-${N})/${2 * N})`;
  return `select='gt(${behind},${before})'`;
}

/** Which frames are taken; without rate and even, all. */
export interface Taking {
  /** Seconds that are passed over first. */
  readonly skip?: number | undefined;
  /** Seconds that are read. */
  readonly length?: number | undefined;
  /** So many a second. */
  readonly rate?: number | undefined;
  /** So many in all. */
  readonly even?: Even | undefined;
}

/** The filter for one reading: tells of each frame that is decoded, takes those asked for, resizes them. */
export function frameFilter(
  size: PictureSize | undefined,
  { skip = 0, length, rate, even }: Taking,
): string {
  const end = length === undefined ? '' : `:end=${(skip + length).toFixed(6)}`;
  return [
    // Begins with the input: where that is sought, ffmpeg itself would count from the first frame on.
    ...(skip > 0 || length !== undefined
      ? ['settb=AVTB', `trim=start=${skip.toFixed(6)}${end}`]
      : []),
    ...(skip > 0 ? [`setpts=PTS-${Math.round(1e6 * skip)}`] : []),
    'showinfo=checksum=0',
    ...(even ? [evenFilter(even)] : []),
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
