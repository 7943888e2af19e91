import { type FixtureArray, fixture } from '@test/golden.js';
import { describe, expect, test } from 'vitest';
import { leaves, mapTree, type TensorTree } from '@/autograd/tree.js';
import type { FloatDType } from '@/engine/blas.js';
import { scope } from '@/engine/engine.js';
import { ShapeError, UsageError } from '@/errors.js';
import { tensor, zeros } from '@/tensor/create.js';
import {
  Adam,
  AdamW,
  clippingScale,
  globalNorm,
  type Optimiser,
  SGD,
} from '@/training/optimisers.js';

type Arrays = Record<string, FixtureArray>;

interface Run {
  options: Record<string, number>;
  start: Arrays;
  gradients: Arrays[];
  parameters: Arrays[];
  state: Record<string, Arrays>;
}

interface Clipping {
  options: { maxNorm: number };
  gradients: Arrays;
  norm: FixtureArray;
  clipped: Arrays;
}

const recorded = fixture<Record<string, Run & Clipping>>('optimisers.json');

const names = ['adam', 'adam_other_constants', 'adamw', 'sgd_momentum', 'sgd'] as const;
const clippings = ['clip_above', 'clip_below', 'clip_zero'] as const;

describe.each([
  ['f64', 1e-12],
  ['f32', 1e-5],
] as const)('as PyTorch, in %s', (dtype, tolerance) => {
  test.each(names)('%s, at every one of 20 steps', (name) => {
    using _work = scope();
    const { options, start, gradients, parameters, state } = run(name);
    const weights = tree(start, dtype);
    const optimiser = create(name, weights, options);
    for (const [step, gradient] of gradients.entries()) {
      optimiser.step(weights, tree(gradient, dtype), { rate: options.learningRate ?? Number.NaN });
      expect(difference(weights, parameters[step] ?? {}), `step ${step + 1}`).toBeLessThan(
        tolerance,
      );
    }
    expect(optimiser.steps).toBe(20);
    for (const [mine, theirs] of Object.entries(stateNames[optimiser.kind])) {
      // Without momentum PyTorch keeps nothing.
      if (name === 'sgd') continue;
      const expected = Object.entries(state).flatMap(([parameter, arrays]) => {
        const array = arrays[theirs];
        return array ? [[parameter, array] as const] : [];
      });
      expect(expected).toHaveLength(2);
      const found = optimiser.state[mine];
      // In f32, 1 - 0.999 itself is off by 1.3e-5.
      expect(difference(asTree(found), Object.fromEntries(expected))).toBeLessThan(2 * tolerance);
    }
  });

  test.each(clippings)('%s', (name) => {
    using _work = scope();
    const { options, gradients, norm: expected, clipped } = run(name);
    const given = tree(gradients, dtype);
    const norm = globalNorm(given);
    expect(norm).toBeCloseTo(expected.data[0] ?? Number.NaN, dtype === 'f64' ? 12 : 5);
    const scale = clippingScale(norm, options.maxNorm);
    // PyTorch adds 1e-6 to the norm before it divides.
    const scaled = mapTree(given, (leaf) =>
      tensor(
        leaf.dataSync().map((value) => value * scale),
        { shape: leaf.shape, dtype },
      ),
    );
    expect(difference(scaled, clipped)).toBeLessThan(2e-6);
    expect(globalNorm(scaled)).toBeLessThan(options.maxNorm * (1 + 1e-6));
    if (name !== 'clip_above') expect(scale).toBe(1);
  });

  test.each(['adam', 'adamw', 'sgd_momentum'] as const)(
    '%s scales gradients before it uses them',
    (name) => {
      using _work = scope();
      const { options, start, gradients } = run(name);
      const [plain, scaled] = [tree(start, dtype), tree(start, dtype)];
      const [first, second] = [create(name, plain, options), create(name, scaled, options)];
      for (const gradient of gradients.slice(0, 3)) {
        const half = mapTree(tree(gradient, dtype), (leaf) =>
          tensor(
            leaf.dataSync().map((value) => value / 2),
            { shape: leaf.shape, dtype },
          ),
        );
        first.step(plain, half, { rate: 0.1 });
        second.step(scaled, tree(gradient, dtype), { rate: 0.1, scale: 0.5 });
      }
      expect(values(scaled)).toEqual(values(plain));
    },
  );
});

