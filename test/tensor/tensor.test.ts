import { describe, expect, test } from 'vitest';
import { DTypeError, ShapeError } from '@/errors.js';
import { Random } from '@/random.js';
import { full, linspace, randomNormal, randomUniform, tensor, zeros } from '@/tensor/create.js';
import { bytesOf, empty, Tensor } from '@/tensor/tensor.js';

const list = (x: Tensor) => [...x.dataSync()];

describe('tensor()', () => {
  test('takes the shape of nested arrays, of numbers and of host arrays', () => {
    expect(tensor(3).shape).toEqual([]);
    expect(tensor(3).item()).toBe(3);
    const nested = tensor([[[1], [2], [3]]]);
    expect([nested.shape, list(nested)]).toEqual([
      [1, 3, 1],
      [1, 2, 3],
    ]);
    expect(tensor(new Int32Array([1, 2])).shape).toEqual([2]);
    expect(tensor([]).shape).toEqual([0]);
    expect(tensor([[], []]).shape).toEqual([2, 0]);
    expect(tensor([1, 2, 3, 4], { shape: [2, 2] }).shape).toEqual([2, 2]);
  });

  test('has the element type that is asked for', () => {
    expect(tensor([0.1]).item()).toBe(Math.fround(0.1));
    expect(tensor([0.1], { dtype: 'f64' }).item()).toBe(0.1);
    expect(tensor([-1.9], { dtype: 'i32' }).item()).toBe(-1);
    expect(tensor([255], { dtype: 'u8' }).item()).toBe(255);
    expect((['f32', 'f64', 'i32', 'u8'] as const).map(bytesOf)).toEqual([4, 8, 4, 1]);
  });

  test.each([
    ['rows of different lengths', [[1, 2], [3]]],
    ['a deeper first row', [[[1]], [[2, 3]]]],
    ['a longer later row', [[1], [2, 3]]],
  ])('refuses %s', (_, values) => {
    expect(() => tensor(values)).toThrow(ShapeError);
    expect(() => tensor(values)).toThrow(/rows differ in length/);
  });

  // As many values as the shape of the first rows has room for.
  test.each([
    ['rows that make up for each other', [[1, 2], [3], [4, 5, 6]]],
    ['a number among rows', [[1, 2], [3], 4]],
  ])('refuses %s', (_, values) => {
    expect(() => tensor(values)).toThrow(ShapeError);
  });

  test('refuses a list that does not fill its shape', () => {
    expect(() => tensor([1, 2, 3], { shape: [2, 2] })).toThrow('3 values do not fill (2, 2)');
  });

  test.each([[[-1]], [[1.5]], [[Number.NaN]], [[Number.POSITIVE_INFINITY]]])(
    'refuses the shape %j',
    (shape) => {
      expect(() => empty('f32', shape)).toThrow(ShapeError);
      expect(() => zeros(shape)).toThrow(/no shape/);
    },
  );
});

describe('ramps and noise', () => {
  test('linspace is numpy.linspace', () => {
    // numpy.linspace(-0.1, 0.3, 7).tolist()
    expect(list(linspace(-0.1, 0.3, [7], 'f64'))).toEqual([
      -0.1, -0.03333333333333334, 0.033333333333333326, 0.1, 0.16666666666666666,
      0.2333333333333333, 0.3,
    ]);
    expect(list(linspace(2, 5, [1], 'f64'))).toEqual([2]);
    expect(list(linspace(2, 5, [0], 'f64'))).toEqual([]);
    expect(linspace(0, 1, [2, 3]).shape).toEqual([2, 3]);
    expect(list(linspace(5, -5, [3]))).toEqual([5, 0, -5]);
  });

  test('random values have the moments that are asked for, and a seed repeats them', () => {
    const normal = list(randomNormal(new Random(3), [20_000], 0.5, 'f64'));
    const mean = normal.reduce((sum, x) => sum + x, 0) / normal.length;
    const variance = normal.reduce((sum, x) => sum + (x - mean) ** 2, 0) / normal.length;
    expect(Math.abs(mean)).toBeLessThan((4 * 0.5) / Math.sqrt(20_000));
    expect(Math.sqrt(variance)).toBeCloseTo(0.5, 2);
    expect(list(randomNormal(new Random(3), [20_000], 0.5, 'f64'))).toEqual(normal);
    const uniform = list(randomUniform(new Random(3), [20_000], -2, 3, 'f64'));
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(-2);
    expect(Math.min(...uniform)).toBeLessThan(-1.99);
    expect(Math.max(...uniform)).toBeLessThan(3);
    expect(Math.max(...uniform)).toBeGreaterThan(2.99);
  });
});

