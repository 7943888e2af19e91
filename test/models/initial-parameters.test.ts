import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { lstmStepForward } from '@/layers/recurrent/lstm.js';
import { Captioner } from '@/models/captioner.js';
import { type CaptionerConfig, cells } from '@/models/captioner-config.js';
import { Random } from '@/random.js';
import { randomNormal, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const H = 3;
const small = { featureSize: 4, embeddingSize: 5, hiddenSize: H, vocabularySize: 7, layers: 2 };
const grid = { kind: 'additive', locations: [2, 2], valueSize: 4, size: 3 } as const;
const cnn = { size: 8, filters: [4] };

const list = (x: Tensor | undefined) => [...(x?.dataSync() ?? [])];

/** The biases of an untrained captioner's cells, the lower layer's first. */
function biases(config: Partial<CaptionerConfig>) {
  const { parameters } = new Captioner(
    { cell: 'lstm', ...small, ...config },
    { random: new Random(1), dtype: 'f64' },
  );
  const { cell, layers } = parameters;
  return [cell, layers.layer2].map((weights) => ({ b: list(weights?.b), bh: list(weights?.bh) }));
}

const each = (value: number) => new Array<number>(H).fill(value);
/** Gates i, f, o, g. */
const remembering = (forget: number) => [...each(0), ...each(forget), ...each(0), ...each(0)];

describe('an untrained cell', () => {
  test.each<[string, Partial<CaptionerConfig>, number]>([
    ['features', {}, 1],
    ['an attention', { attention: grid }, 1],
    ['pictures', { cnn }, 3],
    ['pictures with an attention', { cnn, attention: { ...grid, locations: [4, 4] } }, 1],
  ])(
    'of an LSTM for %s has a bias in its forget gates and nowhere else',
    (_name, config, forget) => {
      using _work = scope();
      const expected = { b: remembering(forget), bh: [] };
      expect(biases(config)).toEqual([expected, expected]);
    },
  );

  test.each(cells.filter((cell) => cell !== 'lstm'))('of a %s has none', (cell) => {
    using _work = scope();
    const expected = { b: each(0), bh: [] as number[] };
    if (cell === 'gru') Object.assign(expected, { b: new Array(3 * H).fill(0), bh: each(0) });
    expect(biases({ cell })).toEqual([expected, expected]);
  });

  test('of an LSTM keeps its memory where only that gate is open', () => {
    using _work = scope();
    const random = new Random(2);
    const normal = (...shape: number[]) => randomNormal(random, shape, 1, 'f64');
    const [x, h, c] = [normal(1, 2), normal(1, H), normal(1, H)];
    const [Wx, Wh] = [zeros([2, 4 * H], 'f64'), zeros([H, 4 * H], 'f64')];
    const b = zeros([4 * H], 'f64').assign(remembering(50).map((bias) => bias || -50));
    const { nextC, nextH } = lstmStepForward(x, h, c, Wx, Wh, b);
    for (const [i, value] of list(nextC).entries()) {
      expect(value).toBeCloseTo(list(c)[i] ?? Number.NaN, 14);
    }
    for (const value of list(nextH)) expect(value).toBeCloseTo(0, 14);
  });
});
