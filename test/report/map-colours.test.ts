import { expect, test } from 'vitest';
import { greyPixels, signedPixels, usualMost } from '@/report/map-colours.js';

/** Pixels as lists of red, green, blue. */
function coloursOf(pixels: Uint8Array): number[][] {
  return Array.from({ length: pixels.length / 3 }, (_, i) => [...pixels.slice(3 * i, 3 * i + 3)]);
}

test('numbers above 0 are orange, below blue, 0 nearly black, and what is beyond the most has full colour', () => {
  const [zero, above, beyond, below, half] = coloursOf(signedPixels([0, 2, 9, -2, -1], 2));
  expect(zero).toEqual([14, 16, 21]);
  expect(above).toEqual([255, 158, 48]);
  expect(beyond).toEqual(above);
  expect(below).toEqual([84, 150, 255]);
  // 0.5 ** 0.7 = 0.616 of the way.
  expect(half).toEqual([57, 98, 165]);
});

test('grey goes from the lowest to the highest, and one value is black', () => {
  expect(coloursOf(greyPixels([-1, 0, 1]))).toEqual([0, 128, 255].map((v) => [v, v, v]));
  expect(coloursOf(greyPixels([5, 5]))).toEqual([
    [0, 0, 0],
    [0, 0, 0],
  ]);
});

test('the usual most leaves out one in a hundred, and is never 0', () => {
  expect(usualMost([...Array.from({ length: 200 }, (_, i) => -i), 1e9])).toBe(198);
  expect(usualMost([0, 0])).toBe(1);
  expect(usualMost([0, 0, 3])).toBe(3);
});