describe('views', () => {
  const x = tensor(
    Array.from({ length: 24 }, (_, i) => i),
    { shape: [2, 3, 4], dtype: 'f64' },
  );

  test('show the same elements in another shape', () => {
    expect(x.view(6, 4).at(4).shape).toEqual([4]);
    expect(list(x.view(6, 4).at(4))).toEqual([16, 17, 18, 19]);
    expect(() => x.view(5, 5)).toThrow('cannot view (2, 3, 4) as (5, 5): 24 elements against 25');
  });

  test('slice along the first axis, in order and nested', () => {
    expect(list(x.slice(1, 2))).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
    expect(list(x.at(1).slice(1, 3).at(1))).toEqual([20, 21, 22, 23]);
    expect(x.at(1).at(2).at(3).item()).toBe(23);
    expect(x.slice(2, 2).shape).toEqual([0, 3, 4]);
    expect(list(x.slice(2, 2))).toEqual([]);
  });

  test.each([
    [-1, 1],
    [0, 3],
    [2, 1],
  ])('refuse the slice %i:%i', (start, end) => {
    expect(() => x.slice(start, end)).toThrow(`cannot take ${start}:${end} of (2, 3, 4)`);
  });

  test('refuse an entry that is not there, and entries of a scalar', () => {
    expect(() => x.at(2)).toThrow(ShapeError);
    expect(() => x.at(-1)).toThrow(ShapeError);
    expect(() => x.at(0.5)).toThrow(ShapeError);
    expect(() => tensor(1).at(0)).toThrow(ShapeError);
  });

  test('write through, while clones and copies do not', () => {
    const base = zeros([2, 2]);
    const clone = base.clone();
    const copy = base.dataSync();
    base.at(1).assign([5, 6]);
    expect(list(base)).toEqual([0, 0, 5, 6]);
    expect([list(clone), [...copy]]).toEqual([
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
    expect(clone.storage).not.toBe(base.storage);
  });
});

describe('reading', () => {
  test('data comes as the matching host array', async () => {
    expect(await tensor([1.5]).data()).toEqual(new Float32Array([1.5]));
    expect(await tensor([1.5], { dtype: 'f64' }).data()).toEqual(new Float64Array([1.5]));
    expect(await full([2], 7, 'i32').data()).toEqual(new Int32Array([7, 7]));
    expect(await full([2], 7, 'u8').data()).toEqual(new Uint8Array([7, 7]));
  });

  test('item wants exactly one element', () => {
    expect(tensor([[4]]).item()).toBe(4);
    expect(() => tensor([1, 2]).item()).toThrow('item() needs one element, not the 2 of (2)');
    expect(() => tensor([]).item()).toThrow(ShapeError);
  });

  test('assign wants exactly as many values', () => {
    expect(() => zeros([2]).assign([1])).toThrow('1 values do not fill (2)');
    expect(() => zeros([2]).assign([1, 2, 3])).toThrow(ShapeError);
  });

  test('text names type, shape and the first values', () => {
    expect(String(tensor([1, 1 / 3]))).toBe('f32 (2) [1, 0.33333]');
    expect(String(zeros([3, 3], 'i32'))).toBe('i32 (3, 3) [0, 0, 0, 0, 0, 0, 0, 0, …]');
  });

  test('only f32 and f64 have arithmetic', () => {
    expect(zeros([1], 'f64').float).toBe('f64');
    expect(() => zeros([1], 'u8').float).toThrow(DTypeError);
  });

  test('fromBytes reads any alignment and wants the right count', () => {
    const bytes = new Uint8Array(new Float32Array([0, 1.5, -2]).buffer);
    const shifted = new Uint8Array(13);
    shifted.set(bytes, 1);
    expect(list(Tensor.fromBytes('f32', [3], shifted.subarray(1)))).toEqual([0, 1.5, -2]);
    expect(() => Tensor.fromBytes('f32', [4], bytes)).toThrow('12 bytes do not fill f32 (4)');
  });
});
