import { expectClose } from '@test/bounds.js';
import { expectRightGradients } from '@test/gradients.js';
import { inputs } from '@test/layers/inputs.js';
import { expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import {
  initialSingularVectors,
  powerIteration,
  spectralNorm,
} from '@/layers/normalisation/spectral-norm.js';
import { Random } from '@/random.js';
import { full, tensor, zeros } from '@/tensor/create.js';

test.each([[[4, 3]], [[2, 3, 2, 2]], [[1, 5]], [[5, 1]]])(
  'gradients agree with central differences, of W %j',
  (shape) => {
    using _work = scope();
    // Not the seed of the cotangents: of a single row those would be the direction of W, and the gradient 0.
    const { W } = inputs({ W: shape }, 2);
    const vectors = initialSingularVectors(W, new Random(3), { iterations: 2 });
    expectRightGradients((tree) => spectralNorm(tree.W, vectors), { W });
  },
);

test('power iteration finds the largest singular value', () => {
  using _work = scope();
  // Singular values 5, 2 and 1, turned in both spaces.
  const [c, s] = [Math.cos(0.3), Math.sin(0.3)];
  const W = tensor(
    [
      [5 * c, -2 * s, 0],
      [5 * s, 2 * c, 0],
      [0, 0, 1],
    ],
    { dtype: 'f64' },
  );
  const vectors = initialSingularVectors(W, new Random(1), { iterations: 60 });
  const out = spectralNorm(W, vectors);
  const expected = [...W.dataSync()].map((value) => value / 5);
  expectClose(out, expected, { dtype: 'f64', terms: 100 });
  // One step after another is as many at once.
  const [one, two] = [0, 1].map(() => initialSingularVectors(W, new Random(2), { iterations: 1 }));
  if (!one || !two) throw new Error('two states');
  powerIteration(W, one);
  powerIteration(W, one);
  powerIteration(W, two, { iterations: 2 });
  expect(one.u.dataSync()).toEqual(two.u.dataSync());
  expect(one.v.dataSync()).toEqual(two.v.dataSync());
});

test('what does not fit, or has no direction, is named', () => {
  using _work = scope();
  const random = new Random(1);
  expect(() => initialSingularVectors(zeros([2, 3]), random)).toThrow(/length 0.*not 0/);
  expect(() => initialSingularVectors(full([2, 3], Number.NaN), random)).toThrow(ValueError);
  expect(() => initialSingularVectors(zeros([3]), random)).toThrow(/\(3\) is no matrix/);
  const W = full([2, 3], 1);
  const vectors = initialSingularVectors(W, random);
  expect(() => spectralNorm(full([3, 2], 1), vectors)).toThrow(ShapeError);
  expect(() => spectralNorm(zeros([2, 3]), vectors)).toThrow(/estimated as 0/);
  expect(() => powerIteration(W, vectors, { iterations: 0 })).toThrow(ValueError);
});
