import { expectRightGradients } from '@test/gradients.js';
import { inputs } from '@test/layers/inputs.js';
import { expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import { pixelShuffle, pixelUnshuffle } from '@/layers/resampling/pixel-shuffle.js';
import { tensor, zeros } from '@/tensor/create.js';

test.each([
  [[2, 8, 2, 3], 2],
  [
    [1, 6, 1, 2],
    [3, 1],
  ],
  [[1, 1, 1, 1], 1],
] as const)('of %j by %j: right gradients, and there and back is the same', (shape, factor) => {
  using _work = scope();
  const { x } = inputs({ x: shape });
  expectRightGradients((tree) => pixelShuffle(tree.x, factor), { x });
  const larger = pixelShuffle(x, factor);
  expectRightGradients((tree) => pixelUnshuffle(tree.x, factor), { x: larger });
  expect(pixelUnshuffle(larger, factor).dataSync()).toEqual(x.dataSync());
});

test('down and across may differ', () => {
  using _work = scope();
  const y = pixelShuffle(tensor([0, 1, 2, 3, 4, 5], { shape: [1, 6, 1, 1] }), [2, 3]);
  expect(y.shape).toEqual([1, 1, 2, 3]);
  expect([...y.dataSync()]).toEqual([0, 1, 2, 3, 4, 5]);
});

test('what does not fit is named', () => {
  using _work = scope();
  expect(() => pixelShuffle(zeros([1, 6, 2, 2]), 2)).toThrow(/6 channels.*multiple of 4/);
  expect(() => pixelUnshuffle(zeros([1, 1, 3, 4]), 2)).toThrow(ShapeError);
  expect(() => pixelShuffle(zeros([1, 4, 2, 2]), 0)).toThrow(ValueError);
});
