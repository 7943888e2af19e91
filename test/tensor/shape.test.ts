import { describe, expect, test } from 'vitest';
import { DTypeError, ShapeError } from '@/errors.js';
import { zeros } from '@/tensor/create.js';
import { dimensions, elementCount, showShape } from '@/tensor/shape.js';

function message(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ShapeError);
    return (error as ShapeError).message;
  }
  return expect.fail('nothing was thrown');
}

describe('dimensions', () => {
  const x = zeros([2, 3]);
  const W = zeros([3, 20]);
  const b = zeros([20]);

  test('reads every letter, with and without a factor', () => {
    const { N, D, H } = dimensions('cell', {
      x: [x, 'N', 'D'],
      W: [W, 'D', '4H'],
      b: [b, '4H'],
    });
    expect({ N, D, H }).toEqual({ N: 2, D: 3, H: 5 });
  });

  test('keeps axes of length 0 and checks against them', () => {
    const nothing = zeros([0, 3]);
    expect(dimensions('op', { x: [nothing, 'N', 'D'] })).toEqual({ N: 0, D: 3 });
    expect(message(() => dimensions('op', { x: [nothing, 'N', 'D'], y: [x, 'N', 'D'] }))).toContain(
      'should be N = 0, not 2',
    );
  });

  test('names the operation, both arguments, both shapes and the axis', () => {
    const wrong = zeros([4, 20]);
    expect(message(() => dimensions('affine', { x: [x, 'N', 'D'], W: [wrong, 'D', 'M'] }))).toBe(
      'affine: W (4, 20) does not fit x (2, 3): axis 0 of (D, M) should be D = 3, not 4',
    );
  });

  test('knows a letter that comes back with a factor', () => {
    const h = zeros([2, 6]);
    expect(message(() => dimensions('cell', { h: [h, 'N', 'H'], W: [W, 'D', '4H'] }))).toBe(
      'cell: W (3, 20) does not fit h (2, 6): axis 1 of (D, 4H) should be 4H = 24, not 20',
    );
  });

  test('wants a multiple where a factor says so', () => {
    const odd = zeros([3, 10]);
    expect(message(() => dimensions('lstm', { Wx: [odd, 'D', '4H'] }))).toBe(
      'lstm: axis 1 of Wx (3, 10) must be a multiple of 4 (4H), not 10',
    );
  });

  test('a letter twice in one argument makes it square', () => {
    expect(message(() => dimensions('rnn', { Wh: [x, 'H', 'H'] }))).toContain(
      'Wh (2, 3) does not fit Wh (2, 3)',
    );
  });

  test('counts axes', () => {
    expect(message(() => dimensions('affine', { b: [x, 'M'] }))).toBe(
      'affine: b (2, 3) must have the axes (M)',
    );
    expect(message(() => dimensions('loss', { x: [zeros([]), 'N'] }))).toContain('x ()');
  });

  test('does not mix float types, and leaves integers alone', () => {
    const words = zeros([2, 3], 'i32');
    expect(dimensions('op', { words: [words, 'N', 'T'], x: [x, 'N', 'T'] }).T).toBe(3);
    const mixed = () =>
      dimensions('op', {
        words: [words, 'N', 'T'],
        x: [x, 'N', 'D'],
        y: [zeros([2, 3], 'f64'), 'N', 'D'],
      });
    expect(mixed).toThrow(DTypeError);
    expect(mixed).toThrow('op: y is f64 but x is f32: use one element type');
  });
});

test('a scalar has one element, an empty axis none', () => {
  expect([elementCount([]), elementCount([2, 3]), elementCount([5, 0])]).toEqual([1, 6, 0]);
  expect([showShape([]), showShape([2, 3])]).toEqual(['()', '(2, 3)']);
});
