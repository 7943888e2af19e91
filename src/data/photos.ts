import type { Sharp, SharpOptions } from 'sharp';
import { FormatError, MissingDependencyError, ShapeError } from '../errors.js';
import type { ImageSource, Pixels } from './captioned-images.js';
import { readBytes } from './files.js';
import type { Preprocessing } from './preprocessing.js';

/** The part of a preprocessing that says how large the picture becomes. */
export type PictureSize = Pick<Preprocessing, 'width' | 'height' | 'resize'>;

/** More pixels than any camera takes; a small file that unfolds to more is refused. */
export const LARGEST_PHOTO = 100_000_000;

const PHOTO_FORMATS: readonly string[] = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif', 'avif'];

/**
 * The picture in the size that a network expects. Every way into Glimpse loads pictures through
 * this function and `decodePhoto`. Pixels that have the size already are returned as they are.
 *
 * @throws FileError when a photo cannot be read; otherwise as `decodePhoto`.
 */
export async function loadPixels(source: ImageSource, size: PictureSize): Promise<Pixels> {
  if ('path' in source) return decodePhoto(await readBytes(source.path), size, source.path);
  if (source.width === size.width && source.height === size.height) return source;
  return resized(await openPixels(source), size);
}

/**
 * Decodes a photo: turned upright as its EXIF data says, colours converted to sRGB, transparent
 * parts on white, then brought to `size`; a photo that has the size already is not resampled.
 * Of an animation, the first picture.
 *
 * @param bytes a JPEG, PNG, WebP, GIF, TIFF, HEIF or AVIF file.
 * @param source the name of the file in errors.
 * @throws FormatError when the bytes are no photo, are cut short or unfold to more than
 *   `LARGEST_PHOTO` pixels; MissingDependencyError without the package `sharp`.
 */
export async function decodePhoto(
  bytes: Uint8Array,
  size: PictureSize,
  source: string,
): Promise<Pixels> {
  if (bytes.length === 0) throw new FormatError(source, 'is empty, so it is no photo');
  const options: SharpOptions = { failOn: 'truncated', limitInputPixels: LARGEST_PHOTO };
  const sharp = await importSharp();
  try {
    const photo = sharp(bytes, options);
    const { format } = await photo.metadata();
    if (!PHOTO_FORMATS.includes(format)) {
      throw new FormatError(
        source,
        `is of format ${format}; photos are ${PHOTO_FORMATS.join(', ')}`,
      );
    }
    return await resized(photo.autoOrient(), size);
  } catch (error) {
    if (error instanceof FormatError) throw error;
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new FormatError(source, `is no photo that can be decoded (${reason})`, { cause: error });
  }
}

/** The picture as a PNG file. @throws ShapeError, MissingDependencyError */
export async function encodePng(pixels: Pixels): Promise<Uint8Array> {
  const { buffer, byteOffset, byteLength } = await (await openPixels(pixels)).png().toBuffer();
  return new Uint8Array(buffer, byteOffset, byteLength);
}

async function resized(picture: Sharp, { width, height, resize }: PictureSize): Promise<Pixels> {
  const fit = resize === 'squash' ? 'fill' : 'cover';
  const { data, info } = await picture
    .resize(width, height, { fit, position: 'centre' })
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

async function importSharp(): Promise<typeof import('sharp').default> {
  try {
    return (await import('sharp')).default;
  } catch (error) {
    throw new MissingDependencyError(
      'Photos are decoded by the package "sharp", which could not be loaded: npm install sharp',
      { cause: error },
    );
  }
}
