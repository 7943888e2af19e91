import { leaves, mapTree, type TensorTree } from '../autograd/tree.js';
import type { SafetensorsFile } from '../data/safetensors.js';
import type { SafetensorsTensor } from '../data/safetensors-dtypes.js';
import type { FloatDType } from '../engine/blas.js';
import { FormatError } from '../errors.js';
import { Random } from '../random.js';
import { showShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';

const dtypes = { f32: 'F32', f64: 'F64' } as const satisfies Record<FloatDType, string>;

/** The leaves of a tree as a file's tensors, named `prefix.path`. */
export function* saved(
  prefix: string,
  tree: TensorTree,
): Generator<[name: string, tensor: SafetensorsTensor]> {
  for (const [path, leaf] of leaves(tree)) {
    const values = leaf.dataSync();
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    yield [`${prefix}.${path}`, { dtype: dtypes[leaf.float], shape: leaf.shape, bytes }];
  }
}

/**
 * Tensors of a file in the form of a tree, each checked against the leaf that it replaces.
 * @throws FormatError naming the tensor that is missing or has another type or shape.
 */
export function restored<P extends TensorTree>(
  prefix: string,
  form: P,
  { tensors }: SafetensorsFile,
  source: string,
): P {
  return mapTree(form, (leaf, path) => {
    const name = `${prefix}.${path}`;
    const found = tensors.get(name);
    if (!found) throw new FormatError(source, `the tensor ${name} is missing`);
    const dtype = dtypes[leaf.float];
    if (found.dtype !== dtype || showShape(found.shape) !== showShape(leaf.shape)) {
      throw new FormatError(
        source,
        `the tensor ${name} is ${found.dtype} ${showShape(found.shape)}, but the model needs ${dtype} ${showShape(leaf.shape)}`,
      );
    }
    return Tensor.fromBytes(leaf.dtype, leaf.shape, found.bytes);
  });
}

/** Overwrites the leaves of a tree. @throws FormatError as `restored` */
export function restoreInto(
  prefix: string,
  tree: TensorTree,
  file: SafetensorsFile,
  source: string,
): void {
  const state = new Map(leaves(restored(prefix, tree, file, source)));
  for (const [path, leaf] of leaves(tree)) {
    const found = state.get(path);
    if (found) leaf.assign(found.dataSync());
  }
}

/** In place of random numbers where only the parameters' form is wanted: drawing takes a while. */
export class Undrawn extends Random {
  constructor() {
    super(0);
  }

  override normal(): number {
    return 0;
  }
}
