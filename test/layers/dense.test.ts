import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { DTypeError, ShapeError } from '@/errors.js';
import { affine, temporalAffine, tiedScores } from '@/layers/dense.js';
import { wordEmbedding } from '@/layers/indexing/gather.js';
import { tensor, zeros } from '@/tensor/create.js';
import { inputs, sizes } from './inputs.js';

describe.each(sizes)('N $N, T $T, D $D, H $H', ({ N, T, D, H }) => {
  test('affine', () => {
    const tree = inputs({ x: [N, D], W: [D, H], b: [H] });
    expectRightGradients(({ x, W, b }) => affine(x, W, b), tree);
  });

  test('affine of inputs with more axes', () => {
    const tree = inputs({ x: [N, T, D], W: [T * D, H], b: [H] });
    expectRightGradients(({ x, W, b }) => affine(x, W, b), tree);
  });

  test('temporalAffine', () => {
    const tree = inputs({ x: [N, T, D], W: [D, H], b: [H] });
    expectRightGradients(({ x, W, b }) => temporalAffine(x, W, b), tree);
  });

  test('tiedScores', () => {
    const tree = inputs({ x: [N, T, D], E: [H, D], b: [H] });
    expectRightGradients(({ x, E, b }) => tiedScores(x, E, b), tree);
  });

  test('an embedding that reads words and scores them gets both gradients', () => {
    const words = tensor([[1, 0, 1]], { dtype: 'i32' });
    const tree = inputs({ E: [2, D], b: [2] });
    expectRightGradients(({ E, b }) => tiedScores(wordEmbedding(words, E), E, b), tree);
  });
});

describe('bad input is a typed error that names it', () => {
  const f64 = (...shape: number[]) => zeros(shape, 'f64');
  test.each<[string, () => unknown, new (...args: never[]) => Error, RegExp]>([
    [
      'affine',
      () => affine(f64(2, 3), f64(4, 5), f64(5)),
      ShapeError,
      /affine: W \(4, 5\) does not fit x \(2, 3\)/,
    ],
    [
      'tiedScores',
      () => tiedScores(f64(2, 3, 4), f64(7, 5), f64(7)),
      ShapeError,
      /tiedScores: E \(7, 5\) does not fit x \(2, 3, 4\)/,
    ],
    [
      'mixed types',
      () => affine(zeros([2, 3]), f64(3, 5), f64(5)),
      DTypeError,
      /affine: W is f64 but x is f32/,
    ],
  ])('%s', (_, work, type, message) => {
    expect(work).toThrow(type);
    expect(work).toThrow(message);
  });
});
