import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { valueAndGradients } from '@/autograd/tape.js';
import { leaves, type TensorTree } from '@/autograd/tree.js';
import { weightedSum } from '@/autograd/weighted-sum.js';
import { DTypeError, ShapeError, UsageError, ValueError } from '@/errors.js';
import {
  additiveAttention,
  dotAttention,
  hardAttention,
  locationAttention,
} from '@/layers/attention/scored.js';
import { windowAttention } from '@/layers/attention/window.js';
import { Random } from '@/random.js';
import { randomNormal, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

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

const shapes = {
  location: ({ H, L }: Sizes) => ({ W: [H, L], b: [L] }),
  dot: ({ D, H, A }: Sizes) => ({ Wk: [D, A], Wq: [H, A] }),
  additive: ({ D, H, A }: Sizes) => ({ Wk: [D, A], Wq: [H, A], b: [A], v: [A] }),
  window: ({ H }: Sizes) => ({ W: [H, 6], b: [6] }),
} as const;

function draw<S extends Record<string, readonly number[]>>(random: Random, shapes: S, scale = 0.7) {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      randomNormal(random, shape, scale, 'f64'),
    ]),
  ) as { [K in keyof S]: Tensor };
}

/** All that a cell with attention takes; M images for the N rows. */
function inputs<K extends keyof typeof shapes>(
  kind: K,
  cell: keyof typeof gates,
  s: Sizes,
  { M = s.N, gate = false, centred = false, C = s.D } = {},
) {
  const { N, T, L, D, W, H } = s;
  const random = new Random(7);
  const G = gates[cell] * H;
  return {
    ...draw(random, { x: [T, N, W], values: [M, L, D], h0: [N, H], c0: [N, H] }),
    cell: {
      ...draw(random, { Wx: [W, G], Wz: [C, G], Wh: [H, G], b: [G] }),
      ...(cell === 'gru' && draw(random, { bh: [H] })),
    },
    attention: {
      // A window's numbers are small: its map bends sharply, and differences of it are then less exact.
      ...draw(
        random,
        shapes[kind](s) as ReturnType<(typeof shapes)[K]>,
        kind === 'window' ? 0.2 : 0.7,
      ),
      ...(centred && { centre: draw(random, shapes.additive(s), 0.2) }),
      ...(gate && { gate: draw(random, { W: [H, 1], b: [1] }) }),
    },
  };
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
    /** The only place there is gets all the weight, whatever its score. */
    const idle = (kind: keyof typeof shapes, path = 'attention') =>
      s.L > 1 ? [] : Object.keys(shapes[kind](s)).map((name) => `${path}.${name}`);

    test('location', () => {
      const { c0, ...tree } = inputs('location', cell, s);
      expectRightGradients(
        (p) => list(locationAttention(p.x, p.values, p.h0, memory(c0), p.cell, p.attention, of)),
        tree,
        { idle: idle('location') },
      );
    });

    test('dot', () => {
      const { c0, ...tree } = inputs('dot', cell, s);
      expectRightGradients(
        (p) => list(dotAttention(p.x, p.values, p.h0, memory(c0), p.cell, p.attention, of)),
        tree,
        { idle: idle('dot') },
      );
    });

    test.each([false, true])('additive, gate %s', (gate) => {
      const { c0, ...tree } = inputs('additive', cell, s, { gate });
      expectRightGradients(
        (p) => list(additiveAttention(p.x, p.values, p.h0, memory(c0), p.cell, p.attention, of)),
        tree,
        { idle: idle('additive') },
      );
    });

    test.each([
      [1, false],
      [2, false],
      [1, true],
      [2, true],
    ])('through a window, glimpse %i, centred %s', (glimpse, centred) => {
      const C = glimpse ** 2 * s.D;
      const { c0, ...tree } = inputs('window', cell, s, { C, gate: true, centred });
      const options = { ...of, attention: { locations: [1, s.L] as const, glimpse } };
      expectRightGradients(
        (p) => list(windowAttention(p.x, p.values, p.h0, memory(c0), p.cell, p.attention, options)),
        tree,
        { idle: centred ? idle('additive', 'attention.centre') : [] },
      );
    });

    test('hard: the gradient through what lies at the chosen places', () => {
      const { c0, ...tree } = inputs('additive', cell, s, { gate: true });
      const random = new Random(3);
      const uniform = Float64Array.from({ length: s.T * s.N }, () => random.uniform());
      const f = (p: typeof tree) =>
        hardAttention(p.x, p.values, p.h0, memory(c0), p.cell, p.attention, {
          ...of,
          attention: { uniform },
        });
      // The weights hang together with h through the scores only; that way is checked with them.
      expectRightGradients((p) => list(f(p)), tree, { idle: idle('additive') });
    });
  });
});

const shared = { N: 4, T: 3, L: 5, D: 3, W: 2, H: 3, A: 6 };

