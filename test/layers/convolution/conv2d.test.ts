import { expectClose } from '@test/bounds.js';
import { type FixtureCase, fixture, fromFixture, relativeError } from '@test/golden.js';
import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { valueAndGradients } from '@/autograd/tape.js';
import { leaves } from '@/autograd/tree.js';
import { weightedSum } from '@/autograd/weighted-sum.js';
import { scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import {
  conv2d,
  conv2dBackward,
  conv2dBranches,
  conv2dBranchesForward,
  conv2dForward,
} from '@/layers/convolution/conv2d.js';
import { concat } from '@/layers/indexing/pieces.js';
import { Random } from '@/random.js';
import { randomNormal, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const cases = Object.entries(fixture<Record<string, FixtureCase>>('recurrent.json'));
const named = (prefix: string) => cases.filter(([name]) => name.startsWith(prefix));

describe('agrees with PyTorch in float64', () => {
  test('the fixture has cases', () => expect(named('conv2d_').length).toBe(11));

  test.each(named('conv2d_'))(
    '%s',
    (_name, { inputs, options, outputs, cotangents, gradients }) => {
      using _work = scope();
      const [x, W, b] = ['x', 'W', 'b'].map((name) => fromFixture(inputs, name)) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      const { y, cache } = conv2dForward(x, W, b, options);
      expect(y.shape).toEqual(outputs.y?.shape);
      expect(error(y, outputs.y?.data)).toBeLessThan(1e-7);
      const d = conv2dBackward(fromFixture(cotangents, 'dy'), cache);
      expect(error(d.dx, gradients.dx?.data), 'dx').toBeLessThan(1e-7);
      expect(error(d.dW, gradients.dW?.data), 'dW').toBeLessThan(1e-7);
      expect(error(d.db, gradients.db?.data), 'db').toBeLessThan(1e-7);
    },
  );
});

describe('gradients agree with central differences', () => {
  test.each([
    { kernel: [3, 2], options: { stride: [2, 1], padding: [1, 1] } },
    { kernel: [3, 3], options: { padding: 1, relu: true } },
    { kernel: [1, 1], options: {} },
    { kernel: [2, 3], options: { dilation: [3, 1], padding: { top: 2, right: 3 }, stride: 3 } },
    { kernel: [3, 3], options: { groups: 3, padding: 1, relu: true } },
    { kernel: [1, 1], options: { groups: 3 } },
  ] as const)('conv2d %j', ({ kernel, options }) => {
    using _work = scope();
    const random = new Random(5);
    const C = 'groups' in options ? 1 : 3;
    const inputs = {
      x: randomNormal(random, [2, 3, 6, 5], 1, 'f64'),
      W: randomNormal(random, [6, C, ...kernel], 0.5, 'f64'),
      b: randomNormal(random, [6], 1, 'f64'),
    };
    const { checked } = expectRightGradients(({ x, W, b }) => conv2d(x, W, b, options), inputs);
    expect(checked).toBe(180 + 6 * C * kernel[0] * kernel[1] + 6);
  });
});

describe('conv2d', () => {
  // Large enough that the patches of one photo fill several blocks.
  test.each(['f32', 'f64'] as const)('is the sum that it says, block by block (%s)', (dtype) => {
    using _work = scope();
    const random = new Random(7);
    const [C, H, W, F] = [48, 70, 41, 2];
    const x = randomNormal(random, [2, C, H, W], 1, dtype);
    const filters = randomNormal(random, [F, C, 3, 3], 0.1, dtype);
    const b = randomNormal(random, [F], 1, dtype);
    const { y, cache } = conv2dForward(x, filters, b, { padding: 1 });
    const [image, weights, bias] = [x.dataSync(), filters.dataSync(), b.dataSync()];
    const expected = new Float64Array(y.size);
    for (let n = 0; n < 2; n++) {
      for (let f = 0; f < F; f++) {
        for (let h = 0; h < H; h++) {
          for (let w = 0; w < W; w++) {
            let sum = bias[f] ?? Number.NaN;
            for (let c = 0; c < C; c++) {
              for (let k = 0; k < 9; k++) {
                const [i, j] = [h + Math.floor(k / 3) - 1, w + (k % 3) - 1];
                if (i < 0 || i >= H || j < 0 || j >= W) continue;
                const value = image[((n * C + c) * H + i) * W + j] ?? Number.NaN;
                sum += value * (weights[(f * C + c) * 9 + k] ?? Number.NaN);
              }
            }
            expected[((n * F + f) * H + h) * W + w] = sum;
          }
        }
      }
    }
    expectClose(y, expected, { dtype, terms: 9 * C });

    // The backward pass is the adjoint: <dy, y - b> = <dx, x> = <dW, W>.
    const dy = randomNormal(random, y.shape, 1, dtype);
    const { dx, dW, db } = conv2dBackward(dy, cache);
    const linear = dot(dy, y) - dot(db, b);
    // Every value that is summed up here has rounded like a sum over a filter or over all places.
    const size = (a: Tensor, b: Tensor) => Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b));
    expectClose(dot(dx, x), linear, { dtype, terms: 9 * C, size: size(dx, x) });
    expectClose(dot(dW, filters), linear, { dtype, terms: 2 * H * W, size: size(dW, filters) });
  });

  test('with relu is conv2d and then max(0, y)', () => {
    using _work = scope();
    const random = new Random(8);
    const x = randomNormal(random, [1, 2, 5, 7]);
    const W = randomNormal(random, [3, 2, 3, 3]);
    const b = randomNormal(random, [3]);
    const plain = conv2dForward(x, W, b).y.dataSync();
    const relu = conv2dForward(x, W, b, { relu: true }).y.dataSync();
    expect([...relu]).toEqual([...plain].map((value) => Math.max(0, value)));
    expect([...relu].some((value) => value === 0)).toBe(true);
  });

  // Wide enough that the patches of one group fill several blocks.
  test('in groups is a convolution of each part by itself', () => {
    using _work = scope();
    const random = new Random(10);
    const [C, F, H, W] = [64, 4, 40, 60];
    const x = randomNormal(random, [2, C, H, W], 1, 'f64');
    const filters = randomNormal(random, [F, C / 2, 3, 3], 0.1, 'f64');
    const b = randomNormal(random, [F], 1, 'f64');
    const options = { padding: { left: 1, bottom: 2 }, dilation: 2 };
    const { y, cache } = conv2dForward(x, filters, b, { ...options, groups: 2 });
    const dy = randomNormal(random, y.shape, 1, 'f64');
    const { dx, dW } = conv2dBackward(dy, cache);
    for (const n of [0, 1]) {
      for (const g of [0, 1]) {
        const [c, f] = [g * (C / 2), g * (F / 2)];
        const part = (t: Tensor, first: number, count: number) => {
          return t
            .at(n)
            .slice(first, first + count)
            .view(1, count, ...t.shape.slice(2));
        };
        const own = [filters.slice(f, f + F / 2), b.slice(f, f + F / 2)] as const;
        const alone = conv2dForward(part(x, c, C / 2), ...own, options);
        expect(error(alone.y, [...part(y, f, F / 2).dataSync()])).toBe(0);
        const d = conv2dBackward(part(dy, f, F / 2), alone.cache);
        expect(error(d.dx, [...part(dx, c, C / 2).dataSync()])).toBe(0);
      }
    }
    expect(Math.abs(dot(dW, filters) / dot(dx, x) - 1)).toBeLessThan(1e-12);
  });

  test('no photos give no results', () => {
    using _work = scope();
    const { y, cache } = conv2dForward(zeros([0, 2, 5, 5]), zeros([3, 2, 3, 3]), zeros([3]));
    expect(y.shape).toEqual([0, 3, 3, 3]);
    expect([...conv2dBackward(y, cache).db.dataSync()]).toEqual([0, 0, 0]);
  });

  test('names what disagrees', () => {
    using _work = scope();
    const [x, W, b] = [zeros([1, 3, 4, 4]), zeros([2, 3, 3, 3]), zeros([2])];
    expect(() => conv2d(zeros([1, 5, 4, 4]), W, b)).toThrow(/\(2, 3, 3, 3\).*\(1, 5, 4, 4\)/);
    expect(() => conv2d(x, W, zeros([3]))).toThrow(ShapeError);
    expect(() => conv2d(zeros([1, 3, 2, 4]), W, b)).toThrow(/\(3, 3\).*\(2, 4\)/);
    expect(() => conv2d(x, W, b, { stride: 0 })).toThrow(ValueError);
    expect(() => conv2d(x, W, b, { padding: [0, -1] })).toThrow(/padding .* -1/);
    expect(() => conv2d(x, W, b, { padding: { bottom: 0.5 } })).toThrow(/padding .* 0.5/);
    expect(() => conv2d(x, W, b, { dilation: 0 })).toThrow(ValueError);
    expect(() => conv2d(x, W, b, { dilation: 2, padding: { top: 0, left: 1 } })).toThrow(
      /\(3, 3\) that reaches over \(5, 5\).*\(4, 4\).*\(top 0, bottom 0, left 1, right 0\)/,
    );
    expect(() => conv2d(x, W, b, { groups: 1.5 })).toThrow(ValueError);
    expect(() => conv2d(x, W, b, { groups: 3 })).toThrow(/2 filters .* 3 equal groups/);
    expect(() => conv2d(x, zeros([3, 3, 3, 3]), zeros([3]), { groups: 3 })).toThrow(
      /\(3, 3, 3, 3\).*\(1, 3, 4, 4\).*see 3 channels.*3 groups has 1/,
    );
    expect(() => conv2dBackward(zeros([1, 2, 4, 4]), conv2dForward(x, W, b).cache)).toThrow(
      /\(1, 2, 4, 4\).*\(1, 2, 2, 2\)/,
    );
  });
});

