import { expectNear, type FixtureCase, fixture, fromFixture, relativeError } from '@test/golden.js';
import { expectRightGradients } from '@test/gradients.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Engine, scope, useEngine } from '@/engine/engine.js';
import { DTypeError, ShapeError, ValueError } from '@/errors.js';
import { window, windowBackward, windowForward } from '@/layers/resampling/affine-maps.js';
import {
  bilinearSample,
  bilinearSampleBackward,
  bilinearSampleForward,
  type SampleOptions,
} from '@/layers/resampling/bilinear-sampler.js';
import { affineGrid, affineGridBackward, affineGridForward } from '@/layers/resampling/grids.js';
import { Random } from '@/random.js';
import { full, randomNormal, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const random = new Random(31);
const normal = (...shape: number[]) => randomNormal(random, shape, 1, 'f64');

/** Every layout, padding and alignment. */
const modes: Required<SampleOptions>[] = [false, true].flatMap((channelsLast) =>
  (['zeros', 'border'] as const).flatMap((padding) =>
    [false, true].map((alignCorners) => ({ channelsLast, padding, alignCorners })),
  ),
);

/** (N, C, H, W) to (N, H, W, C). */
function toChannelsLast(x: Tensor): Tensor {
  const [N = 0, C = 0, H = 0, W = 0] = x.shape;
  const values = x.dataSync();
  const moved = Array.from({ length: x.size }, (_, i) => {
    const [c, place] = [i % C, Math.floor(i / C)];
    const [n, hw] = [Math.floor(place / (H * W)), place % (H * W)];
    return values[(n * C + c) * H * W + hw] ?? Number.NaN;
  });
  return tensor(moved, { shape: [N, H, W, C], dtype: x.dtype });
}

/**
 * Points whose pixel coordinates lie at least 0.1 from whole numbers, some of them outside the image.
 * At a whole number the interpolation has a kink: the two sides of a central difference would see
 * different pixels, and its mean slope is no derivative.
 */
function smoothGrid(
  N: number,
  OH: number,
  OW: number,
  [H, W]: readonly [number, number],
  alignCorners: boolean,
): Tensor {
  const coordinate = (extent: number) => {
    const pixel =
      Math.floor(random.uniform() * (extent + 2)) - 1.5 + 0.8 * (random.uniform() - 0.5);
    if (alignCorners) return extent === 1 ? pixel : (2 * pixel) / (extent - 1) - 1;
    return (2 * pixel + 1) / extent - 1;
  };
  const points = Array.from({ length: N * OH * OW }, () => [coordinate(W), coordinate(H)]);
  return tensor(points.flat(), { shape: [N, OH, OW, 2], dtype: 'f64' });
}

describe('agrees with PyTorch in float64:', () => {
  const cases = Object.entries(fixture<Record<string, FixtureCase>>('spatial-transformer.json'));
  const of = (kind: string) => cases.filter(([name]) => name.startsWith(kind));

  test.each(of('affine_grid'))(
    '%s',
    (_name, { inputs, options, outputs, cotangents, gradients }) => {
      using _work = scope();
      const { extent, alignCorners } = options as {
        extent: [number, number];
        alignCorners: boolean;
      };
      const { grid, cache } = affineGridForward(fromFixture(inputs, 'theta'), extent, {
        alignCorners,
      });
      const { dTheta } = affineGridBackward(fromFixture(cotangents, 'dgrid'), cache);
      expectNear(grid, outputs.grid?.data);
      expectNear(dTheta, gradients.dtheta?.data);
    },
  );

  test.each(of('window'))('%s', (_name, { inputs, outputs, cotangents, gradients }) => {
    using _work = scope();
    const { theta, cache } = windowForward(fromFixture(inputs, 'raw'));
    const { dRaw } = windowBackward(fromFixture(cotangents, 'dtheta'), cache);
    expectNear(theta, outputs.theta?.data);
    expectNear(dRaw, gradients.draw?.data);
  });

  test.each(
    of('sampler').flatMap(([name, one]) =>
      [false, true].map((last) => [`${name}${last ? ', channels last' : ''}`, one, last] as const),
    ),
  )('%s', (_name, { inputs, options, outputs, cotangents, gradients }, channelsLast) => {
    using _work = scope();
    const layout = (tensor: Tensor) => (channelsLast ? toChannelsLast(tensor) : tensor);
    const { out, cache } = bilinearSampleForward(
      layout(fromFixture(inputs, 'x')),
      fromFixture(inputs, 'grid'),
      { ...(options as SampleOptions), channelsLast },
    );
    const { dx, dGrid } = bilinearSampleBackward(layout(fromFixture(cotangents, 'dout')), cache);
    expectNear(out, layout(fromFixture(outputs, 'out')).dataSync());
    expectNear(dx, layout(fromFixture(gradients, 'dx')).dataSync());
    expectNear(dGrid, gradients.dgrid?.data);
  });
});

describe('affineGrid', () => {
  test.each([
    [3, 4, 5, false],
    [1, 1, 1, false],
    [2, 3, 2, true],
  ] as const)('has right gradients for %i maps to %i x %i, alignCorners %s', (N, OH, OW, align) => {
    using _work = scope();
    const run = ({ theta }: { theta: Tensor }) =>
      affineGrid(theta, [OH, OW], { alignCorners: align });
    expectRightGradients(run, { theta: normal(N, 2, 3) });
  });

  test('takes no example, and names what is wrong', () => {
    using _work = scope();
    expect(affineGrid(zeros([0, 2, 3]), [2, 2]).shape).toEqual([0, 2, 2, 2]);
    expect(() => affineGrid(zeros([1, 3, 3]), [2, 2])).toThrow(
      /theta \(1, 3, 3\) must be \(N, 2, 3/,
    );
    expect(() => affineGrid(zeros([1, 2, 3]), [0, 2])).toThrow(ValueError);
    expect(() => affineGrid(zeros([1, 2, 3]), [2.5, 2])).toThrow(/\(2\.5, 2\) has no places/);
    expect(() => affineGrid(zeros([1, 2, 3], 'i32'), [2, 2])).toThrow(DTypeError);
    const { cache } = affineGridForward(zeros([1, 2, 3]), [2, 2]);
    expect(() => affineGridBackward(zeros([1, 2, 2]), cache)).toThrow(ShapeError);
  });
});

describe('window', () => {
  test('is the whole image at 0, and has right gradients', () => {
    using _work = scope();
    expect([...window(zeros([1, 6])).dataSync()]).toEqual([1, 0, 0, 0, 1, 0]);
    expectRightGradients(({ raw }) => window(raw), { raw: normal(3, 6) });
  });

  test('stays within its bounds, whatever it is given', () => {
    using _work = scope();
    const far = tensor([[1e9, -1e9, 1e9, -1e9, -Number.POSITIVE_INFINITY, -50]]);
    expect([...window(far).dataSync()]).toEqual([1.75, -0.25, 1, -0.25, 0.25, -1]);
    expect(() => window(zeros([2, 3]))).toThrow(/raw \(2, 3\) must be \(N, 6\)/);
  });
});

test('a window, its grid and the sampler in a row have right gradients', () => {
  using _work = scope();
  // Any raw values: the points miss the kinks by far more than a step of the differences.
  const inputs = { raw: normal(2, 6), x: normal(2, 4, 3, 5) };
  const look = ({ raw, x }: typeof inputs) =>
    bilinearSample(x, affineGrid(window(raw), [2, 3]), { channelsLast: true });
  expectRightGradients(look, inputs);
});

describe('bilinearSample', () => {
  test.each(modes)('has right gradients: %o', (mode) => {
    using _work = scope();
    for (const [N, C, H, W, OH, OW] of [
      [2, 3, 4, 3, 2, 3],
      [1, 1, 2, 3, 4, 2],
      [1, 5, 3, 2, 2, 1],
    ] as const) {
      const x = mode.channelsLast ? normal(N, H, W, C) : normal(N, C, H, W);
      const grid = smoothGrid(N, OH, OW, [H, W], mode.alignCorners);
      expectRightGradients((tree) => bilinearSample(tree.x, tree.grid, mode), { x, grid });
    }
  });

  test.each(modes)('returns the image itself on its own grid: %o', (mode) => {
    using _work = scope();
    const x = mode.channelsLast ? normal(2, 4, 5, 3) : normal(2, 3, 4, 5);
    const theta = affineGrid(window(zeros([2, 6], 'f64')), [4, 5], mode);
    const out = bilinearSample(x, theta, mode);
    expect(relativeError(out.dataSync(), x.dataSync())).toBeLessThan(1e-9);
  });

  test('infinite coordinates lie far outside; NaN goes on', () => {
    using _work = scope();
    const x = tensor([[[[1, 2]], [[3, 4]]]]); // (1, 2, 1, 2)
    const { POSITIVE_INFINITY: far, NaN: nan } = Number;
    const grid = tensor([[[far, 0, -far, 0, 3e38, 0, nan, 0]]].flat(2), { shape: [1, 1, 4, 2] });
    const read = (padding: 'zeros' | 'border') => [
      ...bilinearSample(x, grid, { padding }).dataSync(),
    ];
    expect(read('zeros')).toEqual([0, 0, 0, nan, 0, 0, 0, nan]);
    expect(read('border')).toEqual([2, 1, 2, nan, 4, 3, 4, nan]);
  });

  test('no coordinate reads or writes outside the image', () => {
    const strange = [Number.NaN, Number.POSITIVE_INFINITY, -Number.POSITIVE_INFINITY, 1, -1, 3e38];
    const coordinate = fc.oneof(
      fc.float(),
      fc.double(),
      fc.constantFrom(...strange),
      fc.integer({ min: -5, max: 5 }),
      fc.double({ min: -1.5, max: 1.5, noNaN: true }),
    );
    const extent = fc.integer({ min: 1, max: 5 });
    fc.assert(
      fc.property(
        fc.record({ C: extent, H: extent, W: extent }),
        fc.array(fc.tuple(coordinate, coordinate), { minLength: 1, maxLength: 8 }),
        fc.constantFrom(...modes),
        fc.constantFrom('f32' as const, 'f64' as const),
        ({ C, H, W }, points, mode, dtype) => {
          using _work = scope();
          // The image lies between images of infinity, which would show in any sum.
          const shape = mode.channelsLast ? [3, 1, H, W, C] : [3, 1, C, H, W];
          const all = full(shape, Number.POSITIVE_INFINITY, dtype);
          const x = all.at(1).fill(1);
          const grid = tensor(points.flat(), { shape: [1, 1, points.length, 2], dtype });
          const { out, cache } = bilinearSampleForward(x, grid, mode);
          const { dx, dGrid } = bilinearSampleBackward(full(out.shape, 1, dtype), cache);
          const hasNaN = points.flat().some(Number.isNaN);
          for (const value of out.dataSync()) {
            if (hasNaN && Number.isNaN(value)) continue;
            // Ones, faded where padding is zeros.
            expect(value).toBeLessThan(1 + 1e-6);
            expect(value).toBeGreaterThan(mode.padding === 'border' ? 1 - 1e-6 : -1e-6);
          }
          if (hasNaN) return;
          const sum = (tensor: Tensor) => [...tensor.dataSync()].reduce((a, b) => a + b, 0);
          expect(sum(dx)).toBeCloseTo(sum(out), 3);
          for (const value of dGrid.dataSync()) expect(Math.abs(value)).toBeLessThan(5 * 5);
        },
      ),
      { seed: 7, numRuns: 400 },
    );
  });

  test.each(modes)('far points of a long image stay in the memory: %o', (mode) => {
    // Masks hide what is read beside an image. From one of 4 MB alone on its heap, a point as far as
    // coordinates are let would lie outside WebAssembly's memory, which traps.
    const previous = useEngine(new Engine());
    try {
      using _work = scope();
      const ends = [-1e30, 1e30, Number.NaN];
      const points = ends.flatMap((gx) => ends.flatMap((gy) => [gx, gy]));
      const grid = tensor(points, { shape: [1, 3, 3, 2] });
      for (const [H, W] of [
        [2 ** 20, 1],
        [1, 2 ** 20],
      ] as const) {
        const x = zeros(mode.channelsLast ? [1, H, W, 1] : [1, 1, H, W]);
        const { out, cache } = bilinearSampleForward(x, grid, mode);
        const { dx, dGrid } = bilinearSampleBackward(zeros(out.shape), cache);
        expect([out.size, dx.size, dGrid.size]).toEqual([9, H * W, 18]);
      }
    } finally {
      useEngine(previous);
    }
  });

  test('adds up what points on the same pixel give it', () => {
    using _work = scope();
    const grid = zeros([1, 1, 1000, 2]); // all on the middle pixel of three
    const { out, cache } = bilinearSampleForward(zeros([1, 1, 3, 3]), grid);
    const { dx } = bilinearSampleBackward(full(out.shape, 1), cache);
    expect([...dx.dataSync()]).toEqual([0, 0, 0, 0, 1000, 0, 0, 0, 0]);
  });

  test('takes nothing of something, and names what disagrees', () => {
    using _work = scope();
    const x = zeros([2, 3, 4, 5]);
    expect(bilinearSample(zeros([0, 3, 4, 5]), zeros([0, 2, 2, 2])).shape).toEqual([0, 3, 2, 2]);
    expect(bilinearSample(zeros([2, 0, 4, 5]), zeros([2, 2, 2, 2])).shape).toEqual([2, 0, 2, 2]);
    expect(bilinearSample(x, zeros([2, 0, 2, 2])).shape).toEqual([2, 3, 0, 2]);
    expect(() => bilinearSample(x, zeros([3, 2, 2, 2]))).toThrow(
      /grid \(3, 2, 2, 2\) does not fit x/,
    );
    expect(() => bilinearSample(x, zeros([2, 2, 2, 3]))).toThrow(/must hold x and y/);
    expect(() => bilinearSample(zeros([2, 3, 0, 5]), zeros([2, 2, 2, 2]))).toThrow(/no pixels/);
    for (const dtype of ['f64', 'i32'] as const) {
      expect(() => bilinearSample(x, zeros([2, 2, 2, 2], dtype))).toThrow(DTypeError);
    }
    const { cache } = bilinearSampleForward(x, zeros([2, 2, 2, 2]));
    expect(() => bilinearSampleBackward(zeros([2, 2, 2, 3]), cache)).toThrow(ShapeError);
    // A caller without types.
    expect(() =>
      Reflect.apply(bilinearSample, null, [x, zeros([2, 2, 2, 2]), { padding: 'x' }]),
    ).toThrow(ValueError);
  });
});