describe('rows that share images: their gradients add up', () => {
  const of = () =>
    ({ cell: 'lstm', timeMajor: true, image: tensor([1, 0, 1, 1], { dtype: 'i32' }) }) as const;

  test('location', () => {
    const tree = inputs('location', 'lstm', shared, { M: 2 });
    expectRightGradients(
      (p) => list(locationAttention(p.x, p.values, p.h0, p.c0, p.cell, p.attention, of())),
      tree,
    );
  });

  test('dot', () => {
    const tree = inputs('dot', 'lstm', shared, { M: 2 });
    expectRightGradients(
      (p) => list(dotAttention(p.x, p.values, p.h0, p.c0, p.cell, p.attention, of())),
      tree,
    );
  });

  test('additive', () => {
    const tree = inputs('additive', 'lstm', shared, { M: 2 });
    expectRightGradients(
      (p) => list(additiveAttention(p.x, p.values, p.h0, p.c0, p.cell, p.attention, of())),
      tree,
    );
  });

  test.each([false, true])('through a window, centred %s', (centred) => {
    const tree = inputs('window', 'lstm', { ...shared, L: 6 }, { M: 2, C: 4 * shared.D, centred });
    const attention = { locations: [2, 3] as const, glimpse: 2 };
    expectRightGradients(
      (p) =>
        list(
          windowAttention(p.x, p.values, p.h0, p.c0, p.cell, p.attention, { ...of(), attention }),
        ),
      tree,
    );
  });
});

