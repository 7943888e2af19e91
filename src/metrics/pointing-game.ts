/** The pointing game: how often attention lies on the thing that a word names. */
import type { Box } from '../data/pictures/pixels.js';
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
  /** Of heat maps: the score of all words by the middle of the heaviest cell, without smoothing. */
  readonly heaviest?: PointingScore;
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
 * Smoothing of a heat map, as a Gaussian's deviation in cells. Pictures of heat maps are drawn so:
 * the code of Xu et al. 2015 enlarges a cell to 16 pixels and filters with a deviation of 20.
 */
export const SMOOTHING = 1.25;

/**
 * The middle of the pixel where a smoothed heat map is largest, the first of several. A cell's weight
 * stands for all that a model sees from there, which is more than the cell; smoothing gathers the
 * cells that look at one thing from around it:
 *
 *     heat(p) = Σ_l w_l exp(-|p - p_l|² / 2),  distances in deviations
 *
 * @param smoothing deviation of the Gaussian in cells.
 * Source: Xu et al. 2015, section 5.4 (upsampled and filtered with a Gaussian).
 * @throws ShapeError when there are not H W weights; ValueError when the deviation is not positive.
 */
export function hottestPoint(
  weights: ArrayLike<number>,
  [H, W]: readonly [H: number, W: number],
  { width, height }: Extent,
  smoothing = SMOOTHING,
): Point {
  if (weights.length !== H * W) {
    throw new ShapeError(`${weights.length} weights are not those of ${H} x ${W} places`);
  }
  if (!(smoothing > 0 && Number.isFinite(smoothing))) {
    throw new ValueError(
      `pointing game: the smoothing must be more than 0 cells and finite, not ${smoothing}`,
    );
  }
  const across = spread(width, W, smoothing);
  const down = spread(height, H, smoothing);
  let best = { x: 0.5, y: 0.5, heat: Number.NEGATIVE_INFINITY };
  for (const [row, ofRows] of down.entries()) {
    const columns = Array.from({ length: W }, (_, column) =>
      ofRows.reduce((sum, part, r) => sum + part * (weights[r * W + column] ?? 0), 0),
    );
    for (const [column, ofColumns] of across.entries()) {
      const heat = ofColumns.reduce((sum, part, c) => sum + part * (columns[c] ?? 0), 0);
      if (heat > best.heat) best = { x: column + 0.5, y: row + 0.5, heat };
    }
  }
  return { x: best.x, y: best.y };
}

/** What each cell adds to each pixel along one side: (pixels, cells). */
function spread(pixels: number, cells: number, smoothing: number): number[][] {
  return Array.from({ length: pixels }, (_, pixel) =>
    Array.from({ length: cells }, (_, cell) => {
      const distance = (((pixel + 0.5) / pixels) * cells - (cell + 0.5)) / smoothing;
      return Math.exp(-(distance ** 2) / 2);
    }),
  );
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
