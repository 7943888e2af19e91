/** The random distortions of the cluttered and distorted MNIST of Jaderberg et al. 2015. */
import { inverse } from '../../layers/resampling/grids.js';
import { type Random, randomAt } from '../../random.js';

/**
 * Random distortions of digits, after Jaderberg et al. 2015, appendix A.4. For pictures of
 * 28 x 28, and in proportion for others:
 *
 *     none  as they are
 *     R     rotated by up to 90° either way
 *     RTS   rotated by up to 45°, scaled by 0.7 to 1.2, somewhere on 42 x 42
 *     P     scaled by 0.75 to 1, every corner moved by normal noise of 5 pixels, none flattened: projective
 *     E     scaled by 0.75 to 1, the 4 x 4 points of a thin plate spline moved by 1.5 pixels: elastic
 *     TC    somewhere on 60 x 60, among six patches of 6 x 6 of other pictures: translated, cluttered
 */
export const distortions = ['none', 'R', 'RTS', 'P', 'E', 'TC'] as const;
export type Distortion = (typeof distortions)[number];

/** Rows and columns. */
export type Extent = readonly [height: number, width: number];

/** Sides of the pictures that the paper's numbers of pixels are about. */
const reference = 28;
/** Control points of the spline in each direction. */
export const SPLINE_POINTS = 4;

/** How large pictures of an extent become. */
export function distortedExtent(kind: Distortion, [height, width]: Extent): Extent {
  const canvas = kind === 'RTS' ? 42 : kind === 'TC' ? 60 : reference;
  return [Math.round((height * canvas) / reference), Math.round((width * canvas) / reference)];
}

/** The random generator of one picture in one epoch. */
export function distortionRandom(seed: number, epoch: number, index: number): Random {
  return randomAt(seed, 'distortion', epoch, index);
}

/** A picture turned by `angle`, scaled, and moved by pixels from the middle of the new picture. */
export interface Similarity {
  readonly angle: number;
  readonly scale: number;
  readonly right: number;
  readonly down: number;
}

/** The rotation of `R`. */
export function drawRotation(random: Random): Similarity {
  return { angle: between(random, -Math.PI / 2, Math.PI / 2), scale: 1, right: 0, down: 0 };
}

/** The similarity of `RTS`: the scaled picture, unturned, would lie within the new one. */
export function drawSimilarity(random: Random, from: Extent, to: Extent): Similarity {
  const angle = between(random, -Math.PI / 4, Math.PI / 4);
  const scale = between(random, 0.7, 1.2);
  const room = (axis: 0 | 1) => Math.max(0, (to[axis] - scale * from[axis]) / 2);
  return {
    angle,
    scale,
    right: between(random, -room(1), room(1)),
    down: between(random, -room(0), room(0)),
  };
}

/**
 * The affine map from places of the new picture to places of the old one, 2 x 3 row by row, for
 * `affineGrid`: both in [-1, 1] between the outer edges.
 */
export function affineOf(
  { angle, scale, right, down }: Similarity,
  from: Extent,
  to: Extent,
): number[] {
  const [cos, sin] = [Math.cos(angle) / scale, Math.sin(angle) / scale];
  // Back from where it was moved to, turned back, in pixels from the middle; then in halves of a side.
  const row = (a: number, b: number, side: number) => [
    (a * to[1]) / side,
    (b * to[0]) / side,
    (-2 * (a * right + b * down)) / side,
  ];
  return [...row(cos, sin, from[1]), ...row(-sin, cos, from[0])];
}

type Point = readonly [x: number, y: number];
const corners: readonly Point[] = [
  [-1, -1],
  [1, -1],
  [1, 1],
  [-1, 1],
];

/**
 * Where `P` moves the corners of a picture; drawn again until none of them spans less than a quarter of what it
 * did. The paper does not say how it kept digits readable: where being convex is enough, one in twelve is
 * flattened to a stroke, and no network reaches the errors that the paper has.
 */
export function drawCorners(random: Random): Point[] {
  const scale = between(random, 0.75, 1);
  const noise = () => (5 * 2 * random.normal()) / reference;
  for (;;) {
    const moved = corners.map(([x, y]): Point => [scale * x + noise(), scale * y + noise()]);
    if (isOpen(moved)) return moved;
  }
}

/**
 * The projective map from places of the new picture to places of the old one whose corners lie at
 * `moved` now: 8 entries for `projectiveGrid`.
 */
export function projectionOf(moved: readonly Point[]): number[] {
  const equations = corners.flatMap(([x, y], i) => {
    const [u = 0, v = 0] = moved[i] ?? [];
    return [
      [u, v, 1, 0, 0, 0, -u * x, -v * x],
      [0, 0, 0, u, v, 1, -u * y, -v * y],
    ];
  });
  const sides = corners.flat();
  return inverse(equations).map((row) => row.reduce((sum, a, i) => sum + a * (sides[i] ?? 0), 0));
}

/** Whether every two neighbouring sides span, the same way round, a quarter of the picture's area or more. */
function isOpen(points: readonly Point[]): boolean {
  return points.every(([x, y], i) => {
    const [x1 = 0, y1 = 0] = points[(i + 1) % points.length] ?? [];
    const [x2 = 0, y2 = 0] = points[(i + 2) % points.length] ?? [];
    return (x1 - x) * (y2 - y1) - (y1 - y) * (x2 - x1) >= 1;
  });
}

/** For `E`: where in the old picture the spline's points of the new one lie, x before y. */
export function drawSpline(random: Random): number[] {
  const scale = between(random, 0.75, 1);
  const place = (i: number) => (2 * i) / (SPLINE_POINTS - 1) - 1;
  const noise = () => (1.5 * 2 * random.normal()) / reference;
  return Array.from({ length: SPLINE_POINTS ** 2 }, (_, k) => [
    place(k % SPLINE_POINTS) / scale + noise(),
    place(Math.floor(k / SPLINE_POINTS)) / scale + noise(),
  ]).flat();
}

/** For `TC`: where the picture goes, and patches of other pictures that come beside it. */
export interface Clutter {
  readonly left: number;
  readonly top: number;
  readonly size: Extent;
  readonly patches: readonly {
    /** The number of the picture that it is cut from, and where. */
    readonly index: number;
    readonly from: Point;
    readonly to: Point;
  }[];
}

/** @param count pictures that there are; patches are not cut from number `own`, if there are others. */
export function drawClutter(
  random: Random,
  { count, own, from, to }: { count: number; own: number; from: Extent; to: Extent },
): Clutter {
  const left = random.integer(to[1] - from[1] + 1);
  const top = random.integer(to[0] - from[0] + 1);
  const side = (length: number) => Math.max(1, Math.round((6 * length) / reference));
  const size: Extent = [side(from[0]), side(from[1])];
  const within = (extent: Extent): Point => [
    random.integer(extent[1] - size[1] + 1),
    random.integer(extent[0] - size[0] + 1),
  ];
  const patches = Array.from({ length: 6 }, () => ({
    index: count > 1 ? (own + 1 + random.integer(count - 1)) % count : own,
    from: within(from),
    to: within(to),
  }));
  return { left, top, size, patches };
}

function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}
