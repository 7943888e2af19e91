import { describe, expect, test } from 'vitest';
import { loadPixels } from '@/data/pictures/photos.js';
import type { Pixels } from '@/data/pictures/pixels.js';
import { type PictureSize, resamplings } from '@/data/pictures/preprocessing.js';
import { resizePixels } from '@/data/pictures/resize.js';
import { Random } from '@/random.js';

/** A picture with smooth colours, edges, and texture. */
function picture(width: number, height: number): Pixels {
  const random = new Random(7);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const stripe = Math.floor((8 * (x + y)) / width) % 2 === 0 ? 60 : 0;
      const noise = 20 * random.uniform();
      data.set(
        [(190 * x) / width + stripe, (190 * y) / height + stripe, 100 + stripe + noise],
        3 * (y * width + x),
      );
    }
  }
  return { width, height, channels: 3, data };
}

function differences(actual: Pixels, expected: Pixels): { mean: number; most: number } {
  expect([actual.width, actual.height]).toEqual([expected.width, expected.height]);
  const apart = Array.from(actual.data, (value, i) => Math.abs(value - (expected.data[i] ?? 0)));
  return {
    mean: apart.reduce((sum, value) => sum + value, 0) / apart.length,
    most: apart.reduce((most, value) => Math.max(most, value), 0),
  };
}

describe.each(resamplings.filter((name) => name !== 'nearest'))('%s', (resample) => {
  test.each<[string, [number, number], PictureSize]>([
    ['half', [64, 48], { width: 32, height: 24, resize: 'squash' }],
    ['a little smaller', [50, 40], { width: 41, height: 33, resize: 'squash' }],
    ['much smaller, squashed', [640, 480], { width: 56, height: 56, resize: 'squash' }],
    ['the middle', [641, 361], { width: 112, height: 112, resize: 'centre-crop' }],
    [
      'the middle of the middle',
      [300, 401],
      { width: 40, height: 36, resize: 'centre-crop', cutFrom: [51, 47] },
    ],
  ])('%s is what sharp makes of it', async (_, [width, height], size) => {
    const pixels = picture(width, height);
    const own = resizePixels(pixels, { ...size, resample });
    const { mean, most } = differences(own, await loadPixels(pixels, { ...size, resample }));
    expect(mean).toBeLessThan(0.6);
    expect(most).toBeLessThanOrEqual(4);
  });
});

test('nearest takes values that are there', () => {
  const pixels = picture(9, 6);
  const { data } = resizePixels(pixels, {
    width: 3,
    height: 2,
    resize: 'squash',
    resample: 'nearest',
  });
  const at = (x: number, y: number) => [
    ...pixels.data.subarray(3 * (9 * y + x), 3 * (9 * y + x) + 3),
  ];
  expect([...data]).toEqual([1, 4].flatMap((y) => [1, 4, 7].flatMap((x) => at(x, y))));
});
