/** The element types of safetensors files, and their bytes as typed arrays. */
import { DTypeError, ValueError } from '../../errors.js';

/**
 * Bits of one element of every dtype that the safetensors format knows, in the order in which the
 * official library (version 0.7) declares them. Its writer puts the later ones first into a file,
 * so that every tensor starts at a multiple of its element size.
 */
const BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

/** The name of an element type as a safetensors header spells it. */
export type SafetensorsDtype = keyof typeof BITS;

const ORDER = new Map(Object.keys(BITS).map((dtype, index) => [dtype, index]));

/** Whether `value` is the name of a dtype that the format knows. */
export function isSafetensorsDtype(value: unknown): value is SafetensorsDtype {
  return typeof value === 'string' && ORDER.has(value);
}

/** The official writer's order of two dtypes: negative when `a` comes first in a file. */
export function compareDtypes(a: SafetensorsDtype, b: SafetensorsDtype): number {
  return (ORDER.get(b) ?? 0) - (ORDER.get(a) ?? 0);
}

/**
 * Bytes of a tensor: `product(shape) * bits / 8`, or undefined where that is no whole number of
 * bytes or exceeds 2^53 - 1 on the way.
 */
export function byteLengthOf(
  dtype: SafetensorsDtype,
  shape: readonly number[],
): number | undefined {
  let elements = 1;
  for (const size of shape) {
    elements *= size;
    if (!Number.isSafeInteger(elements)) return undefined;
  }
  const bits = elements * BITS[dtype];
  return Number.isSafeInteger(bits) && bits % 8 === 0 ? bits / 8 : undefined;
}

/** A tensor of a safetensors file: the bytes are little-endian and row-major. */
export interface SafetensorsTensor {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** What `safetensorsValues` can decode into. */
export type SafetensorsValues =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Typed arrays that are made safetensors tensors by `safetensorsTensor`. */
export type PlainValues = Exclude<SafetensorsValues, Uint16Array>;

/**
 * The elements of a tensor as a typed array, a view of the file's bytes where their alignment
 * allows it and a copy elsewhere. F16 and BF16 become float32, exactly; BOOL becomes bytes 0 and 1.
 * Assumes a little-endian machine, as WebAssembly does.
 *
 * @throws DTypeError for the element types that JavaScript has no array for (F4, F6, F8, C64).
 */
export function safetensorsValues({ dtype, bytes }: SafetensorsTensor): SafetensorsValues {
  switch (dtype) {
    case 'F32':
      return new Float32Array(...aligned(bytes, 4));
    case 'F64':
      return new Float64Array(...aligned(bytes, 8));
    case 'I8':
      return new Int8Array(...aligned(bytes, 1));
    case 'I16':
      return new Int16Array(...aligned(bytes, 2));
    case 'I32':
      return new Int32Array(...aligned(bytes, 4));
    case 'I64':
      return new BigInt64Array(...aligned(bytes, 8));
    case 'BOOL':
    case 'U8':
      return bytes;
    case 'U16':
      return new Uint16Array(...aligned(bytes, 2));
    case 'U32':
      return new Uint32Array(...aligned(bytes, 4));
    case 'U64':
      return new BigUint64Array(...aligned(bytes, 8));
    case 'F16':
      return fromFloat16(new Uint16Array(...aligned(bytes, 2)));
    case 'BF16':
      return bfloat16(new Uint16Array(...aligned(bytes, 2)));
    default:
      throw new DTypeError(
        `Elements of type ${dtype} cannot be read into an array; convert the file to F32, F16 or BF16 first.`,
      );
  }
}

/**
 * A tensor for `encodeSafetensors` over the memory of `values` (no copy).
 *
 * @throws ValueError when `shape` does not hold as many elements as `values`.
 */
export function safetensorsTensor(
  values: PlainValues,
  shape: readonly number[],
): SafetensorsTensor {
  const elements = shape.reduce((product, size) => product * size, 1);
  if (elements !== values.length) {
    throw new ValueError(`Shape [${shape}] holds ${elements} elements, not ${values.length}.`);
  }
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { dtype: dtypeOf(values), shape, bytes };
}

function dtypeOf(values: PlainValues): SafetensorsDtype {
  if (values instanceof Float32Array) return 'F32';
  if (values instanceof Float64Array) return 'F64';
  if (values instanceof Int8Array) return 'I8';
  if (values instanceof Int16Array) return 'I16';
  if (values instanceof Int32Array) return 'I32';
  if (values instanceof Uint32Array) return 'U32';
  if (values instanceof BigInt64Array) return 'I64';
  if (values instanceof BigUint64Array) return 'U64';
  return 'U8';
}

/**
 * Arguments for a typed array over `bytes`, copied first when they start at an odd place. Not by
 * `slice`, which for Node's Buffer does not copy.
 */
function aligned(bytes: Uint8Array, elementSize: number): [ArrayBufferLike, number, number] {
  const place = bytes.byteOffset % elementSize === 0 ? bytes : new Uint8Array(bytes);
  return [place.buffer, place.byteOffset, place.byteLength / elementSize];
}

/** The values of all 65,536 halves, once they are needed: features by the million are stored as such. */
let halfValues: Float32Array | undefined;

function fromFloat16(halves: Uint16Array): Float32Array {
  halfValues ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => float16(bits));
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = halfValues[halves[i] ?? 0] ?? 0;
  return values;
}

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** A bfloat16 is the upper half of a float32. */
function bfloat16(halves: Uint16Array): Float32Array {
  const words = Uint32Array.from(halves, (half) => half << 16);
  return new Float32Array(words.buffer);
}
