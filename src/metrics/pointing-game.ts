import type { Box } from '../data/captioned-images.js';
import { ShapeError, ValueError } from '../errors.js';

/** A point in a picture, in pixels; (0, 0) is its upper left corner. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Width and height in pixels. */
export interface Extent {
  readonly width: number;
  readonly height: number;
}

/** Where a model looked for a word, and the thing that the word names. */
export interface Pointed {
  readonly point: Point;
  readonly box: Box;
  /** What the word says of the thing: counted apart as well. */
  readonly kind: string;
}

/** How many points lie on the things that they should lie on. */
export interface PointingScore {
  readonly count: number;
  /** Points in their box, grown on each side by the tolerance. */
  readonly hits: number;
  /** hits / count; of nothing it is not a number. */
  readonly share: number;
  /** Points in their box as it is. */
  readonly strictHits: number;
}

/** The score of all words, and of each kind of them. */
export interface PointingReport extends PointingScore {
  /** Pixels across and down by which a point may lie outside its box. */
  readonly tolerance: { readonly x: number; readonly y: number };
  readonly kinds: Readonly<Record<string, PointingScore>>;
}

/**
 * The pointing game: for each word that names a thing, does the point that a model looked at most lie
 * on that thing? Like the original, which allows 15 pixels, it allows a tolerance, since a point of a
 * coarse grid stands for all of its cell.
 *
 * Source: Zhang et al. 2016, Top-down neural attention by excitation backprop, section 4.1.
 *
 * @throws ValueError when the tolerance is negative or not finite.
 */
export function pointingGame(
  pointed: readonly Pointed[],
  tolerance: PointingReport['tolerance'] = { x: 0, y: 0 },
): PointingReport {
  if (![tolerance.x, tolerance.y].every((value) => value >= 0 && Number.isFinite(value))) {
    throw new ValueError(
      `pointing game: the tolerance must be 0 pixels or more, not ${tolerance.x} and ${tolerance.y}`,
    );
  }
  const kinds = new Map<string, Pointed[]>();
  for (const one of pointed) kinds.set(one.kind, [...(kinds.get(one.kind) ?? []), one]);
  const score = (some: readonly Pointed[]) => scoreOf(some, tolerance);
  return {
    ...score(pointed),
    tolerance,
    kinds: Object.fromEntries([...kinds].map(([kind, some]) => [kind, score(some)])),
  };
}

function scoreOf(
  pointed: readonly Pointed[],
  tolerance: PointingReport['tolerance'],
): PointingScore {
  const within = (x: number, y: number) =>
    pointed.filter(({ point, box }) => isInside(point, box, x, y)).length;
  const [count, hits] = [pointed.length, within(tolerance.x, tolerance.y)];
  return { count, hits, share: hits / count, strictHits: within(0, 0) };
}

function isInside({ x, y }: Point, box: Box, right: number, down: number): boolean {
  return (
    x >= box.left - right && x <= box.right + right && y >= box.top - down && y <= box.bottom + down
  );
}

/**
 * The middle of the cell with the largest weight, the first of several; weights are those of a
 * grid of H rows and W columns over the whole picture, row by row.
 * @throws ShapeError when there are not H W of them.
 */
export function heaviestPlace(
  weights: ArrayLike<number>,
  [H, W]: readonly [H: number, W: number],
  { width, height }: Extent,
): Point {
  if (weights.length !== H * W) {
    throw new ShapeError(`${weights.length} weights are not those of ${H} x ${W} places`);
  }
  let best = 0;
  for (let place = 1; place < weights.length; place++) {
    if ((weights[place] ?? 0) > (weights[best] ?? 0)) best = place;
  }
  return {
    x: (((best % W) + 0.5) / W) * width,
    y: ((Math.floor(best / W) + 0.5) / H) * height,
  };
}

/**
 * The middle of a window: where the affine map of its six numbers, row by row and between
 * coordinates from -1 to 1, takes the middle of the glimpse.
 * @throws ShapeError when there are not six.
 */
export function middleOfWindow(window: ArrayLike<number>, { width, height }: Extent): Point {
  const [x, y] = [window[2], window[5]];
  if (window.length !== 6 || x === undefined || y === undefined) {
    throw new ShapeError(`a window is an affine map of 6 numbers, not of ${window.length}`);
  }
  return { x: ((x + 1) / 2) * width, y: ((y + 1) / 2) * height };
}
