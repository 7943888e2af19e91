import { expectRightGradients } from '@test/gradients.js';
import { inputs, sizes } from '@test/layers/inputs.js';
import { describe, expect, test } from 'vitest';
import { engine, scope } from '@/engine/engine.js';
import { ValueError } from '@/errors.js';
import { dropout } from '@/layers/elementwise/dropout.js';
import { Random } from '@/random.js';
import { full, randomNormal, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const list = (x: Tensor) => [...x.dataSync()];

describe('dropout', () => {
  const n = 20_000;
  const ones = full([n], 1, 'f64');
  const seeds = [0, 1, 2, 12345, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1];
  const kept = (rate: number, seed: number) =>
    list(dropout(ones, { rate, seed })).map((value) => value !== 0);
  const share = (values: boolean[]) => values.filter(Boolean).length / values.length;

  test.each([0.1, 0.5, 0.9])('keeps 1 - %s of the values, for any seed', (rate) => {
    const sigma = Math.sqrt((rate * (1 - rate)) / n);
    for (const seed of seeds) {
      expect(Math.abs(share(kept(rate, seed)) - (1 - rate))).toBeLessThan(4 * sigma);
    }
  });

  test('divides what is kept by the share of it, so that the expectation stays', () => {
    const rate = 0.3;
    const values = list(dropout(ones, { rate, seed: 8 }));
    expect(new Set(values)).toEqual(new Set([0, 1 / (1 - rate)]));
    const mean = values.reduce((sum, value) => sum + value, 0) / n;
    expect(Math.abs(mean - 1)).toBeLessThan((4 * Math.sqrt(rate / (1 - rate))) / Math.sqrt(n));
  });

  test('drops the same values for the same seed, in either element type', () => {
    const again = list(dropout(full([n], 1, 'f32'), { rate: 0.5, seed: 3 }));
    expect(again.map((value) => value !== 0)).toEqual(kept(0.5, 3));
  });

  test('drops independently of neighbouring seeds and of neighbouring places', () => {
    const four = 4 * Math.sqrt((0.25 * 0.75) / n);
    for (const seed of seeds.slice(0, -1)) {
      const [a, b] = [kept(0.5, seed), kept(0.5, seed + 1)];
      expect(Math.abs(share(a.map((value, i) => value && b[i] === true)) - 0.25)).toBeLessThan(
        four,
      );
      for (const distance of [1, 2, 4, 64]) {
        const pairs = a.slice(distance).map((value, i) => value && a[i] === true);
        expect(Math.abs(share(pairs) - 0.25)).toBeLessThan(four);
      }
    }
  });

  test('of rate 0 changes nothing; close to 1 keeps next to nothing', () => {
    const x = randomNormal(new Random(1), [100], 1, 'f64');
    expect(list(dropout(x, { rate: 0, seed: 1 }))).toEqual(list(x));
    expect(share(kept(1 - 2 ** -33, 1))).toBeLessThan(0.001);
  });

  describe('locked', () => {
    const [T, N, H] = [4, 3, 37];

    test('drops at every time step what plain dropout of that step drops', () => {
      for (const dtype of ['f32', 'f64'] as const) {
        const x = randomNormal(new Random(2), [T, N, H], 1, dtype);
        const options = { rate: 0.4, seed: 11 };
        const out = dropout(x, { ...options, locked: true });
        expect(out.shape).toEqual([T, N, H]);
        for (let t = 0; t < T; t++) {
          expect(list(out.at(t)).map((v) => v || 0)).toEqual(list(dropout(x.at(t), options)));
        }
        expect(list(out)).not.toEqual(list(dropout(x, options)));
      }
    });

    test('sends the cotangent through the same mask', () => {
      const x = randomNormal(new Random(3), [T, N, 5], 1, 'f64');
      const options = { rate: 0.5, seed: 9, locked: true };
      expectRightGradients((tree) => dropout(tree.x, options), { x });
    });

    test('keeps no scratch memory, and takes a sequence of no steps', () => {
      using _work = scope();
      const x = full([T, N, H], 1);
      const before = engine().heap.usedBytes;
      const out = dropout(x, { rate: 0.5, seed: 1, locked: true });
      expect(engine().heap.usedBytes - before).toBe(out.storage.bytes);
      const none = dropout(full([0, N, H], 1), { rate: 0.5, seed: 1, locked: true });
      expect(none.shape).toEqual([0, N, H]);
    });
  });
});

describe.each(sizes)('N $N, T $T, D $D, H $H', ({ N, T, D }) => {
  test('dropout', () => {
    const tree = inputs({ x: [N, T, D] });
    expectRightGradients(({ x }) => dropout(x, { rate: 0.4, seed: 5 }), tree);
  });
});

test('a rate that is none is named', () => {
  const at = (rate: number) => () => dropout(zeros([3], 'f64'), { rate, seed: 0 });
  expect(at(1)).toThrow(ValueError);
  expect(at(1)).toThrow(/rate must lie in \[0, 1\), not 1/);
  expect(at(Number.NaN)).toThrow(ValueError);
  expect(at(Number.NaN)).toThrow(/not NaN/);
});
