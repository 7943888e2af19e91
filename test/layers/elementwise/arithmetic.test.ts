import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { DTypeError, ShapeError, ValueError } from '@/errors.js';
import {
  add,
  addBackward,
  addForward,
  divide,
  maximum,
  maximumBackward,
  maximumForward,
  multiply,
  multiplyBackward,
  multiplyForward,
  subtract,
} from '@/layers/elementwise/arithmetic.js';
import {
  abs,
  absBackward,
  absForward,
  clamp,
  clampBackward,
  clampForward,
  exp,
  log,
  scale,
  sqrt,
  square,
} from '@/layers/elementwise/functions.js';
import { Random } from '@/random.js';
import { full, randomNormal, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const list = (x: Tensor) => [...x.dataSync()];

/** Values between 0.5 and 1.5, where every function here is smooth. */
function positive(seed: number, ...shape: number[]): Tensor {
  const random = new Random(seed);
  return zeros(shape, 'f64').fillBy(() => 0.5 + random.uniform());
}
function normal(seed: number, ...shape: number[]): Tensor {
  return randomNormal(new Random(seed), shape, 1, 'f64');
}

/** Alike, scalars, rows, columns, channels, both sides, more axes than a kernel has loops, axes of 1. */
const shapes = [
  [[3], [3]],
  [[], []],
  [[2, 3], []],
  [[], [5]],
  [
    [3, 5],
    [1, 5],
  ],
  [[2, 3], [3]],
  [
    [2, 3],
    [2, 1],
  ],
  [
    [2, 3, 2, 2],
    [3, 1, 1],
  ],
  [
    [3, 1],
    [1, 5],
  ],
  [
    [2, 1, 3, 1, 2],
    [1, 3, 1, 2, 1],
  ],
  [[1, 1], [1]],
  [
    [2, 1, 17],
    [3, 17],
  ],
] as const;

describe.each(shapes)('x %j, y %j', (shapeX, shapeY) => {
  test.each([
    ['add', add],
    ['subtract', subtract],
    ['multiply', multiply],
    ['divide', divide],
    ['maximum', maximum],
  ])('%s', (_name, op) => {
    using _work = scope();
    const tree = { x: positive(1, ...shapeX), y: positive(2, ...shapeY) };
    // A maximum may take all of one side.
    const idle = Object.keys(tree).filter((leaf) => {
      const other = leaf === 'x' ? tree.y : tree.x;
      const own = leaf === 'x' ? tree.x : tree.y;
      return op === maximum && list(subtract(own, maximum(own, other))).every((gap) => gap < 0);
    });
    expectRightGradients(({ x, y }) => op(x, y), tree, { idle });
  });
});

test.each([
  ['exp', exp],
  ['log', log],
  ['sqrt', sqrt],
  ['square', square],
  ['scale', (x: Tensor) => scale(x, -0.7)],
])('%s', (_name, op) => {
  using _work = scope();
  for (const shape of [[], [3], [2, 9]]) {
    expectRightGradients(({ x }) => op(x), { x: positive(3, ...shape) });
  }
});

test('abs and clamp, away from their kinks', () => {
  using _work = scope();
  expectRightGradients(({ x }) => abs(x), { x: normal(4, 3, 5) });
  expectRightGradients(({ x }) => clamp(x, { low: -0.5, high: 0.8 }), { x: normal(5, 3, 5) });
  expectRightGradients(({ x }) => clamp(x, { low: 0.1 }), { x: normal(6, 7) });
});

test('numbers stand for tensors without axes', () => {
  using _work = scope();
  const x = positive(7, 2, 3);
  expect(list(subtract(1, x))).toEqual(list(x).map((value) => 1 - value));
  expect(list(divide(x, 4))).toEqual(list(x).map((value) => value / 4));
  expect(add(1, tensor([1, 2])).dtype).toBe('f32');
  expectRightGradients((tree) => divide(2, add(tree.x, 1)), { x });
  expect(() => add(1, 2)).toThrow(ValueError);
});

test('the same tensor on both sides gets both gradients', () => {
  using _work = scope();
  expectRightGradients(({ x }) => multiply(add(x, x), x), { x: normal(8, 3) });
});

test('what happens at a kink', () => {
  using _work = scope();
  const x = tensor([-1, 0, 2, 3]);
  const ones = full([4], 1);
  expect(list(absBackward(ones, absForward(x).cache).dx)).toEqual([-1, 0, 1, 1]);
  const { cache } = clampForward(x, { low: 0, high: 2 });
  expect(list(clampBackward(ones, cache).dx)).toEqual([0, 1, 1, 0]);
  const ties = maximumBackward(ones, maximumForward(x, tensor([-1, 1, 1, 3])).cache);
  expect([list(ties.dx), list(ties.dy)]).toEqual([
    [0.5, 0, 1, 0.5],
    [0.5, 1, 0, 0.5],
  ]);
});

test('long rows, whole and in pieces, are what short ones are', () => {
  using _work = scope();
  const n = 3 * 4096 + 5;
  const x = zeros([n]).fillBy((i) => i % 251);
  expect(list(add(x, 1))).toEqual(list(x).map((value) => value + 1));
  expect(list(multiply(x, x))).toEqual(list(x).map((value) => value * value));
  const { dy } = multiplyBackward(full([n], 1), multiplyForward(x, 2).cache);
  expect(dy.item()).toBe(list(x).reduce((total, value) => total + value, 0));
});

test('nothing, broadcast, is nothing, and its gradient zero', () => {
  using _work = scope();
  const { out, cache } = addForward(zeros([0, 3]), zeros([3]));
  expect(out.shape).toEqual([0, 3]);
  const { dx, dy } = addBackward(out, cache);
  expect([dx.shape, list(dy)]).toEqual([
    [0, 3],
    [0, 0, 0],
  ]);
  expect(multiply(zeros([0]), zeros([1])).shape).toEqual([0]);
});

test('what does not fit is named', () => {
  using _work = scope();
  expect(() => add(zeros([2, 3]), zeros([2]))).toThrow(
    /add: x \(2, 3\) and y \(2\) cannot be broadcast: axis -1 has 3 against 2/,
  );
  expect(() => multiply(zeros([2]), zeros([0]))).toThrow(ShapeError);
  expect(() => divide(zeros([2]), zeros([2], 'f64'))).toThrow(/divide: x is f32 but y is f64/);
  expect(() => add(zeros([2], 'i32'), 1)).toThrow(DTypeError);
  expect(() => clamp(zeros([2]), { low: 1, high: 0 })).toThrow(/low is 1 but high is 0/);
  expect(() => clamp(zeros([2]), { low: Number.NaN })).toThrow(ValueError);
  expect(() => addBackward(zeros([3]), addForward(zeros([2]), 1).cache)).toThrow(/\(3\).*\(2\)/);
});
