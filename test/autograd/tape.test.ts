import { afterEach, describe, expect, test } from 'vitest';
import { differentiable } from '@/autograd/differentiable.js';
import { valueAndGradients } from '@/autograd/tape.js';
import { leaves, mapTree, parameterCount } from '@/autograd/tree.js';
import { engine, scope } from '@/engine/engine.js';
import { DTypeError, ShapeError } from '@/errors.js';
import { relu } from '@/layers/elementwise/activations.js';
import { scaled } from '@/tensor/arithmetic.js';
import { tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';
import { plus, times, total, twoAndThree } from './ops.js';

const list = (x: Tensor) => [...x.dataSync()];
const used = () => engine().heap.usedBytes;

afterEach(() => {
  expect(engine().openScopes).toBe(0);
});

describe('valueAndGradients', () => {
  const x = tensor([1, 2, 3]);
  const y = tensor([4, 5, 6]);

  test('returns the value and one gradient for each leaf, in the form of the tree', () => {
    const { value, gradients } = valueAndGradients(({ a, deep }) => total(times(a, deep.b)), {
      a: x,
      deep: { b: y },
    });
    expect(value.item()).toBe(32);
    expect(list(gradients.a)).toEqual([4, 5, 6]);
    expect(list(gradients.deep.b)).toEqual([1, 2, 3]);
  });

  test('adds the cotangents of a tensor that is used more than once', () => {
    const squared = valueAndGradients(({ a }) => total(times(a, a)), { a: x });
    expect(list(squared.gradients.a)).toEqual([2, 4, 6]);
    const cubed = valueAndGradients(({ a }) => total(times(a, times(a, a))), { a: x });
    expect(list(cubed.gradients.a)).toEqual([3, 12, 27]);
  });

  test('is not confused by backward passes that return what they were given', () => {
    // d/da of ((a + a) + a) + (a + b), all of whose cotangents are one tensor at first.
    const { gradients } = valueAndGradients(
      ({ a, b }) => total(plus(plus(plus(a, a), a), plus(a, b))),
      { a: x, b: y },
    );
    expect(list(gradients.a)).toEqual([4, 4, 4]);
    expect(list(gradients.b)).toEqual([1, 1, 1]);
  });

  test('gives two parameters with one gradient memory of their own', () => {
    const { gradients } = valueAndGradients(({ a, b }) => total(plus(a, b)), { a: x, b: y });
    expect(gradients.a.storage).not.toBe(gradients.b.storage);
    gradients.a.fill(9);
    expect(list(gradients.b)).toEqual([1, 1, 1]);
  });

  test('gives a parameter that nothing depends on the gradient zero, in its shape', () => {
    const unused = tensor([[1, 2]], { dtype: 'f64' });
    const { gradients } = valueAndGradients(({ a }) => total(a), { a: x, unused });
    expect(list(gradients.unused)).toEqual([0, 0]);
    expect([gradients.unused.shape, gradients.unused.dtype]).toEqual([[1, 2], 'f64']);
    const constant = valueAndGradients(() => tensor(7), { a: x });
    expect([constant.value.item(), ...list(constant.gradients.a)]).toEqual([7, 0, 0, 0]);
  });

  test('differentiates a parameter that is itself the value', () => {
    const a = tensor(5);
    const { value, gradients } = valueAndGradients((parameters) => parameters.a, { a });
    expect([value.item(), gradients.a.item()]).toEqual([5, 1]);
    gradients.a.fill(0);
    expect(a.item()).toBe(5);
  });

  test('counts an output that nobody used as zero', () => {
    const first = valueAndGradients(({ a }) => total(twoAndThree(a).two), { a: x });
    expect(list(first.gradients.a)).toEqual([2, 2, 2]);
    const both = ({ a }: { a: Tensor }) => {
      const { two, three } = twoAndThree(a);
      return total(plus(two, three));
    };
    expect(list(valueAndGradients(both, { a: x }).gradients.a)).toEqual([5, 5, 5]);
  });

  test('starts from the cotangent one, in the element type of the value', () => {
    const a = tensor([1.5], { dtype: 'f64' });
    const { value, gradients } = valueAndGradients((p) => total(times(p.a, p.a)), { a });
    expect([value.dtype, gradients.a.dtype]).toEqual(['f64', 'f64']);
    expect(gradients.a.item()).toBe(3);
  });

  test('leaves value and gradients, and nothing else, to the scope around', () => {
    let held: Tensor;
    const before = used();
    {
      using _work = scope();
      const { value, gradients } = valueAndGradients(({ a }) => total(relu(times(a, a))), { a: x });
      expect(used() - before).toBe(2 * 64);
      held = gradients.a;
      expect(value.item()).toBe(14);
    }
    expect(used()).toBe(before);
    expect(() => held.dataSync()).toThrow();
  });

  test('repeated a thousand times does not make the heap grow', () => {
    const step = () => {
      using _work = scope();
      valueAndGradients(({ a, b }) => total(times(plus(a, b), a)), { a: x, b: y });
    };
    step();
    const { reservedBytes } = engine().heap;
    const before = used();
    for (let i = 0; i < 1000; i++) step();
    expect([used(), engine().heap.reservedBytes]).toEqual([before, reservedBytes]);
  });
});

describe('failures leave neither tape nor scope open', () => {
  const x = tensor([1, 2, 3]);
  const healthy = () => {
    using _work = scope();
    return list(valueAndGradients(({ a }) => total(times(a, a)), { a: x }).gradients.a);
  };

  function fails(f: (parameters: { a: Tensor }) => Tensor, error: unknown): void {
    const before = used();
    expect(() => valueAndGradients(f, { a: x })).toThrow(error as Error);
    expect(used()).toBe(before);
    expect(engine().openScopes).toBe(0);
    expect(healthy()).toEqual([2, 4, 6]);
  }

  test('a value that is no scalar', () => {
    fails(({ a }) => times(a, a), ShapeError);
    fails(({ a }) => times(a, a), /needs a scalar, but the function returned \(3\)/);
  });

  test('an error in the function', () => {
    fails(({ a }) => {
      times(a, a);
      throw new RangeError('forward');
    }, RangeError);
  });

  test('an error in a backward pass', () => {
    const broken = differentiable(
      (a: Tensor) => ({ out: a.clone(), cache: undefined }),
      (_dout: Tensor, _cache: undefined): { da: Tensor } => {
        throw new RangeError('backward');
      },
      { outputs: ['out'], gradients: ['da'] },
    );
    fails(({ a }) => total(broken(a)), RangeError);
  });

  test.each([
    ['size', () => zeros([4]), ShapeError],
    ['element type', () => zeros([3], 'f64'), DTypeError],
  ])('a gradient of another %s than its argument', (_, gradient, error) => {
    const wrong = differentiable(
      (a: Tensor) => ({ out: a.clone(), cache: undefined }),
      (_dout: Tensor, _cache: undefined) => ({ da: gradient() }),
      { outputs: ['out'], gradients: ['da'] },
    );
    fails(({ a }) => total(wrong(a)), error);
    fails(({ a }) => total(wrong(a)), /returned da .*for an argument/);
  });

  test('a forward pass without the output that was announced', () => {
    const missing = differentiable(
      (a: Tensor) => ({ out: undefined as unknown as Tensor, cache: a }),
      (_dout: Tensor, a: Tensor) => ({ da: a }),
      { outputs: ['out'], gradients: ['da'] },
    );
    fails(({ a }) => total(missing(a)), /no tensor named out/);
  });
});

test('the gradient of a view comes in the shape of its argument', () => {
  const flattened = differentiable(
    (a: Tensor) => ({ out: a.view(a.size), cache: undefined }),
    (dout: Tensor, _cache: undefined) => ({ da: dout }),
    { outputs: ['out'], gradients: ['da'] },
  );
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  const f = ({ a }: { a: Tensor }) => total(times(flattened(a), flattened(a)));
  const { gradients } = valueAndGradients(f, { a: x });
  expect(gradients.a.shape).toEqual([2, 2]);
  expect(list(gradients.a)).toEqual([2, 4, 6, 8]);
});

test('outside valueAndGradients an op is only its forward pass', () => {
  const x = tensor([-1, 2]);
  expect(list(relu(x))).toEqual([0, 2]);
  const { two, three } = twoAndThree(x);
  expect([list(two), list(three)]).toEqual([
    [-2, 4],
    [-3, 6],
  ]);
});

test('trees have paths, sizes and images', () => {
  const tree = { b: zeros([2, 3]), a: { c: zeros([4]), d: { e: zeros([]) } } };
  expect([...leaves(tree)].map(([path]) => path)).toEqual(['b', 'a.c', 'a.d.e']);
  expect(parameterCount(tree)).toBe(11);
  const paths: string[] = [];
  const doubled = mapTree(tree, (leaf, path) => {
    paths.push(path);
    return scaled(leaf, 2);
  });
  expect(paths).toEqual(['b', 'a.c', 'a.d.e']);
  expect(doubled.a.d.e.shape).toEqual([]);
});
