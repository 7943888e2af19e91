import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { takes, viewInTraining, viewsToJudge } from '@/data/video/views.js';
import { Random } from '@/random.js';

const options = fc.record({
  take: fc.constantFrom(...takes),
  frames: fc.integer({ min: 1, max: 40 }),
});

test('a view in training holds steps of the clip, in order, as many as are asked for', () => {
  fc.assert(
    fc.property(options, fc.integer({ min: 1, max: 60 }), fc.nat(), (view, length, seed) => {
      const steps = Array.from(viewInTraining(view, length, new Random(seed)));
      expect(steps).toHaveLength(
        view.take === 'whole' ? Math.min(view.frames, length) : view.frames,
      );
      expect(steps.every((step) => step >= 0 && step < length)).toBe(true);
      expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    }),
  );
});

test('a trimmed view is of a part of the clip, at its begin and at its end as often', () => {
  const most = { take: 'whole', frames: 100 } as const;
  const begins: number[] = [];
  for (let seed = 0; seed < 500; seed++) {
    const steps = Array.from(viewInTraining(most, 20, new Random(seed), 0.3));
    const [begin = -1] = steps;
    expect(steps).toEqual(steps.map((_, i) => begin + i));
    expect(steps.length).toBeGreaterThanOrEqual(14);
    expect(begin + steps.length).toBeLessThanOrEqual(20);
    begins.push(begin, 20 - begin - steps.length);
  }
  expect(new Set(begins)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
  // 6 are left out at most, 3 on average: 1.5 at either end, each mean with a deviation below 0.1.
  const mean = (end: number) =>
    begins.filter((_, i) => i % 2 === end).reduce((sum, count) => sum + count, 0) / 500;
  for (const end of [0, 1]) expect(Math.abs(mean(end) - 1.5)).toBeLessThan(0.4);
  expect(Array.from(viewInTraining(most, 1, new Random(1), 0.9))).toEqual([0]);
});

describe('windows', () => {
  test('begin everywhere, each place as often', () => {
    const starts = new Map<number, number>();
    for (let seed = 0; seed < 4000; seed++) {
      const [start = -1] = viewInTraining({ take: 'window', frames: 7 }, 10, new Random(seed));
      starts.set(start, (starts.get(start) ?? 0) + 1);
    }
    expect([...starts.keys()].toSorted()).toEqual([0, 1, 2, 3]);
    // 1000 each, with a standard deviation of 27.
    for (const count of starts.values()) expect(Math.abs(count - 1000)).toBeLessThan(140);
  });

  test('judge a clip at every hop and at its end', () => {
    const views = viewsToJudge({ take: 'window', frames: 4 }, 11, { hop: 3 });
    expect(views.map((view) => Array.from(view))).toEqual([
      [0, 1, 2, 3],
      [3, 4, 5, 6],
      [6, 7, 8, 9],
      [7, 8, 9, 10],
    ]);
    expect(viewsToJudge({ take: 'window', frames: 7 }, 51, { hop: 1 })).toHaveLength(45);
  });

  test('of a clip that is too short end with its last step again and again', () => {
    expect(
      viewsToJudge({ take: 'window', frames: 5 }, 3, { hop: 2 }).map((view) => Array.from(view)),
    ).toEqual([[0, 1, 2, 2, 2]]);
  });
});

test('steps spread evenly are the middles of equal parts', () => {
  const judged = (take: 'even' | 'whole', frames: number, length: number) =>
    viewsToJudge({ take, frames }, length).map((view) => Array.from(view));
  expect(judged('even', 4, 8)).toEqual([[1, 3, 5, 7]]);
  expect(judged('even', 4, 2)).toEqual([[0, 0, 1, 1]]);
  expect(judged('whole', 4, 2)).toEqual([[0, 1]]);
  expect(judged('whole', 2, 8)).toEqual([[2, 6]]);
});

test('several views of steps spread evenly are of other steps each', () => {
  const judged = (take: 'even' | 'whole', frames: number, length: number, views: number) =>
    viewsToJudge({ take, frames }, length, { views }).map((view) => Array.from(view));
  expect(judged('even', 2, 8, 2)).toEqual([
    [1, 5],
    [3, 7],
  ]);
  expect(judged('whole', 2, 8, 4)).toEqual([
    [0, 4],
    [1, 5],
    [2, 6],
    [3, 7],
  ]);
  // There are no other steps than all of them.
  expect(judged('whole', 8, 3, 4)).toEqual([[0, 1, 2]]);
});
