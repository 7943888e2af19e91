/** Tensors of state dicts that other programs wrote, as weights. */
import {
  type SafetensorsDtype,
  type SafetensorsTensor,
  safetensorsValues,
} from '../../data/formats/safetensors-dtypes.js';
import { FormatError } from '../../errors.js';

const FLOATS: readonly SafetensorsDtype[] = ['F64', 'F32', 'F16', 'BF16'];

/** A tensor's values. @throws FormatError when they are no weights: whole numbers, or not finite */
export function weightsOf(name: string, tensor: SafetensorsTensor, source: string) {
  if (!FLOATS.includes(tensor.dtype)) {
    throw new FormatError(
      source,
      `tensor "${name}" is ${tensor.dtype}, but weights are ${FLOATS.join(', ')}`,
    );
  }
  const values = Float64Array.from(safetensorsValues(tensor), Number);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return values;
  throw new FormatError(
    source,
    `tensor "${name}" has ${values[bad]} at ${bad}: the file is damaged, or its training failed`,
  );
}
