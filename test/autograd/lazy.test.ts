import { expect, test } from 'vitest';
import { differentiable } from '@/autograd/differentiable.js';
import { once } from '@/autograd/once.js';
import { valueAndGradients } from '@/autograd/tape.js';
import type { TensorTree } from '@/autograd/tree.js';
import { weightedSum } from '@/autograd/weighted-sum.js';
import { engine, scope } from '@/engine/engine.js';
import { conv2d, conv2dBackward, conv2dForward } from '@/layers/convolution/conv2d.js';
import {
  affine,
  affineBackward,
  affineForward,
  temporalAffine,
  tiedScores,
} from '@/layers/dense.js';
import { Random } from '@/random.js';
import { scaled } from '@/tensor/arithmetic.js';
import { randomNormal } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const random = new Random(31);
const normal = (...shape: number[]) => randomNormal(random, shape, 1, 'f64');
const list = (x: Tensor) => [...x.dataSync()];

/** Gradients of an op's result under weights that are the same every time, and what they cost. */
function differentiated<P extends TensorTree>(f: (parameters: P) => Tensor, parameters: P) {
  const weights = new Random(5);
  const { result, products } = engine().profileProducts(() =>
    valueAndGradients((p: P) => weightedSum([f(p)], () => weights.normal()), parameters),
  );
  return { gradients: result.gradients, calls: products.calls };
}

const images = normal(1, 2, 6, 5);
const filters = normal(3, 2, 3, 3);
const ops: [string, (x: Tensor, W: Tensor, b: Tensor) => Tensor, x: Tensor, W: Tensor][] = [
  ['affine', affine, normal(3, 2, 2), normal(4, 3)],
  ['temporalAffine', temporalAffine, normal(2, 3, 4), normal(4, 3)],
  ['tiedScores', tiedScores, normal(2, 3, 4), normal(3, 4)],
  ['conv2d', (x, W, b) => conv2d(x, W, b, { padding: 1 }), images, filters],
  ['conv2d with relu', (x, W, b) => conv2d(x, W, b, { stride: 2, relu: true }), images, filters],
  ['conv2d of 1 x 1', conv2d, images, normal(3, 2, 1, 1)],
];

test.each(ops)('%s makes no product for the gradient of an x that nobody trains', (_, op, x, W) => {
  using _work = scope();
  const b = normal(3);
  const whole = differentiated((p) => op(p.x, p.W, p.b), { x, W, b });
  const part = differentiated((p) => op(x, p.W, p.b), { W, b });
  // One product forward, one for dW; the third is dx.
  expect([whole.calls, part.calls]).toEqual([3, 2]);
  expect(list(part.gradients.W)).toEqual(list(whole.gradients.W));
  expect(list(part.gradients.b)).toEqual(list(whole.gradients.b));
  expect(list(whole.gradients.x).some((value) => value !== 0)).toBe(true);
});

test.each(ops.filter(([name]) => name !== 'tiedScores'))(
  '%s makes none for weights that are held, as a discriminator while its generator learns',
  (_, op, x, W) => {
    using _work = scope();
    const b = normal(3);
    const whole = differentiated((p) => op(p.x, p.W, p.b), { x, W, b });
    const part = differentiated((p) => op(p.x, W, b), { x });
    expect(part.calls).toBe(2);
    expect(list(part.gradients.x)).toEqual(list(whole.gradients.x));
  },
);

test('a pair makes its gradients when they are read, and once', () => {
  using _work = scope();
  const x = normal(3, 4);
  const { cache, out } = affineForward(x, normal(4, 2), normal(2));
  const calls = (work: () => unknown) => engine().profileProducts(work).products.calls;
  const backward = affineBackward(out, cache);
  expect(calls(() => backward.db)).toBe(0);
  expect(calls(() => backward.dW)).toBe(1);
  expect(calls(() => backward.dW)).toBe(0);
  expect(calls(() => backward.dx)).toBe(1);
  expect(calls(() => backward.dx)).toBe(0);
  expect(backward.dx).toBe(backward.dx);
  expect(
    calls(() => {
      const { dx, dW } = affineBackward(out, cache);
      return [dx, dW];
    }),
  ).toBe(2);
});

test('a dx that is read late lies in memory of its own, and scratch is given back', () => {
  using _work = scope();
  const { cache, y } = conv2dForward(images, filters, normal(3), { padding: 1, relu: true });
  const dy = normal(...y.shape);
  const early = list(conv2dBackward(dy, cache).dx);
  const late = conv2dBackward(dy, cache);
  // Takes the blocks that the backward pass gave back.
  for (let i = 0; i < 20; i++) normal(...y.shape).fill(Number.NaN);
  const before = engine().heap.usedBytes;
  const { dx } = late;
  expect(engine().heap.usedBytes - before).toBe(dx.storage.bytes);
  for (let i = 0; i < 20; i++) normal(...y.shape).fill(Number.NaN);
  expect(list(dx)).toEqual(early);
});

test('a backward pass that is kept keeps the dx that was not read yet', () => {
  let kept: ReturnType<typeof affineBackward>;
  using _outer = scope();
  {
    using work = scope();
    const { cache, out } = affineForward(normal(3, 4), normal(4, 2), normal(2));
    kept = work.keep(affineBackward(out, cache));
  }
  expect(list(kept.dx).length).toBe(12);
});

test('differentiable reads off only the gradients that the tape follows', () => {
  using _work = scope();
  const read: string[] = [];
  const op = differentiable(
    (a: Tensor, b: Tensor, _both: TensorTree) => ({ out: scaled(a, 2), cache: { a, b } }),
    (dout: Tensor, _cache: { a: Tensor; b: Tensor }) => ({
      get da() {
        read.push('da');
        return scaled(dout, 2);
      },
      get db() {
        read.push('db');
        return dout;
      },
      get dBoth() {
        read.push('dBoth');
        return { c: dout, d: dout };
      },
    }),
    { outputs: ['out'], gradients: ['da', 'db', 'dBoth'] },
  );
  const [a, b, c, d] = [normal(2), normal(2), normal(2), normal(2)];
  const gradient = <P extends TensorTree>(parameters: P): P => {
    read.length = 0;
    const f = () => weightedSum([op(a, b, { c, d })], () => 1);
    return valueAndGradients(f, parameters).gradients;
  };
  expect(list(gradient({ a }).a)).toEqual([2, 2]);
  expect(read).toEqual(['da']);
  // Of a tree that is followed in part, the rest is read but goes nowhere.
  expect(list(gradient({ d }).d)).toEqual([1, 1]);
  expect(read).toEqual(['dBoth']);
});

test('once computes when first asked, even what is undefined', () => {
  let calls = 0;
  const value = once(() => {
    calls++;
    return undefined;
  });
  expect(calls).toBe(0);
  expect([value(), value()]).toEqual([undefined, undefined]);
  expect(calls).toBe(1);
});
