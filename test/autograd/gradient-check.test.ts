import { describe, expect, test } from 'vitest';
import { gradientCheck } from '@/autograd/gradient-check.js';
import { engine } from '@/engine/engine.js';
import { DTypeError } from '@/errors.js';
import { Random } from '@/random.js';
import { randomNormal, tensor, zeros } from '@/tensor/create.js';
import { onHost, plus, times, total } from './ops.js';

const rows = 3;
const columns = 4;
const input = () => ({ x: randomNormal(new Random(5), [rows, columns], 1, 'f64') });

/** Softmax over the rows of a (rows, columns) matrix. */
function softmax(x: number[]): number[] {
  return x.map((value, i) => {
    const row = x.slice(i - (i % columns), i - (i % columns) + columns);
    return Math.exp(value) / row.reduce((sum, other) => sum + Math.exp(other), 0);
  });
}

/** dx = y (dout - share), with the share of each row as the caller has it. */
function softmaxBackward(share: (dout: number[], y: number[]) => number) {
  return (dout: number[], x: number[]) => {
    const y = softmax(x);
    return y.map((value, i) => {
      const [start, end] = [i - (i % columns), i - (i % columns) + columns];
      return value * ((dout[i] ?? 0) - share(dout.slice(start, end), y.slice(start, end)));
    });
  };
}

const right = onHost(
  softmax,
  softmaxBackward((dout, y) => dout.reduce((sum, d, j) => sum + d * (y[j] ?? 0), 0)),
);
/** Averages the cotangents of a row evenly, where each counts by its probability. */
const wrong = onHost(
  softmax,
  softmaxBackward((dout) => dout.reduce((sum, d) => sum + d, 0) / columns),
);

