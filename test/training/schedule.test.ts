import { describe, expect, test } from 'vitest';
import { rateAt, type ScheduleOptions } from '@/training/recipe.js';

const options: ScheduleOptions = {
  schedule: 'constant',
  rate: 0.8,
  decay: 0.5,
  warmup: 0,
  epochs: 3,
};
const rates = (changes: Partial<ScheduleOptions>, steps: readonly number[], epochsInVain = 0) =>
  steps.map((step) => rateAt({ ...options, ...changes }, { step, stepsPerEpoch: 4, epochsInVain }));

describe('the learning rate of a step', () => {
  test.each<[string, Partial<ScheduleOptions>, number[], number[]]>([
    ['constant', {}, [0, 3, 4, 11], [0.8, 0.8, 0.8, 0.8]],
    ['decay, by epoch', { schedule: 'decay' }, [0, 3, 4, 11], [0.8, 0.8, 0.4, 0.2]],
    ['warm-up', { warmup: 4 }, [0, 1, 2, 3, 4, 11], [0.2, 0.4, 0.6, 0.8, 0.8, 0.8]],
    ['warm-up and decay', { schedule: 'decay', warmup: 8 }, [3, 4, 8], [0.4, 0.25, 0.2]],
    [
      'cosine',
      { schedule: 'cosine' },
      [0, 3, 6, 9, 12, 99],
      [0.8, 0.4 * (1 + Math.SQRT1_2), 0.4, 0.4 * (1 - Math.SQRT1_2), 0, 0],
    ],
    [
      'cosine after warm-up',
      { schedule: 'cosine', warmup: 4 },
      [0, 3, 4, 8, 12],
      [0.2, 0.8, 0.8, 0.4, 0],
    ],
    ['cosine that is all warm-up', { schedule: 'cosine', warmup: 24 }, [11], [0.4]],
  ])('%s', (_name, changes, steps, expected) => {
    for (const [i, rate] of rates(changes, steps).entries()) {
      expect(rate, `step ${steps[i]}`).toBeCloseTo(expected[i] ?? Number.NaN, 14);
    }
  });

  test('plateau halves it for each epoch in vain', () => {
    expect([0, 1, 3].map((vain) => rates({ schedule: 'plateau' }, [7], vain)[0])).toEqual([
      0.8, 0.4, 0.1,
    ]);
  });

  test('of the schedule of old runs is bit for bit what it was', () => {
    for (const epoch of [0, 1, 7]) {
      const [rate] = rates({ schedule: 'decay', rate: 1e-3, decay: 0.9 }, [epoch * 4 + 2]);
      expect(rate).toBe(1e-3 * 0.9 ** epoch);
    }
  });
});
