/** Panned photos: clips of a window that glides over a photo, with the captions of the photo. */
import { ValueError } from '../../errors.js';
import { randomAt } from '../../random.js';
import type { CaptionDataset, CaptionedImage } from '../captions/captioned-images.js';
import { loadPixels } from '../pictures/photos.js';
import type { ImageSource } from '../pictures/pixels.js';
import { SPLIT_NAMES, type SplitName } from '../splits.js';
import type { CaptionedClip, ClipCaptionDataset } from './captioned-clips.js';
import type { AwaitedClip, Clip } from './clip.js';

/** How a window glides over a photo. */
export interface PanOptions {
  /** Width and height of the window in pixels. Default 112. */
  readonly size?: number | undefined;
  /** Default 16. They are shown 8 a second. */
  readonly frames?: number | undefined;
  /** How many times larger the photo is, above 1 to 8. Default 1.5. */
  readonly zoom?: number | undefined;
  readonly seed?: number | undefined;
}

const DEFAULT_SIZE = 112;
const DEFAULT_FRAMES = 16;
const DEFAULT_ZOOM = 1.5;
const MOST_ZOOM = 8;
const MOST_SIDE = 4096;
const RATE = 8;
/** The least way of a window, as a part of the farthest one along a side. */
const LEAST_WAY = 0.6;

type Point = readonly [x: number, y: number];

/**
 * A window that glides over a photo, from one place to another at one speed. Of a photo that is no square the
 * middle is seen. It is decoded when the clip is needed.
 *
 * @param purpose, number where the window goes follows from these and the seed.
 * @throws ValueError; the clip throws as `loadPixels`.
 */
export function pannedPhoto(
  image: ImageSource,
  purpose: string,
  number: number,
  options: PanOptions = {},
): AwaitedClip {
  const { size = DEFAULT_SIZE, frames = DEFAULT_FRAMES, zoom = DEFAULT_ZOOM, seed = 0 } = options;
  const isWhole = (value: number, least: number) =>
    Number.isInteger(value) && value >= least && value <= MOST_SIDE;
  const side = Math.ceil(size * zoom);
  if (!isWhole(size, 8) || !isWhole(frames, 1) || !(zoom > 1 && zoom <= MOST_ZOOM)) {
    throw new ValueError(
      `A window has 8 to ${MOST_SIDE} pixels, 1 to ${MOST_SIDE} frames and a zoom above 1, at most ${MOST_ZOOM}, not ${size}, ${frames} and ${zoom}.`,
    );
  }
  const [begin, end] = way(seed, purpose, number);
  const room = side - size;
  const draw = async (): Promise<Clip> => {
    const { data } = await loadPixels(image, { width: side, height: side, resize: 'centre-crop' });
    const values = new Uint8Array(frames * size * size * 3);
    for (let frame = 0; frame < frames; frame++) {
      const part = frame / Math.max(1, frames - 1);
      const at = (axis: 0 | 1) =>
        Math.round(room * (begin[axis] + part * (end[axis] - begin[axis])));
      for (let row = 0; row < size; row++) {
        const from = ((at(1) + row) * side + at(0)) * 3;
        values.set(data.subarray(from, from + size * 3), (frame * size + row) * size * 3);
      }
    }
    const times = Float64Array.from({ length: frames }, (_, frame) => frame / RATE);
    return { width: size, height: size, channels: 3, values, times };
  };
  return { draw };
}

/** Two places of the unit square, not too near. */
function way(seed: number, purpose: string, number: number): readonly [begin: Point, end: Point] {
  const random = randomAt(seed, `panned photo ${purpose}`, 0, number);
  const place = (): Point => [random.uniform(), random.uniform()];
  for (;;) {
    const [begin, end] = [place(), place()];
    const [dx, dy] = [end[0] - begin[0], end[1] - begin[1]];
    if (dx * dx + dy * dy >= LEAST_WAY * LEAST_WAY) return [begin, end];
  }
}

/** The photos of a set as clips, with their captions and in their splits. @throws ValueError */
export function pannedPhotoSet(
  photos: CaptionDataset,
  options: PanOptions = {},
): ClipCaptionDataset {
  const clipsOf = (split: SplitName) =>
    photos.splits[split].map(
      ({ image, places: _, ...captioned }: CaptionedImage, number): CaptionedClip => {
        return { ...captioned, clip: pannedPhoto(image, split, number, options) };
      },
    );
  const [train, dev, test] = SPLIT_NAMES.map(clipsOf);
  const { name, order, vocabulary, notes } = photos;
  return {
    name: `${name}, panned`,
    format: 'panned',
    splits: { train: train ?? [], dev: dev ?? [], test: test ?? [] },
    ...(order && { order }),
    ...(vocabulary && { vocabulary }),
    ...(notes && { notes }),
  };
}
