import { relativeError } from '@test/golden.js';
import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { DTypeError, ShapeError, ValueError } from '@/errors.js';
import { conv2dBackward, conv2dForward } from '@/layers/convolution/conv2d.js';
import {
  transposedConv2d,
  transposedConv2dBackward,
  transposedConv2dForward,
} from '@/layers/convolution/transposed-conv2d.js';
import { Random } from '@/random.js';
import { randomNormal, tensor, zeros } from '@/tensor/create.js';

const random = new Random(41);
const normal = (...shape: number[]) => randomNormal(random, shape, 0.7, 'f64');

describe('transposedConv2d', () => {
  test.each([
    { x: [2, 3, 3, 2], W: [3, 2, 3, 3], options: { stride: 2, padding: 1, outputPadding: 1 } },
    { x: [1, 2, 2, 3], W: [2, 3, 2, 3], options: { dilation: [2, 1], padding: { left: 2 } } },
    { x: [2, 4, 2, 2], W: [4, 1, 2, 2], options: { groups: 4, stride: [1, 3] } },
    { x: [1, 1, 1, 1], W: [1, 2, 3, 3], options: { padding: 1 } },
    { x: [2, 3, 2, 2], W: [3, 2, 1, 1], options: {} },
  ] as const)('has right gradients for %j', ({ x, W, options }) => {
    using _work = scope();
    const groups = 'groups' in options ? options.groups : 1;
    const tree = { x: normal(...x), W: normal(...W), b: normal(W[1] * groups) };
    const { checked } = expectRightGradients((p) => transposedConv2d(p.x, p.W, p.b, options), tree);
    expect(checked).toBe(tree.x.size + tree.W.size + tree.b.size);
  });

  test('lays filters down side by side, and adds where they overlap', () => {
    using _work = scope();
    const x = tensor([[[[1, 2]]]]);
    const W = tensor([[[[1, 10, 100]]]]);
    const { y } = transposedConv2dForward(x, W, tensor([0.5]), { stride: [1, 2] });
    expect([...y.dataSync()]).toEqual([1.5, 10.5, 102.5, 20.5, 200.5]);
  });

  // Large enough for several blocks of patches, in every one of the three products.
  test('is dx of conv2d as a forward pass', () => {
    using _work = scope();
    const images = normal(2, 32, 70, 50);
    const W = normal(4, 16, 3, 3);
    const options = {
      stride: 1,
      padding: { top: 1, right: 2 },
      dilation: [1, 2],
      groups: 2,
    } as const;
    const { y: maps, cache } = conv2dForward(images, W, zeros([4], 'f64'), options);
    const dMaps = normal(...maps.shape);
    const { dx, dW } = conv2dBackward(dMaps, cache);
    const made = transposedConv2dForward(dMaps, W, zeros([32], 'f64'), options);
    expect(made.y.shape).toEqual(images.shape);
    expect(relativeError(made.y.dataSync(), dx.dataSync())).toBe(0);
    const d = transposedConv2dBackward(images, made.cache);
    expect(relativeError(d.dx.dataSync(), maps.dataSync())).toBe(0);
    expect(relativeError(d.dW.dataSync(), dW.dataSync())).toBe(0);
  });

  test('no photos give no results', () => {
    using _work = scope();
    const { y, cache } = transposedConv2dForward(
      zeros([0, 2, 3, 3]),
      zeros([2, 1, 2, 2]),
      zeros([1]),
    );
    expect(y.shape).toEqual([0, 1, 4, 4]);
    expect([...transposedConv2dBackward(y, cache).db.dataSync()]).toEqual([0]);
  });

  test('names what disagrees', () => {
    using _work = scope();
    const [x, W, b] = [zeros([1, 4, 3, 3]), zeros([4, 2, 3, 3]), zeros([2])];
    const run = (options = {}, bias = b) => transposedConv2d(x, W, bias, options);
    expect(() => transposedConv2d(zeros([1, 3, 3, 3]), W, b)).toThrow(ShapeError);
    expect(() => transposedConv2d(x, W, zeros([2], 'f64'))).toThrow(DTypeError);
    expect(() => run({ groups: 2 })).toThrow(
      /b \(2\) does not fit W \(4, 2, 3, 3\): 2 x 2 channels/,
    );
    expect(() => run({ groups: 3 }, zeros([6]))).toThrow(/4 channels of x .* 3 equal groups/);
    expect(() => run({ outputPadding: 1 })).toThrow(ValueError);
    expect(() => run({ stride: [2, 1], outputPadding: 1 })).toThrow(/\(1, 1\).*stride \(2, 1\)/);
    expect(() => run({ outputPadding: -1 })).toThrow(/outputPadding .* -1/);
    expect(() => run({ padding: 3 })).toThrow(/padding \(3, 3\) leaves nothing.*\(3, 3\)/);
    const { y, cache } = transposedConv2dForward(x, W, b);
    expect(() => transposedConv2dBackward(y.view(1, 1, 10, 5), cache)).toThrow(/\(1, 2, 5, 5\)/);
  });
});
