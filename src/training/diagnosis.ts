import { leaves, type TensorTree } from '../autograd/tree.js';
import { kernelsFor } from '../tensor/arithmetic.js';

/** The name of the first tensor of a tree with a value that is not finite. */
export function firstNotFinite(tree: TensorTree, prefix = ''): string | undefined {
  for (const [path, leaf] of leaves(tree)) {
    if (!Number.isFinite(kernelsFor(leaf).sumSquares(leaf, leaf.size))) return `${prefix}${path}`;
  }
  return undefined;
}
