import { expectClose } from '@test/bounds.js';
import { expectRightGradients } from '@test/gradients.js';
import { inputs } from '@test/layers/inputs.js';
import { expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import { minibatchDeviation } from '@/layers/normalisation/minibatch-deviation.js';
import { full, tensor, zeros } from '@/tensor/create.js';

test.each([
  [[4, 2, 3, 2], {}],
  [[6, 4, 1, 3], { groupSize: 3, features: 2 }],
  [[3, 1, 2, 2], { groupSize: 8 }],
] as const)('gradients agree with central differences, of %j with %j', (shape, options) => {
  using _work = scope();
  expectRightGradients(({ x }) => minibatchDeviation(x, options), inputs({ x: shape }));
});

test('pictures that are all alike are told by a deviation of 0, and others by theirs', () => {
  using _work = scope();
  // Groups are pictures 0 and 2, and 1 and 3: with deviations 1 and 3.
  const x = tensor([[[[1]]], [[[5]]], [[[3]]], [[[-1]]]], { dtype: 'f64' });
  const y = minibatchDeviation(x, { groupSize: 2, epsilon: 0 });
  expectClose(y, [1, 1, 5, 3, 3, 1, -1, 3], { dtype: 'f64', terms: 4 });
  const alike = minibatchDeviation(full([4, 1, 1, 1], 7));
  expectClose(alike, [7, 1e-4, 7, 1e-4, 7, 1e-4, 7, 1e-4], { dtype: 'f32', terms: 4, size: 1 });
});

test('what does not fit is named', () => {
  using _work = scope();
  expect(() => minibatchDeviation(zeros([6, 1, 2, 2]))).toThrow(/6 pictures.*groups of 4/);
  expect(() => minibatchDeviation(zeros([4, 3, 2, 2]), { features: 2 })).toThrow(ShapeError);
  expect(() => minibatchDeviation(zeros([4, 1, 2, 2]), { groupSize: 0 })).toThrow(ValueError);
  expect(() => minibatchDeviation(zeros([0, 1, 2, 2]))).toThrow(/no values/);
});
