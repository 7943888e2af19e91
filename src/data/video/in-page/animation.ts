/** Animated GIF and WebP as clips in a page: decoded by the browser's ImageDecoder. */
import { ClipError, MissingDependencyError } from '../../../errors.js';
import { recognisePhoto } from '../../pictures/photo-kinds.js';
import { resizePixels } from '../../pictures/resize.js';
import { framesShown, isCutGif } from '../animation-times.js';
import { cutGif, frameTooLarge, LARGEST_FRAME } from '../clip-faults.js';
import type { FrameList } from '../frame-list.js';
import { bytesOf, type FileInPage, nameOf } from './file.js';
import { pixelsOf } from './pixels.js';

/** Most bytes of an animation's file. */
const LARGEST_FILE = 2 ** 28;

/**
 * Opens an animation.
 * @param format `GIF` or `WebP`.
 * @throws FileError; ClipError when it is damaged, cut short or too large; MissingDependencyError in a browser
 *   without an ImageDecoder.
 */
export async function openAnimationInPage(
  file: FileInPage,
  format: 'GIF' | 'WebP',
): Promise<FrameList & Disposable> {
  const name = nameOf(file);
  if (typeof ImageDecoder === 'undefined') {
    throw new MissingDependencyError(
      `${name}: this browser has no ImageDecoder, which gives the frames of a ${format} animation: take a newer browser, serve the page over https, or make a video of it, ffmpeg -i <file> clip.mp4`,
    );
  }
  const bytes = await bytesOf(file, LARGEST_FILE);
  if (isCutGif(bytes)) throw cutGif(name);
  if (recognisePhoto(bytes).kind?.isCut(bytes)) {
    throw new ClipError(name, `is a ${format} that is cut short: copy or download it again`);
  }
  const [width, height] = canvasOf(bytes, format);
  if (width * height > LARGEST_FRAME) throw frameTooLarge(name, width, height);
  const type = `image/${format.toLowerCase()}`;
  const decoder = new ImageDecoder({ data: bytes, type, preferAnimation: true });
  const decoded = async (frameIndex: number) => {
    try {
      return (await decoder.decode({ frameIndex })).image;
    } catch (error) {
      throw damaged(name, error);
    }
  };
  try {
    await Promise.all([decoder.tracks.ready, decoder.completed]);
    const count = decoder.tracks.selectedTrack?.frameCount ?? 0;
    if (count === 0) throw new ClipError(name, 'has no frames');
    // How long a frame is shown is known when it is decoded.
    const delays: (number | undefined)[] = [];
    for (let place = 0; place < count; place++) {
      const image = await decoded(place);
      delays.push(image.duration === null ? undefined : image.duration / 1000);
      image.close();
    }
    return {
      ...framesShown(delays),
      async *read(places, size) {
        for (const place of places) {
          const image = await decoded(place);
          const pixels = await pixelsOf(image, { onWhite: true }).finally(() => image.close());
          yield size ? resizePixels(pixels, size) : pixels;
        }
      },
      [Symbol.dispose]: () => decoder.close(),
    };
  } catch (error) {
    decoder.close();
    throw error instanceof ClipError ? error : damaged(name, error);
  }
}

/** The size of an animation by its header; 0 x 0 where a WebP does not say, as one picture. */
function canvasOf(bytes: Uint8Array, format: 'GIF' | 'WebP'): [width: number, height: number] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 30) return [0, 0];
  if (format === 'GIF') return [view.getUint16(6, true), view.getUint16(8, true)];
  // "VP8X": flags, then 24 bits each, less one.
  if (view.getUint32(12) !== 0x56503858) return [0, 0];
  return [24, 27].map((at) => 1 + (view.getUint32(at - 1, true) >>> 8)) as [number, number];
}

function damaged(name: string, error: unknown): ClipError {
  const said = error instanceof Error ? error.message : String(error);
  return new ClipError(name, `is damaged: the browser says "${said}"`, { cause: error });
}
