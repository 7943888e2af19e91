import { largest, largestDifference } from '@test/bounds.js';
import { describe, expect, test } from 'vitest';
import { valueAndGradients } from '@/autograd/tape.js';
import { DTypeError, ShapeError, ValueError } from '@/errors.js';
import { sum } from '@/layers/indexing/reductions.js';
import { type FarnebackOptions, farneback } from '@/motion/farneback.js';
import { hornSchunck } from '@/motion/horn-schunck.js';
import { full, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';
import { type Motion, offMotion, waves } from './scenes.js';

/** Small images have a pyramid, too. */
const methods = {
  hornSchunck: (a: Tensor, b: Tensor, options = {}) => hornSchunck(a, b, options),
  farneback: (a: Tensor, b: Tensor, options = {}) =>
    farneback(a, b, { smallestSide: 12, ...options }),
};

/** Several images as a batch. */
function stacked(images: readonly Tensor[]): Tensor {
  const [first] = images;
  const values = images.flatMap((image) => [...image.dataSync()]);
  return tensor(values, {
    shape: [images.length, ...(first?.shape ?? [])],
    dtype: first?.dtype ?? 'f32',
  });
}

describe.each(Object.entries(methods))('%s', (name, flowOf) => {
  const motions: readonly Motion[] = [
    [0.4, -0.25],
    [1.5, 1],
    [-3, 2],
    [0, -2],
  ];
  // No side is a multiple of the vectors' width, one, and both.
  const sizes = [
    [47, 61],
    [60, 40],
    [50, 33],
  ] as const;
  test.each(motions.flatMap((motion) => sizes.map((size) => ({ motion, size }))))(
    'finds the shift $motion in $size',
    ({ motion, size }) => {
      const flow = flowOf(waves(size), waves(size, motion));
      expect(flow.shape).toEqual([...size, 2]);
      const inside = offMotion(flow, motion, 6);
      expect(inside.mean).toBeLessThan(0.02);
      expect(inside.largest).toBeLessThan(0.35);
      // Near the edges something is seen once only.
      expect(offMotion(flow, motion, 0).mean).toBeLessThan(0.08);
    },
  );

  test('a pyramid finds what a single size does not', () => {
    const size = [90, 110] as const;
    const motion: Motion = [11, -8];
    const [a, b] = [waves(size, [0, 0], { shortest: 16 }), waves(size, motion, { shortest: 16 })];
    const off = (options = {}) => offMotion(flowOf(a, b, options), motion, 22).mean;
    expect(off()).toBeLessThan(0.03);
    expect(off({ levels: 0 })).toBeGreaterThan(2);
    // Smaller steps do as well.
    expect(off({ pyrScale: 0.7 })).toBeLessThan(0.03);
  });

  test('where nothing moves there is no flow at all', () => {
    const a = waves([31, 45]);
    const flow = flowOf(a, a.clone());
    // Farneback's looks beyond the last row and column, as OpenCV's does, where it knows nothing.
    if (name === 'farneback') expect(offMotion(flow, [0, 0], 0).mean).toBeLessThan(0.03);
    else expect(largest(flow.dataSync())).toBe(0);
  });

  test('images without texture have no flow, and strange ones a finite one', () => {
    const flat = full([20, 20], 77);
    expect(largest(flowOf(flat, flat).dataSync())).toBe(0);
    const brighter = flowOf(flat, full([20, 20], 99)).dataSync();
    expect(largest(brighter)).toBeLessThan(1e-3);
    const dots = tensor(
      Array.from({ length: 900 }, (_, i) => (i % 37 === 0 ? 255 : 0)),
      { shape: [30, 30] },
    );
    expect(
      Number.isFinite(largest(flowOf(dots, flat.view(20, 20) && zeros([30, 30])).dataSync())),
    ).toBe(true);
  });

  test('the pair reversed moves back', () => {
    const motion: Motion = [1.25, -0.75];
    const [a, b] = [waves([50, 50]), waves([50, 50], motion)];
    const [there, back] = [flowOf(a, b), flowOf(b, a)];
    const returned = tensor(
      back.dataSync().map((value) => -value),
      { shape: back.shape },
    );
    expect(offMotion(returned, motion, 6).mean).toBeLessThan(0.02);
    const difference = largestDifference(there.dataSync(), returned.dataSync());
    expect(difference).toBeGreaterThan(0);
  });

  test.each([
    [1, 1],
    [1, 2],
    [1, 37],
    [37, 1],
    [2, 2],
    [3, 5],
    [5, 3],
    [9, 8],
  ])('%i x %i has a finite flow', (H, W) => {
    const flow = flowOf(waves([H, W]), waves([H, W], [0.5, 0.25]));
    expect(flow.shape).toEqual([H, W, 2]);
    expect(largest(flow.dataSync())).toBeLessThan(20);
  });

  test('a batch is its pairs, however many are taken at a time', () => {
    const size = [60, 43] as const;
    // More pixels than are taken at once; the last part is shorter.
    const count = 29;
    const shifts = Array.from({ length: count }, (_, i): Motion => [Math.sin(i), Math.cos(2 * i)]);
    const previous = shifts.map((_, i) => waves(size, [0, 0], { seed: i + 1 }));
    const next = shifts.map((shift, i) => waves(size, shift, { seed: i + 1 }));
    const options = { iterations: 2 };
    const flow = flowOf(stacked(previous), stacked(next), options);
    expect(flow.shape).toEqual([count, ...size, 2]);
    for (const i of [0, 1, 13, 28]) {
      const [a, b] = [previous[i], next[i]];
      const alone = a && b && flowOf(a, b, options);
      expect(flow.at(i).dataSync()).toEqual(alone?.dataSync());
    }
  });

  test('f32 is as exact as need be, and bytes are computed with as f32', () => {
    const motion: Motion = [1.3, 0.6];
    const [a, b] = [waves([40, 52]), waves([40, 52], motion)];
    const exact = [a, b].map((x) => tensor(x.dataSync(), { shape: x.shape, dtype: 'f64' }));
    const [p, q] = exact;
    const [single, double] = [flowOf(a, b), p && q && flowOf(p, q)];
    expect(double?.dtype).toBe('f64');
    expect(largestDifference(single.dataSync(), double?.dataSync() ?? [])).toBeLessThan(2e-3);
    const bytes = [a, b].map((x) =>
      tensor(Uint8Array.from(x.dataSync()), { shape: x.shape, dtype: 'u8' }),
    );
    const floats = bytes.map((x) => tensor(x.dataSync(), { shape: x.shape }));
    const [u, v] = bytes;
    const [r, s] = floats;
    if (!u || !v || !r || !s) throw new Error('two images each');
    expect(flowOf(u, v).dataSync()).toEqual(flowOf(r, s).dataSync());
  });

  test('what does not fit together is refused', () => {
    const a = waves([12, 16]);
    const refused = (
      run: () => unknown,
      kind: typeof ShapeError | typeof DTypeError,
      text: RegExp,
    ) => {
      expect(run).toThrow(kind);
      expect(run).toThrow(text);
    };
    refused(() => flowOf(a, waves([12, 15])), ShapeError, /next \(12, 15\).*previous \(12, 16\)/);
    refused(() => flowOf(a.view(1, 12, 16), a), ShapeError, /next \(12, 16\)/);
    refused(() => flowOf(a.view(192), a.view(192)), ShapeError, /axes \(H, W\)/);
    refused(() => flowOf(zeros([0, 5]), zeros([0, 5])), ShapeError, /\(0, 5\) have no pixels/);
    refused(() => flowOf(a, waves([12, 16], [0, 0], { dtype: 'f64' })), DTypeError, /f64/);
    refused(
      () => flowOf(tensor([[1]], { dtype: 'i32' }), tensor([[1]], { dtype: 'i32' })),
      DTypeError,
      /i32/,
    );
    expect(flowOf(zeros([0, 4, 5]), zeros([0, 4, 5])).shape).toEqual([0, 4, 5, 2]);
  });

  test.each([
    [{ pyrScale: 1 }, 'pyrScale: must be below 1, not 1'],
    [{ pyrScale: 0 }, 'pyrScale: must be above 0, not 0'],
    [{ levels: -1 }, 'levels: must be at least 0, not -1'],
    [{ levels: 1.5 }, 'levels: must be a whole number, not 1.5'],
    [{ iterations: 0 }, 'iterations: must be at least 1, not 0'],
    [{ smallestSide: 0 }, 'smallestSide: must be at least 1, not 0'],
    [{ size: 3 }, 'has no place for "size"'],
  ])('%o is refused', (options, message) => {
    const a = zeros([4, 4]);
    expect(() => flowOf(a, a, options)).toThrow(ValueError);
    expect(() => flowOf(a, a, options)).toThrow(`${name}: ${message}`);
  });

  test('images are data: a gradient is refused, not left out', () => {
    const next = waves([12, 12], [0.5, 0]);
    const loss = ({ image }: { image: Tensor }) => sum(flowOf(image, next));
    expect(() => valueAndGradients(loss, { image: waves([12, 12]) })).toThrow(ValueError);
    expect(() => valueAndGradients(loss, { image: waves([12, 12]) })).toThrow(/has no gradient/);
  });
});

test("farneback's own options are checked", () => {
  const a = zeros([4, 4]);
  expect(() => farneback(a, a, { winSize: 0 })).toThrow('winSize: must be at least 1, not 0');
  expect(() => farneback(a, a, { polyN: 65 })).toThrow('polyN: must be at most 64, not 65');
  expect(() => farneback(a, a, { polySigma: 0 })).toThrow('polySigma: must be at least 0.2, not 0');
  const window = 'triangle' as 'box';
  expect(() => farneback(a, a, { window })).toThrow(/window: must be/);
});

test("Horn and Schunck's own options are checked", () => {
  const a = zeros([4, 4]);
  expect(() => hornSchunck(a, a, { alpha: 0 })).toThrow('alpha: must be above 0, not 0');
  expect(() => hornSchunck(a, a, { warps: 0 })).toThrow('warps: must be at least 1, not 0');
});

test('Horn and Schunck: one row or one column shows the motion along it', () => {
  const rows = (motion: Motion) => waves([1, 64], motion);
  const along = hornSchunck(rows([0, 0]), rows([0.8, 0]));
  expect(offMotion(along.view(1, 64, 2), [0.8, 0], 0).mean).toBeLessThan(0.1);
});

test('Horn and Schunck: the flow solves the equations', () => {
  // One size, one look at the images, until nothing changes any more.
  const options = { levels: 0, warps: 1, iterations: 400, median: false, alpha: 9 };
  const [H, W] = [14, 11];
  const [a, b] = [
    waves([H, W], [0, 0], { dtype: 'f64' }),
    waves([H, W], [0.3, -0.2], { dtype: 'f64' }),
  ];
  const flow = hornSchunck(a, b, options).dataSync();
  const smooth = (image: Tensor) => {
    const x = image.dataSync();
    const mirror = (i: number, n: number) => (i < 0 ? -i : i >= n ? 2 * n - 2 - i : i);
    return (p: number, q: number) => {
      let total = 0;
      for (const [j, inY] of [1, 2, 1].entries()) {
        for (const [i, inX] of [1, 2, 1].entries()) {
          total += inX * inY * (x[mirror(q + j - 1, H) * W + mirror(p + i - 1, W)] ?? Number.NaN);
        }
      }
      return total / 16;
    };
  };
  const [I, J] = [smooth(a), smooth(b)];
  const inside = (i: number, n: number) => Math.min(n - 1, Math.max(0, i));
  let worst = 0;
  for (let y = 0; y < H; y++) {
    for (let x = 0; x < W; x++) {
      const ix = (J(inside(x + 1, W), y) - J(inside(x - 1, W), y)) / 2;
      const iy = (J(x, inside(y + 1, H)) - J(x, inside(y - 1, H))) / 2;
      const at = (p: number, q: number, c: number) => flow[2 * (q * W + p) + c] ?? Number.NaN;
      const off = J(x, y) - I(x, y) + ix * at(x, y, 0) + iy * at(x, y, 1);
      for (const [c, slope] of [ix, iy].entries()) {
        let tension = 0;
        for (const [i, j] of [
          [-1, 0],
          [1, 0],
          [0, -1],
          [0, 1],
        ] as const) {
          const there = x + i >= 0 && x + i < W && y + j >= 0 && y + j < H;
          if (there) tension += at(x + i, y + j, c) - at(x, y, c);
        }
        worst = Math.max(worst, Math.abs(slope * off - 9 ** 2 * tension));
      }
    }
  }
  expect(largest(flow)).toBeGreaterThan(0.1);
  expect(worst).toBeLessThan(1e-8);
});

test('a large window of Farneback is smoother', () => {
  const [a, b] = [waves([40, 40]), waves([40, 40], [0.7, 0.7], { seed: 2 })];
  const spread = (options: FarnebackOptions) => {
    const values = Array.from(farneback(a, b, options).dataSync());
    const mean = values.reduce((x, y) => x + y, 0) / values.length;
    return values.reduce((total, value) => total + (value - mean) ** 2, 0);
  };
  expect(spread({ winSize: 25 })).toBeLessThan(spread({ winSize: 5 }));
});