describe('gradientCheck', () => {
  test('accepts right gradients of every value of every leaf', () => {
    const random = new Random(1);
    const inputs = {
      a: randomNormal(random, [2, 3], 1, 'f64'),
      deep: { b: randomNormal(random, [2, 3], 1, 'f64') },
    };
    const check = gradientCheck(({ a, deep }) => times(plus(a, deep.b), times(a, a)), inputs);
    expect(check.maximumRelativeError).toBeLessThan(1e-7);
    expect(check.checked).toBe(12);
    const ofSoftmax = gradientCheck(({ x }) => right(x), input());
    expect(ofSoftmax.maximumRelativeError).toBeLessThan(1e-7);
  });

  const square = (x: number[]) => x.map((value) => value ** 2);
  test.each([
    ['the wrong sign', (d: number[], x: number[]) => x.map((v, i) => -2 * v * (d[i] ?? 0))],
    ['a forgotten factor', (d: number[], x: number[]) => x.map((v, i) => v * (d[i] ?? 0))],
    [
      'rows one off',
      (d: number[], x: number[]) =>
        x.map(
          (_, i) => 2 * (x[(i + columns) % x.length] ?? 0) * (d[(i + columns) % d.length] ?? 0),
        ),
    ],
    [
      'the last value left out',
      (d: number[], x: number[]) => x.map((v, i) => (i === x.length - 1 ? 0 : 2 * v * (d[i] ?? 0))),
    ],
    [
      'a hundred-thousandth too much',
      (d: number[], x: number[]) => x.map((v, i) => 2.00002 * v * (d[i] ?? 0)),
    ],
    ['NaN', (d: number[]) => d.map(() => Number.NaN)],
  ])('finds %s', (_, backward) => {
    const check = gradientCheck(({ x }) => onHost(square, backward)(x), input());
    expect(check.maximumRelativeError).toBeGreaterThan(1e-6);
    expect(check.worst.path).toBe('x');
    expect(check.worst.numeric).not.toBe(check.worst.analytic);
  });

  test('names the leaf and the position', () => {
    const lastWrong = onHost(square, (d, x) =>
      x.map((v, i) => (i === 7 ? 9 : 2 * v * (d[i] ?? 0))),
    );
    const inputs = { good: input().x, bad: input().x };
    const { worst } = gradientCheck(({ good, bad }) => plus(right(good), lastWrong(bad)), inputs);
    expect(worst).toMatchObject({ path: 'bad', index: 7, analytic: 9 });
  });

  test('weights several outputs apart, so that errors cannot cancel', () => {
    const identity = (x: number[]) => x;
    const more = onHost(identity, (d) => d.map((v) => v * 1.5));
    const less = onHost(identity, (d) => d.map((v) => v * 0.5));
    const { maximumRelativeError } = gradientCheck(({ x }) => [more(x), less(x)], input());
    expect(maximumRelativeError).toBeGreaterThan(0.01);
  });

  test('sees through the blind spot of a plain sum over softmax', () => {
    // Probabilities sum to 1 whatever the scores, so under all-ones cotangents every gradient is
    // zero, and the wrong backward pass returns that too.
    const summed = gradientCheck(({ x }) => total(wrong(x)), input());
    expect(summed.maximumRelativeError).toBeLessThan(1e-5);
    const weighted = gradientCheck(({ x }) => wrong(x), input());
    expect(weighted.maximumRelativeError).toBeGreaterThan(0.01);
  });

  test('checks as many values of each leaf as asked for', () => {
    const inputs = { a: input().x, b: input().x };
    const f = ({ a, b }: typeof inputs) => times(a, b);
    expect(gradientCheck(f, inputs, { perLeaf: 5 }).checked).toBe(10);
    expect(gradientCheck(f, inputs, { perLeaf: 100 }).checked).toBe(24);
  });

  test('of the values that it chooses one has the largest gradient', () => {
    const lastWrong = onHost(square, (d, x) =>
      x.map((v, i) => 2 * v * (d[i] ?? 0) * (i === 7 ? 1e6 : 1)),
    );
    const { worst } = gradientCheck(({ x }) => lastWrong(x), input(), { perLeaf: 1 });
    expect(worst.index).toBe(7);
  });

  test('is exact where a kink lies within a step, far from zero and near it', () => {
    // Corners at 0.5, 1e-6 beside the values, and a bend that is sharp beside them.
    const corner = (x: number[]) => x.map((v) => Math.abs(v - 0.5) + Math.sin(20 * v));
    const slope = (d: number[], x: number[]) =>
      x.map((v, i) => (d[i] ?? 0) * (Math.sign(v - 0.5) + 20 * Math.cos(20 * v)));
    for (const values of [[0.5 + 1e-6], [0.5 - 1e-6], [0.5 + 2e-4, 0.5 - 3e-5], [1e-9, -3]]) {
      const x = tensor(values, { dtype: 'f64' });
      const check = gradientCheck(({ x }) => onHost(corner, slope)(x), { x });
      expect(check.maximumRelativeError, JSON.stringify(check.worst)).toBeLessThan(5e-8);
    }
    const far = tensor([1e6, -3e5], { dtype: 'f64' });
    const { maximumRelativeError } = gradientCheck(({ x }) => times(x, x), { x: far });
    expect(maximumRelativeError).toBeLessThan(3e-8);
  });

  test('a gradient of zero is compared with what the differences can tell', () => {
    const nothing = onHost(
      (x) => x.map(() => 3),
      (d) => d.map(() => 0),
    );
    expect(gradientCheck(({ x }) => nothing(x), input()).maximumRelativeError).toBe(0);
    // Softmax under even weights moves by its rounding only.
    const { maximumRelativeError } = gradientCheck(({ x }) => total(right(x)), input());
    expect(maximumRelativeError).toBeLessThan(3e-8);
  });

  test('leaves the inputs and the heap as they were', () => {
    const inputs = input();
    const values = [...inputs.x.dataSync()];
    const before = engine().heap.usedBytes;
    gradientCheck(({ x }) => right(x), inputs);
    expect([...inputs.x.dataSync()]).toEqual(values);
    expect(engine().heap.usedBytes).toBe(before);
  });

  test('wants float64, and names the leaf that is not', () => {
    const inputs = { deep: { x: zeros([2]) } };
    expect(() => gradientCheck(({ deep }) => total(deep.x), inputs)).toThrow(DTypeError);
    expect(() => gradientCheck(({ deep }) => total(deep.x), inputs)).toThrow(/deep\.x is f32/);
  });
});
