/** Batches of captions, in an order that follows from a seed and the number of the epoch. */
import { ValueError } from '../../errors.js';
import { randomAt } from '../../random.js';
import { NULL_INDEX } from '../text/vocabulary.js';

/** A caption as word indices (`Vocabulary.encode`) and the number of the image that it describes. */
export interface EncodedCaption {
  readonly imageIndex: number;
  readonly words: Int32Array;
}

/** The input of one training step: N captions of T words each, and their images. */
export interface CaptionBatch {
  /** (N, T) row-major word indices, `<START>` and `<END>` included. */
  readonly captions: Int32Array;
  readonly N: number;
  readonly T: number;
  /** (N) numbers of the images. */
  readonly imageIndices: Int32Array;
}

/** Which captions may share a batch. */
export const batchLengths = ['equal', 'bucketed', 'padded', 'grouped'] as const;
export type BatchLengths = (typeof batchLengths)[number];

export interface CaptionBatchesOptions {
  /** Captions a batch; the last one (of a length) may have fewer. */
  readonly batchSize: number;
  /**
   * `equal`: all captions of a batch have the same number of words, so no step is spent on padding.
   * `bucketed`: captions of similar length, filled up with `<NULL>` to the longest of the batch:
   * the shuffled captions are sorted by length within buckets of 64 batches. Hardly any padding,
   * and no small batches of rare lengths.
   * `padded`: captions of any length, filled up likewise.
   * `grouped`: all captions of an image in one batch, so that a model computes its features only once;
   * images are bucketed by their longest caption. Images with different numbers of captions do not
   * share a batch; one with more captions than a batch has comes in pieces.
   */
  readonly lengths: BatchLengths;
  readonly seed: number;
  /** Leave out batches that are not full: at the end of an epoch, or with `equal` of each length. */
  readonly dropLast?: boolean;
}

const batchesPerBucket = 64;

/** What may share a batch: units of one caption, or of all those of an image, equal in number. */
interface Group {
  readonly units: Int32Array;
  /** Units a batch. */
  readonly perBatch: number;
}

/**
 * Goes through all captions once an epoch, in an order that is a pure function of (seed, epoch):
 * a run that resumes at batch b of epoch e needs those two numbers and nothing else.
 *
 * @throws ValueError when there is no caption, one is shorter than `<START> <END>`, or the batch
 *   size is not a positive integer.
 */
export class CaptionBatches {
  readonly #captions: readonly EncodedCaption[];
  readonly #options: CaptionBatchesOptions;
  readonly #groups: readonly Group[];
  /** With `grouped`, the numbers of each unit's captions; otherwise caption n is unit n. */
  readonly #members: readonly Int32Array[] | undefined;
  /** Words of each unit's longest caption. */
  readonly #longest: Int32Array;
  /** Batches an epoch. */
  readonly batchesPerEpoch: number;

