import { afterEach, describe, expect, test, vi } from 'vitest';
import { engine, scope } from '@/engine/engine.js';
import type { Algorithm, Convolution } from '@/layers/convolution/algorithm.js';
import { conv2d } from '@/layers/convolution/conv2d.js';
import { byChannel } from '@/layers/convolution/depthwise.js';
import { byPatches } from '@/layers/convolution/patches.js';
import { byTiles } from '@/layers/convolution/winograd.js';
import { overOneFrame, type WindowOptions, windowsOver } from '@/layers/windows.js';
import { Random } from '@/random.js';
import { randomNormal, zeros } from '@/tensor/create.js';

interface Shape extends WindowOptions {
  readonly N: number;
  readonly C: number;
  readonly F: number;
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly groups?: number;
}

/** The three products of an algorithm, each on the same random inputs in float64. */
function products(algorithm: Algorithm, shape: Shape) {
  using _work = scope();
  const { N, C, F, size, kernel, groups = 1 } = shape;
  const windows = overOneFrame(windowsOver('test', [...size], [...kernel], shape));
  const convolution: Convolution = { N, C, F, groups, windows };
  const random = new Random(8);
  const x = randomNormal(random, [N, C, ...size], 1, 'f64');
  const W = randomNormal(random, [F, C / groups, ...kernel], 1, 'f64');
  const b = randomNormal(random, [F], 1, 'f64');
  // Two channels before and one behind are somebody else's.
  const y = zeros([N, F + 3, windows.OH, windows.OW], 'f64');
  algorithm.maps(y, 2, x, W, convolution, { b, floor: -0.5 });
  const plain = zeros([N, F, windows.OH, windows.OW], 'f64');
  algorithm.maps(plain, 0, x, W, convolution);
  const dy = randomNormal(random, plain.shape, 1, 'f64');
  const dx = zeros(x.shape, 'f64');
  algorithm.clips(dx, dy, W, convolution);
  const dW = randomNormal(random, W.shape, 1, 'f64');
  algorithm.filters(dW, x, dy, convolution);
  return {
    maps: y.dataSync(),
    'maps without a finish': plain.dataSync(),
    clips: dx.dataSync(),
    filters: dW.dataSync(),
  };
}

function agree(algorithm: Algorithm, shape: Shape): void {
  const expected = products(byPatches, shape);
  for (const [name, values] of Object.entries(products(algorithm, shape))) {
    const should = expected[name as keyof typeof expected];
    const squares = Array.from(should, (value) => value * value);
    const scale = Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / should.length);
    const errors = Array.from(should, (value, i) => Math.abs(value - (values[i] ?? Number.NaN)));
    expect(values.length, name).toBe(should.length);
    const worst = errors.reduce((most, error) => Math.max(most, error / scale), 0);
    expect(worst, name).toBeLessThan(1e-12);
  }
}

const three = [3, 3] as const;

describe("Winograd's tiles compute what patches do", () => {
  test.each<Shape>([
    { N: 2, C: 3, F: 4, size: [8, 8], kernel: three, padding: 1 },
    { N: 3, C: 2, F: 3, size: [13, 13], kernel: three, padding: 1 },
    { N: 1, C: 1, F: 1, size: [3, 3], kernel: three },
    { N: 2, C: 2, F: 1, size: [5, 18], kernel: three, padding: { top: 2, left: 1, right: 2 } },
    { N: 1, C: 1, F: 2, size: [1, 2], kernel: three, padding: 2 },
    // More than a block: several photos of several, and parts of one.
    { N: 5, C: 2, F: 3, size: [120, 120], kernel: three, padding: 1 },
    { N: 2, C: 2, F: 3, size: [230, 225], kernel: three, padding: 1 },
  ])('%j', (shape) => agree(byTiles, shape));
});

describe('a filter for every channel computes what patches do', () => {
  test.each<Shape>([
    { N: 2, C: 3, F: 3, groups: 3, size: [7, 9], kernel: three, padding: 1 },
    { N: 1, C: 2, F: 2, groups: 2, size: [20, 41], kernel: [5, 4], stride: 2, padding: 2 },
    { N: 2, C: 2, F: 2, groups: 2, size: [9, 12], kernel: [2, 3], stride: [3, 1], dilation: 2 },
    { N: 1, C: 4, F: 4, groups: 4, size: [6, 6], kernel: [1, 1], stride: 2, padding: 1 },
  ])('%j', (shape) => agree(byChannel, shape));
});

describe('the algorithm', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test.each([
    [
      'tiles for 3 x 3 filters over many channels',
      [2, 32, 16, 16],
      [32, 32, 3, 3],
      { padding: 1 },
      'winogradTiles',
    ],
    ['patches where the filters outweigh the places', [1, 64, 4, 4], [64, 64, 3, 3], {}, 'im2col'],
    ['patches over few channels', [2, 3, 16, 16], [8, 3, 3, 3], {}, 'im2col'],
    ['patches with a stride', [2, 32, 16, 16], [32, 32, 3, 3], { stride: 2 }, 'im2col'],
    [
      'a kernel for a filter for every channel',
      [2, 8, 6, 6],
      [8, 1, 3, 3],
      { groups: 8 },
      'depthwise',
    ],
    ['a product alone for 1 x 1 filters', [2, 8, 6, 6], [4, 8, 1, 1], {}, undefined],
  ] as const)('is %s', (_what, image, filters, options, kernel) => {
    using _work = scope();
    const kernels = engine().kernels.f32;
    const spies = (['winogradTiles', 'im2col', 'depthwise'] as const).map((name) => ({
      name,
      spy: vi.spyOn(kernels, name),
    }));
    conv2d(zeros(image), zeros(filters), zeros([filters[0]]), options);
    const used = spies.filter(({ spy }) => spy.mock.calls.length > 0).map(({ name }) => name);
    expect(used).toEqual(kernel ? [kernel] : []);
  });
});
