import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TimedFrame } from '@/data/video/clip.js';
import { type Stretch, stretchesOf } from '@/data/video/stretches.js';

/** Frames of one pixel, whose byte is the frame's number. */
async function* framesAt(times: readonly number[]): AsyncGenerator<TimedFrame> {
  for (const [number, time] of times.entries()) {
    yield { frame: { width: 1, height: 1, channels: 1, data: Uint8Array.of(number) }, time };
  }
}

async function cut(times: readonly number[], every: number): Promise<Stretch[]> {
  const found: Stretch[] = [];
  for await (const stretch of stretchesOf(framesAt(times), every, 'x.mp4')) found.push(stretch);
  return found;
}

/** Each as [from, to, numbers of its frames]. */
const plain = (found: readonly Stretch[]) =>
  found.map(({ from, to, clip }) => [from, to, [...clip.values]]);

test('stretches of a second of four frames', async () => {
  const times = Array.from({ length: 11 }, (_, i) => i / 4);
  const found = await cut(times, 1);
  expect(plain(found)).toEqual([
    [0, 1, [0, 1, 2, 3]],
    [1, 2, [4, 5, 6, 7]],
    [2, 2.75, [8, 9, 10]],
  ]);
  expect(found[1]?.clip).toMatchObject({ width: 1, height: 1, channels: 1 });
  expect([...(found[1]?.clip.times ?? [])]).toEqual([0, 0.25, 0.5, 0.75]);
});

test('a short rest belongs to the stretch before it, half a stretch does not', async () => {
  const times = (count: number) => Array.from({ length: count }, (_, i) => i / 4);
  expect(plain(await cut(times(9), 1))).toEqual([
    [0, 1, [0, 1, 2, 3]],
    [1, 2.25, [4, 5, 6, 7, 8]],
  ]);
  expect(plain(await cut(times(10), 1)).at(-1)).toEqual([2, 2.5, [8, 9]]);
  expect(plain(await cut(times(1), 1))).toEqual([[0, 0.04, [0]]]);
});

test('a frame that stays is shown until the next one, and nothing is before the first', async () => {
  expect(plain(await cut([2.5, 2.75, 7.1, 8.1], 1))).toEqual([
    [2, 7, [0, 1]],
    [7, 8, [2]],
    [8, 9.1, [3]],
  ]);
  expect(await cut([], 1)).toEqual([]);
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d seconds', async (every) => {
  await expect(cut([0], every)).rejects.toThrow(/cut every .* seconds: say a number above 0/);
});

test('every frame is in one stretch, stretches touch, and none is shorter than half of it', async () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(gaps, fc.integer({ min: 1, max: 5000 }), async (gaps, every) => {
      const times = gaps.map((_, i) => gaps.slice(0, i).reduce((sum, gap) => sum + gap, 0) / 1000);
      const found = await cut(times, every / 1000);
      expect(found.flatMap(({ clip }) => [...clip.values])).toEqual(times.map((_, i) => i));
      for (const [n, { from, to, clip }] of found.entries()) {
        if (n > 0) expect(from).toBe(found[n - 1]?.to);
        if (n > 0) expect(to - from).toBeGreaterThan(every / 2000 - 1e-6);
        expect(from / (every / 1000)).toBeCloseTo(Math.round(from / (every / 1000)), 6);
        expect(clip.times[0]).toBeGreaterThanOrEqual(0);
        expect(from + (clip.times.at(-1) ?? 0)).toBeLessThan(to);
      }
    }),
  );
});