  constructor(captions: readonly EncodedCaption[], options: CaptionBatchesOptions) {
    const { batchSize, lengths, dropLast = false } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new ValueError(`batchSize must be a positive integer, not ${batchSize}.`);
    }
    const short = captions.findIndex(({ words }) => words.length < 2);
    if (short >= 0) {
      throw new ValueError(`Caption ${short} has fewer than 2 words: it needs <START> and <END>.`);
    }
    this.#captions = captions;
    this.#options = options;
    this.#members = lengths === 'grouped' ? captionsOfImages(captions, batchSize) : undefined;
    this.#groups = this.#members
      ? groupBy(this.#members, ({ length }) => length).map(([count, units]) => ({
          units,
          perBatch: Math.floor(batchSize / count),
        }))
      : groupBy(captions, ({ words }) => (lengths === 'equal' ? words.length : 0)).map(
          ([, units]) => ({ units, perBatch: batchSize }),
        );
    const unitCount = this.#members?.length ?? captions.length;
    this.#longest = Int32Array.from({ length: unitCount }, (_, unit) =>
      Math.max(...this.#captionsOf(unit).map(({ words }) => words.length)),
    );
    const round = dropLast ? Math.floor : Math.ceil;
    this.batchesPerEpoch = this.#groups.reduce(
      (sum, { units, perBatch }) => sum + round(units.length / perBatch),
      0,
    );
    if (this.batchesPerEpoch === 0) {
      throw new ValueError(`${captions.length} captions do not fill one batch of ${batchSize}.`);
    }
  }

  /**
   * The batches of an epoch, from number `fromBatch` on.
   *
   * @throws ValueError when either is not an integer of 0 or more, or there is no such batch
   *   (`fromBatch = batchesPerEpoch` is the end of the epoch and gives none).
   */
  *batches(epoch: number, fromBatch = 0): Generator<CaptionBatch, void, void> {
    if (!Number.isInteger(epoch) || epoch < 0) {
      throw new ValueError(`epoch must be an integer of 0 or more, not ${epoch}.`);
    }
    if (!Number.isInteger(fromBatch) || fromBatch < 0 || fromBatch > this.batchesPerEpoch) {
      throw new ValueError(
        `fromBatch must be an integer from 0 to ${this.batchesPerEpoch}, not ${fromBatch}.`,
      );
    }
    for (const units of this.#order(epoch).slice(fromBatch)) {
      yield collate(Array.from(units, (unit) => this.#captionsOf(unit)).flat());
    }
  }

  #captionsOf(unit: number): EncodedCaption[] {
    const members = this.#members?.[unit] ?? [unit];
    return Array.from(members, (index) => this.#captions[index] as EncodedCaption);
  }

  /** The units of each batch: shuffled within a group, cut, and the batches shuffled. */
  #order(epoch: number): Int32Array[] {
    const { lengths, seed, dropLast } = this.#options;
    const random = randomAt(seed, 'order', epoch);
    const order: Int32Array[] = [];
    for (const { units, perBatch } of this.#groups) {
      const shuffled = random.shuffle(units.slice());
      if (lengths === 'bucketed' || lengths === 'grouped') {
        this.#sortInBuckets(shuffled, perBatch * batchesPerBucket);
      }
      const end = dropLast ? shuffled.length - (shuffled.length % perBatch) : shuffled.length;
      for (let i = 0; i < end; i += perBatch) {
        order.push(shuffled.subarray(i, Math.min(i + perBatch, end)));
      }
    }
    return random.shuffle(order);
  }

  #sortInBuckets(units: Int32Array, size: number): void {
    const length = (unit: number) => this.#longest[unit] ?? 0;
    for (let i = 0; i < units.length; i += size) {
      units.subarray(i, i + size).sort((a, b) => length(a) - length(b));
    }
  }
}

/**
 * Captions side by side, filled up with `<NULL>` to the longest.
 * @param captions at least one.
 */
export function collate(captions: readonly EncodedCaption[]): CaptionBatch {
  const N = captions.length;
  const T = Math.max(...captions.map(({ words }) => words.length));
  const rows = new Int32Array(N * T).fill(NULL_INDEX);
  for (const [n, { words }] of captions.entries()) rows.set(words, n * T);
  return { captions: rows, N, T, imageIndices: Int32Array.from(captions, (c) => c.imageIndex) };
}

/** The numbers of each image's captions, in pieces of at most `most`. */
function captionsOfImages(captions: readonly EncodedCaption[], most: number): Int32Array[] {
  const images = groupBy(captions, ({ imageIndex }) => imageIndex);
  return images.flatMap(([, members]) =>
    Array.from({ length: Math.ceil(members.length / most) }, (_, piece) =>
      members.subarray(piece * most, (piece + 1) * most),
    ),
  );
}

/** The numbers of the items of each key; keys rise. */
function groupBy<T>(items: readonly T[], key: (item: T) => number): [number, Int32Array][] {
  const groups = new Map<number, number[]>();
  for (const [index, item] of items.entries()) {
    const group = groups.get(key(item));
    if (group) group.push(index);
    else groups.set(key(item), [index]);
  }
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([found, group]) => [found, Int32Array.from(group)]);
}
