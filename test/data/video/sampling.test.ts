import { expect, test } from 'vitest';
import { checkSampling, evenPlaces, samplingSchema, takenFrames } from '@/data/video/sampling.js';
import { ValueError } from '@/errors.js';

test('T frames are the middles of T parts', () => {
  expect(evenPlaces(10, 5)).toEqual([1, 3, 5, 7, 9]);
  expect(evenPlaces(10, 1)).toEqual([5]);
  expect(evenPlaces(84, 3)).toEqual([14, 42, 70]);
  // Fewer frames than T: some several times.
  expect(evenPlaces(3, 6)).toEqual([0, 0, 1, 1, 2, 2]);
  expect(evenPlaces(1, 3)).toEqual([0, 0, 0]);
});

test('by rate, the frame is taken that is shown at k / rate', () => {
  const times = [0, 0.1, 0.2, 1];
  const placesAt = (rate: number) => takenFrames(times, 1.8, { rate }).map(({ place }) => place);
  // At 0, 0.5, 1, 1.5 s.
  expect(placesAt(2)).toEqual([0, 2, 3, 3]);
  expect(takenFrames(times, 1.8, { rate: 2 }).map(({ time }) => time)).toEqual([0, 0.5, 1, 1.5]);
  expect(placesAt(10)).toEqual([0, 1, ...Array(8).fill(2), ...Array(8).fill(3)]);
  expect(placesAt(0.1)).toEqual([0]);
});

test('the first frame stands in for the time before it', () => {
  expect(takenFrames([0.5, 0.6], 0.7, { rate: 5 })).toEqual([
    { place: 0, time: 0 },
    { place: 0, time: 0.2 },
    { place: 0, time: 0.4 },
    { place: 1, time: 0.6 },
  ]);
});

test('without either, all frames are taken at their times', () => {
  expect(takenFrames([0, 0.3], 1, {})).toEqual([
    { place: 0, time: 0 },
    { place: 1, time: 0.3 },
  ]);
});

test.each([
  [{ rate: 0 }, /at 0 frames a second/],
  [{ rate: -1 }, /at -1 frames a second/],
  [{ rate: Number.NaN }, /at NaN frames a second/],
  [{ rate: 1001 }, /at most 1000/],
  [{ frames: 0 }, /0 frames cannot/],
  [{ frames: 1.5 }, /1\.5 frames cannot/],
  [{ frames: 3, rate: 2 }, /not both/],
])('%o is refused', (sampling, message) => {
  expect(() => checkSampling(sampling)).toThrow(ValueError);
  expect(() => checkSampling(sampling)).toThrow(message);
});

test('the schema takes what the check takes', () => {
  expect(samplingSchema.parse({ frames: 16 })).toEqual({ frames: 16 });
  expect(samplingSchema.parse({ rate: 12.5 })).toEqual({ rate: 12.5 });
  expect(samplingSchema.safeParse({ rate: 0 }).success).toBe(false);
  expect(samplingSchema.safeParse({ frames: 0 }).success).toBe(false);
});
