import { describe, expect, test } from 'vitest';
import { ShapeError, ValueError } from '@/errors.js';
import type { Encoder } from '@/models/encoders/encoder.js';
import { channelsLast, locationsOf, viewThrough } from '@/models/encoders/grids.js';

describe('channelsLast', () => {
  test('moves the channels behind the places, grid by grid', () => {
    // Two grids of C = 2, H = 1, W = 3; value 100 n + 10 c + l.
    const grids = Float32Array.of(0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112);
    const expected = [0, 10, 1, 11, 2, 12, 100, 110, 101, 111, 102, 112];
    expect([...channelsLast(grids, [2, 1, 3])]).toEqual(expected);
    const out = new Float32Array(14).fill(-1);
    channelsLast(grids, [2, 1, 3], out, 1);
    expect([...out]).toEqual([-1, ...expected, -1]);
  });

  test('one channel or one place stays as it is', () => {
    const values = Float32Array.of(1, 2, 3, 4, 5, 6);
    expect([...channelsLast(values, [1, 2, 3])]).toEqual([...values]);
    expect([...channelsLast(values, [6, 1, 1])]).toEqual([...values]);
  });

  test('refuses what does not fit', () => {
    expect(() => channelsLast(new Float32Array(7), [2, 1, 3])).toThrow(ShapeError);
    expect(() => channelsLast(new Float32Array(6), [2, 1, 3], new Float32Array(6), 1)).toThrow(
      /6 values at 1 of 6.*\(2, 1, 3\)/,
    );
    expect(() => channelsLast(new Float32Array(6), [0, 1, 3])).toThrow(ShapeError);
  });
});

test('locationsOf', () => {
  const attention = { kind: 'dot', locations: [7, 5], valueSize: 1, size: 1 } as const;
  expect(locationsOf({ attention })).toEqual([7, 5]);
  expect(locationsOf({ attention: undefined })).toBeUndefined();
  expect(locationsOf({})).toBeUndefined();
});

describe('viewThrough', () => {
  const encoder: Encoder = {
    name: 'counter',
    preprocessing: {
      width: 1,
      height: 1,
      resize: 'squash',
      scale: 1,
      mean: [0, 0, 0],
      standardDeviation: [1, 1, 1],
    },
    outputs: { pooled: 1, grid: [2, 1, 3] },
    encode: async (_, N, { grid } = {}) => ({
      pooled: new Float32Array(N).fill(7),
      ...(grid && { grid: Float32Array.from({ length: N * 6 }, (_, i) => i) }),
    }),
    save: () => ({ kind: 'test', tensors: new Map(), metadata: {} }),
    dispose: () => {},
  };

  test('a vector, or a grid with the channels last', async () => {
    const vectors = viewThrough(encoder);
    expect([vectors.shape, vectors.locations]).toEqual([[1], undefined]);
    expect([...(await vectors.encode(new Float32Array(6), 2))]).toEqual([7, 7]);
    const grids = viewThrough(encoder, { grid: true });
    expect([grids.shape, grids.locations]).toEqual([
      [3, 2],
      [1, 3],
    ]);
    expect([...(await grids.encode(new Float32Array(3), 1))]).toEqual([0, 3, 1, 4, 2, 5]);
  });

  test('an encoder without a grid says so', () => {
    const flat = { ...encoder, outputs: { pooled: 1 } };
    expect(() => viewThrough(flat, { grid: true })).toThrow(ValueError);
  });
});
