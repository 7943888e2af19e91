import { expect, test } from 'vitest';
import {
  ClipStore,
  type PreparedClip,
  preparedFrames,
  preparedMaps,
  preparedSequence,
} from '@/data/video/prepared-clips.js';

/** What a clip writes of each step, one after the other. */
function written(clip: PreparedClip, channels: number, area: number): number[] {
  const out = new Float32Array(clip.length * channels * area);
  for (let t = 0; t < clip.length; t++) clip.write(t, out, t * area, clip.length * area);
  return Array.from(out);
}

const plain = { scale: 1, mean: [0, 0, 0], standardDeviation: [1, 1, 1] } as const;

test('frames become channels, each of all its frames', () => {
  const clip = {
    width: 2,
    height: 1,
    channels: 3,
    values: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
    times: Float64Array.of(0, 1),
  } as const;
  expect(written(preparedFrames(clip, plain), 3, 2)).toEqual([
    1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12,
  ]);
  const scaled = preparedFrames(clip, {
    scale: 2,
    mean: [1, 2, 3],
    standardDeviation: [1, 2, 4],
  });
  expect(written(scaled, 3, 2).slice(8)).toEqual([0.75, 2.25, 3.75, 5.25]);
});

test('grey frames go by the mean of the colours', () => {
  const clip = {
    width: 1,
    height: 1,
    channels: 1,
    values: Uint8Array.of(4, 7),
    times: Float64Array.of(0, 1),
  } as const;
  const scale = { scale: 1, mean: [0, 1, 2], standardDeviation: [1, 2, 3] } as const;
  expect(written(preparedFrames(clip, scale), 1, 1)).toEqual([1.5, 3]);
});

test('maps and sequences are as they are', () => {
  const maps = preparedMaps(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), 2, 2);
  expect(written(maps, 2, 2)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(() => preparedMaps(new Float32Array(7), 2, 2)).toThrow(
    '7 values are no maps of 2 channels',
  );
  const sequence = preparedSequence({ D: 3, values: Float32Array.of(1, 2, 3, 4, 5, 6) });
  expect(sequence.length).toBe(2);
  expect(written(sequence, 1, 3)).toEqual([1, 2, 3, 4, 5, 6]);
});

test('a store keeps what was asked for last, as far as memory allows', async () => {
  const prepared: number[] = [];
  const clip = (bytes: number): PreparedClip => ({ length: 1, bytes, write: () => undefined });
  const store = new ClipStore(
    4,
    async (index) => {
      prepared.push(index);
      return clip(10);
    },
    25,
  );
  await store.get([0, 1]);
  await store.get([0, 1, 0]);
  expect(prepared).toEqual([0, 1]);
  await store.get([2]);
  await store.get([0, 2]);
  expect(prepared).toEqual([0, 1, 2]);
  await store.get([1]);
  expect(prepared).toEqual([0, 1, 2, 1]);
});

test('a clip that could not be prepared is tried again', async () => {
  let tries = 0;
  const store = new ClipStore(1, async () => {
    if (++tries === 1) throw new RangeError('not this time');
    return { length: 1, bytes: 1, write: () => undefined };
  });
  store.expect([0]);
  await expect(store.get([0])).rejects.toThrow('not this time');
  await expect(store.get([0])).resolves.toHaveLength(1);
});
