/**
 * The shapes that drawn scenes are made of, as signed distances: negative inside, positive outside.
 *
 * Distances are in the unit of the given points. Only additions, products and square roots, which
 * every machine rounds in the same way, so a scene is the same to the bit everywhere.
 */
import type { Box } from '../pictures/pixels.js';

export const SHAPES = ['circle', 'square', 'triangle', 'star', 'cross'] as const;
export type Shape = (typeof SHAPES)[number];

type Point = readonly [x: number, y: number];

/**
 * Corners for radius 1, y down, in order around the shape. Scaled so that the shapes look equally
 * large beside a circle of radius 1.
 */
const CORNERS: Readonly<Record<Exclude<Shape, 'circle'>, readonly Point[]>> = {
  square: [
    [-0.88, -0.88],
    [0.88, -0.88],
    [0.88, 0.88],
    [-0.88, 0.88],
  ],
  triangle: [
    [0, -1.1],
    [1.15, 0.9],
    [-1.15, 0.9],
  ],
  // Five points of radius 1.2 and, half-way between them, five of radius 0.5.
  star: [
    [0, -1.2],
    [0.2939, -0.4045],
    [1.1413, -0.3708],
    [0.4755, 0.1545],
    [0.7053, 0.9708],
    [0, 0.5],
    [-0.7053, 0.9708],
    [-0.4755, 0.1545],
    [-1.1413, -0.3708],
    [-0.2939, -0.4045],
  ],
  cross: [
    [-0.36, -1.1],
    [0.36, -1.1],
    [0.36, -0.36],
    [1.1, -0.36],
    [1.1, 0.36],
    [0.36, 0.36],
    [0.36, 1.1],
    [-0.36, 1.1],
    [-0.36, 0.36],
    [-1.1, 0.36],
    [-1.1, -0.36],
    [-0.36, -0.36],
  ],
};

/** No shape of radius 1, turned by `LARGEST_TURN` or less, reaches further from its centre. */
export const LARGEST_EXTENT = 1.25;

/** The half-angle's tangent of the largest turn, about 9 degrees: a square stays a square. */
export const LARGEST_TURN = 0.08;

/** A shape in its place: what lies where, and the rectangle around it. */
export interface Outline {
  /** Signed distance of a point from the edge. */
  readonly distance: (x: number, y: number) => number;
  readonly box: Box;
}

/**
 * A shape around (x, y).
 *
 * @param turn tangent t of half the angle it is turned by: cos = (1 - t^2) / (1 + t^2),
 *   sin = 2t / (1 + t^2), which needs no trigonometric function.
 */
export function outline(shape: Shape, x: number, y: number, radius: number, turn: number): Outline {
  if (shape === 'circle') {
    return {
      distance: (px, py) => Math.sqrt((px - x) ** 2 + (py - y) ** 2) - radius,
      box: { left: x - radius, top: y - radius, right: x + radius, bottom: y + radius },
    };
  }
  const cos = (1 - turn * turn) / (1 + turn * turn);
  const sin = (2 * turn) / (1 + turn * turn);
  const corners = CORNERS[shape].map(
    ([u, v]): Point => [x + radius * (cos * u - sin * v), y + radius * (sin * u + cos * v)],
  );
  const xs = Float64Array.from(corners, ([cx]) => cx);
  const ys = Float64Array.from(corners, ([, cy]) => cy);
  return {
    distance: (px, py) => polygonDistance(xs, ys, px, py),
    box: {
      left: Math.min(...xs),
      top: Math.min(...ys),
      right: Math.max(...xs),
      bottom: Math.max(...ys),
    },
  };
}

/** Distance to the nearest edge; its sign by how often a ray to the right crosses the edges. */
function polygonDistance(xs: Float64Array, ys: Float64Array, x: number, y: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  let inside = false;
  let ax = xs.at(-1) ?? 0;
  let ay = ys.at(-1) ?? 0;
  for (let i = 0; i < xs.length; i++) {
    const bx = xs[i] ?? 0;
    const by = ys[i] ?? 0;
    const ex = bx - ax;
    const ey = by - ay;
    const along = ((x - ax) * ex + (y - ay) * ey) / (ex * ex + ey * ey);
    const t = Math.min(1, Math.max(0, along));
    const dx = x - ax - t * ex;
    const dy = y - ay - t * ey;
    nearest = Math.min(nearest, dx * dx + dy * dy);
    if (ay > y !== by > y && x < ax + (ex * (y - ay)) / ey) inside = !inside;
    ax = bx;
    ay = by;
  }
  return inside ? -Math.sqrt(nearest) : Math.sqrt(nearest);
}
