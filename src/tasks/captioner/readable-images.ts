/** Which images have photos that can be read, and the loading of photos. */
import type {
  CaptionDataset,
  CaptionedImage,
  Splits,
} from '../../data/captions/captioned-images.js';
import { isFaultOfFile, refuseIfMany, unreadableNote } from '../../data/formats/notes.js';
import { loadPixels } from '../../data/pictures/photos.js';
import type { Pixels } from '../../data/pictures/pixels.js';
import type { PictureSize } from '../../data/pictures/preprocessing.js';
import { FormatError, UsageError } from '../../errors.js';
import type { SkippedPhoto } from '../../features/feature-file.js';

/** What knows which photos cannot be read. */
export interface PhotoReader {
  /** Photos that were left out when features were made of the others. */
  readonly leftOut?: readonly SkippedPhoto[];
  /** Photos that cannot be decoded; absent where only features are needed. */
  unreadable?(images: readonly CaptionedImage[]): Promise<readonly SkippedPhoto[]>;
}

/** Images whose photos can be read, and the others. */
export interface ReadableImages {
  readonly images: readonly CaptionedImage[];
  readonly leftOut: readonly SkippedPhoto[];
}

/**
 * Refuses to leave out photos where none are read: features say themselves which were left out of them, and
 * drawn scenes have none.
 * @throws UsageError naming both
 */
export function refuseIdleSkip(
  { name, splits }: CaptionDataset,
  { skipBad, features }: { readonly skipBad: boolean; readonly features?: string | undefined },
): void {
  if (!skipBad) return;
  if (features !== undefined) {
    throw new UsageError(
      `--skip-bad: the features of ${features} are made already, and say which photos were left out: leave --skip-bad out`,
    );
  }
  const images = [...splits.train, ...splits.dev, ...splits.test];
  if (images.length > 0 && images.every(({ image }) => !('path' in image))) {
    throw new UsageError(`--skip-bad: ${name} holds no photo files: leave --skip-bad out`);
  }
}

/**
 * Leaves out the images whose photos cannot be read: those that the features lack, and with `skipBad`
 * those that cannot be decoded.
 *
 * @param readers one, or of several models, for which the images must be the same.
 * @param source what to call the images in errors.
 * @throws FormatError when these are more than a third: then something else is wrong.
 */
export async function readableImages(
  images: readonly CaptionedImage[],
  readers: readonly PhotoReader[],
  { skipBad = false, source }: { readonly skipBad?: boolean | undefined; readonly source: string },
): Promise<ReadableImages> {
  const bad = new Map<string, string>();
  for (const reader of readers) {
    for (const { id, reason } of reader.leftOut ?? []) bad.set(id, reason);
    if (!skipBad || !reader.unreadable) continue;
    for (const { id, reason } of await reader.unreadable(images)) bad.set(id, reason);
  }
  if (bad.size === 0) return { images, leftOut: [] };
  const leftOut = images.flatMap(({ id }) => {
    const reason = bad.get(id);
    return reason === undefined ? [] : [{ id, reason }];
  });
  refuseIfMany(
    source,
    leftOut.map(({ reason }) => reason),
    images.length,
  );
  return { images: images.filter(({ id }) => !bad.has(id)), leftOut };
}

/**
 * A dataset's splits, train and dev without the images whose photos cannot be read.
 * @throws FormatError when one of them has none left; otherwise as `readableImages`.
 */
export async function readableSplits(
  { name, splits: { train, dev, test } }: CaptionDataset,
  reader: PhotoReader,
  { skipBad }: { readonly skipBad?: boolean | undefined },
): Promise<{ readonly splits: Splits; readonly leftOut: readonly SkippedPhoto[] }> {
  const { images, leftOut } = await readableImages([...train, ...dev], [reader], {
    skipBad,
    source: name,
  });
  const readable = new Set(images);
  const readableIn = (split: keyof Splits, all: readonly CaptionedImage[]) => {
    const left = all.filter((image) => readable.has(image));
    if (left.length > 0) return left;
    const first = leftOut.find(({ id }) => id === all[0]?.id)?.reason;
    throw new FormatError(
      name,
      `has no ${split} images left: none of its ${all.length} can be read. The first: ${first}`,
    );
  };
  return {
    splits: { train: readableIn('train', train), dev: readableIn('dev', dev), test },
    leftOut,
  };
}

/**
 * The images of a split that models can be measured on; notes which are left out.
 * @throws UsageError when none are left; otherwise as `readableImages`.
 */
export async function readableOf(
  images: readonly CaptionedImage[],
  readers: readonly PhotoReader[],
  options: { readonly skipBad?: boolean | undefined; readonly source: string },
  note: (text: string) => void,
): Promise<readonly CaptionedImage[]> {
  const { images: readable, leftOut } = await readableImages(images, readers, options);
  for (const sentence of leftOutPhotos(leftOut)) note(`${options.source}: ${sentence}`);
  if (readable.length > 0) return readable;
  throw new UsageError(`${options.source}: no photo can be read. The first: ${leftOut[0]?.reason}`);
}

/** That photos are left out, if any are, for people. */
export function leftOutPhotos(leftOut: readonly SkippedPhoto[]): string[] {
  return unreadableNote(leftOut.map(({ reason }) => reason));
}

/** Photos that are decoded at a time. */
const AT_ONCE = 16;

/**
 * Photos in the size that a network takes. Those that `unreadable` has decoded are kept for `load`, so that
 * each is decoded once.
 */
export class PhotoLoader implements PhotoReader {
  readonly #size: PictureSize;
  /** Decoded by `unreadable`, and not yet loaded. */
  readonly #known = new Map<CaptionedImage, Pixels>();

  constructor(size: PictureSize) {
    this.#size = size;
  }

  /** @throws MissingDependencyError without the package `sharp` */
  async unreadable(images: readonly CaptionedImage[]): Promise<readonly SkippedPhoto[]> {
    return unreadablePhotos(images, this.#size, (image, pixels) => this.#known.set(image, pixels));
  }

  /** @throws as `loadPixels`, of the first that cannot be decoded. */
  async load(images: readonly CaptionedImage[]): Promise<Pixels[]> {
    const pictures: Pixels[] = [];
    for (let start = 0; start < images.length; start += AT_ONCE) {
      const part = images.slice(start, start + AT_ONCE);
      const loading = part.map((one) => this.#known.get(one) ?? loadPixels(one.image, this.#size));
      for (const outcome of await Promise.allSettled(loading)) {
        if (outcome.status === 'rejected') throw outcome.reason;
        pictures.push(outcome.value);
      }
      for (const one of part) this.#known.delete(one);
    }
    return pictures;
  }
}

/**
 * Which photos cannot be decoded, and why.
 * @param keep is given the others.
 * @throws what is not the photo's fault.
 */
export async function unreadablePhotos(
  images: readonly CaptionedImage[],
  size: PictureSize,
  keep: (image: CaptionedImage, pixels: Pixels) => void = () => {},
): Promise<SkippedPhoto[]> {
  const bad: SkippedPhoto[] = [];
  for (let start = 0; start < images.length; start += AT_ONCE) {
    const part = images.slice(start, start + AT_ONCE);
    const outcomes = await Promise.allSettled(part.map(({ image }) => loadPixels(image, size)));
    for (const [index, outcome] of outcomes.entries()) {
      const image = part[index];
      if (!image) continue;
      if (outcome.status === 'fulfilled') {
        keep(image, outcome.value);
        continue;
      }
      const { reason } = outcome;
      if (!isFaultOfFile(reason)) throw reason;
      bad.push({ id: image.id, reason: reason.message });
    }
  }
  return bad;
}
