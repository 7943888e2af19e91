import { describe, expect, test } from 'vitest';
import { engine, scope } from '@/engine/engine.js';
import { DTypeError, ShapeError } from '@/errors.js';
import {
  addInPlace,
  argmaxRows,
  copyInto,
  matmul,
  scaled,
  sumRows,
  swapLeadingAxes,
  transposed,
} from '@/tensor/arithmetic.js';
import { full, linspace, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const list = (x: Tensor) => [...x.dataSync()];
const a = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);
const b = tensor([
  [1, 0],
  [0, 1],
  [2, 3],
]);

describe('matmul', () => {
  test('multiplies, transposed or not', () => {
    const product = matmul(a, b);
    expect(product.shape).toEqual([2, 2]);
    expect(list(product)).toEqual([7, 11, 16, 23]);
    expect(list(matmul(transposed(a), transposed(b)))).toEqual([1, 4, 14, 2, 5, 19, 3, 6, 24]);
    expect(list(matmul(a, transposed(a)))).toEqual([14, 32, 32, 77]);
    expect(list(matmul(transposed(a), a))).toEqual([17, 22, 27, 22, 29, 36, 27, 36, 45]);
  });

  test('reads leading axes as rows', () => {
    const x = linspace(1, 12, [2, 2, 3]);
    expect(matmul(x, b).shape).toEqual([4, 2]);
    expect(list(matmul(x, b)).slice(0, 4)).toEqual([7, 11, 16, 23]);
  });

  test('overwrites or adds to what it is given', () => {
    const c = full([2, 2], Number.NaN);
    expect(matmul(a, b, { into: c })).toBe(c);
    matmul(a, b, { into: c, accumulate: true });
    expect(list(c)).toEqual([14, 22, 32, 46]);
  });

  test('has empty products', () => {
    expect(list(matmul(zeros([2, 0]), zeros([0, 3])))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(matmul(zeros([0, 3]), b).shape).toEqual([0, 2]);
    const c = full([2, 2], 5);
    matmul(zeros([2, 0]), zeros([0, 2]), { into: c, accumulate: true });
    expect(list(c)).toEqual([5, 5, 5, 5]);
  });

  test('names both factors when they do not fit', () => {
    expect(() => matmul(a, a)).toThrow('matmul: (2, 3) has 3 columns but (2, 3) has 2 rows');
    expect(() => matmul(transposed(a), b)).toThrow(
      'matmul: (2, 3) transposed has 2 columns but (3, 2) has 3 rows',
    );
    expect(() => matmul(a, b, { into: zeros([3]) })).toThrow(
      'matmul: a product of 2 x 2 does not fit into (3)',
    );
    expect(() => matmul(a, a)).toThrow(ShapeError);
  });

  test('does not mix element types, of the result neither', () => {
    expect(() => matmul(a, zeros([3, 1], 'f64'))).toThrow(DTypeError);
    expect(() => matmul(a, zeros([3, 1], 'i32'))).toThrow(DTypeError);
    expect(() => matmul(a, b, { into: zeros([2, 2], 'f64') })).toThrow(DTypeError);
  });
});

describe('in place', () => {
  test('addInPlace and copyInto keep to the size and the element type', () => {
    const sum = tensor([1, 2]);
    addInPlace(sum, tensor([[10, 20]]));
    expect(list(sum)).toEqual([11, 22]);
    copyInto(sum, tensor([3, 4]));
    expect(list(sum)).toEqual([3, 4]);
    expect(() => addInPlace(sum, zeros([3]))).toThrow('cannot add (3) to (2)');
    expect(() => copyInto(sum, zeros([3]))).toThrow('cannot copy (3) over (2)');
    expect(() => addInPlace(sum, zeros([2], 'f64'))).toThrow(DTypeError);
    expect(() => copyInto(sum, zeros([2], 'f64'))).toThrow(DTypeError);
    expect(list(sum)).toEqual([3, 4]);
  });

  test('copyInto overwrites NaN', () => {
    const to = full([3], Number.NaN);
    copyInto(to, tensor([1, 2, 3]));
    expect(list(to)).toEqual([1, 2, 3]);
  });
});

test('scaled makes a new tensor', () => {
  expect(list(scaled(a, -2))).toEqual([-2, -4, -6, -8, -10, -12]);
  expect(a.at(0).at(0).item()).toBe(1);
});

test('swapLeadingAxes exchanges batch and time, and twice is nothing', () => {
  const x = linspace(1, 12, [2, 3, 2]);
  const swapped = swapLeadingAxes(x);
  expect(swapped.shape).toEqual([3, 2, 2]);
  expect(list(swapped)).toEqual([1, 2, 7, 8, 3, 4, 9, 10, 5, 6, 11, 12]);
  expect(list(swapLeadingAxes(swapped))).toEqual(list(x));
  expect(list(swapLeadingAxes(a))).toEqual([1, 4, 2, 5, 3, 6]);
});

test('sumRows sums over rows, of nothing to zero', () => {
  expect(list(sumRows(a))).toEqual([5, 7, 9]);
  expect(list(sumRows(linspace(1, 12, [2, 2, 3])))).toEqual([22, 26, 30]);
  expect(list(sumRows(zeros([0, 2])))).toEqual([0, 0]);
});

test('argmaxRows finds the first of the largest', () => {
  const x = tensor([
    [1, 3, 3],
    [-1, -2, -3],
  ]);
  expect(argmaxRows(x).dtype).toBe('i32');
  expect(list(argmaxRows(x))).toEqual([1, 0]);
});

test('results belong to the scope in which they are made', () => {
  const before = engine().heap.usedBytes;
  {
    using _work = scope();
    matmul(a, b);
    scaled(a, 2);
  }
  expect(engine().heap.usedBytes).toBe(before);
});
