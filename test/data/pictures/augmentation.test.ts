import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawScene } from '@/data/captions/scenes.js';
import { augment, inLight, moved } from '@/data/pictures/augmentation.js';
import type { Pixels } from '@/data/pictures/pixels.js';
import { Random } from '@/random.js';

const pixels = (width: number, rows: readonly number[]): Pixels => ({
  width,
  height: rows.length / width,
  channels: 3,
  data: Uint8Array.from(rows.flatMap((value) => [value, value + 1, value + 2])),
});
const still = { shift: 0, colours: 0, flip: false };
const noLight = { brightness: 1, contrast: 1, saturation: 1 };
const scene = drawScene(new Random(4), { size: 24 }).pixels;

describe('moved', () => {
  const picture = pixels(3, [10, 20, 30, 40, 50, 60]);
  test('to the right and down, and the edge is repeated', () => {
    const by = (right: number, down: number) => moved(picture, { right, down, mirrored: false });
    expect(by(1, 0)).toEqual(pixels(3, [10, 10, 20, 40, 40, 50]));
    expect(by(-1, 1)).toEqual(pixels(3, [20, 30, 30, 20, 30, 30]));
    expect(by(-9, 9)).toEqual(pixels(3, [30, 30, 30, 30, 30, 30]));
  });

  test('mirrored, and the mirror image moved', () => {
    const mirror = (right: number) => moved(picture, { right, down: 0, mirrored: true });
    expect(mirror(0)).toEqual(pixels(3, [30, 20, 10, 60, 50, 40]));
    expect(mirror(1)).toEqual(pixels(3, [30, 30, 20, 60, 60, 50]));
  });
});

describe('inLight', () => {
  const one = {
    width: 2,
    height: 1,
    channels: 3 as const,
    data: Uint8Array.of(0, 100, 200, 50, 50, 50),
  };
  // The pixel's grey is 0.587 * 100 + 0.114 * 200 = 81.5, the mean of both 65.75.
  test.each([
    [{ ...noLight, brightness: 1.5 }, [0, 150, 255, 75, 75, 75]],
    [{ ...noLight, contrast: 0.5 }, [33, 83, 133, 58, 58, 58]],
    [{ ...noLight, saturation: 0 }, [82, 82, 82, 50, 50, 50]],
    [{ ...noLight, saturation: 2 }, [0, 118, 255, 50, 50, 50]],
    [{ brightness: 2, contrast: 0.5, saturation: 0 }, [147, 147, 147, 116, 116, 116]],
  ])('%j', (light, data) => {
    expect([...inLight(one, light).data]).toEqual(data);
  });
});

describe('augment', () => {
  test('with nothing to change gives the same bytes', () => {
    expect(augment(scene, still, new Random(1)).data).toEqual(scene.data);
  });

  test('is a function of the picture and the random numbers, and leaves the picture alone', () => {
    const before = scene.data.slice();
    const options = { shift: 0.2, colours: 0.3, flip: true };
    const once = augment(scene, options, new Random(8));
    expect(augment(scene, options, new Random(8))).toEqual(once);
    expect(augment(scene, options, new Random(9)).data).not.toEqual(once.data);
    expect(scene.data).toEqual(before);
  });

  test('moves by whole pixels up to the share, each way, all of them', () => {
    const row = pixels(10, [0, 20, 40, 60, 80, 100, 120, 140, 160, 180]);
    const random = new Random(2);
    const seen = new Set<number>();
    for (let n = 0; n < 200; n++) {
      const { data } = augment(row, { ...still, shift: 0.2 }, random);
      // What stands in the middle says where it came from.
      seen.add(5 - (data[15] ?? 0) / 20);
    }
    expect([...seen].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
  });

  test('mirrors half of the pictures, and only where it may', () => {
    const mirror = moved(scene, { right: 0, down: 0, mirrored: true });
    const random = new Random(3);
    let mirrored = 0;
    for (let n = 0; n < 200; n++) {
      const { data } = augment(scene, { ...still, flip: true }, random);
      if (Buffer.compare(data, mirror.data) === 0) mirrored++;
      else expect(data).toEqual(scene.data);
    }
    expect(mirrored).toBeGreaterThan(75);
    expect(mirrored).toBeLessThan(125);
  });

  test('any picture keeps its size, and grey stays grey', () => {
    const sizes = fc.integer({ min: 1, max: 7 });
    fc.assert(
      fc.property(sizes, sizes, fc.nat(), fc.boolean(), (width, height, seed, flip) => {
        const random = new Random(seed);
        const greys = Array.from({ length: width * height }, () => random.integer(256));
        const data = Uint8Array.from(greys.flatMap((value) => [value, value, value]));
        const picture: Pixels = { width, height, channels: 3, data };
        const out = augment(picture, { shift: 0.9, colours: 0.9, flip }, random);
        expect([out.width, out.height, out.data.length]).toEqual([width, height, data.length]);
        for (let i = 0; i < out.data.length; i += 3) {
          expect(out.data[i + 1]).toBe(out.data[i]);
          expect(out.data[i + 2]).toBe(out.data[i]);
        }
      }),
      { numRuns: 100, seed: 1 },
    );
  });
});
