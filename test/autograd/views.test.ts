import { expectRightGradients } from '@test/gradients.js';
import { expect, test } from 'vitest';
import { valueAndGradients } from '@/autograd/tape.js';
import { scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import { relu } from '@/layers/elementwise/activations.js';
import { reshape } from '@/layers/indexing/axes.js';
import { layerNorm } from '@/layers/normalisation/layer-norm.js';
import { lstmBackward, lstmForward } from '@/layers/recurrent/lstm.js';
import { Random } from '@/random.js';
import { randomNormal, tensor, zeros } from '@/tensor/create.js';
import { total } from './ops.js';

test('a view of a parameter is refused, since no gradient would flow through it', () => {
  using _work = scope();
  const x = tensor([[1, -2]], { dtype: 'f64' });
  expect(() => valueAndGradients((p) => total(relu(p.x.view(2))), { x })).toThrow(ValueError);
  expect(() => valueAndGradients((p) => total(relu(relu(p.x).at(0))), { x })).toThrow(/reshape/);
});

test('reshape lets the gradient through', () => {
  using _work = scope();
  const x = tensor(
    [
      [1, -2],
      [3, 4],
    ],
    { dtype: 'f64' },
  );
  const { gradients } = valueAndGradients((p) => total(relu(reshape(p.x, [4]))), { x });
  expect(gradients.x.shape).toEqual([2, 2]);
  expect([...gradients.x.dataSync()]).toEqual([1, 0, 1, 1]);
  expect(() => reshape(x, [3])).toThrow(ShapeError);
});

test.each([
  [1, 3],
  [3, 7],
  [2, 16],
])('layerNorm of (%i, %i)', (N, D) => {
  using _work = scope();
  const x = randomNormal(new Random(N * D), [N, D], 3, 'f64');
  const rows = layerNorm(x).dataSync();
  for (let n = 0; n < N; n++) {
    const row = Array.from(rows.slice(n * D, (n + 1) * D));
    const mean = row.reduce((sum, value) => sum + value, 0) / D;
    const square = row.reduce((sum, value) => sum + value * value, 0) / D;
    expect(Math.abs(mean)).toBeLessThan(1e-12);
    expect(Math.abs(square - 1)).toBeLessThan(1e-4);
  }
  expectRightGradients(({ x }) => layerNorm(x), { x });
});

test('a backward pass refuses a cotangent that is not of its output', () => {
  using _work = scope();
  const [N, T, D, H] = [2, 3, 4, 5];
  const { cache } = lstmForward(
    zeros([N, T, D]),
    zeros([N, H]),
    zeros([D, 4 * H]),
    zeros([H, 4 * H]),
    zeros([4 * H]),
  );
  expect(() => lstmBackward(zeros([N, T - 1, H]), cache)).toThrow(/\(2, 2, 5\).*\(2, 3, 5\)/);
  expect(() => lstmBackward(zeros([N, T, H]), cache, zeros([N, H + 1]))).toThrow(ShapeError);
});
