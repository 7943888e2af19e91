import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { Random } from '@/random.js';
import { changeFrames, changeSequence } from '@/tasks/video-classifier/changes.js';
import { videoClassifierRecipeSchema } from '@/tasks/video-classifier/recipe.js';
import { tensor } from '@/tensor/create.js';

const changes = (options: Record<string, unknown>) => videoClassifierRecipeSchema.parse(options);

/** A frame whose value is its place, so that a moved frame says where each of its pixels comes from. */
function places(H: number, W: number, axis: 'x' | 'y', T = 1) {
  const values = Array.from({ length: T * H * W }, (_, i) =>
    axis === 'x' ? i % W : Math.floor(i / W) % H,
  );
  return tensor(values, { shape: [1, 1, T, H, W] });
}

/** Where the pixels of a changed frame come from: [x, y] in pixels. */
function origins(options: Record<string, unknown>, seed: number, H = 20, W = 30, T = 1) {
  using _work = scope();
  const [xs, ys] = (['x', 'y'] as const).map((axis) => {
    const drawn = { changes: changes(options), randoms: [new Random(seed)] };
    return Array.from(changeFrames(places(H, W, axis, T), drawn).dataSync());
  });
  return (x: number, y: number, t = 0): [number, number] => {
    const at = (t * H + y) * W + x;
    return [xs?.[at] ?? Number.NaN, ys?.[at] ?? Number.NaN];
  };
}

describe('frames', () => {
  test('without changes are themselves', () => {
    using _work = scope();
    const x = places(4, 5, 'x');
    expect(changeFrames(x, { changes: changes({}), randoms: [new Random(1)] })).toBe(x);
  });

  test.each([1, 2, 3])('turned by an angle, keep lengths in pixels, seed %i', (seed) => {
    const from = origins({ turn: 20 }, seed);
    // The middle stays, at x 14.5 and y 9.5, and steps around it keep their length.
    const [left, right, up, down] = [from(12, 10), from(18, 10), from(15, 8), from(15, 12)];
    const along = [right[0] - left[0], right[1] - left[1]] as const;
    const across = [down[0] - up[0], down[1] - up[1]] as const;
    expect(Math.hypot(...along)).toBeCloseTo(6, 4);
    expect(Math.hypot(...across)).toBeCloseTo(4, 4);
    expect(along[0] * across[0] + along[1] * across[1]).toBeCloseTo(0, 3);
    const angle = (Math.atan2(along[1], along[0]) * 180) / Math.PI;
    expect(Math.abs(angle)).toBeGreaterThan(0.1);
    expect(Math.abs(angle)).toBeLessThanOrEqual(20);
  });

  test('stretched, are wider or narrower and as high', () => {
    const widths = [1, 2, 3, 4, 5, 6].map((seed) => {
      const from = origins({ stretch: 0.25 }, seed);
      expect(from(15, 12)[1] - from(15, 8)[1]).toBeCloseTo(4, 4);
      return (from(17, 10)[0] - from(13, 10)[0]) / 4;
    });
    for (const width of widths) {
      expect(width).toBeGreaterThanOrEqual(1 / 1.25 - 1e-4);
      expect(width).toBeLessThanOrEqual(1.25 + 1e-4);
    }
    expect(Math.max(...widths)).toBeGreaterThan(1);
    expect(Math.min(...widths)).toBeLessThan(1);
  });

  test('bent, move smoothly by about the share that is asked, all frames of a clip alike', () => {
    const squares: number[] = [];
    for (let seed = 0; seed < 40; seed++) {
      const from = origins({ bend: 0.02 }, seed, 30, 30, 2);
      for (let y = 8; y < 22; y++) {
        for (let x = 8; x < 22; x++) {
          const [fx, fy] = from(x, y);
          squares.push((fx - x) ** 2, (fy - y) ** 2);
          expect(from(x, y, 1)).toEqual([fx, fy]);
          // Neighbours stay in order.
          expect(from(x + 1, y)[0]).toBeGreaterThan(fx);
        }
      }
    }
    const moved = Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
    // 0.02 of 30 pixels, the deviation of 1,200 amplitudes.
    expect(moved).toBeGreaterThan(0.6 * 0.7);
    expect(moved).toBeLessThan(0.6 * 1.3);
  });
});

describe('points', () => {
  const scale = { points: 3, mean: [0, 0, 0], deviation: 1 };
  const changed = (options: Record<string, unknown>, seed = 1) => {
    const values = Float32Array.of(1, 2, 3, 4, 5, 6);
    changeSequence(values, scale, { changes: changes(options), randoms: [new Random(seed)] }, 0);
    return Array.from(values);
  };

  test('stretched, have a size of their own along each axis', () => {
    const values = changed({ stretch: 0.5 });
    const sizes = [1, 2, 3, 4, 5, 6].map((value, i) => (values[i] ?? 0) / value);
    for (const axis of [0, 1, 2]) expect(sizes[axis]).toBeCloseTo(sizes[axis + 3] ?? 0, 5);
    expect(new Set(sizes.slice(0, 3).map((size) => size.toFixed(4))).size).toBe(3);
    for (const size of sizes)
      expect(Math.abs(Math.log(size))).toBeLessThanOrEqual(Math.log(1.5) + 1e-6);
  });

  test('zoomed, have one size for all axes', () => {
    const values = changed({ zoom: 0.5 });
    const [size = 0] = values;
    expect(size).not.toBeCloseTo(1, 3);
    expect(values.map((value) => value / size)).toEqual(
      [1, 2, 3, 4, 5, 6].map((value) => expect.closeTo(value, 4)),
    );
  });
});
