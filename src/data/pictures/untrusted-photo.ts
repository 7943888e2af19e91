/** Opens photos that are not trusted: within bounds of memory, and with errors that name the file. */
import type { Sharp, SharpOptions } from 'sharp';
import { MissingDependencyError, PhotoError } from '../../errors.js';
import { decodeHeic } from './heic.js';
import { PHOTO_KINDS, type PhotoKind, recognisePhoto } from './photo-kinds.js';
import { checkPhotoSize, LARGEST_PHOTO, Semaphore, withoutTexts } from './photo-limits.js';

/** Bytes that decoders take at the same time, computed from headers. A photo that takes more is decoded alone. */
const memory = new Semaphore(256 * 2 ** 20);
/** What reading a header takes of it. */
const HEADER = 2 ** 20;

/** Some frames of an animation. */
export interface PageRange {
  /** The first, from 0. */
  readonly page: number;
  /** How many. */
  readonly pages: number;
}

/**
 * Does something with an untrusted photo, turned upright; whatever goes wrong names its file.
 * @param range of an animation the frames that are meant, one below the other; default: the first.
 */
export async function withPhoto<T>(
  bytes: Uint8Array,
  source: string,
  use: (photo: Sharp) => Promise<T>,
  range?: PageRange,
): Promise<T> {
  if (bytes.length === 0) throw new PhotoError(source, 'is empty, so it is no photo');
  const { kind, other } = recognisePhoto(bytes);
  if (!kind)
    throw new PhotoError(
      source,
      `is no photo that can be decoded: it is ${other}; photos are ${PHOTO_KINDS}`,
    );
  const photo = new UntrustedPhoto(bytes, kind, source);
  try {
    return await photo.use(use, { semaphore: memory, range });
  } catch (error) {
    if (error instanceof PhotoError || error instanceof MissingDependencyError) throw error;
  }
  // libvips keeps one error text for all threads: decoded alone, the photo gets its own.
  return memory.run(memory.total, async () => {
    try {
      return await photo.use(use, { range });
    } catch (error) {
      throw photo.errorOf(error);
    }
  });
}

/** What decoders say of a file that lacks its end. */
const CUT =
  /premature end|unexpected end|truncated|got \d+ bytes, expected|invalid strip byte count/i;

/** The bytes of a file that begins as a photo does. */
class UntrustedPhoto {
  readonly #bytes: Uint8Array;
  readonly #kind: PhotoKind;
  readonly #source: string;

  constructor(bytes: Uint8Array, kind: PhotoKind, source: string) {
    this.#bytes = kind.name === 'PNG' ? withoutTexts(bytes) : bytes;
    this.#kind = kind;
    this.#source = source;
  }

  /**
   * Does something with it.
   * @param options.semaphore waits until the memory for decoding is free; without it nothing else is decoded.
   * @param options.range of an animation the frames that are meant.
   * @throws PhotoError when it is too large, or HEIC that cannot be decoded; the decoder's own errors.
   */
  async use<T>(
    use: (photo: Sharp) => Promise<T>,
    {
      semaphore,
      range,
    }: { readonly semaphore?: Semaphore; readonly range?: PageRange | undefined } = {},
  ): Promise<T> {
    const within = <R>(share: number, work: () => Promise<R>) =>
      semaphore ? semaphore.run(share, work) : work();
    const sharp = await importSharp();
    const options: SharpOptions = { failOn: 'error', limitInputPixels: LARGEST_PHOTO };
    const photo = sharp(this.#bytes, options);
    const header = await within(HEADER, () => photo.metadata());
    const { name } = this.#kind;
    const needed = checkPhotoSize(name, header, this.#bytes.length, this.#source);
    if (range) {
      const frames = 4 * header.width * header.height * range.pages;
      return within(needed + frames, () => use(sharp(this.#bytes, { ...options, ...range })));
    }
    return within(needed, async () => {
      try {
        return await use(photo.autoOrient());
      } catch (error) {
        // sharp as npm installs it reads the headers of these, but has no decoder.
        if (header.compression !== 'hevc' || this.#kind.isCut(this.#bytes)) throw error;
        const { data, ...size } = await decodeHeic(this.#bytes, this.#source);
        return use(sharp(data, { raw: { ...size, channels: 4 } }));
      }
    });
  }

  /** A decoder's error as one that says what is wrong with the photo. */
  errorOf(error: unknown): unknown {
    if (error instanceof PhotoError || error instanceof MissingDependencyError) return error;
    const { name } = this.#kind;
    const reason = error instanceof Error ? error.message : String(error);
    const isCut = this.#kind.isCut(this.#bytes) || CUT.test(reason);
    return new PhotoError(
      this.#source,
      `is no photo that can be decoded: the ${name} ${isCut ? `is cut short after ${this.#bytes.length.toLocaleString('en')} bytes` : 'is damaged'}`,
      { cause: error },
    );
  }
}

/** The package sharp. @throws MissingDependencyError */
export async function importSharp(): Promise<typeof import('sharp').default> {
  try {
    const { default: sharp } = await import('sharp');
    // Its cache keeps decoders of the last hundred photos: 270 MB for a progressive one of 93 megapixels.
    sharp.cache(false);
    return sharp;
  } catch (error) {
    throw new MissingDependencyError(
      'Photos are decoded by the package "sharp", which could not be loaded: npm install sharp',
      { cause: error },
    );
  }
}
