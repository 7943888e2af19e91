/** Frames of clips through an encoder, some at a time: however long a clip is, few of its frames are in memory. */
import { firstNotFinite, notFinite } from '../data/formats/notes.js';
import { preprocess } from '../data/pictures/preprocessing.js';
import type { ClipSource } from '../data/video/clip.js';
import { clipFrames } from '../data/video/read-clip.js';
import type { Sampling } from '../data/video/sampling.js';
import type { Decoding } from '../data/video/video-frames.js';
import type { EncodedBatch, Encoder } from '../models/encoders/encoder.js';

/** Some frames as an encoder takes them. */
export interface FrameBatch {
  /** (count, 3, height, width) */
  readonly values: Float32Array;
  readonly count: number;
}

/** Which frames are taken, and how many go together. */
export interface FrameBatches extends Pick<Decoding, 'onNote'> {
  readonly sampling: Sampling;
  readonly size: number;
}

/**
 * The frames of one clip that are taken, as batches of `size`, the last one of what is left.
 * @throws as `clipFrames`
 */
export async function* frameBatches(
  clip: ClipSource,
  { preprocessing }: Encoder,
  { sampling, size, onNote }: FrameBatches,
): AsyncGenerator<FrameBatch, void> {
  const each = 3 * preprocessing.width * preprocessing.height;
  let values = new Float32Array(size * each);
  let count = 0;
  for await (const { frame } of clipFrames(clip, { size: preprocessing, sampling, onNote })) {
    preprocess(frame, preprocessing, values, count * each);
    count++;
    if (count < size) continue;
    yield { values, count };
    // The batch before may still be at the encoder.
    values = new Float32Array(size * each);
    count = 0;
  }
  if (count > 0) yield { values: values.subarray(0, count * each), count };
}

/** The items of a stream, of which the next one is begun while one is worked on. */
export async function* ahead<T>(items: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  const begin = () => {
    const next = items.next();
    // It is awaited later: until then its failure must not count as unhandled.
    next.catch(() => {});
    return next;
  };
  let next = begin();
  try {
    while (true) {
      const { done, value } = await next;
      if (done) return;
      next = begin();
      yield value;
    }
  } finally {
    await items.return();
  }
}

/** What is wrong with numbers that an encoder made of some frames; undefined if nothing is. */
export function faultOfEncoded(
  { pooled, grid }: EncodedBatch,
  { name }: Encoder,
): string | undefined {
  for (const values of grid ? [pooled, grid] : [pooled]) {
    const found = firstNotFinite(values, values.length);
    if (found) return `the features that ${name} makes of it ${notFinite(found)}`;
  }
  return undefined;
}
