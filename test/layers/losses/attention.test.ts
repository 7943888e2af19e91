import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { valueAndGradients } from '@/autograd/tape.js';
import { leaves, mapTree } from '@/autograd/tree.js';
import { scope } from '@/engine/engine.js';
import { ShapeError } from '@/errors.js';
import { hardAttention } from '@/layers/attention/scored.js';
import { temporalAffine } from '@/layers/dense.js';
import { doublyStochastic, reinforce } from '@/layers/losses/attention.js';
import { temporalSoftmaxLoss } from '@/layers/losses/softmax.js';
import { addAttentionLosses } from '@/models/captioner-losses.js';
import { Random } from '@/random.js';
import { randomNormal, tensor } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

/** (T, N, L) weights of places, each row adding up to 1, none near 0. */
function someWeights(random: Random, T: number, N: number, L: number): Tensor {
  const rows = Array.from({ length: T * N }, () => {
    const raw = Array.from({ length: L }, () => 0.2 + random.uniform());
    const sum = raw.reduce((a, b) => a + b);
    return raw.map((value) => value / sum);
  });
  return tensor(rows.flat(), { shape: [T, N, L], dtype: 'f64' });
}

/** For each row a number that decides for `place(row)`, in the middle of what decides for it. */
function deciding(weights: Tensor, place: (row: number) => number): Float64Array {
  const L = weights.shape[2] ?? 0;
  const w = Float64Array.from(weights.dataSync());
  return Float64Array.from({ length: weights.size / L }, (_, row) => {
    const taken = place(row);
    const before = w.subarray(row * L, row * L + taken).reduce((a, b) => a + b, 0);
    return before + (w[row * L + taken] ?? 0) / 2;
  });
}

const mask = tensor(
  [
    [1, 1, 1],
    [1, 0, 1],
    [1, 1, 0],
    [0, 1, 0],
  ],
  { dtype: 'u8' },
);
const [T = 0, N = 0] = mask.shape;
const L = 5;

describe('gradients agree with central differences, of every weight', () => {
  test('doublyStochastic', () => {
    using _work = scope();
    const weights = someWeights(new Random(3), T, N, L);
    const { checked } = expectRightGradients(
      (p) => doublyStochastic(p.weights, mask, { lambda: 0.7 }),
      {
        weights,
      },
    );
    expect(checked).toBe(T * N * L);
  });

  test.each([0, 0.3])('reinforce, entropy %d', (entropy) => {
    using _work = scope();
    const random = new Random(4);
    const weights = someWeights(random, T, N, L);
    const options = {
      uniform: deciding(weights, () => random.integer(L)),
      advantage: [1.3, -0.8, 0.4],
      entropy,
    };
    const { checked } = expectRightGradients((p) => reinforce(p.weights, mask, options), {
      weights,
    });
    expect(checked).toBe(T * N * L);
  });
});

test('values by hand', () => {
  using _work = scope();
  const weights = tensor(
    [
      [
        [0.5, 0.25, 0.25],
        [0.125, 0.75, 0.125],
      ],
      [
        [0.25, 0.25, 0.5],
        [1, 0, 0],
      ],
    ],
    { dtype: 'f64' },
  );
  const counts = tensor(
    [
      [1, 1],
      [1, 0],
    ],
    { dtype: 'u8' },
  );
  // What is missing to 1: of the first caption 1/4, 1/2, 1/4; of the second 7/8, 1/4, 7/8.
  const missing = 1 / 16 + 1 / 4 + 1 / 16 + 49 / 64 + 1 / 16 + 49 / 64;
  expect(doublyStochastic(weights, counts, { lambda: 3 }).item()).toBeCloseTo(
    (3 / 2) * missing,
    14,
  );

  // Taken are places 0 and 2 by the first caption, place 1 by the second.
  const uniform = [0.4, 0.5, 0.9, 0];
  const paid = 2 * (Math.log(0.5) + Math.log(0.5)) - 5 * Math.log(0.75);
  const rewarded = reinforce(weights, counts, { uniform, advantage: [2, -5], entropy: 0 });
  expect(rewarded.item()).toBeCloseTo(-paid / 2, 14);
  // H(1/2, 1/4, 1/4) = 3/2 log 2, twice.
  const open = 3 * Math.log(2) - 0.25 * Math.log(0.125) - 0.75 * Math.log(0.75);
  const both = reinforce(weights, counts, { uniform, advantage: [2, -5], entropy: 0.1 });
  expect(both.item()).toBeCloseTo(-(paid + 0.1 * open) / 2, 14);
  expect(() => reinforce(weights, counts, { uniform, advantage: [1], entropy: 0 })).toThrow(
    ShapeError,
  );
});

/**
 * A captioner with hard attention in small, made of ops: two captions of two and three words, two
 * places to look at, so 2^5 ways to look.
 */
