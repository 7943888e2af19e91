/** Trees of tensors: parameters, and gradients in the same form. */
import { Tensor } from '../tensor/tensor.js';

/**
 * Parameters (or gradients, or optimiser state) as a model names them: nested objects of tensors. What
 * a model does not have may also be there as undefined.
 */
export interface TensorTree {
  readonly [name: string]: Tensor | TensorTree | undefined;
}

/** The leaves in a fixed order, each with its path: `cell.Wx`. */
export function* leaves(tree: TensorTree, prefix = ''): Generator<[path: string, leaf: Tensor]> {
  for (const [name, child] of Object.entries(tree)) {
    const path = prefix ? `${prefix}.${name}` : name;
    if (child instanceof Tensor) yield [path, child];
    else if (child) yield* leaves(child, path);
  }
}

/** The tensors of an argument that may be one tensor (its path is empty), a tree, or neither. */
export function leavesOf(argument: unknown, path = ''): [path: string, leaf: Tensor][] {
  if (argument instanceof Tensor) return [[path, argument]];
  if (typeof argument !== 'object' || argument === null) return [];
  return Object.entries(argument).flatMap(([name, child]) =>
    leavesOf(child, path ? `${path}.${name}` : name),
  );
}

/** A tree of the same form whose leaves are `f(leaf, path)`. */
export function mapTree<P extends TensorTree>(
  tree: P,
  f: (leaf: Tensor, path: string) => Tensor,
  prefix = '',
): P {
  const mapped: Record<string, Tensor | TensorTree> = {};
  for (const [name, child] of Object.entries(tree)) {
    const path = prefix ? `${prefix}.${name}` : name;
    if (child) mapped[name] = child instanceof Tensor ? f(child, path) : mapTree(child, f, path);
  }
  return mapped as P;
}

/** Number of values in all leaves. */
export function parameterCount(tree: TensorTree): number {
  let count = 0;
  for (const [, leaf] of leaves(tree)) count += leaf.size;
  return count;
}
