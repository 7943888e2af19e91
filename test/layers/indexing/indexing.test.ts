import { expectClose } from '@test/bounds.js';
import { expectRightGradients } from '@test/gradients.js';
import { inputs, sizes } from '@test/layers/inputs.js';
import { describe, expect, test } from 'vitest';
import { valueAndGradients } from '@/autograd/tape.js';
import { scope } from '@/engine/engine.js';
import { DTypeError, ShapeError, ValueError } from '@/errors.js';
import { flatten, placesOfMaps, reshape, transpose } from '@/layers/indexing/axes.js';
import { gather, wordEmbedding } from '@/layers/indexing/gather.js';
import {
  slice,
  sliceBackward,
  sliceForward,
  split,
  splitBackward,
  splitForward,
  stack,
} from '@/layers/indexing/pieces.js';
import { mean, sum, sumBackward, sumForward } from '@/layers/indexing/reductions.js';
import { Random } from '@/random.js';
import { full, randomNormal, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const random = new Random(61);
const normal = (...shape: number[]) => randomNormal(random, shape, 1, 'f64');
const list = (x: Tensor) => [...x.dataSync()];

describe('sum and mean', () => {
  test.each([undefined, [], 0, 1, -1, [0, 2], [1, 2], [0, 1, 2, 3], [1, 3]])(
    'over %j have right gradients',
    (axes) => {
      using _work = scope();
      const x = normal(2, 3, 1, 5);
      for (const keepDims of [false, true]) {
        const options = axes === undefined ? { keepDims } : { axes, keepDims };
        expectRightGradients((tree) => sum(tree.x, options), { x });
        expectRightGradients((tree) => mean(tree.x, options), { x });
      }
    },
  );

  test('of a scalar, and of more than a vector', () => {
    using _work = scope();
    expectRightGradients((tree) => mean(sum(tree.x)), { x: normal() });
    expectRightGradients((tree) => sum(tree.x, { axes: 0 }), { x: normal(9, 17) });
    expectRightGradients((tree) => mean(tree.x, { axes: [0, 2] }), { x: normal(3, 4, 9) });
    expectRightGradients((tree) => mean(tree.x, { axes: [2, 4] }), { x: normal(2, 3, 4, 2, 3) });
    expectRightGradients((tree) => mean(tree.x, { axes: 2 }), { x: normal(2, 3, 4, 2, 3) });
  });

  test('a long sum in f32 keeps its digits', () => {
    using _work = scope();
    const n = 2 ** 20 + 3;
    // It adds up 64 values in a lane before it goes on in f64; one after the other loses a thousandth.
    expectClose(sum(full([n], 0.1)), n * Math.fround(0.1), { dtype: 'f32', terms: 64 });
  });

  test('of nothing: 0, and refused', () => {
    using _work = scope();
    const { out, cache } = sumForward(zeros([0, 2]), { axes: 0 });
    expect(list(out)).toEqual([0, 0]);
    expect(sumBackward(out, cache).dx.shape).toEqual([0, 2]);
    expect(() => mean(zeros([0, 2]), { axes: 0 })).toThrow(/\(0, 2\) has no values/);
    expect(mean(zeros([0, 2]), { axes: 1 }).shape).toEqual([0]);
  });

  test('name an axis that is not there, or there twice', () => {
    using _work = scope();
    expect(() => sum(zeros([2, 3]), { axes: 2 })).toThrow(/sum: \(2, 3\) has no axis 2/);
    expect(() => sum(zeros([2, 3]), { axes: -3 })).toThrow(ShapeError);
    expect(() => mean(zeros([2, 3]), { axes: [1, -1] })).toThrow(/name axis 1 twice/);
  });
});

describe('transpose and reshape', () => {
  test.each([
    [[2, 3], undefined],
    [
      [2, 3, 5],
      [0, 2, 1],
    ],
    [
      [2, 3, 5],
      [2, 0, 1],
    ],
    [
      [2, 1, 3],
      [-1, 0, 1],
    ],
    [
      [2, 3, 2, 3, 2],
      [3, 1, 4, 0, 2],
    ],
    [[], undefined],
    [
      [17, 20],
      [1, 0],
    ],
  ] as const)('%j by %j', (shape, axes) => {
    using _work = scope();
    const x = normal(...shape);
    expectRightGradients((tree) => transpose(tree.x, axes), { x });
    expectRightGradients((tree) => reshape(transpose(tree.x, axes), [x.size]), { x });
  });

  test('there and back', () => {
    using _work = scope();
    const x = normal(3, 4, 5, 2);
    const there = transpose(x, [2, 0, 3, 1]);
    expect(there.shape).toEqual([5, 3, 2, 4]);
    expect(list(transpose(there, [1, 3, 0, 2]))).toEqual(list(x));
    expect(transpose(zeros([0, 3])).shape).toEqual([3, 0]);
  });

  test('name what does not fit', () => {
    using _work = scope();
    expect(() => transpose(zeros([2, 3]), [0])).toThrow(/\(0\) must name each axis of x \(2, 3\)/);
    expect(() => transpose(zeros([2, 3]), [0, 0])).toThrow(ValueError);
    expect(() => transpose(zeros([2, 3]), [0, 2])).toThrow(ShapeError);
    expect(() => reshape(zeros([2, 3]), [4])).toThrow(ShapeError);
  });
});

test('flatten makes a row of every example', () => {
  using _work = scope();
  const x = normal(2, 3, 1, 2);
  expect(flatten(x).shape).toEqual([2, 6]);
  expect(list(flatten(x))).toEqual(list(x));
  expect(flatten(zeros([0, 2, 2])).shape).toEqual([0, 4]);
  expect(flatten(zeros([3])).shape).toEqual([3, 1]);
  expectRightGradients((tree) => flatten(tree.x), { x });
});

describe('gather', () => {
  test.each([0, 1, 2, -1])('along axis %i, entries taken more than once and not at all', (axis) => {
    using _work = scope();
    const indices = tensor(
      [
        [2, 0],
        [0, 2],
        [2, 2],
      ],
      { dtype: 'i32' },
    );
    for (const extent of [1, 3, 9]) {
      const x = normal(...[0, 1, 2].map((at) => (at === (axis + 3) % 3 ? 4 : extent)));
      expectRightGradients((tree) => gather(tree.x, indices, axis), { x });
    }
  });

  test('of no indices, of one without axes', () => {
    using _work = scope();
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(gather(x, tensor([], { dtype: 'i32' })).shape).toEqual([0, 2]);
    expect(list(gather(x, tensor(1, { dtype: 'i32' }), 1))).toEqual([2, 4]);
  });

  test('names what does not fit', () => {
    using _work = scope();
    const at = (...indices: number[]) => tensor(indices, { dtype: 'i32' });
    expect(() => gather(zeros([2, 3]), at(0, 3), 1)).toThrow(/3 at position 1.*axis 1.*0:3/);
    expect(() => gather(zeros([2, 3]), at(-1))).toThrow(ValueError);
    expect(() => gather(zeros([2]), tensor([0]))).toThrow(DTypeError);
    expect(() => gather(zeros([]), at(0))).toThrow(ShapeError);
  });
});

describe('slice, split and stack', () => {
  test.each([0, 1, 2])('along axis %i have right gradients', (axis) => {
    using _work = scope();
    const x = normal(4, 4, 4);
    expectRightGradients((tree) => slice(tree.x, axis, 1, 3), { x });
    expectRightGradients((tree) => slice(tree.x, axis - 3, 2), { x });
    expectRightGradients((tree) => split(tree.x, axis, 2), { x });
    expectRightGradients((tree) => split(tree.x, axis, [1, 0, 3]), { x });
    // A piece that nobody uses.
    expectRightGradients((tree) => split(tree.x, axis, [1, 3])[1] ?? tree.x, { x });
    const [a, b] = [normal(2, 3), normal(2, 3)];
    expectRightGradients((tree) => stack([tree.a, tree.b, tree.a], axis), { a, b });
  });

  test('what was sliced off has gradient 0', () => {
    using _work = scope();
    const { gradients } = valueAndGradients((tree) => sum(slice(tree.x, 0, 1, 2)), {
      x: full([3, 2], 5),
    });
    expect(list(gradients.x)).toEqual([0, 0, 1, 1, 0, 0]);
  });

  test('split takes apart what stack put together', () => {
    using _work = scope();
    const parts = [normal(2, 3), normal(2, 3)];
    const together = stack(parts, 1);
    expect(together.shape).toEqual([2, 2, 3]);
    expect(split(together, 1, 2).map(list)).toEqual(parts.map(list));
    expect(stack(parts, -1).shape).toEqual([2, 3, 2]);
    expect(stack([zeros([])]).shape).toEqual([1]);
    expect(split(zeros([0, 2]), 0, [])).toEqual([]);
  });

  test('name what does not fit', () => {
    using _work = scope();
    const x = zeros([2, 3]);
    expect(() => slice(x, 1, 2, 4)).toThrow(/axis 1 of x \(2, 3\) has the entries 0:3, not 2:4/);
    expect(() => slice(x, 0, -1)).toThrow(ShapeError);
    expect(() => slice(x, 2, 0)).toThrow(/no axis 2/);
    const { cache } = sliceForward(x, 1, 1);
    expect(() => sliceBackward(x, cache)).toThrow(/\(2, 3\).*\(2, 2\)/);
    expect(() => split(x, 1, 2)).toThrow(/3 entries, which do not fall into 2 equal pieces/);
    expect(() => split(x, 1, 0)).toThrow(ShapeError);
    expect(() => split(x, 1, [1, 1])).toThrow(/3 entries.*\(1, 1\)/);
    expect(() => split(x, 1, [4, -1])).toThrow(ShapeError);
    expect(() => splitBackward([x], splitForward(x, 0, 2).cache)).toThrow(ShapeError);
    expect(() => stack([])).toThrow(ValueError);
    expect(() => stack([x, zeros([3, 2])])).toThrow(/\(3, 2\) does not fit upon \(2, 3\)/);
    expect(() => stack([x, zeros([2, 3], 'f64')])).toThrow(DTypeError);
    expect(() => stack([x], 3)).toThrow(/no axis 3/);
  });
});

describe.each(sizes)('N $N, T $T, D $D, H $H', ({ N, T, D }) => {
  test('wordEmbedding, words occurring more than once and not at all', () => {
    const random = new Random(3);
    const words = Array.from({ length: N * T }, () => random.integer(3));
    const x = tensor(words, { shape: [N, T], dtype: 'i32' });
    expectRightGradients(({ W }) => wordEmbedding(x, W), inputs({ W: [4, D] }));
  });
});

test('words that are not there, and words in f32, are named', () => {
  const W = zeros([4, 2], 'f64');
  const absent = () => wordEmbedding(tensor([[0, 4]], { dtype: 'i32' }), W);
  expect(absent).toThrow(ValueError);
  expect(absent).toThrow(/index 4 at position 1, but W has rows 0 to 3/);
  const untyped = () => wordEmbedding(tensor([[0, 1]]), W);
  expect(untyped).toThrow(DTypeError);
  expect(untyped).toThrow(/must be i32, not f32/);
});

test('maps as places are channels last', () => {
  using _work = scope();
  const x = tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], { shape: [1, 3, 2, 2], dtype: 'f64' });
  expect(placesOfMaps(x).shape).toEqual([1, 4, 3]);
  expect(list(placesOfMaps(x))).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
  expectRightGradients((tree) => placesOfMaps(tree.x), { x: normal(2, 3, 1, 2) });
  expect(() => placesOfMaps(zeros([3, 2, 2]))).toThrow(ShapeError);
});