describe('places that are padding', () => {
  const s = { N: 3, T: 3, L: 5, D: 3, W: 2, H: 3, A: 6 };
  const rows = tensor([1, 0, 1], { dtype: 'i32' });
  /** Image 0 has its first two places only, image 1 all but the third. */
  const mask = () =>
    tensor(
      [
        [1, 1, 0, 0, 0],
        [1, 1, 0, 1, 1],
      ],
      { dtype: 'u8' },
    );
  const uniform = [0.1, 0.95, 0.5, 0.999, 0.3, 0.7, 0.2, 0.6, 0.4];
  const of = () => ({ cell: 'lstm', timeMajor: true, image: rows, mask: mask() }) as const;
  const drawn = <K extends 'location' | 'dot' | 'additive'>(kind: K) =>
    inputs(kind, 'lstm', s, { M: 2, gate: true });

  /** Weights of padding are 0, what lies there changes nothing, and no gradient comes to it. */
  function check<P extends TensorTree & { readonly values: Tensor }>(
    tree: P,
    f: (tree: P) => { h: Tensor; context: Tensor; looked: Tensor },
  ) {
    expectRightGradients((p: P) => list(f(p)), tree);
    const weights = f(tree)
      .looked.view(s.T * s.N, s.L)
      .dataSync();
    for (let row = 0; row < s.T * s.N; row++) {
      const own = Array.from(weights.subarray(row * s.L, (row + 1) * s.L));
      const there = row % s.N === 1 ? [0, 1] : [0, 1, 3, 4];
      for (const [l, weight] of own.entries()) expect(weight > 0).toBe(there.includes(l));
      expect(own.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
    }
    const learned = (p: P) => {
      const random = new Random(2);
      return valueAndGradients((q) => weightedSum(list(f(q)), () => random.normal()), p);
    };
    const values = tree.values.clone();
    values.at(0).slice(2, 5).fill(7);
    values.at(1).slice(2, 3).fill(-3);
    const [first, second] = [learned(tree), learned({ ...tree, values })];
    expect(second.value.item()).toBe(first.value.item());
    const again = new Map(leaves(second.gradients));
    for (const [path, gradient] of leaves(first.gradients)) {
      expect(again.get(path)?.dataSync(), path).toEqual(gradient.dataSync());
    }
    const { values: dValues } = first.gradients;
    for (const place of [dValues.at(0).slice(2, 5), dValues.at(1).slice(2, 3)]) {
      expect(place.dataSync().every((value) => value === 0)).toBe(true);
    }
  }

  test('location', () => {
    check(drawn('location'), (p) =>
      locationAttention(p.x, p.values, p.h0, p.c0, p.cell, p.attention, of()),
    );
  });

  test('dot', () => {
    check(drawn('dot'), (p) => dotAttention(p.x, p.values, p.h0, p.c0, p.cell, p.attention, of()));
  });

  test('additive', () => {
    check(drawn('additive'), (p) =>
      additiveAttention(p.x, p.values, p.h0, p.c0, p.cell, p.attention, of()),
    );
  });

  test('hard', () => {
    check(drawn('additive'), (p) =>
      hardAttention(p.x, p.values, p.h0, p.c0, p.cell, p.attention, {
        ...of(),
        attention: { uniform },
      }),
    );
  });

  test('an image without a place is refused, as is a mask of another form, and one for a window', () => {
    const { x, values, h0, c0, cell, attention } = drawn('dot');
    const run = (mask: Tensor) =>
      dotAttention(x, values, h0, c0, cell, attention, { ...of(), mask });
    expect(() => run(tensor(new Uint8Array(10), { shape: [2, 5], dtype: 'u8' }))).toThrow(
      ValueError,
    );
    expect(() => run(tensor(new Uint8Array(8), { shape: [2, 4], dtype: 'u8' }))).toThrow(
      ShapeError,
    );
    expect(() => run(zeros([2, 5]))).toThrow(DTypeError);
    const window = inputs('window', 'lstm', s, { M: 2 });
    expect(() =>
      windowAttention(
        window.x,
        window.values,
        window.h0,
        window.c0,
        window.cell,
        window.attention,
        {
          ...of(),
          attention: { locations: [1, 5], glimpse: 1 },
        },
      ),
    ).toThrow(UsageError);
  });
});

test('a window sees at first what the sampler makes of the whole grid', () => {
  const tree = inputs('window', 'rnn', { ...shared, L: 6, T: 1 }, { C: 6 * shared.D });
  const { values, x, h0, cell } = tree;
  const nothing = { W: zeros([3, 6], 'f64'), b: zeros([6], 'f64') };
  const options = {
    cell: 'rnn',
    timeMajor: true,
    attention: { locations: [6, 1], glimpse: 1 },
  } as const;
  const narrow = { ...cell, Wz: cell.Wz.slice(0, shared.D) };
  const { context, looked } = windowAttention(x, values, h0, undefined, narrow, nothing, options);
  expect([...looked.at(0).at(0).dataSync()]).toEqual([1, 0, 0, 0, 1, 0]);
  // The one point lies in the middle: between the third and the fourth of six places.
  const middle = values
    .at(1)
    .dataSync()
    .subarray(2 * shared.D, 4 * shared.D);
  const seen = [...context.at(0).at(1).dataSync()];
  expect(seen).toEqual(seen.map((_, d) => ((middle[d] ?? 0) + (middle[d + shared.D] ?? 0)) / 2));
});

describe('a window with a query', () => {
  const sizes = { ...shared, N: 2, L: 6, T: 1, D: 2, H: 1, A: 1 };
  /** What is asked for lies at place 5 of the first image and at places 0 and 1 of the second. */
  const things = [
    [0, 0, 0, 0, 0, 1],
    [1, 1, 0, 0, 0, 0],
  ];

  function attend(preference: number, raw: readonly number[]) {
    const { x, cell } = inputs('window', 'rnn', sizes);
    const values = tensor(
      things.map((image) => image.map((thing, place) => [thing, place])),
      { dtype: 'f64' },
    );
    const parameters = {
      W: zeros([1, 6], 'f64'),
      b: tensor(raw, { dtype: 'f64' }),
      centre: {
        Wk: tensor([[3], [0]], { dtype: 'f64' }),
        Wq: tensor([[-1]], { dtype: 'f64' }),
        b: tensor([-0.5], { dtype: 'f64' }),
        v: tensor([preference], { dtype: 'f64' }),
      },
    };
    const h0 = tensor([[1], [1]], { dtype: 'f64' });
    return windowAttention(x, values, h0, undefined, cell, parameters, {
      cell: 'rnn',
      timeMajor: true,
      attention: { locations: [2, 3], glimpse: 1 },
    });
  }

  test('has its middle amid the places that the query finds', () => {
    const { context, looked } = attend(60, [0, 0, 0, 0, 0, 0]);
    const [first = [], second = []] = [0, 1].map((n) => [...looked.at(0).at(n).dataSync()]);
    const expected = [
      [0.25, 0, 2 / 3, 0, 0.25, 0.5],
      [0.25, 0, -1 / 3, 0, 0.25, -0.5],
    ];
    for (const [index, value] of [...first, ...second].entries()) {
      expect(value).toBeCloseTo(expected.flat()[index] ?? Number.NaN, 12);
    }
    const seen = [0, 1].map((n) => [...context.at(0).at(n).dataSync()]);
    for (const [index, value] of [1, 5, 1, 0.5].entries()) {
      expect(seen.flat()[index]).toBeCloseTo(value, 12);
    }
  });

  test('without a preference lies in the middle of the grid, moved a little by the state', () => {
    const [a, , x, , d, y] = attend(0, [0, 0, 0.5, 0, 1, -9]).looked.at(0).at(1).dataSync();
    expect(a).toBeCloseTo(0.25, 12);
    expect(x).toBeCloseTo(Math.tanh(0.5) / 4, 12);
    expect(d).toBeCloseTo((1 + 0.75 * Math.tanh(1)) / 4, 12);
    expect(y).toBeCloseTo(-Math.tanh(9) / 4, 12);
  });
});
