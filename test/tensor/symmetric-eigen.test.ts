import { expectClose } from '@test/bounds.js';
import { describe, expect, test } from 'vitest';
import { ShapeError, ValueError } from '@/errors.js';
import { Random } from '@/random.js';
import { matmul, transposed } from '@/tensor/arithmetic.js';
import { randomNormal, tensor, zeros } from '@/tensor/create.js';
import { symmetricEigen, symmetricEigenvalues } from '@/tensor/symmetric-eigen.js';
import { empty, type Tensor } from '@/tensor/tensor.js';

/** X Xᵀ of normal numbers X (n, rank). */
function gram(n: number, rank: number): Tensor {
  const x = randomNormal(new Random(n), [n, rank], 1, 'f64');
  return matmul(x, transposed(x));
}

describe('symmetricEigen', () => {
  test('of the second difference matrix, whose eigenvalues are known', () => {
    const n = 30;
    const second = empty('f64', [n, n]).fillBy((i) => {
      const apart = Math.abs(Math.floor(i / n) - (i % n));
      return apart === 0 ? 2 : apart === 1 ? -1 : 0;
    });
    const known = Array.from(
      { length: n },
      (_, k) => 2 + 2 * Math.cos(((k + 1) * Math.PI) / (n + 1)),
    );
    const rounding = { dtype: 'f64', terms: n * n, size: 4 } as const;
    expectClose(symmetricEigen(second).values, known, rounding);
    expectClose(symmetricEigenvalues(second), known, rounding);
  });

  test.each([
    [1, 1],
    [2, 2],
    [3, 1],
    [17, 17],
    [40, 7],
    [130, 130],
  ])(
    'n = %d, rank %d: vectors of length 1 at right angles, which give the matrix back',
    (n, rank) => {
      const a = gram(n, rank);
      const { values, vectors } = symmetricEigen(a);
      const size = values[0] ?? 0;
      const rounding = { dtype: 'f64', terms: 10 * n * n } as const;
      const identity = zeros([n, n], 'f64').fillBy((i) => (i % (n + 1) === 0 ? 1 : 0));
      expectClose(matmul(vectors, transposed(vectors)), identity, rounding);
      const scaledRows = vectors.dataSync().map((v, i) => v * (values[Math.floor(i / n)] ?? 0));
      const scaled = tensor(scaledRows, { shape: [n, n], dtype: 'f64' });
      expectClose(matmul(transposed(vectors), scaled), a, { ...rounding, size });
      expect([...values]).toEqual([...values].sort((x, y) => y - x));
      // Beyond the rank there is nothing but rounding.
      expectClose(values.subarray(rank), new Float64Array(n - rank), { ...rounding, size });
    },
  );

  test('many equal values, zeros, one element, and numbers near the ends of float64', () => {
    const diagonal = (values: readonly number[]) =>
      zeros([values.length, values.length], 'f64').fillBy((i) =>
        i % (values.length + 1) === 0 ? (values[i / (values.length + 1)] ?? 0) : 0,
      );
    expect([...symmetricEigen(diagonal([3, -1, 3, 0, 3])).values]).toEqual([3, 3, 3, 0, -1]);
    expect([...symmetricEigenvalues(zeros([4, 4]))]).toEqual([0, 0, 0, 0]);
    expect([...symmetricEigenvalues(tensor([[-7]]))]).toEqual([-7]);
    for (const scale of [1e200, 1e-200]) {
      const [large = 0, small = 0] = symmetricEigenvalues(
        tensor(
          [
            [2 * scale, scale],
            [scale, 2 * scale],
          ],
          { dtype: 'f64' },
        ),
      );
      expect(large / scale).toBeCloseTo(3, 12);
      expect(small / scale).toBeCloseTo(1, 12);
    }
  });

  test('refuses what is no symmetric matrix of finite numbers', () => {
    expect(() => symmetricEigen(zeros([2, 3]))).toThrow(ShapeError);
    expect(() => symmetricEigen(zeros([0, 0]))).toThrow(ShapeError);
    expect(() =>
      symmetricEigen(
        tensor([
          [1, 2],
          [3, 1],
        ]),
      ),
    ).toThrow(/not symmetric: \(1, 0\) is 3/);
    expect(() =>
      symmetricEigen(
        tensor([
          [1, Number.NaN],
          [0, 1],
        ]),
      ),
    ).toThrow(ValueError);
  });
});
