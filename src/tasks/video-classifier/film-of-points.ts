/** Sequences of points, such as joints of a body, drawn as a film. */
import type { Clip } from '../../data/video/clip.js';
import type { Film } from '../../data/video/film.js';
import type { PreparedClip } from '../../data/video/prepared-clips.js';
import { evenPlaces } from '../../data/video/sampling.js';

const WIDTH = 120;
const HEIGHT = 150;
/** Of a point, in pixels. */
const RADIUS = 2.2;
const LIGHT = 235;

/**
 * A sequence of D numbers a step as a film, if these are points of two or three coordinates: a disc for each, seen from
 * the front. The second coordinate points upwards where there are three, as cameras of depth have it, and downwards
 * where there are two, as pictures have it. Its time is counted in steps.
 * @param most frames of the film.
 */
export function filmOfPoints(
  prepared: PreparedClip,
  D: number,
  points: number | undefined,
  most: number,
): Film | undefined {
  if (points !== 2 && points !== 3) return undefined;
  const T = prepared.length;
  const steps = T <= most ? Array.from({ length: T }, (_, t) => t) : evenPlaces(T, most);
  const places = steps.map((step) => {
    const values = new Float32Array(D);
    prepared.write(step, values, 0, 0);
    return Array.from({ length: D / points }, (_, i) => {
      const [x = 0, y = 0] = values.subarray(i * points, i * points + 2);
      return { x, y: points === 3 ? -y : y };
    });
  });
  const across = extent(places.flat().map(({ x }) => x));
  const down = extent(places.flat().map(({ y }) => y));
  const margin = 6 * RADIUS;
  const scale = Math.min((WIDTH - margin) / across.length, (HEIGHT - margin) / down.length);
  const area = WIDTH * HEIGHT;
  const values = new Uint8Array(places.length * area);
  for (const [t, own] of places.entries()) {
    const frame = values.subarray(t * area, (t + 1) * area);
    for (const { x, y } of own) {
      const [column, row] = [scale * (x - across.middle), scale * (y - down.middle)];
      drawDisc(frame, WIDTH / 2 + column, HEIGHT / 2 + row);
    }
  }
  const times = Float64Array.from(steps);
  const frames: Clip = { width: WIDTH, height: HEIGHT, channels: 1, values, times };
  return { frames, times, end: T };
}

function extent(values: readonly number[]) {
  const [low, high] = values.reduce(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)] as const,
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] as const,
  );
  return { middle: (low + high) / 2, length: high - low || 1 };
}

/** A disc with a smooth edge, all of it inside the frame. */
function drawDisc(frame: Uint8Array, x: number, y: number): void {
  const reach = Math.ceil(RADIUS + 1);
  const [left, top] = [Math.floor(x) - reach, Math.floor(y) - reach];
  for (let row = top; row <= top + 2 * reach; row++) {
    for (let column = left; column <= left + 2 * reach; column++) {
      const inside = RADIUS + 0.5 - Math.hypot(column + 0.5 - x, row + 0.5 - y);
      const place = row * WIDTH + column;
      const value = Math.round(LIGHT * Math.min(1, Math.max(0, inside)));
      frame[place] = Math.max(frame[place] ?? 0, value);
    }
  }
}
