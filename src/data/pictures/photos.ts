/** Decodes photos that are not trusted, in the size that a network or a page needs. */
import type { Sharp } from 'sharp';
import { ShapeError } from '../../errors.js';
import { readPlainFile } from '../formats/files.js';
import { Semaphore } from './photo-limits.js';
import type { ImageSource, Pixels } from './pixels.js';
import type { PictureSize } from './preprocessing.js';
import { importSharp, withPhoto } from './untrusted-photo.js';

/** Most bytes of a photo's file: a TIFF of 16 bits that is as large as photos may be has fewer. */
const LARGEST_FILE = 2 ** 31 - 1;

/** Photos whose files are in memory at the same time: one for each of Node's I/O threads. */
const files = new Semaphore(4);

/**
 * The picture in the size that a network expects. Every way into Glimpse loads pictures through
 * this function and `decodePhoto`. Pixels that have the size already are returned as they are.
 *
 * @throws FileError when a photo cannot be read, or is no plain file; otherwise as `decodePhoto`.
 */
export async function loadPixels(source: ImageSource, size: PictureSize): Promise<Pixels> {
  if ('path' in source) return withFile(source.path, (photo) => resized(photo, size));
  const isFitting = source.width === size.width && source.height === size.height;
  if (isFitting && !size.cutFrom) return source;
  return resized(await openPixels(source), size);
}

/**
 * Decodes a photo: turned upright as its EXIF data says, colours converted to sRGB, transparent
 * parts on white, then brought to `size`; a photo that has the size already is not resampled.
 * Of an animation, the first frame.
 *
 * However many calls there are at once, decoders take a bounded amount of memory together.
 *
 * @param bytes a JPEG, PNG, WebP, GIF, TIFF or AVIF file; HEIC where the package `libheif-js` is
 *   installed, or sharp's libvips has HEVC.
 * @param source the name of the file in errors.
 * @throws PhotoError when the bytes are no photo, are damaged or cut short, have more than
 *   `LARGEST_PHOTO` pixels or would take too much memory by their header;
 *   MissingDependencyError without the package `sharp`.
 */
export async function decodePhoto(
  bytes: Uint8Array,
  size: PictureSize,
  source: string,
): Promise<Pixels> {
  return withPhoto(bytes, source, (photo) => resized(photo, size));
}

/** How large a photo is when it stands upright. @throws as `decodePhoto`; FileError */
export async function photoSize(path: string): Promise<{ width: number; height: number }> {
  return withFile(path, async (photo) => {
    const { width, height } = (await photo.metadata()).autoOrient;
    return { width, height };
  });
}

/** A picture as a file that a browser can show. */
export interface PictureFile {
  readonly bytes: Uint8Array;
  readonly type: 'image/jpeg' | 'image/png';
  readonly width: number;
  readonly height: number;
}

/** Pictures of at most this many pixels across and down stay as they are: JPEG would blur them. */
export const SMALL_PICTURE = 128;

/**
 * A thumbnail of a picture: upright, proportions kept, as a JPEG file of at most
 * `side` pixels across and down. One of at most `SMALL_PICTURE` pixels becomes a PNG file.
 *
 * @param quality JPEG's, 1 to 100.
 * @throws as `loadPixels`.
 */
export async function shrinkPicture(
  source: ImageSource,
  { side, quality }: { readonly side: number; readonly quality: number },
): Promise<PictureFile> {
  const shrink = async (picture: Sharp): Promise<PictureFile> => {
    const { width, height } = await picture.metadata();
    const small = Math.max(width, height) <= SMALL_PICTURE;
    const upright = picture
      .resize(side, side, { fit: 'inside', withoutEnlargement: true })
      .flatten({ background: 'white' });
    const file = small ? upright.png() : upright.jpeg({ quality, mozjpeg: true });
    const { data, info } = await file.toBuffer({ resolveWithObject: true });
    return {
      bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      type: small ? 'image/png' : 'image/jpeg',
      width: info.width,
      height: info.height,
    };
  };
  if ('path' in source) return withFile(source.path, shrink);
  return shrink(await openPixels(source));
}

/** As `withPhoto`, of a file. Files wait for their turn before they are read. */
function withFile<T>(path: string, use: (photo: Sharp) => Promise<T>): Promise<T> {
  return files.run(1, async () => withPhoto(await readPlainFile(path, LARGEST_FILE), path, use));
}

/** The picture as a PNG file. @throws ShapeError, MissingDependencyError */
export async function encodePng(pixels: Pixels): Promise<Uint8Array> {
  const { buffer, byteOffset, byteLength } = await (await openPixels(pixels)).png().toBuffer();
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The picture as a WebP file, which every browser shows. @param quality 1 to 100. @throws as `encodePng` */
export async function encodeWebp(pixels: Pixels, quality: number): Promise<Uint8Array> {
  const picture = await openPixels(pixels);
  const file = picture.webp({ quality, smartSubsample: true });
  const { buffer, byteOffset, byteLength } = await file.toBuffer();
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** libvips' names of the ways to resample. */
const KERNELS = {
  nearest: 'nearest',
  bilinear: 'linear',
  bicubic: 'cubic',
  lanczos: 'lanczos3',
} as const;

async function resized(
  picture: Sharp,
  { width, height, resize, cutFrom, resample = 'lanczos' }: PictureSize,
): Promise<Pixels> {
  const fit = resize === 'squash' ? 'fill' : 'cover';
  const [across, down] = cutFrom ?? [width, height];
  const [left, top] = [(across - width) / 2, (down - height) / 2].map(Math.floor);
  const { data, info } = await picture
    .resize(across, down, { fit, position: 'centre', kernel: KERNELS[resample] })
    .extract({ left: left ?? 0, top: top ?? 0, width, height })
    .flatten({ background: 'white' })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`it has ${info.channels} channels instead of 3`);
  return {
    width: info.width,
    height: info.height,
    channels: 3,
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

async function openPixels({ width, height, channels, data }: Pixels): Promise<Sharp> {
  if (width * height * channels !== data.length) {
    throw new ShapeError(
      `A picture of ${width}x${height} pixels needs ${width * height * channels} bytes, not ${data.length}.`,
    );
  }
  const sharp = await importSharp();
  return sharp(data, { raw: { width, height, channels } });
}
