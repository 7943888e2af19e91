import { describe, expect, test } from 'vitest';
import { readFilm } from '@/data/video/film.js';
import { countingClip, framesOf } from './clips.js';

describe('a film', () => {
  test('has all frames of a short clip, as they are', async () => {
    const film = await readFilm(countingClip(4), { most: 10, side: 100 });
    expect(film.frames).toMatchObject({ width: 8, height: 6, channels: 3 });
    expect(framesOf(film.frames)).toEqual([0, 1, 2, 3]);
    expect([...film.times]).toEqual([0, 0.1, 0.2, 0.3].map((time) => expect.closeTo(time, 9)));
    expect(film.end).toBeCloseTo(0.4, 9);
  });

  test.each([
    [9, [0, 2, 4, 6, 8]],
    [50, [4, 12, 24, 36, 44]],
  ])('of %d frames has five, evenly over them, and the times of all', async (T, places) => {
    const film = await readFilm(countingClip(T), { most: 5, side: 100 });
    expect(framesOf(film.frames)).toEqual(places);
    expect([...film.frames.times]).toEqual(places.map((t) => expect.closeTo(t / 10, 9)));
    expect(film.times).toHaveLength(T);
    expect(film.end).toBeCloseTo(T / 10, 9);
  });

  test('is made small in its own proportions', async () => {
    const drawn = { draw: () => countingClip(2, { width: 40, height: 30, channels: 1 }) };
    const { frames } = await readFilm(drawn, { most: 5, side: 20 });
    expect(frames).toMatchObject({ width: 20, height: 15, channels: 3 });
    expect(framesOf(frames)).toEqual([0, 1]);
  });
});
