import { expectClose } from '@test/bounds.js';
import { expectRightGradients } from '@test/gradients.js';
import { inputs } from '@test/layers/inputs.js';
import { expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { ShapeError } from '@/errors.js';
import { logSumExp, logSumExpBackward, logSumExpForward } from '@/layers/indexing/reductions.js';
import { full, tensor, zeros } from '@/tensor/create.js';

test.each([
  [[5], undefined],
  [[1, 1], 0],
  [[3, 7], 1],
  [[3, 7], 0],
  [
    [2, 3, 4],
    [0, 2],
  ],
] as const)('gradients agree with central differences: %j over %j', (shape, axes) => {
  using _work = scope();
  const options = { ...(axes !== undefined && { axes }) };
  expectRightGradients(({ x }) => logSumExp(x, options), inputs({ x: shape }));
  expectRightGradients(
    ({ x }) => logSumExp(x, { ...options, keepDims: true }),
    inputs({ x: shape }),
  );
});

test.each(['f32', 'f64'] as const)(
  'nothing overflows in %s, and minus infinity adds nothing',
  (dtype) => {
    using _work = scope();
    const [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    const rows = [
      [1e4, 1e4, 1e4],
      [-1e4, -1e4, -1e4],
      [low, 2, low],
      [low, low, low],
      [0, high, 1],
      [0, Number.NaN, 1],
    ];
    const { out, cache } = logSumExpForward(tensor(rows, { dtype }), { axes: 1 });
    const log3 = Math.log(3);
    const [large, small, one, none, infinite, nan] = out.dataSync();
    expectClose([large ?? 0, small ?? 0], [1e4 + log3, log3 - 1e4], { dtype, terms: 3 });
    expect([one, none, infinite, nan]).toEqual([2, low, high, Number.NaN]);
    const { dx } = logSumExpBackward(full([6], 1, dtype), cache);
    // Shares are e to the power of a difference of numbers that are rounded at 10,000.
    expectClose(dx.dataSync().slice(0, 6), Array(6).fill(1 / 3), { dtype, terms: 3, size: 1e4 });
    expect([...dx.dataSync().slice(6, 12)]).toEqual([0, 1, 0, 0, 0, 0]);
  },
);

test('of no values it is the logarithm of 0', () => {
  using _work = scope();
  const out = logSumExp(zeros([2, 0]), { axes: 1 });
  expect([...out.dataSync()]).toEqual([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  expect(() => logSumExp(zeros([2]), { axes: 1 })).toThrow(ShapeError);
});
