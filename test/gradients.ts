/** What every test of a backward pass asks: right gradients, and a check that would have seen wrong ones. */
import { expect } from 'vitest';
import { differentiable } from '@/autograd/differentiable.js';
import { type GradientCheck, gradientCheck } from '@/autograd/gradient-check.js';
import { mapTree, type TensorTree } from '@/autograd/tree.js';
import { scaled } from '@/tensor/arithmetic.js';
import type { Tensor } from '@/tensor/tensor.js';

/** Right gradients come to a tenth of this: see gradientCheck. */
const BOUND = 1e-7;

/** x as it is, whose gradient comes back a hundred-thousandth too large. */
const planted = differentiable(
  (x: Tensor) => ({ out: x.clone(), cache: undefined }),
  (dout: Tensor, _cache: undefined) => ({ dx: scaled(dout, 1 + 1e-5) }),
  { outputs: ['out'], gradients: ['dx'] },
);

/**
 * Asserts that `f` has right gradients, and that each leaf's would be found out if it were a
 * hundred-thousandth too large. Returns how many values were compared.
 *
 * @param options.perLeaf as gradientCheck has it.
 * @param options.idle the leaves that `f` does not depend on here: whose gradient is zero.
 */
export function expectRightGradients<P extends TensorTree>(
  f: (tree: P) => Tensor | readonly Tensor[],
  tree: P,
  { idle = [], ...options }: { perLeaf?: number; idle?: readonly string[] } = {},
): GradientCheck {
  const check = gradientCheck(f, tree, options);
  expect(check.checked).toBeGreaterThan(0);
  expect(check.maximumRelativeError, JSON.stringify(check.worst)).toBeLessThan(BOUND);
  const { errors } = gradientCheck((p: P) => f(mapTree(p, planted)), tree, { perLeaf: 1 });
  const unseen = Object.keys(errors).filter((path) => !((errors[path] ?? 0) > BOUND));
  expect(unseen).toEqual(idle);
  return check;
}
