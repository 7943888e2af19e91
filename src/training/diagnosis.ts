import { leaves, type TensorTree } from '../autograd/tree.js';
import { firstNotFinite as firstIn, notFinite } from '../data/formats/notes.js';
import { listed } from '../data/formats/strict-json.js';
import { kernelsFor } from '../tensor/arithmetic.js';
import type { Tensor } from '../tensor/tensor.js';

/**
 * Which of some images are not finite, as a sentence; undefined where all are.
 * @param inputs (M, ...)
 * @param names of these M images.
 */
export function imagesNotFinite(inputs: Tensor, names: readonly string[]): string | undefined {
  const values = inputs.dataSync();
  const size = values.length / Math.max(1, names.length);
  const bad = names.flatMap((name, row) => {
    const found = firstIn(values.subarray(row * size, (row + 1) * size), size);
    return found ? [{ name, found }] : [];
  });
  const [first, ...others] = bad;
  if (!first) return undefined;
  const more =
    others.length > 0 ? `, and so are those of ${listed(others.map(({ name }) => name))}` : '';
  return `the inputs of ${first.name} ${notFinite(first.found)}${more}: look at these images, or make their features again`;
}

/** The name of the first tensor of a tree with a value that is not finite. */
export function firstNotFinite(tree: TensorTree, prefix = ''): string | undefined {
  for (const [path, leaf] of leaves(tree)) {
    if (!Number.isFinite(kernelsFor(leaf).sumSquares(leaf, leaf.size))) return `${prefix}${path}`;
  }
  return undefined;
}
