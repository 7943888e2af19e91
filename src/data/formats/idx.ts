/** IDX files, the format in which MNIST is distributed. */
import { FormatError } from '../../errors.js';

/** An array of an IDX file. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly values: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;

/**
 * The file format of MNIST (LeCun et al. 1998): two zeros, the element type, the number of axes, each
 * axis's length as four bytes, the highest first, then the elements row by row. Only bytes are read.
 *
 * @param bytes the whole file, unpacked.
 * @throws FormatError naming the byte for what is no such file, is cut short or too long.
 */
export function parseIdx(bytes: Uint8Array, source: string): IdxArray {
  const [first, second, type, axes] = bytes;
  if (axes === undefined)
    throw new FormatError(source, `ends at byte ${bytes.length}, in its head`);
  if (first !== 0 || second !== 0) {
    throw new FormatError(source, 'byte 0: is no IDX file, which starts with two zeros');
  }
  if (type !== UNSIGNED_BYTE) {
    throw new FormatError(source, `byte 2: elements of type ${type} are not bytes (type 8)`);
  }
  if (axes === 0) throw new FormatError(source, 'byte 3: an array without axes holds no pictures');
  const begin = 4 + 4 * axes;
  if (bytes.length < begin) {
    throw new FormatError(
      source,
      `ends at byte ${bytes.length}, within the lengths of ${axes} axes`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  const needed = shape.reduce((product, length) => product * length, 1);
  if (needed !== bytes.length - begin) {
    throw new FormatError(
      source,
      `(${shape.join(', ')}) are ${needed} bytes from byte ${begin} on, but there are ${bytes.length - begin}`,
    );
  }
  return { shape, values: bytes.subarray(begin) };
}