test('the norm of gradients that are not finite is not finite', () => {
  using _work = scope();
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(globalNorm({ a: tensor([1, 2]), b: tensor([0, bad, 0, 0, 0]) })).not.toBeLessThan(
      Number.POSITIVE_INFINITY,
    );
  }
  // Squares beyond the largest f32 are no reason to stop.
  expect(globalNorm({ a: tensor([3e30, 4e30]) }) / 5e30).toBeCloseTo(1, 5);
});

describe.each(['adam', 'sgd'] as const)('%s', (kind) => {
  test('takes no half step when a gradient does not fit, and names it', () => {
    using _work = scope();
    const weights = { cell: { a: zeros([2]), b: zeros([2, 3]) } };
    const optimiser = kind === 'adam' ? new Adam(weights) : new SGD(weights);
    const wrong = { cell: { a: tensor([1, 1]), b: tensor([1, 1]) } };
    const step = () => optimiser.step(weights, wrong, { rate: 1 });
    expect(step).toThrow(ShapeError);
    expect(step).toThrow(/cell\.b is f32 \(2, 3\) but its gradient is f32 \(2\)/);
    const missing = { cell: { a: tensor([1, 1]) } };
    expect(() => optimiser.step(weights, missing, { rate: 1 })).toThrow(/nothing/);
    expect(values(weights)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(optimiser.steps).toBe(0);
  });
});

test('SGD refuses a momentum outside [0, 1)', () => {
  using _work = scope();
  for (const momentum of [1, -0.1, Number.NaN]) {
    expect(() => new SGD({}, { momentum })).toThrow(UsageError);
  }
});

test('weight decay spares biases and word vectors, unless told otherwise', () => {
  using _work = scope();
  const fresh = () => ({
    embedding: { W: tensor([[2, 2]]) },
    cell: { Wx: tensor([[2, 2]]), b: tensor([2, 2]) },
    vision: { filters: tensor([2, 2], { shape: [1, 2, 1, 1] }) },
  });
  const nothing = mapTree(fresh(), (leaf) => zeros(leaf.shape));
  const after = (options: ConstructorParameters<typeof AdamW>[1]) => {
    const weights = fresh();
    new AdamW(weights, options).step(weights, nothing, { rate: 0.5 });
    return values(weights);
  };
  expect(after({ weightDecay: 0.5 })).toEqual([2, 2, 1.5, 1.5, 2, 2, 1.5, 1.5]);
  const decays = (path: string) => path === 'cell.b';
  expect(after({ weightDecay: 0.5, decays })).toEqual([2, 2, 2, 2, 1.5, 1.5, 2, 2]);
  expect(() => after({ weightDecay: 1 })).toThrow(/weightDecay must lie in \[0, 1\), not 1/);
});

/** What PyTorch calls our state. */
const stateNames = {
  adam: { m: 'exp_avg', v: 'exp_avg_sq' },
  adamw: { m: 'exp_avg', v: 'exp_avg_sq' },
  sgd: { velocity: 'momentum_buffer' },
} as const;

function run(name: string): Run & Clipping {
  const found = recorded[name];
  if (!found) throw new Error(`optimisers.json has no ${name}`);
  return found;
}

function create(
  name: (typeof names)[number],
  parameters: TensorTree,
  options: Record<string, number>,
): Optimiser {
  if (name === 'adamw') return new AdamW(parameters, options);
  return name.startsWith('adam') ? new Adam(parameters, options) : new SGD(parameters, options);
}

function tree(arrays: Arrays, dtype: FloatDType): TensorTree {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { data, shape }]) => [name, tensor(data, { shape, dtype })]),
  );
}

function asTree(value: TensorTree[string] | undefined): TensorTree {
  if (!value || 'storage' in value) throw new Error('the state is no tree');
  return value as TensorTree;
}

/** Largest difference, relative to the expected value where that is above 1. */
function difference(actual: TensorTree, expected: Arrays): number {
  const differences = Object.entries(expected).flatMap(([name, { data }]) => {
    const mine = new Map(leaves(actual)).get(name)?.dataSync();
    return data.map(
      (value, i) => Math.abs((mine?.[i] ?? Number.NaN) - value) / Math.max(1, Math.abs(value)),
    );
  });
  return Math.max(...differences);
}

function values(parameters: TensorTree): number[] {
  return [...leaves(parameters)].flatMap(([, leaf]) => [...leaf.dataSync()]);
}
