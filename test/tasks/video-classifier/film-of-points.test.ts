import { expect, test } from 'vitest';
import { preparedSequence } from '@/data/video/prepared-clips.js';
import { filmOfPoints } from '@/tasks/video-classifier/film-of-points.js';

/** Where the brightest pixels of a frame are, as shares of its width and height. */
function places(frame: Uint8Array, width: number): [number, number][] {
  const height = frame.length / width;
  const bright = [...frame.entries()].filter(([, value]) => value > 230);
  return bright.map(([i]) => [((i % width) + 0.5) / width, (Math.floor(i / width) + 0.5) / height]);
}

test('points of three coordinates are seen from the front, the second upwards', () => {
  // One point stays at the lower left, one goes from the upper right to the middle.
  const values = Float32Array.from([-1, -1, 5, 1, 1, 7, -1, -1, 5, 0, 0, 7]);
  const film = filmOfPoints(preparedSequence({ D: 6, values }), 6, 3, 10);
  expect(film?.end).toBe(2);
  expect([...(film?.times ?? [])]).toEqual([0, 1]);
  const { width = 1, height = 1, values: bytes = new Uint8Array() } = film?.frames ?? {};
  const [first, second] = [0, 1].map((t) =>
    places(bytes.subarray(t * width * height, (t + 1) * width * height), width),
  );
  const lowerLeft = (x: number, y: number) => x < 0.3 && y > 0.6;
  expect(first?.some(([x, y]) => lowerLeft(x, y))).toBe(true);
  expect(first?.some(([x, y]) => x > 0.7 && y < 0.4)).toBe(true);
  expect(second?.some(([x, y]) => lowerLeft(x, y))).toBe(true);
  expect(second?.some(([x, y]) => Math.hypot(x - 0.5, y - 0.5) < 0.05)).toBe(true);
  expect(second?.some(([x, y]) => x > 0.7 || y < 0.4)).toBe(false);
});

test('points of two coordinates have the second downwards; a long sequence is thinned out', () => {
  const values = Float32Array.from({ length: 40 }, (_, i) => (i % 4 === 3 ? 2 : 0));
  const film = filmOfPoints(preparedSequence({ D: 4, values }), 4, 2, 5);
  expect(film?.end).toBe(10);
  expect([...(film?.times ?? [])]).toEqual([1, 3, 5, 7, 9]);
  const { width = 1, height = 1, values: bytes = new Uint8Array() } = film?.frames ?? {};
  const found = places(bytes.subarray(0, width * height), width);
  expect(found.some(([, y]) => y > 0.9)).toBe(true);
  expect(found.some(([, y]) => y < 0.1)).toBe(true);
});

test('other numbers are no points', () => {
  const sequence = preparedSequence({ D: 4, values: new Float32Array(8) });
  expect(filmOfPoints(sequence, 4, undefined, 5)).toBeUndefined();
  expect(filmOfPoints(sequence, 4, 4, 5)).toBeUndefined();
});