describe('over all ways to look', () => {
  const [places, words, H] = [2, 4, 3];
  const random = new Random(8);
  const normal = (...shape: number[]) => randomNormal(random, shape, 1, 'f64');
  const parameters = {
    x: normal(3, 2, 2),
    values: normal(2, places, 2),
    h0: normal(2, H),
    cell: { Wx: normal(2, H), Wz: normal(2, H), Wh: normal(H, H), b: normal(H) },
    attention: { Wk: normal(2, 3), Wq: normal(H, 3), b: normal(3), v: normal(3) },
    W: normal(H, words),
    c: normal(words),
  };
  type Parameters = typeof parameters;
  const target = tensor(
    [
      [1, 3],
      [2, 0],
      [3, 0],
    ],
    { dtype: 'i32' },
  );
  const counts = tensor(
    [
      [1, 1],
      [1, 1],
      [0, 1],
    ],
    { dtype: 'u8' },
  );
  /** The rows (t, n) that count. */
  const rows = [...counts.dataSync().entries()].flatMap(([row, count]) => (count ? [row] : []));
  const ways = Array.from({ length: places ** rows.length }, (_, way) => {
    const taken = new Int32Array(6);
    for (const [i, row] of rows.entries()) taken[row] = (way >> i) & 1;
    return taken;
  });

  function speak(p: Parameters, uniform: Float64Array) {
    const { h, looked } = hardAttention(p.x, p.values, p.h0, undefined, p.cell, p.attention, {
      cell: 'rnn',
      timeMajor: true,
      attention: { uniform },
    });
    const scores = temporalAffine(h, p.W, p.c);
    const loss = temporalSoftmaxLoss(scores, target, counts, { batchSize: 2 });
    return { loss, scores, looked };
  }

  /** The numbers that make the captioner look there; a step's depend on the places before. */
  function decidingFor(taken: Int32Array): Float64Array {
    let uniform: Float64Array = new Float64Array(6);
    for (let t = 0; t < 3; t++) {
      using _work = scope();
      const { looked } = speak(parameters, uniform);
      uniform = deciding(looked, (row) => taken[row] ?? 0);
    }
    return uniform;
  }
  const uniforms = ways.map(decidingFor);

  /** Probability of looking there, and the entropies of the choices on the way. */
  function chances(looked: Tensor, taken: Int32Array): { probability: number; entropy: number } {
    const w = looked.dataSync();
    let [probability, entropy] = [1, 0];
    for (const row of rows) {
      probability *= w[row * places + (taken[row] ?? 0)] ?? Number.NaN;
      for (const value of w.subarray(row * places, (row + 1) * places)) {
        entropy -= value * Math.log(value);
      }
    }
    return { probability, entropy };
  }

  /** Each way's probability as the parameters are now, the loss there, and the entropy. */
  function tellAll() {
    using _work = scope();
    return ways.map((taken, way) => {
      const { loss, looked } = speak(parameters, uniforms[way] ?? new Float64Array(6));
      return { loss: loss.item(), ...chances(looked, taken) };
    });
  }
  const start = tellAll();

  test('the ways are all there are', () => {
    expect(ways).toHaveLength(32);
    expect(start.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 14);
    expect(new Set(start.map(({ loss }) => loss)).size).toBeGreaterThan(20);
  });

  test.each([
    ['without a baseline', 0, 0],
    ['with a baseline', -0.9, 0],
    ['with the entropy', -0.9, 0.25],
  ])(
    'the mean of the estimates is the gradient of the mean loss, %s',
    (_name, baseline, entropy) => {
      using _work = scope();
      const attention = { kind: 'hard', doublyStochastic: 0, entropy } as const;
      const mean = new Map<string, Float64Array>();
      for (const [way, uniform] of uniforms.entries()) {
        using _step = scope();
        const { gradients } = valueAndGradients((p) => {
          const { loss, scores, looked } = speak(p, uniform);
          const spoken = { scores, target, mask: counts, attention: looked, uniform };
          return addAttentionLosses(loss, attention, spoken, baseline).total;
        }, parameters);
        for (const [path, gradient] of leaves(gradients)) {
          const sum = mean.get(path) ?? new Float64Array(gradient.size);
          for (const [i, value] of gradient.dataSync().entries()) {
            sum[i] = (sum[i] ?? 0) + (start[way]?.probability ?? Number.NaN) * value;
          }
          mean.set(path, sum);
        }
      }
      // The mean loss, exactly; the entropy (a mean over the captions, too) of the ways as they were likely.
      const objective = () =>
        tellAll().reduce((sum, { probability, loss, entropy: open }, way) => {
          return sum + probability * loss - (start[way]?.probability ?? 0) * entropy * (open / 2);
        }, 0);
      let largest = 0;
      mapTree(parameters, (leaf, path) => {
        const values = leaf.dataSync();
        for (const [i, value] of values.entries()) {
          const at = (moved: number) => {
            values[i] = moved;
            leaf.assign(values);
            return objective();
          };
          const numeric = (at(value + 1e-5) - at(value - 1e-5)) / 2e-5;
          at(value);
          expect(mean.get(path)?.[i], `${path}[${i}]`).toBeCloseTo(numeric, 8);
          largest = Math.max(largest, Math.abs(numeric));
        }
        return leaf;
      });
      expect(largest).toBeGreaterThan(0.1);
    },
  );

  test('the baseline makes the estimates vary less', () => {
    const variance = (baseline: number) => {
      const attention = { kind: 'hard', doublyStochastic: 0, entropy: 0 } as const;
      let [squares, mean] = [0, new Float64Array(parameters.attention.Wq.size)];
      for (const [way, uniform] of uniforms.entries()) {
        using _step = scope();
        const { gradients } = valueAndGradients((p) => {
          const { loss, scores, looked } = speak(p, uniform);
          const spoken = { scores, target, mask: counts, attention: looked, uniform };
          return addAttentionLosses(loss, attention, spoken, baseline).total;
        }, parameters);
        const chance = start[way]?.probability ?? Number.NaN;
        const g = gradients.attention.Wq.dataSync();
        mean = mean.map((m, i) => m + chance * (g[i] ?? 0));
        for (const value of g) squares += chance * value * value;
      }
      return squares - mean.reduce((sum, m) => sum + m * m, 0);
    };
    // -log p of a word: the mean loss is a sum over five words of two captions.
    const mean = start.reduce((sum, { probability, loss }) => sum + probability * loss, 0);
    expect(variance((-2 * mean) / 5)).toBeLessThan(variance(0) / 2);
  });
});
