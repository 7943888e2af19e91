import { fixture, ramp, relativeError } from '@test/golden.js';
import { describe, expect, test } from 'vitest';
import { temporalSoftmaxLossForward } from '@/layers/losses/softmax.js';
import { lstmForward, lstmStepForward } from '@/layers/recurrent/lstm.js';
import { rnnForward, rnnStepForward } from '@/layers/recurrent/rnn.js';
import { Random } from '@/random.js';
import { full, randomNormal, tensor } from '@/tensor/create.js';

type Range = { linspace: [number, number] };
type Entry = {
  dims: Record<string, number>;
  inputs: Record<string, Range>;
  [output: string]: unknown;
};

describe('the reference values of CS231n, assignment 3', () => {
  const golden = fixture<Record<string, Entry>>('cs231n.json');

  /** The inputs of an entry, each a ramp in the shape that its letters say. */
  function read(name: string, shapes: Record<string, string[]>) {
    const entry = golden[name];
    if (!entry) throw new Error(`the fixture has no ${name}`);
    const extent = (letter: string) =>
      letter === '4H' ? 4 * (entry.dims.H ?? 0) : (entry.dims[letter] ?? 0);
    const inputs = Object.entries(shapes).map(([input, letters]) => {
      const range = entry.inputs[input];
      if (!range) throw new Error(`${name} has no input ${input}`);
      return ramp(range.linspace, ...letters.map(extent));
    });
    return {
      inputs,
      expected: (output: string) => (entry[output] as number[][]).flat(3) as number[],
    };
  }

  test('rnn_step_forward', () => {
    const { inputs, expected } = read('rnn_step_forward', {
      x: ['N', 'D'],
      prev_h: ['N', 'H'],
      Wx: ['D', 'H'],
      Wh: ['H', 'H'],
      b: ['H'],
    });
    const [x, prevH, Wx, Wh, b] = inputs as Five;
    expect(
      relativeError(rnnStepForward(x, prevH, Wx, Wh, b).nextH.dataSync(), expected('next_h')),
    ).toBeLessThan(1e-7);
  });

  test('rnn_forward', () => {
    const { inputs, expected } = read('rnn_forward', {
      x: ['N', 'T', 'D'],
      h0: ['N', 'H'],
      Wx: ['D', 'H'],
      Wh: ['H', 'H'],
      b: ['H'],
    });
    const [x, h0, Wx, Wh, b] = inputs as Five;
    expect(relativeError(rnnForward(x, h0, Wx, Wh, b).h.dataSync(), expected('h'))).toBeLessThan(
      1e-7,
    );
  });

  test('lstm_step_forward', () => {
    const { inputs, expected } = read('lstm_step_forward', {
      x: ['N', 'D'],
      prev_h: ['N', 'H'],
      prev_c: ['N', 'H'],
      Wx: ['D', '4H'],
      Wh: ['H', '4H'],
      b: ['4H'],
    });
    const [x, prevH, prevC, Wx, Wh, b] = inputs as [...Five, Five[0]];
    const { nextH, nextC } = lstmStepForward(x, prevH, prevC, Wx, Wh, b);
    expect(relativeError(nextH.dataSync(), expected('next_h'))).toBeLessThan(1e-7);
    expect(relativeError(nextC.dataSync(), expected('next_c'))).toBeLessThan(1e-7);
  });

  test('lstm_forward', () => {
    const { inputs, expected } = read('lstm_forward', {
      x: ['N', 'T', 'D'],
      h0: ['N', 'H'],
      Wx: ['D', '4H'],
      Wh: ['H', '4H'],
      b: ['4H'],
    });
    const [x, h0, Wx, Wh, b] = inputs as Five;
    expect(relativeError(lstmForward(x, h0, Wx, Wh, b).h.dataSync(), expected('h'))).toBeLessThan(
      1e-7,
    );
  });

  test.each([
    { N: 100, T: 1, keep: 1, low: 2.2, high: 2.4 },
    { N: 100, T: 10, keep: 1, low: 22.5, high: 23.5 },
    { N: 5000, T: 10, keep: 0.1, low: 2.2, high: 2.4 },
  ])('temporal_softmax_loss of small scores, N=$N T=$T mask $keep', ({ N, T, keep, low, high }) => {
    const random = new Random(231);
    const x = randomNormal(random, [N, T, 10], 0.001, 'f64');
    const words = Int32Array.from({ length: N * T }, () => random.integer(10));
    const kept = Uint8Array.from({ length: N * T }, () => (random.uniform() < keep ? 1 : 0));
    const y = tensor(words, { shape: [N, T], dtype: 'i32' });
    const mask = keep === 1 ? full([N, T], 1, 'u8') : tensor(kept, { shape: [N, T], dtype: 'u8' });
    const loss = temporalSoftmaxLossForward(x, y, mask).loss.item();
    expect(loss).toBeGreaterThan(low);
    expect(loss).toBeLessThan(high);
  });
});

type Input = ReturnType<typeof ramp>;
type Five = [Input, Input, Input, Input, Input];
