import { expectRightGradients } from '@test/gradients.js';
import { inputs, sizes } from '@test/layers/inputs.js';
import { describe, expect, test } from 'vitest';
import { valueAndGradients } from '@/autograd/tape.js';
import { weightedSum } from '@/autograd/weighted-sum.js';
import { scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import {
  elu,
  eluForward,
  gelu,
  geluBackward,
  geluForward,
  leakyRelu,
  leakyReluBackward,
  leakyReluForward,
  relu,
  sigmoid,
  softplus,
  softplusForward,
  tanh,
} from '@/layers/elementwise/activations.js';
import { Random } from '@/random.js';
import { randomNormal, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const ops: [string, (x: Tensor) => Tensor][] = [
  ['leakyRelu', (x) => leakyRelu(x)],
  ['leakyRelu of slope 0.2', (x) => leakyRelu(x, { slope: 0.2 })],
  ['elu', (x) => elu(x)],
  ['elu of alpha 0.7', (x) => elu(x, { alpha: 0.7 })],
  ['gelu', (x) => gelu(x)],
  ['gelu by tanh', (x) => gelu(x, { approximation: 'tanh' })],
  ['softplus', (x) => softplus(x)],
  ['softplus of beta 3', (x) => softplus(x, { beta: 3 })],
];

describe.each(ops)('%s', (_name, op) => {
  test.each([[[1]], [[3, 5]], [[2, 1, 2, 2]]])('has right gradients for %j', (shape) => {
    using _work = scope();
    const x = randomNormal(new Random(17), shape, 2, 'f64');
    const { checked } = expectRightGradients((tree) => op(tree.x), { x });
    expect(checked).toBe(x.size);
  });

  test('takes no values', () => {
    using _work = scope();
    expect(op(zeros([0, 3])).shape).toEqual([0, 3]);
  });
});

test.each(['f32', 'f64'] as const)('far from zero they come to their limits (%s)', (dtype) => {
  using _work = scope();
  const { POSITIVE_INFINITY: inf, NaN: none } = Number;
  const x = tensor([-inf, -1e4, 1e4, inf, none], { dtype });
  const values = ({ out }: { out: Tensor }) => [...out.dataSync()].map((value) => value + 0);
  expect(values(leakyReluForward(x, { slope: 0.5 }))).toEqual([-inf, -5e3, 1e4, inf, none]);
  expect(values(eluForward(x, { alpha: 2 }))).toEqual([-2, -2, 1e4, inf, none]);
  expect(values(softplusForward(x))).toEqual([0, 0, 1e4, inf, none]);
  for (const approximation of ['none', 'tanh'] as const) {
    const { out, cache } = geluForward(x, { approximation });
    expect(values({ out })).toEqual([0, 0, 1e4, inf, none]);
    const { dx } = geluBackward(tensor([1, 1, 1, 1, 1], { dtype }), cache);
    expect(values({ out: dx })).toEqual([0, 0, 1, 1, none]);
  }
});

test('near zero nothing cancels', () => {
  using _work = scope();
  const x = tensor([-1e-6, -16]);
  const [nearZero = 0] = eluForward(x).out.dataSync();
  expect(Math.abs(nearZero / Math.fround(-1e-6) - 1)).toBeLessThan(1e-6);
  const [, small = 0] = softplusForward(x).out.dataSync();
  expect(Math.abs(small / Math.exp(-16) - 1)).toBeLessThan(1e-6);
});

test('what does not fit is named', () => {
  using _work = scope();
  expect(() => softplus(zeros([2]), { beta: 0 })).toThrow(ValueError);
  const { cache } = leakyReluForward(zeros([2, 3]));
  expect(() => leakyReluBackward(zeros([3, 2]), cache)).toThrow(ShapeError);
  expect(() => geluBackward(zeros([2]), geluForward(zeros([2, 3])).cache)).toThrow(
    /\(2\).*\(2, 3\)/,
  );
});

const list = (x: Tensor) => [...x.dataSync()];

describe.each(sizes)('N $N, T $T, D $D, H $H', ({ N, T, D }) => {
  test('relu, away from its corner', () => {
    const x = randomNormal(new Random(1), [N, T, D], 1, 'f64');
    x.assign(x.dataSync().map((value) => value + Math.sign(value) * 0.1));
    expectRightGradients((tree) => relu(tree.x), { x });
  });

  test.each([
    ['sigmoid', sigmoid],
    ['tanh', tanh],
  ] as const)('%s', (_name, op) => {
    expectRightGradients((tree) => op(tree.x), inputs({ x: [N, T, D] }));
  });
});

test('sigmoid and tanh do not overflow, and keep their digits where they are small', () => {
  const x = tensor([-1000, -40, 0, 40, 1000], { dtype: 'f64' });
  const [none, small, half, one, all] = list(sigmoid(x));
  expect([none, half, one, all]).toEqual([0, 0.5, 1, 1]);
  expect(Math.abs((small ?? 0) / Math.exp(-40) - 1)).toBeLessThan(1e-12);
  expect(list(tanh(tensor([-1000, 1e-12, 1000], { dtype: 'f64' })))).toEqual([-1, 1e-12, 1]);
});

test('relu has gradient zero at its corner', () => {
  const x = tensor([-1, -0, 0, 1], { dtype: 'f64' });
  const { gradients } = valueAndGradients((tree) => weightedSum([relu(tree.x)], () => 3), { x });
  expect(list(gradients.x)).toEqual([0, 0, 0, 3]);
});
