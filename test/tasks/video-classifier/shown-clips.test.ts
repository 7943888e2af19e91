import { describe, expect, test } from 'vitest';
import type { Clip } from '@/data/video/clip.js';
import type { LabelledClip } from '@/data/video/labelled-clips.js';
import { choices, freshModel } from '@/tasks/video-classifier/choices.js';
import { readForReport } from '@/tasks/video-classifier/shown-clips.js';

/** A model with fresh weights for clips of two classes. */
function modelFor(clip: LabelledClip['clip'], asked: object) {
  const splits = { train: [{ id: 'first', clip, label: 0 }], dev: [], test: [] };
  const dataset = { name: 'clips', format: 'npz', classes: ['a', 'b'], splits };
  return freshModel(choices.parse(asked), dataset, 1).model;
}

/** T frames, ten a second, in which a stripe goes to the right. */
function stripe(T: number, width: number, height: number): Clip {
  const values = Uint8Array.from({ length: T * height * width }, (_, i) => {
    const [t, x] = [Math.floor(i / (height * width)), i % width];
    return x >= 3 * t && x < 3 * t + 8 ? 255 : 20;
  });
  const times = Float64Array.from({ length: T }, (_, t) => t / 10);
  return { width, height, channels: 1, values, times };
}

const looked = async (clip: LabelledClip['clip'], asked: object) => {
  const read = await readForReport({ id: 'x', clip, label: 1 }, modelFor(clip, asked));
  return read.look({});
};

describe('a clip in the report', () => {
  test('of ji: the channels of the hardwired layer, and the scores of all windows in their middle', async () => {
    const shown = await looked(stripe(11, 40, 60), { model: 'ji' });
    expect(shown).toMatchObject({ id: 'x', label: 1, unit: 's' });
    expect(shown.end).toBeCloseTo(1.1, 9);
    expect(shown.film?.sheet).toMatchObject({ width: 40, height: 60, count: 11 });
    expect(shown.maps?.map(({ name, key }) => [name, key])).toEqual([
      ['grey', undefined],
      ['gradient x', 'signs'],
      ['gradient y', 'signs'],
      ['flow', 'directions'],
    ]);
    // As many as the strip of frames of 40 x 60 has.
    for (const { sheet } of shown.maps ?? []) {
      expect(sheet).toMatchObject({ width: 40, height: 60, count: 18 });
    }
    // Windows of 7 frames, three apart, and one at the end.
    const { of, times = [], values = [] } = shown.scores ?? {};
    expect(of).toBe('window');
    expect(times.map((time) => Number(time.toFixed(6)))).toEqual([0.35, 0.65, 0.75]);
    const mean = [0, 1].map((k) => values.reduce((sum, row) => sum + (row[k] ?? 0), 0) / 3);
    expect([...Array.from(shown.probabilities)]).toEqual(mean.map((p) => expect.closeTo(p, 9)));
  });

  test('of lrcn: the scores of each step, and what it counts', async () => {
    const asked = { model: 'lrcn', take: 'whole', lrcn: { pooling: 'attention', filters: [4] } };
    const shown = await looked(stripe(6, 16, 12), { ...asked, rate: 5 });
    // Five of the ten frames a second.
    const { of, times = [], values = [], weights = [] } = shown.scores ?? {};
    expect(of).toBe('step');
    expect(times.map((time) => Number(time.toFixed(6)))).toEqual([0, 0.2, 0.4]);
    expect(values).toHaveLength(3);
    expect(Array.from(weights).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
    expect(shown.film?.times).toHaveLength(6);
    expect(shown.maps).toEqual([]);
  });

  test('of a network that sees frames spread evenly there is nothing over time', async () => {
    const asked = { model: 'c3d', take: 'even', frames: 4, width: 4, size: '32' };
    const shown = await looked(stripe(9, 32, 32), asked);
    expect(shown.scores).toBeUndefined();
    expect(Array.from(shown.probabilities).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 6);
  });

  test('that is a sequence: its numbers, its points, and its time in steps', async () => {
    const values = Float32Array.from({ length: 5 * 6 }, (_, i) => Math.sin(i));
    const shown = await looked({ D: 6, values }, { model: 'lrcn', points: 3 });
    expect(shown).toMatchObject({ end: 5, unit: 'steps', film: { times: [0, 1, 2, 3, 4] } });
    expect(shown.maps).toMatchObject([
      { name: '6 numbers', isWhole: true, sheet: { width: 5, height: 6, count: 1 } },
    ]);
    expect(shown.scores?.times).toEqual([0, 1, 2, 3, 4]);
    const plain = await looked({ D: 6, values }, { model: 'lrcn' });
    expect(plain.film).toBeUndefined();
  });
});
