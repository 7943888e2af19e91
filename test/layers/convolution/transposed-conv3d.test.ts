import { expectNear, type FixtureCase, fixture, fromFixture } from '@test/golden.js';
import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import { conv3dBackward, conv3dForward } from '@/layers/convolution/conv3d.js';
import {
  transposedConv3d,
  transposedConv3dBackward,
  transposedConv3dForward,
} from '@/layers/convolution/transposed-conv3d.js';
import { Random } from '@/random.js';
import { randomNormal, zeros } from '@/tensor/create.js';

const cases = Object.entries(fixture<Record<string, FixtureCase>>('convolution3d.json'));
const golden = cases.filter(([name]) => name.startsWith('transposed3d_'));
const random = new Random(41);
const normal = (...shape: number[]) => randomNormal(random, shape, 0.7, 'f64');

describe('agrees with PyTorch in float64', () => {
  test('the fixture has cases', () => expect(golden.length).toBe(11));

  test.each(golden)('%s', (_name, { inputs, options, outputs, cotangents, gradients }) => {
    using _work = scope();
    const of = (name: string) => fromFixture(inputs, name);
    const { y, cache } = transposedConv3dForward(of('x'), of('W'), of('b'), options);
    expect(y.shape).toEqual(outputs.y?.shape);
    expectNear(y, outputs.y?.data);
    const d = transposedConv3dBackward(fromFixture(cotangents, 'dy'), cache);
    for (const name of ['dx', 'dW', 'db'] as const) expectNear(d[name], gradients[name]?.data);
  });
});

describe('transposedConv3d', () => {
  test.each([
    { x: [1, 2, 2, 2, 3], W: [2, 2, 2, 3, 2], options: { stride: 2, outputPadding: [1, 0, 1] } },
    { x: [2, 1, 2, 2, 2], W: [1, 2, 3, 1, 1], options: { padding: { before: 1, after: 1 } } },
    { x: [1, 3, 2, 2, 1], W: [3, 1, 2, 2, 2], options: { groups: 3, dilation: [1, 2, 1] } },
    { x: [1, 1, 1, 1, 1], W: [1, 2, 3, 3, 3], options: { padding: 1 } },
  ] as const)('has right gradients for %j', ({ x, W, options }) => {
    using _work = scope();
    const groups = 'groups' in options ? options.groups : 1;
    const tree = { x: normal(...x), W: normal(...W), b: normal(W[1] * groups) };
    const { checked } = expectRightGradients((p) => transposedConv3d(p.x, p.W, p.b, options), tree);
    expect(checked).toBe(tree.x.size + tree.W.size + tree.b.size);
  });

  test('is dx of conv3d as a forward pass', () => {
    using _work = scope();
    const clips = normal(2, 4, 5, 7, 6);
    const W = normal(4, 2, 3, 3, 3);
    const options = { padding: { before: 1, right: 2 }, dilation: [1, 1, 2], groups: 2 } as const;
    const { y: maps, cache } = conv3dForward(clips, W, zeros([4], 'f64'), options);
    const dMaps = normal(...maps.shape);
    const { dx, dW } = conv3dBackward(dMaps, cache);
    const made = transposedConv3dForward(dMaps, W, zeros([4], 'f64'), options);
    expect(made.y.shape).toEqual(clips.shape);
    expect(made.y.dataSync()).toEqual(dx.dataSync());
    const d = transposedConv3dBackward(clips, made.cache);
    expect(d.dx.dataSync()).toEqual(maps.dataSync());
    expect(d.dW.dataSync()).toEqual(dW.dataSync());
  });

  test('no clips give no results', () => {
    using _work = scope();
    const [x, W] = [zeros([0, 2, 2, 3, 3]), zeros([2, 1, 2, 2, 2])];
    const { y, cache } = transposedConv3dForward(x, W, zeros([1]));
    expect(y.shape).toEqual([0, 1, 3, 4, 4]);
    expect([...transposedConv3dBackward(y, cache).db.dataSync()]).toEqual([0]);
  });

  test('names what disagrees', () => {
    using _work = scope();
    const [x, W, b] = [zeros([1, 4, 3, 3, 3]), zeros([4, 2, 3, 3, 3]), zeros([2])];
    const run = (options = {}, bias = b) => transposedConv3d(x, W, bias, options);
    expect(() => transposedConv3d(zeros([1, 3, 3, 3, 3]), W, b)).toThrow(ShapeError);
    expect(() => run({ groups: 2 })).toThrow(/b \(2\) does not fit W \(4, 2, 3, 3, 3\)/);
    expect(() => run({ groups: 3 }, zeros([6]))).toThrow(/4 channels of x .* 3 equal groups/);
    expect(() => run({ outputPadding: 1 })).toThrow(ValueError);
    expect(() => run({ stride: [2, 1, 1], outputPadding: [2, 0, 0] })).toThrow(
      /\(2, 0, 0\).*stride \(2, 1, 1\)/,
    );
    expect(() => run({ outputPadding: -1 })).toThrow(/outputPadding .* -1/);
    expect(() => run({ padding: [3, 0, 0] })).toThrow(
      /padding \(3, 0, 0\) leaves nothing.*\(3, 3, 3\)/,
    );
    const { y, cache } = transposedConv3dForward(x, W, b);
    expect(() => transposedConv3dBackward(y.view(1, 1, 10, 5, 5), cache)).toThrow(
      /transposedConv3dBackward: dy .*\(1, 2, 5, 5, 5\)/,
    );
  });
});
