import { describe, expect, test } from 'vitest';
import { gradientCheck } from '../../../src/autograd/gradient-check.js';
import type { TensorTree } from '../../../src/autograd/tree.js';
import { additiveAttention, hardAttention } from '../../../src/layers/attention/additive.js';
import { dotAttention } from '../../../src/layers/attention/dot.js';
import { locationAttention } from '../../../src/layers/attention/location.js';
import { Random } from '../../../src/random.js';
import { randomNormal, tensor } from '../../../src/tensor/create.js';
import type { Tensor } from '../../../src/tensor/tensor.js';

interface Sizes {
  N: number;
  T: number;
  L: number;
  D: number;
  W: number;
  H: number;
  A: number;
}

const sizes: Sizes[] = [
  { N: 1, T: 1, L: 1, D: 1, W: 1, H: 1, A: 1 },
  { N: 2, T: 3, L: 5, D: 3, W: 2, H: 3, A: 6 },
  { N: 3, T: 2, L: 4, D: 5, W: 3, H: 2, A: 3 },
];

const gates = { rnn: 1, lstm: 4, gru: 3 } as const;
const cells = ['rnn', 'lstm', 'gru'] as const;

const look = {
  location: ({ H, L }: Sizes) => ({ W: [H, L], b: [L] }),
  dot: ({ D, H, A }: Sizes) => ({ Wk: [D, A], Wq: [H, A] }),
  additive: ({ D, H, A }: Sizes) => ({ Wk: [D, A], Wq: [H, A], b: [A], v: [A] }),
} as const;

function draw<S extends Record<string, readonly number[]>>(random: Random, shapes: S) {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, randomNormal(random, shape, 0.7, 'f64')]),
  ) as { [K in keyof S]: Tensor };
}

/** All that a cell with attention takes; M images for the N rows. */
function inputs<K extends keyof typeof look>(
  kind: K,
  cell: keyof typeof gates,
  s: Sizes,
  { M = s.N, gate = false } = {},
) {
  const { N, T, L, D, W, H } = s;
  const random = new Random(7);
  const G = gates[cell] * H;
  return {
    ...draw(random, { x: [T, N, W], values: [M, L, D], h0: [N, H], c0: [N, H] }),
    cell: {
      ...draw(random, { Wx: [W, G], Wz: [D, G], Wh: [H, G], b: [G] }),
      ...(cell === 'gru' && draw(random, { bh: [H] })),
    },
    look: {
      ...draw(random, look[kind](s) as ReturnType<(typeof look)[K]>),
      ...(gate && { gate: draw(random, { W: [H, 1], b: [1] }) }),
    },
  };
}

function expectGradients<P extends TensorTree>(
  f: (tree: P) => readonly Tensor[],
  tree: P,
  floor = 1e-3,
): void {
  const { maximumRelativeError, worst, checked } = gradientCheck(f, tree, { floor });
  expect(checked).toBeGreaterThan(0);
  expect(maximumRelativeError, JSON.stringify(worst)).toBeLessThan(1e-7);
}

const list = ({ h, context, looked }: { h: Tensor; context: Tensor; looked: Tensor }) => [
  h,
  context,
  looked,
];

describe.each(sizes)('N $N T $T L $L D $D W $W H $H A $A', (s) => {
  describe.each(cells)('%s', (cell) => {
    const memory = (c0: Tensor) => (cell === 'lstm' ? c0 : undefined);
    const of = { cell, timeMajor: true } as const;

    test('location', () => {
      const { c0, ...tree } = inputs('location', cell, s);
      expectGradients(
        (p) => list(locationAttention(p.x, p.values, p.h0, memory(c0), p.cell, p.look, of)),
        tree,
      );
    });

    test('dot', () => {
      const { c0, ...tree } = inputs('dot', cell, s);
      expectGradients(
        (p) => list(dotAttention(p.x, p.values, p.h0, memory(c0), p.cell, p.look, of)),
        tree,
      );
    });

    test.each([false, true])('additive, gate %s', (gate) => {
      const { c0, ...tree } = inputs('additive', cell, s, { gate });
      expectGradients(
        (p) => list(additiveAttention(p.x, p.values, p.h0, memory(c0), p.cell, p.look, of)),
        tree,
      );
    });

    test('hard: the gradient through what lies at the chosen places', () => {
      const { c0, ...tree } = inputs('additive', cell, s, { gate: true });
      const random = new Random(3);
      const uniform = Float64Array.from({ length: s.T * s.N }, () => random.uniform());
      const f = (p: typeof tree) =>
        hardAttention(p.x, p.values, p.h0, memory(c0), p.cell, p.look, {
          ...of,
          look: { uniform },
        });
      // The weights hang together with h through the scores only; that way is checked with them.
      expectGradients((p) => list(f(p)), tree);
    });
  });
});

const shared = { N: 4, T: 3, L: 5, D: 3, W: 2, H: 3, A: 6 };

describe('rows that share images: their gradients add up', () => {
  const of = () =>
    ({ cell: 'lstm', timeMajor: true, image: tensor([1, 0, 1, 1], { dtype: 'i32' }) }) as const;

  test('location', () => {
    const tree = inputs('location', 'lstm', shared, { M: 2 });
    expectGradients(
      (p) => list(locationAttention(p.x, p.values, p.h0, p.c0, p.cell, p.look, of())),
      tree,
    );
  });

  test('dot', () => {
    const tree = inputs('dot', 'lstm', shared, { M: 2 });
    expectGradients(
      (p) => list(dotAttention(p.x, p.values, p.h0, p.c0, p.cell, p.look, of())),
      tree,
    );
  });

  test('additive', () => {
    const tree = inputs('additive', 'lstm', shared, { M: 2 });
    expectGradients(
      (p) => list(additiveAttention(p.x, p.values, p.h0, p.c0, p.cell, p.look, of())),
      tree,
    );
  });
});
