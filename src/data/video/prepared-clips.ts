/** Clips as numbers, from which batches are put together: read when needed, and kept as far as memory allows. */
import { ShapeError } from '../../errors.js';
import type { Clip, Sequence } from './clip.js';

/** A clip as numbers, step by step. */
export interface PreparedClip {
  readonly length: number;
  /** What it takes of memory. */
  readonly bytes: number;
  /**
   * Writes step t: channel c from `offset + c * apart` on.
   * @param apart numbers from one channel to the next; of a sequence there is one channel.
   */
  write(t: number, out: Float32Array, offset: number, apart: number): void;
}

/** How bytes become numbers: (byte * scale - mean[c]) / standardDeviation[c], c = red, green, blue; grey is their mean. */
export interface PixelScale {
  readonly scale: number;
  readonly mean: readonly [number, number, number];
  readonly standardDeviation: readonly [number, number, number];
}

/** The frames of a clip: channels (H, W). */
export function preparedFrames(
  clip: Clip,
  { scale, mean, standardDeviation }: PixelScale,
): PreparedClip {
  const { values, channels, width, height, times } = clip;
  const area = width * height;
  const averaged = (three: readonly number[]) => three.reduce((sum, value) => sum + value, 0) / 3;
  const tables = Array.from({ length: channels }, (_, c) => {
    const m = channels === 1 ? averaged(mean) : (mean[c] ?? 0);
    const s = channels === 1 ? averaged(standardDeviation) : (standardDeviation[c] ?? 1);
    return Float32Array.from({ length: 256 }, (_, byte) => (byte * scale - m) / s);
  });
  return {
    length: times.length,
    bytes: values.length,
    write(t, out, offset, apart) {
      const frame = values.subarray(t * area * channels, (t + 1) * area * channels);
      for (const [c, table] of tables.entries()) {
        const plane = offset + c * apart;
        for (let i = 0; i < area; i++) out[plane + i] = table[frame[i * channels + c] ?? 0] ?? 0;
      }
    },
  };
}

/** Maps that were computed of a whole clip: (C, T, H, W), `area` = H W. @throws ShapeError unless they fill that */
export function preparedMaps(values: Float32Array, channels: number, area: number): PreparedClip {
  const length = values.length / (channels * area);
  if (!Number.isInteger(length)) {
    throw new ShapeError(`${values.length} values are no maps of ${channels} channels of ${area}`);
  }
  return {
    length,
    bytes: values.byteLength,
    write(t, out, offset, apart) {
      for (let c = 0; c < channels; c++) {
        const start = (c * length + t) * area;
        out.set(values.subarray(start, start + area), offset + c * apart);
      }
    },
  };
}

/** A sequence (T, D) as it is. */
export function preparedSequence({ values, D }: Sequence): PreparedClip {
  return {
    length: values.length / D,
    bytes: values.byteLength,
    write: (t, out, offset) => out.set(values.subarray(t * D, (t + 1) * D), offset),
  };
}

/** Clips that are kept in memory may take so many bytes together; others are read again when a batch needs them. */
export const MOST_CLIP_BYTES = 2 * 2 ** 30;

interface Kept<P> {
  readonly clip: Promise<P>;
  /** 0 while it is being prepared. */
  bytes: number;
}

/** Clips by their places in a set. Each is prepared when it is first asked for. */
export class ClipStore<P extends PreparedClip = PreparedClip> {
  readonly size: number;
  readonly #prepare: (index: number) => Promise<P>;
  readonly #most: number;
  /** Those that were asked for last are at the end. */
  readonly #kept = new Map<number, Kept<P>>();
  #bytes = 0;

  constructor(
    size: number,
    prepare: (index: number) => Promise<P>,
    most: number = MOST_CLIP_BYTES,
  ) {
    this.size = size;
    this.#prepare = prepare;
    this.#most = most;
  }

  /** These clips, in this order; those that are not in memory are prepared side by side. */
  get(indices: ArrayLike<number>): Promise<P[]> {
    return Promise.all(Array.from(indices, (index) => this.#clip(index)));
  }

  /** Begins to prepare clips that will be asked for; what goes wrong is told then. */
  expect(indices: ArrayLike<number>): void {
    for (const index of Array.from(indices)) this.#clip(index).catch(() => undefined);
  }

  #clip(index: number): Promise<P> {
    const known = this.#kept.get(index);
    if (known) {
      this.#kept.delete(index);
      this.#kept.set(index, known);
      return known.clip;
    }
    const kept: Kept<P> = { clip: this.#prepare(index), bytes: 0 };
    this.#kept.set(index, kept);
    kept.clip.then(
      ({ bytes }) => {
        kept.bytes = bytes;
        this.#bytes += bytes;
        this.#makeRoom();
      },
      () => this.#kept.delete(index),
    );
    return kept.clip;
  }

  /** Lets go of the clips that were asked for the longest time ago, while there are too many bytes. */
  #makeRoom(): void {
    for (const [index, { bytes }] of this.#kept) {
      if (this.#bytes <= this.#most) return;
      if (bytes === 0) continue;
      this.#kept.delete(index);
      this.#bytes -= bytes;
    }
  }
}
