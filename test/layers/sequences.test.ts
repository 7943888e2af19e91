import { expectRightGradients } from '@test/gradients.js';
import { inputs } from '@test/layers/inputs.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import { mean } from '@/layers/indexing/reductions.js';
import {
  attentionPool,
  attentionPoolBackward,
  attentionPoolForward,
  lastSteps,
  meanOverTime,
  meanOverTimeBackward,
  meanOverTimeForward,
} from '@/layers/sequences.js';
import { tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const list = (x: Tensor) => [...x.dataSync()];
const nan = Number.NaN;

/** Two sequences of two steps and of one, NaN behind them. */
const ragged = () =>
  tensor(
    [
      [
        [1, 2],
        [3, 6],
        [nan, nan],
      ],
      [
        [5, 7],
        [nan, nan],
        [nan, nan],
      ],
    ],
    { dtype: 'f64' },
  );
const lengths = [2, 1];

describe('gradients agree with central differences', () => {
  const ops: readonly [string, (p: Record<'x' | 'scores', Tensor>, of?: number[]) => Tensor[]][] = [
    ['meanOverTime', ({ x }, of) => [meanOverTime(x, of)]],
    [
      'attentionPool',
      ({ x, scores }, of) => {
        const { out, weights } = attentionPool(x, scores, of);
        return [out, weights];
      },
    ],
    ['lastSteps', ({ x }, of) => [lastSteps(x, of)]],
  ];
  test.each(ops)('%s', (name, op) => {
    using _work = scope();
    const idle = name === 'attentionPool' ? [] : ['scores'];
    for (const [shape, of] of [
      [
        [3, 4, 2, 5],
        [4, 1, 2],
      ],
      [[2, 3, 1], undefined],
      [[1, 1, 3], [1]],
      [
        [2, 5],
        [3, 5],
      ],
    ] as const) {
      // The softmax of a single score is 1, whatever it is.
      const still = shape[1] === 1 ? ['scores'] : idle;
      const tree = inputs({ x: shape, scores: shape.slice(0, 2) });
      expectRightGradients((p) => op(p, of && [...of]), tree, { idle: still });
    }
  });
});

test('what lies behind a sequence is not read, and gets no gradient', () => {
  using _work = scope();
  const mean = meanOverTimeForward(ragged(), lengths);
  expect(list(mean.out)).toEqual([2, 4, 5, 7]);
  const dout = tensor(
    [
      [2, 4],
      [6, 8],
    ],
    { dtype: 'f64' },
  );
  expect(list(meanOverTimeBackward(dout, mean.cache).dx)).toEqual([
    1, 2, 1, 2, 0, 0, 6, 8, 0, 0, 0, 0,
  ]);

  const scores = tensor(
    [
      [0, Math.log(3), nan],
      [4, nan, nan],
    ],
    { dtype: 'f64' },
  );
  const pool = attentionPoolForward(ragged(), scores, lengths);
  expect(list(pool.out).map((value) => Number(value.toFixed(12)))).toEqual([2.5, 5, 5, 7]);
  expect(list(pool.weights).map((value) => Number(value.toFixed(12)))).toEqual([
    0.25, 0.75, 0, 1, 0, 0,
  ]);
  const dweights = tensor([1, 3, nan, 5, nan, nan], { shape: [2, 3], dtype: 'f64' });
  const { dx, dscores } = attentionPoolBackward(dout, dweights, pool.cache);
  const expected = [0.5, 1, 1.5, 3, 0, 0, 6, 8, 0, 0, 0, 0];
  expect(list(dx).map((value) => Number(value.toFixed(12)))).toEqual(expected);
  // dw = (1 + 2 + 8, 3 + 6 + 24); their mean under the weights is 27.5.
  const [first = nan, second = nan, ...rest] = list(dscores);
  expect([first, second].map((value) => Number(value.toFixed(10)))).toEqual([-4.125, 4.125]);
  expect(rest).toEqual([0, 0, 0, 0]);

  expect(list(lastSteps(ragged(), lengths))).toEqual([3, 6, 5, 7]);
});

test('without lengths all steps count', () => {
  using _work = scope();
  const { x } = inputs({ x: [2, 3, 4, 5, 6] });
  const [ours, general] = [list(meanOverTime(x)), list(mean(x, { axes: 1 }))];
  expect(ours.map((value, i) => Math.abs(value - (general[i] ?? nan)) < 1e-15)).not.toContain(
    false,
  );
  expect(list(lastSteps(x))).toEqual(list(x.at(0).at(2)).concat(list(x.at(1).at(2))));
  // Of one sequence or none, and in f32.
  expect(meanOverTime(zeros([0, 3, 2])).shape).toEqual([0, 2]);
  expect(attentionPool(zeros([0, 3, 2]), zeros([0, 3])).out.shape).toEqual([0, 2]);
  expect(list(meanOverTime(tensor([[1, 2, 6]]), [2]))).toEqual([1.5]);
});

test('names what disagrees', () => {
  using _work = scope();
  const x = zeros([2, 3, 4]);
  expect(() => meanOverTime(x, [3, 0])).toThrow(ValueError);
  expect(() => meanOverTime(x, [3, 0])).toThrow(/sequence 1 has length 0/);
  expect(() => meanOverTime(x, [3])).toThrow(ShapeError);
  expect(() => meanOverTime(zeros([2, 0, 4]))).toThrow(/\(2, 0, 4\) has sequences of no steps/);
  expect(() => lastSteps(x, [4, 1])).toThrow(/lastSteps: sequence 0 has length 4/);
  expect(() => attentionPool(x, zeros([2, 4]))).toThrow(/scores \(2, 4\) does not fit/);
  expect(() => meanOverTime(zeros([3]))).toThrow(/\(N, T, \.\.\.\)/);
});