describe('conv2dBranches', () => {
  const each = [
    { kernel: [1, 1], filters: 2, options: { relu: true } },
    { kernel: [3, 3], filters: 4, options: { padding: 1, relu: true } },
    { kernel: [3, 2], filters: 3, options: { padding: { top: 1, bottom: 1, right: 1 } } },
  ] as const;
  const inputs = (dtype: 'f32' | 'f64') => {
    const random = new Random(9);
    const x = randomNormal(random, [2, 3, 6, 5], 1, dtype);
    const filters = each.map(({ kernel, filters: F }) => ({
      W: randomNormal(random, [F, 3, ...kernel], 0.5, dtype),
      b: randomNormal(random, [F], 1, dtype),
    }));
    return { x, ...Object.fromEntries(filters.map((leaf, i) => [`branch${i}`, leaf])) };
  };
  type Inputs = ReturnType<typeof inputs> & Record<string, { W: Tensor; b: Tensor }>;
  const branchesOf = (tree: Inputs) =>
    each.map(({ options }, i) => ({ ...branch(tree, i), ...options }));
  const branch = (tree: Inputs, i: number) => {
    const { W, b } = tree[`branch${i}`] ?? expect.fail();
    return { W, b };
  };

  test.each(['f32', 'f64'] as const)(
    'is, with its gradients, what concat makes of them (%s)',
    (dtype) => {
      using _work = scope();
      const tree = inputs(dtype) as Inputs;
      const ways = [
        (p: Inputs) => conv2dBranches(p.x, branchesOf(p)),
        (p: Inputs) =>
          concat(
            each.map(({ options }, i) => {
              const { W, b } = branch(p, i);
              return conv2d(p.x, W, b, options);
            }),
            1,
          ),
      ] as const;
      const [ours, theirs] = ways.map((way) => {
        const out = way(tree);
        const random = new Random(4);
        const weighted = (p: Inputs) => weightedSum([way(p)], () => random.normal());
        const { gradients } = valueAndGradients(weighted, tree);
        return [['y', out] as const, ...leaves(gradients)];
      });
      expect(ours?.map(([path]) => path)).toEqual(theirs?.map(([path]) => path));
      for (const [i, [path, leaf]] of (ours ?? []).entries()) {
        const expected = theirs?.[i]?.[1].dataSync() ?? [];
        if (path === 'x') {
          // Three cotangents of x are added in another order.
          expectClose(leaf, expected, { dtype, terms: 3 * 9 * 9 });
        } else expect(leaf.dataSync(), path).toEqual(expected);
      }
    },
  );

  test('gradients agree with central differences', () => {
    using _work = scope();
    const { checked } = expectRightGradients(
      (p) => conv2dBranches(p.x, branchesOf(p)),
      inputs('f64') as Inputs,
    );
    expect(checked).toBe(180 + 2 * 3 + 2 + 4 * 27 + 4 + 3 * 18 + 3);
  });

  test('names what does not fit side by side', () => {
    using _work = scope();
    const [x, b] = [zeros([1, 3, 4, 4]), zeros([2])];
    const [one, three] = [zeros([2, 3, 1, 1]), zeros([2, 3, 3, 3])];
    expect(() =>
      conv2dBranchesForward(x, [
        { W: one, b },
        { W: three, b },
      ]),
    ).toThrow(/\(4, 4\) and of \(2, 2\)/);
    expect(() => conv2dBranchesForward(x, [{ W: zeros([2, 5, 1, 1]), b }])).toThrow(ShapeError);
    expect(() => conv2dBranchesForward(x, [])).toThrow(ValueError);
  });
});

function dot(a: Tensor, b: Tensor): number {
  const right = b.dataSync();
  return [...a.dataSync()].reduce((sum, value, i) => sum + value * (right[i] ?? Number.NaN), 0);
}

function error(actual: Tensor | undefined, expected: number[] | undefined): number {
  return relativeError(actual?.dataSync() ?? [], expected ?? []);
}
