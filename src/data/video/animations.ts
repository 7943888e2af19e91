/** Animated GIF and WebP as clips: decoded by the package sharp, within the limits of photos. */
import { ClipError, PhotoError } from '../../errors.js';
import { readPlainFile } from '../formats/files.js';
import { loadPixels } from '../pictures/photos.js';
import type { Pixels } from '../pictures/pixels.js';
import type { PictureSize } from '../pictures/preprocessing.js';
import { withPhoto } from '../pictures/untrusted-photo.js';
import { framesShown, isCutGif } from './animation-times.js';
import { cutGif } from './clip-faults.js';
import type { FrameList } from './frame-list.js';

/** Most bytes of an animation's file. */
const LARGEST_FILE = 2 ** 30;

/** Bytes of frames that are decoded at once. */
const AT_ONCE = 64 * 2 ** 20;

/** An animation: its size, its frames, and how long each is shown. */
export interface Animation extends FrameList {
  readonly width: number;
  readonly height: number;
}

/**
 * Opens an animation.
 * @throws FileError; ClipError or PhotoError when it is damaged, cut short or too large.
 */
export async function openAnimation(path: string): Promise<Animation> {
  const bytes = await readPlainFile(path, LARGEST_FILE);
  if (isCutGif(bytes)) {
    throw cutGif(path);
  }
  const header = await withPhoto(bytes, path, (photo) => photo.metadata());
  const { width, height, pages = 1, delay = [] } = header;
  const delays = Array.from({ length: pages }, (_, place) => delay[place]);
  return {
    width,
    height,
    ...framesShown(delays),
    read: (places, size) => readFrames(bytes, path, { width, height }, places, size),
  };
}

async function* readFrames(
  bytes: Uint8Array,
  path: string,
  frame: { readonly width: number; readonly height: number },
  places: readonly number[],
  size: PictureSize | undefined,
): AsyncGenerator<Pixels, void> {
  const most = Math.max(1, Math.floor(AT_ONCE / (4 * frame.width * frame.height)));
  for (let k = 0; k < places.length; ) {
    // Those that lie close enough together are decoded at once: each time it begins at the first frame.
    const page = places[k] ?? 0;
    const group = places.slice(k).filter((place) => place < page + most);
    const pages = (group.at(-1) ?? page) - page + 1;
    const frames = await decodedFrames(bytes, path, page, pages);
    for (const place of group) {
      const found = frames[place - page];
      if (!found) throw new ClipError(path, `has no frame ${place + 1}, which it says it has`);
      yield size ? await loadPixels(found, size) : found;
    }
    k += group.length;
  }
}

async function decodedFrames(
  bytes: Uint8Array,
  path: string,
  page: number,
  pages: number,
): Promise<Pixels[]> {
  const decode = async (photo: Parameters<Parameters<typeof withPhoto>[2]>[0]) =>
    photo
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
  const { data, info } = await withPhoto(bytes, path, decode, { page, pages });
  const { width, channels } = info;
  const height = info.height / pages;
  if (channels !== 3) throw new PhotoError(path, `has frames of ${channels} channels, not of 3`);
  const size = width * height * 3;
  return Array.from({ length: pages }, (_, i) => ({
    width,
    height,
    channels: 3,
    data: new Uint8Array(data.buffer, data.byteOffset + i * size, size),
  }));
}
