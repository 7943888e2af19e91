import { leaves, mapTree, type TensorTree } from '../autograd/tree.js';
import type { SafetensorsFile } from '../data/formats/safetensors.js';
import type { SafetensorsTensor } from '../data/formats/safetensors-dtypes.js';
import type { FloatDType } from '../engine/blas.js';
import { FormatError } from '../errors.js';
import { kernelsFor } from '../tensor/arithmetic.js';
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
 * @param form leaves that need no memory: see `formOnly`.
 * @throws FormatError naming the tensor that is missing, has another type or shape, or holds a value
 *   that is not finite.
 */
export function restored<P extends TensorTree>(
  prefix: string,
  form: P,
  file: SafetensorsFile,
  source: string,
): P {
  return mapTree(form, (leaf, path) => {
    const name = `${prefix}.${path}`;
    const tensor = Tensor.fromBytes(leaf.dtype, leaf.shape, fitting(name, leaf, file, source));
    requireFinite(tensor, name, source);
    return tensor;
  });
}

/** Overwrites the leaves of a tree, one after the other. @throws FormatError as `restored` */
export function restoreInto(
  prefix: string,
  tree: TensorTree,
  file: SafetensorsFile,
  source: string,
): void {
  for (const [path, leaf] of leaves(tree)) {
    const name = `${prefix}.${path}`;
    requireFinite(leaf.assignBytes(fitting(name, leaf, file, source)), name, source);
  }
}

/** The bytes of a file's tensor that has the type and the shape of a leaf. */
function fitting(
  name: string,
  leaf: Tensor,
  { tensors }: SafetensorsFile,
  source: string,
): Uint8Array {
  const found = tensors.get(name);
  if (!found) throw new FormatError(source, `the tensor ${name} is missing`);
  const dtype = dtypes[leaf.float];
  if (found.dtype === dtype && showShape(found.shape) === showShape(leaf.shape)) return found.bytes;
  throw new FormatError(
    source,
    `the tensor ${name} is ${found.dtype} ${showShape(found.shape)}, but the model needs ${dtype} ${showShape(leaf.shape)}`,
  );
}

/**
 * Weights out of a file must be numbers: one NaN makes every answer NaN.
 * @param name of the tensor in the file.
 * @throws FormatError naming the tensor and its first value that is not finite.
 */
function requireFinite(weights: Tensor, name: string, source: string): void {
  // One pass of a kernel; where its sum overflows, all may still be finite.
  if (Number.isFinite(kernelsFor(weights).sumSquares(weights, weights.size))) return;
  const values = weights.dataSync();
  const place = values.findIndex((value) => !Number.isFinite(value));
  if (place < 0) return;
  throw new FormatError(
    source,
    `the tensor ${name} holds ${values[place]} (value ${place + 1} of ${values.length}): a model cannot work with that. The file is damaged, or was saved by a training that diverged`,
  );
}
