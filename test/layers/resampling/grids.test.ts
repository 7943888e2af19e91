import { expectNear, type FixtureCase, fixture, fromFixture } from '@test/golden.js';
import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import {
  scaleTranslation,
  scaleTranslationBackward,
  scaleTranslationForward,
} from '@/layers/resampling/affine-maps.js';
import {
  affineGrid,
  inverse,
  projectiveGrid,
  projectiveGridBackward,
  projectiveGridForward,
} from '@/layers/resampling/grids.js';
import {
  controlPoints,
  thinPlateSplineGrid,
  thinPlateSplineGridBackward,
  thinPlateSplineGridForward,
} from '@/layers/resampling/thin-plate-spline.js';
import { Random } from '@/random.js';
import { randomNormal, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const random = new Random(37);
const normal = (...shape: number[]) => randomNormal(random, shape, 1, 'f64');
const cases = Object.entries(fixture<Record<string, FixtureCase>>('spatial-transformer.json'));
const casesOf = (kind: string) => cases.filter(([name]) => name.startsWith(kind));

/** The options of a case of a grid. */
interface To {
  readonly extent: [number, number];
  readonly alignCorners: boolean;
}

/** The identity's affine grid: what every generator must give without a warp. */
const untouched = (N: number, extent: [number, number], options = {}) => {
  const row = [1, 0, 0, 0, 1, 0];
  const theta = tensor(Array(N).fill(row).flat(), { shape: [N, 2, 3], dtype: 'f64' });
  return affineGrid(theta, extent, options).dataSync();
};

describe('scaleTranslation', () => {
  test.each(casesOf('scale_translation'))('agrees with PyTorch: %s', (_name, one) => {
    using _work = scope();
    const { theta, cache } = scaleTranslationForward(fromFixture(one.inputs, 'crop'));
    const { dCrop } = scaleTranslationBackward(fromFixture(one.cotangents, 'dtheta'), cache);
    expectNear(theta, one.outputs.theta?.data);
    expectNear(dCrop, one.gradients.dcrop?.data);
  });

  test('has right gradients, takes no example, and names what is wrong', () => {
    using _work = scope();
    expectRightGradients(({ crop }) => scaleTranslation(crop), { crop: normal(3, 3) });
    expect(scaleTranslation(zeros([0, 3])).shape).toEqual([0, 2, 3]);
    expect(() => scaleTranslation(zeros([2, 6]))).toThrow(/crop \(2, 6\) must be \(N, 3\)/);
    const { cache } = scaleTranslationForward(zeros([2, 3]));
    expect(() => scaleTranslationBackward(zeros([2, 6]), cache)).toThrow(ShapeError);
  });
});

describe('projectiveGrid', () => {
  test.each(casesOf('projective'))('agrees with PyTorch: %s', (_name, one) => {
    using _work = scope();
    const { extent, alignCorners } = one.options as unknown as To;
    const theta = fromFixture(one.inputs, 'theta');
    const { grid, cache } = projectiveGridForward(theta, extent, { alignCorners });
    const { dTheta } = projectiveGridBackward(fromFixture(one.cotangents, 'dgrid'), cache);
    expectNear(grid, one.outputs.grid?.data);
    expectNear(dTheta, one.gradients.dtheta?.data);
  });

  test.each([
    [3, 3, 4, false],
    [1, 1, 1, false],
    [2, 2, 3, true],
  ] as const)('has right gradients for %i maps to %i x %i, alignCorners %s', (N, OH, OW, align) => {
    using _work = scope();
    // Small perspective entries: w stays well above 0, where the map is smooth.
    const theta = randomNormal(random, [N, 8], 0.2, 'f64');
    const run = (tree: { theta: Tensor }) =>
      projectiveGrid(tree.theta, [OH, OW], { alignCorners: align });
    expectRightGradients(run, { theta });
  });

  test('is the identity at its start, and stays finite on the horizon', () => {
    using _work = scope();
    const start = tensor([[1, 0, 0, 0, 1, 0, 0, 0]], { dtype: 'f64' });
    expectNear(projectiveGrid(start, [3, 4]), untouched(1, [3, 4]));
    // w = 1 + x is 0 at the left edge.
    const edge = tensor([[1, 0, 0, 0, 1, 0, 1, 0]]);
    const { grid, cache } = projectiveGridForward(edge, [1, 3], { alignCorners: true });
    expect(grid.dataSync()[0]).toBeCloseTo(-1e6, 0);
    const cotangent = tensor([1, 1, 0, 0, 0, 0], { shape: [1, 1, 3, 2] });
    const { dTheta } = projectiveGridBackward(cotangent, cache);
    expect([...dTheta.dataSync()].every(Number.isFinite)).toBe(true);
    // w itself is held there: none of the cotangent goes to the perspective entries.
    expect([...dTheta.dataSync()].slice(6).map(Math.abs)).toEqual([0, 0]);
  });

  test('takes no example, and names what is wrong', () => {
    using _work = scope();
    expect(projectiveGrid(zeros([0, 8]), [2, 2]).shape).toEqual([0, 2, 2, 2]);
    expect(() => projectiveGrid(zeros([2, 9]), [2, 2])).toThrow(/theta \(2, 9\) must be \(N, 8\)/);
    expect(() => projectiveGrid(zeros([2, 8]), [2, -1])).toThrow(ValueError);
    const { cache } = projectiveGridForward(zeros([2, 8]), [2, 2]);
    expect(() => projectiveGridBackward(zeros([2, 4, 2]), cache)).toThrow(ShapeError);
  });
});

describe('thinPlateSplineGrid', () => {
  test.each(casesOf('spline'))('agrees with scipy: %s', (_name, one) => {
    using _work = scope();
    const { extent, alignCorners } = one.options as unknown as To;
    const points = fromFixture(one.inputs, 'points');
    const { grid, cache } = thinPlateSplineGridForward(points, extent, { alignCorners });
    const { dPoints } = thinPlateSplineGridBackward(fromFixture(one.cotangents, 'dgrid'), cache);
    expectNear(grid, one.outputs.grid?.data);
    expectNear(dPoints, one.gradients.dpoints?.data);
  });

  test.each([
    [2, 4, 4, 3, 5, false],
    [1, 2, 2, 1, 1, false],
    [3, 2, 3, 2, 4, true],
  ] as const)(
    'has right gradients for %i of %i x %i points to %i x %i, alignCorners %s',
    (N, KH, KW, OH, OW, align) => {
      using _work = scope();
      const run = ({ points }: { points: Tensor }) =>
        thinPlateSplineGrid(points, [OH, OW], { alignCorners: align });
      expectRightGradients(run, { points: normal(N, KH, KW, 2) });
    },
  );

  test('is the identity where no control point moves, for many points too', () => {
    using _work = scope();
    const still = controlPoints([2, 4, 3], 'f64');
    expectNear(thinPlateSplineGrid(still, [5, 4]), untouched(2, [5, 4]));
    const many = controlPoints([1, 9, 9]);
    const expected = untouched(1, [6, 6]);
    for (const [i, value] of thinPlateSplineGrid(many, [6, 6]).dataSync().entries()) {
      expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 5);
    }
  });

  test('leads every control point to where it was moved', () => {
    using _work = scope();
    const points = normal(2, 3, 4, 2);
    const grid = thinPlateSplineGrid(points, [3, 4], { alignCorners: true });
    expectNear(grid, points.dataSync());
  });

  test('takes no example, and names what is wrong', () => {
    using _work = scope();
    expect(thinPlateSplineGrid(zeros([0, 2, 2, 2]), [3, 3]).shape).toEqual([0, 3, 3, 2]);
    const bad = () => thinPlateSplineGrid(zeros([2, 1, 4, 2]), [3, 3]);
    expect(bad).toThrow(/points \(2, 1, 4, 2\) must be \(N, KH, KW, 2\)/);
    expect(() => thinPlateSplineGrid(zeros([2, 4, 4, 2]), [0, 3])).toThrow(ValueError);
    const { cache } = thinPlateSplineGridForward(zeros([2, 2, 2, 2]), [3, 3]);
    expect(() => thinPlateSplineGridBackward(zeros([2, 3, 2, 2]), cache)).toThrow(ShapeError);
  });
});

test('inverse exchanges rows where the diagonal has zeros', () => {
  const matrix = [
    [0, 2, 0],
    [0, 0, 4],
    [5, 0, 1],
  ];
  expect(inverse(matrix)).toEqual([
    [0, -0.05, 0.2],
    [0.5, 0, 0],
    [0, 0.25, 0],
  ]);
});
