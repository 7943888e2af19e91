import { describe, expect, test } from 'vitest';
import { DTypeError, ShapeError, ValueError } from '@/errors.js';
import {
  frechetBias,
  frechetDistance,
  type Gaussian,
  gaussianDistance,
  gaussianOf,
} from '@/metrics/generative/frechet.js';
import { Random } from '@/random.js';
import { matmul, transposed } from '@/tensor/arithmetic.js';
import { randomNormal, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

const f64 = { dtype: 'f64' } as const;

function diagonal(variances: readonly number[]): Tensor {
  const D = variances.length;
  return zeros([D, D], 'f64').fillBy((i) =>
    i % (D + 1) === 0 ? (variances[i / (D + 1)] ?? 0) : 0,
  );
}

function gaussian(mean: readonly number[], covariance: Tensor): Gaussian {
  return { mean: tensor(mean, f64), covariance };
}

describe('gaussianDistance', () => {
  test('of one dimension is (m1 - m2)² + (s1 - s2)²', () => {
    const [a, b] = [gaussian([1], diagonal([9])), gaussian([-1], diagonal([4]))];
    expect(gaussianDistance(a, b)).toBeCloseTo(4 + 1, 12);
    expect(gaussianDistance(b, a)).toBeCloseTo(5, 12);
  });

  test('of covariances that commute is Σ (s1 - s2)², zero variances included', () => {
    const a = gaussian([0, 0, 0, 0], diagonal([1, 4, 0, 0]));
    const b = gaussian([0, 0, 0, 3], diagonal([9, 0, 25, 0]));
    expect(gaussianDistance(a, b)).toBeCloseTo(4 + 4 + 25 + 9, 12);
  });

  test('of covariances that do not commute', () => {
    // 2 x 2: tr (A B)^½ = sqrt(tr AB + 2 sqrt(det A det B)).
    const [A, B] = [
      tensor(
        [
          [2, 1],
          [1, 3],
        ],
        f64,
      ),
      tensor(
        [
          [4, -1],
          [-1, 1],
        ],
        f64,
      ),
    ];
    const root = Math.sqrt(8 - 2 + 3 + 2 * Math.sqrt(5 * 3));
    const distance = gaussianDistance(gaussian([0, 0], A), gaussian([0, 0], B));
    expect(distance).toBeCloseTo(2 + 3 + 4 + 1 - 2 * root, 12);
  });

  test('is 0 of one and the same, whatever the rank', () => {
    for (const rank of [1, 5, 40]) {
      const x = randomNormal(new Random(rank), [40, rank], 1, 'f64');
      const one = gaussian(new Array(40).fill(2), matmul(x, transposed(x)));
      expect(gaussianDistance(one, one)).toBeLessThan(40 * rank * 1e-8);
    }
  });

  test('refuses sizes that disagree', () => {
    const two = gaussian([0, 0], diagonal([1, 1]));
    expect(() => gaussianDistance(two, gaussian([0], diagonal([1])))).toThrow(ShapeError);
  });
});

describe('frechetDistance', () => {
  test('takes the mean and the unbiased covariance of the features', () => {
    const x = tensor([
      [1, 0],
      [3, 0],
      [5, 0],
    ]);
    const { mean, covariance } = gaussianOf(x);
    expect([...mean.dataSync()]).toEqual([3, 0]);
    expect(covariance.dataSync()[0]).toBeCloseTo(4, 12);
    const y = tensor([
      [0, 1],
      [0, 1],
    ]);
    expect(frechetDistance(x, y)).toBeCloseTo(9 + 1 + 4, 12);
  });

  test('does not change when both sets move far from 0', () => {
    const random = new Random(3);
    const x = randomNormal(random, [50, 6], 1, 'f64');
    const y = randomNormal(random, [60, 6], 2, 'f64');
    const moved = (t: Tensor) =>
      tensor(
        t.dataSync().map((v) => v + 1e6),
        { shape: t.shape, ...f64 },
      );
    expect(frechetDistance(moved(x), moved(y))).toBeCloseTo(frechetDistance(x, y), 6);
  });

  test('of samples is what the Gaussians have, and the bias', () => {
    const [N, D] = [4000, 8];
    const random = new Random(1);
    const x = randomNormal(random, [N, D]);
    const y = tensor(
      randomNormal(random, [N, D])
        .dataSync()
        .map((v) => 1 + 3 * v),
      { shape: [N, D] },
    );
    // |1|² D + (3 - 1)² D.
    expect(frechetDistance(x, y) / (D + 4 * D)).toBeCloseTo(1, 1.5);
  });

  test('has the bias that frechetBias gives', () => {
    const variances = [4, 2, 1, 1, 0.5, 0.1];
    const D = variances.length;
    const Sigma = diagonal(variances);
    const draw = (random: Random, N: number) =>
      tensor(
        randomNormal(random, [N, D], 1, 'f64')
          .dataSync()
          .map((v, i) => v * Math.sqrt(variances[i % D] ?? 0)),
        { shape: [N, D], ...f64 },
      );
    for (const [N, M] of [
      [200, 200],
      [150, 600],
    ] as const) {
      const rounds = 150;
      let sum = 0;
      for (let round = 0; round < rounds; round++) {
        const random = Random.of(N, round);
        sum += frechetDistance(draw(random, N), draw(random, M));
      }
      // The mean of 150 distances, each of which has a deviation of about half its mean.
      expect(sum / rounds / frechetBias({ covariance: Sigma }, [N, M])).toBeCloseTo(1, 1);
    }
  });

  test('the bias of D equal variances', () => {
    const [N, D] = [100, 5];
    const covariance = diagonal([1, 1, 1, 1, 1]);
    expect(frechetBias({ covariance }, [N, N])).toBeCloseTo(
      (2 * D) / N + (D * (D + 1)) / (2 * (N - 1)),
      12,
    );
    expect(frechetBias({ covariance }, [N, Number.POSITIVE_INFINITY])).toBeCloseTo(
      D / N + (D * (D + 1)) / (4 * (N - 1)),
      12,
    );
    expect(() => frechetBias({ covariance }, [1, 5])).toThrow(ValueError);
  });

  test('refuses what it cannot measure', () => {
    const two = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(() => frechetDistance(two, tensor([[1, 2]]))).toThrow(/1 samples are too few/);
    expect(() =>
      frechetDistance(
        two,
        tensor([
          [1, 2, 3],
          [3, 4, 5],
        ]),
      ),
    ).toThrow(ShapeError);
    expect(() =>
      frechetDistance(
        two,
        tensor([
          [1, 2],
          [Number.NaN, 4],
        ]),
      ),
    ).toThrow(/sample 1 has NaN at place 0/);
    expect(() => gaussianOf(tensor([1, 2]))).toThrow(ShapeError);
    expect(() => gaussianOf(tensor([[1], [2]], { dtype: 'i32' }))).toThrow(DTypeError);
  });
});
