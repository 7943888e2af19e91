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
  return withPhoto(bytes, source, (photo) => resized(photo, size));
}

/** A picture as a file that a page can show. */
export interface PictureFile {
  readonly bytes: Uint8Array;
  readonly type: 'image/jpeg' | 'image/png';
  readonly width: number;
  readonly height: number;
}

/** Pictures of at most this many pixels across and down stay as they are: JPEG would blur them. */
export const SMALL_PICTURE = 128;

/**
 * A picture made small, to be shown to people: upright, proportions kept, as a JPEG file of at most
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
  if ('path' in source) return withPhoto(await readBytes(source.path), source.path, shrink);
  return shrink(await openPixels(source));
}

/** Does something with an untrusted photo, turned upright; whatever goes wrong names its file. */
async function withPhoto<T>(
  bytes: Uint8Array,
  source: string,
  use: (photo: Sharp) => Promise<T>,
): Promise<T> {
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
    return await use(photo.autoOrient());
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
