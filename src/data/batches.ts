import { ValueError } from '../errors.js';
import { Random } from '../random.js';
import { NULL_INDEX } from './vocabulary.js';

/** A caption as word indices (`Vocabulary.encode`) and the number of the image that it describes. */
export interface EncodedCaption {
  readonly imageIndex: number;
  readonly words: Int32Array;
}

/** What one training step learns from: N captions of T words each, and their images. */
export interface CaptionBatch {
  /** (N, T) row-major word indices, `<START>` and `<END>` included. */
  readonly captions: Int32Array;
  readonly N: number;
  readonly T: number;
  /** (N) numbers of the images. */
  readonly imageIndices: Int32Array;
}

/** Which captions may share a batch. */
export const batchLengths = ['equal', 'bucketed', 'padded'] as const;
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
   */
  readonly lengths: BatchLengths;
  readonly seed: number;
  /** Leave out batches that are not full: at the end of an epoch, or with `equal` of each length. */
  readonly dropLast?: boolean;
}

const batchesPerBucket = 64;

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
  /** Numbers of the captions that may share a batch. */
  readonly #groups: readonly Int32Array[];
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
    this.#groups = lengths === 'equal' ? groupByLength(captions) : [everyIndex(captions)];
    const round = dropLast ? Math.floor : Math.ceil;
    this.batchesPerEpoch = this.#groups.reduce((sum, g) => sum + round(g.length / batchSize), 0);
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
    for (const members of this.#order(epoch).slice(fromBatch)) {
      yield collate(Array.from(members, (index) => this.#captions[index] as EncodedCaption));
    }
  }

  /** Caption numbers of each batch: shuffled within a group, cut, and the batches shuffled. */
  #order(epoch: number): Int32Array[] {
    const { batchSize, lengths, seed, dropLast } = this.#options;
    const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(epoch + 1, 0x85ebca77));
    const order: Int32Array[] = [];
    for (const group of this.#groups) {
      const shuffled = random.shuffle(group.slice());
      if (lengths === 'bucketed') this.#sortInBuckets(shuffled, batchSize * batchesPerBucket);
      const end = dropLast ? shuffled.length - (shuffled.length % batchSize) : shuffled.length;
      for (let i = 0; i < end; i += batchSize) {
        order.push(shuffled.subarray(i, Math.min(i + batchSize, end)));
      }
    }
    return random.shuffle(order);
  }

  #sortInBuckets(members: Int32Array, size: number): void {
    const length = (caption: number) => this.#captions[caption]?.words.length ?? 0;
    for (let i = 0; i < members.length; i += size) {
      members.subarray(i, i + size).sort((a, b) => length(a) - length(b));
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

function everyIndex(captions: readonly EncodedCaption[]): Int32Array {
  return Int32Array.from(captions.keys());
}

function groupByLength(captions: readonly EncodedCaption[]): Int32Array[] {
  const groups = new Map<number, number[]>();
  for (const [index, { words }] of captions.entries()) {
    const group = groups.get(words.length);
    if (group) group.push(index);
    else groups.set(words.length, [index]);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => Int32Array.from(group));
}
