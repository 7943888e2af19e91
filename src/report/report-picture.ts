/** A picture as the reports show it: its captions, words, attention and scores; and which pictures are shown. */
import { ShapeError } from '../errors.js';
import { base64 } from './html.js';

/** The attention of a caption's words as a page contains it, see `packAttention`. */
export type PackedAttention =
  | { readonly peaks: readonly number[]; readonly weights: string }
  | { readonly windows: readonly (readonly number[])[] };

/** A word of the model's caption. */
export interface ReportWord {
  readonly word: string;
  /** Of the word after those before it, 0 to 1. */
  readonly probability?: number | undefined;
  /** What the model looked at when it chose the word: see `AttentionKind`. */
  readonly attention?: ArrayLike<number> | undefined;
}

/** How a model's attention is given, for every word of its captions. */
export type AttentionKind =
  /** A weight for each place of a grid of `rows` times `columns`, row by row. */
  | { readonly kind: 'grid'; readonly rows: number; readonly columns: number }
  /**
   * The window that a spatial transformer cuts out: a 2x3 matrix, row by row, from the window's
   * coordinates to the picture's, both from -1 to 1 between the outer edges.
   */
  | { readonly kind: 'window' };

/** A picture, the model's caption, the references, and how well they agree. */
export interface ReportPicture {
  /** The photo's file name, or whatever tells it apart. */
  readonly id: string;
  readonly photo: {
    readonly bytes: Uint8Array;
    readonly type: 'image/jpeg' | 'image/png';
    readonly width: number;
    readonly height: number;
  };
  /** The caption as people read it; `words` joined by spaces unless given. */
  readonly caption?: string | undefined;
  readonly words: readonly ReportWord[];
  readonly references: readonly string[];
  readonly scores: {
    /** coco-caption's: mostly below 1, at most 10. */
    readonly cider: number;
    /** 0 to 1. */
    readonly bleu1: number;
    readonly bleu4: number;
    readonly rougeL: number;
  };
}

/** The part of a photo that a model sees, as shares of its width and height: x, y, width, height. */
export type Field = readonly [x: number, y: number, width: number, height: number];

/** How a model brings photos to the size that it sees; as in `Preprocessing`. */
export interface Framing {
  readonly width: number;
  readonly height: number;
  readonly resize: 'squash' | 'centre-crop';
  readonly cutFrom?: readonly [width: number, height: number];
}

/** All of a photo, or what is left of it when both sides are cut as `framing` says. */
export function fieldOf(photo: { width: number; height: number }, framing: Framing): Field {
  const [across, down] = framing.cutFrom ?? [framing.width, framing.height];
  const wider = framing.resize === 'squash' ? 1 : photo.width / photo.height / (across / down);
  const width = (framing.width / across) * Math.min(1, 1 / wider);
  const height = (framing.height / down) * Math.min(1, wider);
  return [(1 - width) / 2, (1 - height) / 2, width, height];
}

/**
 * The attention of a caption's words, small: a grid's weights as bytes, 255 for the highest one of
 * the word, all words' in one base64 text; windows as they are, rounded.
 *
 * @returns undefined when no word has attention.
 * @throws ShapeError naming the word when its attention has another size than `kind` says, or a
 *   value is not finite.
 */
export function packAttention(
  { id, words }: Pick<ReportPicture, 'id' | 'words'>,
  kind: AttentionKind,
): PackedAttention | undefined {
  if (words.every(({ attention }) => attention === undefined)) return undefined;
  const expected = kind.kind === 'window' ? 6 : kind.rows * kind.columns;
  const values = words.map(({ word, attention }) => {
    const found = Array.from(attention ?? []);
    if (found.length !== expected) {
      const what = kind.kind === 'window' ? 'a window' : `a grid of ${kind.rows}x${kind.columns}`;
      throw new ShapeError(
        `${id}: the word ${JSON.stringify(word)} has ${found.length} values of attention, ${what} needs ${expected}`,
      );
    }
    if (!found.every(Number.isFinite)) {
      throw new ShapeError(
        `${id}: the attention of the word ${JSON.stringify(word)} is not finite`,
      );
    }
    return found;
  });
  if (kind.kind === 'window') {
    return { windows: values.map((window) => window.map((value) => round(value, 4))) };
  }
  const bytes = new Uint8Array(values.length * expected);
  const peaks = values.map((weights, index) => {
    const peak = Math.max(...weights, 0);
    for (const [place, weight] of weights.entries()) {
      bytes[index * expected + place] =
        peak > 0 ? Math.round((255 * Math.max(0, weight)) / peak) : 0;
    }
    return round(peak, 5);
  });
  return { peaks, weights: base64(bytes) };
}

/** A number as short as its digits after the point allow. */
export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** Pictures that a page may hold: more make it slow to open and to send. */
export const MOST_PICTURES = 1000;

/**
 * Which of many pictures a page shows: as many as asked for, evenly from the best to the worst, the
 * best and the worst among them.
 *
 * @returns their indices, in ascending order.
 */
export function evenlyByScore(scores: readonly number[], count: number): number[] {
  const ranked = scores.map((_, index) => index);
  if (count >= scores.length) return ranked;
  ranked.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  const last = scores.length - 1;
  const chosen = Array.from({ length: count }, (_, i) =>
    count === 1 ? 0 : Math.round((i * last) / (count - 1)),
  );
  return chosen.map((rank) => ranked[rank] ?? 0).sort((a, b) => a - b);
}

/**
 * How small photos are made so that a page of some hundred stays below about 15 MB: at most `side`
 * pixels across and down. docs/report.md has the sizes of pages.
 */
export function photoSize(count: number): { readonly side: number; readonly quality: number } {
  return { side: count <= 250 ? 480 : count <= 500 ? 320 : 224, quality: 72 };
}
