import { expectClose } from '@test/bounds.js';
import { type FixtureCase, fixture, fromFixture, relativeError } from '@test/golden.js';
import { expectRightGradients } from '@test/gradients.js';
import { inputs } from '@test/layers/inputs.js';
import { describe, expect, test } from 'vitest';
import { valueAndGradients } from '@/autograd/tape.js';
import { weightedSum } from '@/autograd/weighted-sum.js';
import { scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import { bidirectional } from '@/layers/recurrent/bidirectional.js';
import { gru, gruBackward, gruForward } from '@/layers/recurrent/gru.js';
import type { SequenceOptions } from '@/layers/recurrent/layout.js';
import { lstm, lstmBackward, lstmForward } from '@/layers/recurrent/lstm.js';
import { rnn, rnnBackward, rnnForward } from '@/layers/recurrent/rnn.js';
import { tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

/** What a cell takes: c0 of an LSTM, bh of a GRU. */
interface Inputs extends Record<string, Tensor> {
  x: Tensor;
  h0: Tensor;
  c0: Tensor;
  Wx: Tensor;
  Wh: Tensor;
  b: Tensor;
  bh: Tensor;
}

/** Each cell: its columns in multiples of H, itself as an op, and as a pair. */
const cells = {
  rnn: {
    gates: 1,
    op: ({ x, h0, Wx, Wh, b }: Inputs, options: SequenceOptions) => [
      rnn(x, h0, Wx, Wh, b, options),
    ],
    pair({ x, h0, Wx, Wh, b }: Inputs, { dh }: Cotangents, options: SequenceOptions) {
      const { h, cache } = rnnForward(x, h0, Wx, Wh, b, options);
      return { h, ...rnnBackward(dh, cache) };
    },
  },
  lstm: {
    gates: 4,
    op({ x, h0, Wx, Wh, b, c0 }: Inputs, options: SequenceOptions) {
      const { h, lastC } = lstm(x, h0, Wx, Wh, b, c0, options);
      return [h, lastC];
    },
    pair({ x, h0, Wx, Wh, b, c0 }: Inputs, { dh, dLastC }: Cotangents, options: SequenceOptions) {
      const { h, lastC, cache } = lstmForward(x, h0, Wx, Wh, b, c0, options);
      return { h, lastC, ...lstmBackward(dh, cache, dLastC) };
    },
  },
  gru: {
    gates: 3,
    op: ({ x, h0, Wx, Wh, b, bh }: Inputs, options: SequenceOptions) => [
      gru(x, h0, Wx, Wh, b, bh, options),
    ],
    pair({ x, h0, Wx, Wh, b, bh }: Inputs, { dh }: Cotangents, options: SequenceOptions) {
      const { h, cache } = gruForward(x, h0, Wx, Wh, b, bh, options);
      return { h, ...gruBackward(dh, cache) };
    },
  },
};
interface Cotangents {
  dh: Tensor;
  dLastC: Tensor;
}
type Cell = keyof typeof cells;
const names = ['rnn', 'lstm', 'gru'] as const;

/** What the cell takes, and no more. */
function inputsOf(cell: Cell, x: readonly number[], N: number, H: number): Inputs {
  const G = cells[cell].gates * H;
  const [D = 0] = x.slice(-1);
  return inputs({
    x,
    h0: [N, H],
    Wx: [D, G],
    Wh: [H, G],
    b: [G],
    ...(cell === 'lstm' && { c0: [N, H] }),
    ...(cell === 'gru' && { bh: [H] }),
  }) as unknown as Inputs;
}

const list = (x: Tensor | undefined) => [...(x?.dataSync() ?? [])];

describe.each(names)('%s', (cell) => {
  const { op, pair } = cells[cell];

  test.each([
    { timeMajor: false, reverse: false },
    { timeMajor: true, reverse: false },
    { timeMajor: false, reverse: true },
    { timeMajor: true, reverse: true },
  ])('gradients over different lengths: %o', (options) => {
    using _work = scope();
    const tree = inputsOf(cell, options.timeMajor ? [5, 4, 3] : [4, 5, 3], 4, 3);
    expectRightGradients((p) => op(p, { ...options, lengths: [2, 4, 1, 4] }), tree);
  });

  test('gradients of reversed sequences of one length', () => {
    using _work = scope();
    expectRightGradients((p) => op(p, { reverse: true }), inputsOf(cell, [2, 3, 5], 2, 3));
  });

  test.each([false, true])('each sequence goes its own way, reverse %s', (reverse) => {
    using _work = scope();
    const [T, D, H] = [5, 3, 4];
    const lengths = [3, 5, 1];
    const tree = inputsOf(cell, [3, T, D], 3, H);
    const [h, lastC] = op(tree, { lengths, reverse });
    for (const [n, length] of lengths.entries()) {
      const first = { h0: tree.h0.slice(n, n + 1), c0: tree.c0?.slice(n, n + 1) };
      const x = tree.x.at(n).slice(0, length).view(1, length, D);
      const alone = { ...tree, ...first, x } as Inputs;
      const [its, memory] = op(alone, { reverse });
      const rounding = { dtype: 'f64', terms: 100, size: 1 } as const;
      expectClose(list(h?.at(n).slice(0, length)), list(its), rounding);
      expect(list(h?.at(n).slice(length, T))).toEqual(Array((T - length) * H).fill(0));
      expectClose(list(lastC?.at(n)), list(memory), rounding);
    }
  });

  test.each([false, true])('no bit depends on what is padded, reverse %s', (reverse) => {
    using _work = scope();
    const [N, T, D, H] = [3, 4, 3, 5];
    const lengths = Int32Array.of(2, 4, 1);
    const tree = inputsOf(cell, [N, T, D], N, H);
    const { dh, dLastC } = inputs({ dh: [N, T, H], dLastC: [N, H] }, 3);
    /** The valid steps of sequences (N, T, ...), with others behind them. */
    const over = (steps: number, x: Tensor, padding: number) => {
      const width = x.size / (N * T);
      const values = new Float64Array(N * steps * width).fill(padding);
      for (const [n, length] of lengths.entries()) {
        const valid = list(x).slice(n * T * width, (n * T + length) * width);
        values.set(valid, n * steps * width);
      }
      return tensor(values, { shape: [N, steps, width], dtype: 'f64' });
    };
    const run = (steps: number, padding: number): Record<string, Tensor> => {
      const x = over(steps, tree.x, padding);
      const cotangents = { dh: over(steps, dh, padding), dLastC };
      return pair({ ...tree, x }, cotangents, { lengths, reverse });
    };
    const [known, other] = [run(T, 0), run(T + 3, Number.NaN)];
    for (const [name, values] of Object.entries(known)) {
      const sequences = name === 'h' || name === 'dx';
      const expected = sequences ? over(T + 3, values, 0) : values;
      expect(list(other[name]), name).toEqual(list(expected));
    }
  });
});

describe('both directions agree with PyTorch in float64', () => {
  const cases = Object.entries(fixture<Record<string, FixtureCase>>('recurrent.json'));
  const both = cases.filter(([name]) => name.startsWith('both_'));

  test('the fixture has cases of every cell', () => {
    const counts = names.map(
      (cell) => both.filter(([name]) => name.startsWith(`both_${cell}_`)).length,
    );
    expect(counts).toEqual([3, 3, 3]);
  });

  /** The weights of one direction, which end in its name. */
  const direction = (tree: Record<string, Tensor>, name: string) =>
    Object.fromEntries(
      Object.entries(tree)
        .filter(([key]) => key.endsWith(name))
        .map(([key, value]) => [key.slice(0, -name.length), value]),
    );

  test.each(both)('%s', (name, { inputs: given, options, outputs, cotangents, gradients }) => {
    using _work = scope();
    const { op } = cells[names.find((cell) => name.startsWith(`both_${cell}_`)) ?? 'rnn'];
    const tree = Object.fromEntries(
      Object.keys(given).map((key) => [key, fromFixture(given, key)]),
    ) as { x: Tensor };
    const { gradients: found } = valueAndGradients((p) => {
      const memories: Tensor[] = [];
      const read = bidirectional((x, weights: Record<string, Tensor>, how) => {
        const [h = x, ...lastC] = op({ ...weights, x } as Inputs, how);
        memories.push(...lastC);
        return h;
      });
      const sides = { forward: direction(p, '_forward'), backward: direction(p, '_backward') };
      const results = [read(p.x, sides, options), ...memories];
      for (const [i, [key, { data }]] of Object.entries(outputs).entries()) {
        expect(relativeError(list(results[i]), data), key).toBeLessThan(1e-9);
      }
      const weights = Object.keys(outputs).flatMap((key) => cotangents[`d${key}`]?.data ?? []);
      const next = weights.values();
      return weightedSum(results, () => Number(next.next().value));
    }, tree);
    for (const [key, value] of Object.entries(found)) {
      const expected = gradients[`d${key}`]?.data ?? [];
      expect(relativeError(list(value), expected), `d${key}`).toBeLessThan(1e-7);
    }
  });
});

describe('lengths that are none', () => {
  const f64 = (...shape: number[]) => zeros(shape, 'f64');
  const run = (lengths: ArrayLike<number>) =>
    rnn(f64(2, 3, 4), f64(2, 5), f64(4, 5), f64(5, 5), f64(5), { lengths });
  test.each<[ArrayLike<number>, new (...args: never[]) => Error, RegExp]>([
    [[3], ShapeError, /rnn: 1 lengths for 2 sequences/],
    [[3, 0], ValueError, /rnn: sequence 1 has length 0, .*from 1 to the 3 steps/],
    [Int32Array.of(4, 1), ValueError, /sequence 0 has length 4/],
    [[1.5, 1], ValueError, /sequence 0 has length 1\.5/],
    [[1, Number.NaN], ValueError, /sequence 1 has length NaN/],
  ])('%s', (lengths, type, message) => {
    using _work = scope();
    expect(() => run(lengths)).toThrow(type);
    expect(() => run(lengths)).toThrow(message);
  });

  test('no sequences and no steps are no trouble', () => {
    using _work = scope();
    const weights = [f64(4, 5), f64(5, 5), f64(5)] as const;
    expect(rnn(f64(0, 3, 4), f64(0, 5), ...weights, { lengths: [] }).shape).toEqual([0, 3, 5]);
    expect(rnn(f64(2, 0, 4), f64(2, 5), ...weights, { reverse: true }).shape).toEqual([2, 0, 5]);
  });
});
