import { expectClose } from '@test/bounds.js';
import { expectNear, type FixtureCase, fixture, fromFixture } from '@test/golden.js';
import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import { conv2dBackward, conv2dForward } from '@/layers/convolution/conv2d.js';
import { conv3d, conv3dBackward, conv3dForward } from '@/layers/convolution/conv3d.js';
import { Random } from '@/random.js';
import { randomNormal, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const cases = Object.entries(fixture<Record<string, FixtureCase>>('convolution3d.json'));
const golden = cases.filter(([name]) => name.startsWith('conv3d_'));

describe('agrees with PyTorch in float64', () => {
  test('the fixture has cases', () => expect(golden.length).toBe(21));

  test.each(golden)('%s', (_name, { inputs, options, outputs, cotangents, gradients }) => {
    using _work = scope();
    const of = (name: string) => fromFixture(inputs, name);
    const { y, cache } = conv3dForward(of('x'), of('W'), of('b'), options);
    expect(y.shape).toEqual(outputs.y?.shape);
    expectNear(y, outputs.y?.data);
    const d = conv3dBackward(fromFixture(cotangents, 'dy'), cache);
    for (const name of ['dx', 'dW', 'db'] as const) expectNear(d[name], gradients[name]?.data);
  });
});

describe('gradients agree with central differences', () => {
  test.each([
    { kernel: [2, 3, 2], options: { stride: [2, 1, 2], padding: [1, 1, 0] } },
    { kernel: [3, 3, 3], options: { padding: 1, relu: true } },
    { kernel: [1, 3, 3], options: { padding: [0, 1, 1], stride: [2, 1, 1] } },
    { kernel: [3, 1, 1], options: { padding: [1, 0, 0] } },
    { kernel: [1, 1, 1], options: {} },
    { kernel: [2, 2, 1], options: { dilation: [2, 1, 3], padding: { before: 2, right: 1 } } },
    { kernel: [2, 3, 3], options: { groups: 3, padding: 1, relu: true } },
    { kernel: [1, 1, 1], options: { groups: 3 } },
  ] as const)('conv3d %j', ({ kernel, options }) => {
    using _work = scope();
    const random = new Random(5);
    const C = 'groups' in options ? 1 : 3;
    const inputs = {
      x: randomNormal(random, [2, 3, 3, 4, 3], 1, 'f64'),
      W: randomNormal(random, [3, C, ...kernel], 0.5, 'f64'),
      b: randomNormal(random, [3], 1, 'f64'),
    };
    const { checked } = expectRightGradients(({ x, W, b }) => conv3d(x, W, b, options), inputs);
    expect(checked).toBe(216 + 3 * C * kernel[0] * kernel[1] * kernel[2] + 3);
  });
});

describe('conv3d', () => {
  // Large enough that one clip fills several blocks: of frames, of rows of one frame, and of tiles.
  test.each([
    { dtype: 'f32', size: [9, 23, 19], kernel: [3, 3, 3], C: 20, options: { padding: 1 } },
    { dtype: 'f64', size: [6, 60, 41], kernel: [2, 3, 3], C: 24, options: { stride: [2, 1, 1] } },
    { dtype: 'f32', size: [7, 30, 30], kernel: [3, 1, 1], C: 40, options: { padding: [1, 0, 0] } },
    { dtype: 'f32', size: [7, 30, 31], kernel: [1, 3, 3], C: 20, options: { padding: [0, 1, 1] } },
  ] as const)('is the sum that it says: %j', ({ dtype, size, kernel, C, options }) => {
    using _work = scope();
    const random = new Random(7);
    const F = 20;
    const x = randomNormal(random, [2, C, ...size], 1, dtype);
    const filters = randomNormal(random, [F, C, ...kernel], 0.1, dtype);
    const b = randomNormal(random, [F], 1, dtype);
    const { y, cache } = conv3dForward(x, filters, b, options);
    const terms = C * kernel[0] * kernel[1] * kernel[2];
    const stride = 'stride' in options ? options.stride : [1, 1, 1];
    const padding = 'padding' in options ? options.padding : 0;
    const [P, S] = [typeof padding === 'number' ? Array(3).fill(padding) : padding, stride];
    // Every 997th place is enough of them all.
    const [clip, weights, bias] = [x.dataSync(), filters.dataSync(), b.dataSync()];
    const [places, expected]: [number[], number[]] = [[], []];
    for (let place = 0; place < y.size; place += 997) {
      const [n = 0, f = 0, t = 0, r = 0, q = 0] = coordinates(place, y.shape);
      let sum = bias[f] ?? Number.NaN;
      for (let tap = 0; tap < terms; tap++) {
        const [c = 0, k = 0, i = 0, j = 0] = coordinates(tap, [C, ...kernel]);
        const at = [t * S[0] + k - P[0], r * S[1] + i - P[1], q * S[2] + j - P[2]];
        if (at.some((value, axis) => value < 0 || value >= (size[axis] ?? 0))) continue;
        const [T, H, W] = size;
        const from = (((n * C + c) * T + (at[0] ?? 0)) * H + (at[1] ?? 0)) * W + (at[2] ?? 0);
        sum += (clip[from] ?? Number.NaN) * (weights[f * terms + tap] ?? Number.NaN);
      }
      places.push(place);
      expected.push(sum);
    }
    const values = y.dataSync();
    const actual = places.map((place) => values[place] ?? Number.NaN);
    expectClose(actual, expected, { dtype, terms });

    // The backward pass is the adjoint: <dy, y - b> = <dx, x> = <dW, W>.
    const dy = randomNormal(random, y.shape, 1, dtype);
    const { dx, dW, db } = conv3dBackward(dy, cache);
    const linear = dot(dy, y) - dot(db, b);
    const size2 = (a: Tensor, b: Tensor) => Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b));
    expectClose(dot(dx, x), linear, { dtype, terms, size: size2(dx, x) });
    const places2 = y.size / F;
    expectClose(dot(dW, filters), linear, { dtype, terms: places2, size: size2(dW, filters) });
  });

  test('of one frame is conv2d', () => {
    using _work = scope();
    const random = new Random(8);
    const [x, W] = [randomNormal(random, [2, 3, 5, 6]), randomNormal(random, [4, 3, 3, 2])];
    const b = randomNormal(random, [4]);
    const flat = conv2dForward(x, W, b, { padding: [1, 0], stride: [1, 2] });
    const clip = conv3dForward(x.view(2, 3, 1, 5, 6), W.view(4, 3, 1, 3, 2), b, {
      padding: [0, 1, 0],
      stride: [1, 1, 2],
    });
    expect(clip.y.shape).toEqual([2, 4, 1, 5, 3]);
    expect([...clip.y.dataSync()]).toEqual([...flat.y.dataSync()]);
    const dy = randomNormal(random, flat.y.shape);
    const [d2, d3] = [
      conv2dBackward(dy, flat.cache),
      conv3dBackward(dy.view(...clip.y.shape), clip.cache),
    ];
    for (const name of ['dx', 'dW', 'db'] as const) {
      expect([...d3[name].dataSync()]).toEqual([...d2[name].dataSync()]);
    }
  });

  test('with relu is conv3d and then max(0, y)', () => {
    using _work = scope();
    const random = new Random(8);
    const x = randomNormal(random, [1, 2, 3, 4, 5]);
    const [W, b] = [randomNormal(random, [3, 2, 2, 3, 3]), randomNormal(random, [3])];
    const plain = conv3dForward(x, W, b).y.dataSync();
    const relu = conv3dForward(x, W, b, { relu: true }).y.dataSync();
    expect([...relu]).toEqual([...plain].map((value) => Math.max(0, value)));
    expect([...relu].some((value) => value === 0)).toBe(true);
  });

  test('no clips give no results', () => {
    using _work = scope();
    const W = zeros([3, 2, 3, 3, 3]);
    const { y, cache } = conv3dForward(zeros([0, 2, 5, 5, 5]), W, zeros([3]));
    expect(y.shape).toEqual([0, 3, 3, 3, 3]);
    expect([...conv3dBackward(y, cache).db.dataSync()]).toEqual([0, 0, 0]);
  });

  test('names what disagrees', () => {
    using _work = scope();
    const [x, W, b] = [zeros([1, 3, 4, 4, 4]), zeros([2, 3, 3, 3, 3]), zeros([2])];
    expect(() => conv3d(zeros([1, 3, 4, 4]), W, b)).toThrow(
      /conv3d: x \(1, 3, 4, 4\) must have the axes \(N, C, T, H, W\)/,
    );
    expect(() => conv3d(zeros([1, 5, 4, 4, 4]), W, b)).toThrow(
      /W \(2, 3, 3, 3, 3\) does not fit x \(1, 5, 4, 4, 4\)/,
    );
    expect(() => conv3d(x, W, zeros([3]))).toThrow(ShapeError);
    expect(() => conv3d(zeros([1, 3, 2, 4, 4]), W, b)).toThrow(
      /\(3, 3, 3\).*a clip of \(2, 4, 4\)/,
    );
    expect(() => conv3d(x, W, b, { stride: [0, 1, 1] })).toThrow(ValueError);
    expect(() => conv3d(x, W, b, { padding: { before: -1 } })).toThrow(/padding .* -1/);
    expect(() => conv3d(x, W, b, { groups: 3 })).toThrow(/2 filters .* 3 equal groups/);
    expect(() => conv3dBackward(zeros([1, 2, 4, 4, 4]), conv3dForward(x, W, b).cache)).toThrow(
      /conv3dBackward: dy \(1, 2, 4, 4, 4\).*\(1, 2, 2, 2, 2\)/,
    );
  });
});

/** Where the `place`th value of a row-major array lies. */
function coordinates(place: number, shape: readonly number[]): number[] {
  return shape.reduceRight<{ at: number[]; left: number }>(
    ({ at, left }, extent) => ({ at: [left % extent, ...at], left: Math.floor(left / extent) }),
    { at: [], left: place },
  ).at;
}

function dot(a: Tensor, b: Tensor): number {
  const [left, right] = [a.dataSync(), b.dataSync()];
  let sum = 0;
  for (let i = 0; i < left.length; i++) sum += (left[i] ?? 0) * (right[i] ?? 0);
  return sum;
}
