import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError, ValueError } from '@/errors.js';
import {
  heaviestPlace,
  hottestPoint,
  middleOfWindow,
  type Pointed,
  pointingGame,
} from '@/metrics/pointing-game.js';

const box = { left: 10, top: 20, right: 14, bottom: 30 };
const at = (x: number, y: number, kind = 'colour'): Pointed => ({ point: { x, y }, box, kind });

describe('pointingGame', () => {
  test('counts points in the box, edges included, and those beside it by the tolerance', () => {
    const pointed = [at(10, 20), at(14, 30), at(9, 25), at(12, 33), at(16, 25), at(17, 25)];
    expect(pointingGame(pointed)).toMatchObject({ count: 6, hits: 2, strictHits: 2 });
    expect(pointingGame(pointed, { x: 2, y: 0 })).toMatchObject({ hits: 4, strictHits: 2 });
    expect(pointingGame(pointed, { x: 0, y: 3 })).toMatchObject({ hits: 3 });
    expect(pointingGame(pointed, { x: 2, y: 3 }).share).toBeCloseTo(5 / 6, 12);
  });

  test('each kind of word apart', () => {
    const { kinds, ...all } = pointingGame([at(12, 25), at(0, 0), at(13, 21, 'shape')]);
    expect(all).toMatchObject({ count: 3, hits: 2 });
    expect(kinds).toEqual({
      colour: { count: 2, hits: 1, share: 0.5, strictHits: 1 },
      shape: { count: 1, hits: 1, share: 1, strictHits: 1 },
    });
  });

  test('nothing has no share', () => {
    expect(pointingGame([])).toMatchObject({ count: 0, share: Number.NaN, kinds: {} });
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('a tolerance of %d is refused', (x) => {
    expect(() => pointingGame([], { x, y: 0 })).toThrow(ValueError);
    expect(() => pointingGame([], { x: 0, y: x })).toThrow(ValueError);
  });
});

describe('heaviestPlace', () => {
  const extent = { width: 48, height: 20 };

  test('is the middle of the cell, in columns across and rows down', () => {
    const weights = [0, 0, 0, 0.1, 0.2, 0.7];
    expect(heaviestPlace(weights, [2, 3], extent)).toEqual({ x: 40, y: 15 });
    expect(heaviestPlace([0.4, 0.6, 0], [1, 3], extent)).toEqual({ x: 24, y: 10 });
  });

  test('is the first of several', () => {
    expect(heaviestPlace(Float32Array.of(0, 1, 1, 1), [2, 2], extent)).toEqual({ x: 36, y: 5 });
  });

  test('finds a single weight wherever it is', () => {
    const grids = fc.record({
      H: fc.integer({ min: 1, max: 9 }),
      W: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(grids, fc.nat(), ({ H, W }, number) => {
        const place = number % (H * W);
        const weights = Array.from({ length: H * W }, (_, l) => (l === place ? 1 : 0));
        const { x, y } = heaviestPlace(weights, [H, W], { width: W, height: H });
        expect(Math.floor(y) * W + Math.floor(x)).toBe(place);
      }),
    );
  });

  test('needs a weight for each place', () => {
    expect(() => heaviestPlace([1, 2, 3], [2, 2], extent)).toThrow(ShapeError);
  });
});

describe('hottestPoint', () => {
  const extent = { width: 10, height: 6 };

  test('of one weight is the middle of its cell, to the pixel', () => {
    const weights = new Array(15).fill(0);
    weights[8] = 1;
    expect(hottestPoint(weights, [3, 5], { width: 25, height: 9 })).toEqual({ x: 17.5, y: 4.5 });
  });

  test('of cells around a thing is the thing, where the heaviest cell is one of them', () => {
    const ring = [0.1, 0.12, 0.1, 0.14, 0.02, 0.14, 0.1, 0.12, 0.16];
    const square = { width: 9, height: 9 };
    expect(heaviestPlace(ring, [3, 3], square)).toEqual({ x: 7.5, y: 7.5 });
    expect(hottestPoint(ring, [3, 3], square)).toEqual({ x: 4.5, y: 4.5 });
  });

  test('of far weights is the heaviest; of two alike, between them if they are near', () => {
    const row = (...weights: number[]) => hottestPoint(weights, [1, 5], { width: 15, height: 3 });
    expect(row(0.5, 0, 0, 0, 0.4).x).toBe(1.5);
    expect(row(0, 0.5, 0, 0.5, 0).x).toBe(7.5);
    expect(hottestPoint([0, 0.5, 0, 0.5, 0], [1, 5], { width: 15, height: 3 }, 0.5).x).toBe(4.5);
  });

  test('without any weight is the first pixel', () => {
    expect(hottestPoint([0, 0, 0, 0, 0, 0], [2, 3], extent)).toEqual({ x: 0.5, y: 0.5 });
  });

  test('needs a weight for each place, and a width of the smoothing', () => {
    expect(() => hottestPoint([1, 2, 3], [2, 2], extent)).toThrow(ShapeError);
    for (const smoothing of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => hottestPoint([1], [1, 1], extent, smoothing)).toThrow(ValueError);
    }
  });
});

describe('middleOfWindow', () => {
  const extent = { width: 40, height: 20 };

  test('of the whole picture is its middle, and moves with the last column', () => {
    expect(middleOfWindow([1, 0, 0, 0, 1, 0], extent)).toEqual({ x: 20, y: 10 });
    expect(middleOfWindow([0.5, 0.2, -0.5, 0, 0.5, 1], extent)).toEqual({ x: 10, y: 20 });
  });

  test('needs six numbers', () => {
    expect(() => middleOfWindow([1, 0, 0], extent)).toThrow(ShapeError);
  });
});
