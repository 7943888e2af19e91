/** Rows of numbers in files, read when they are asked for. */
import type { Hdf5File } from '../data/formats/hdf5.js';
import {
  byteLengthOf,
  type SafetensorsDtype,
  safetensorsValues,
} from '../data/formats/safetensors-dtypes.js';
import type { StoredBytes } from '../data/formats/stored-bytes.js';
import { DTypeError, FormatError } from '../errors.js';

/** Rows of numbers, each a vector or a grid, that are read when they are asked for. */
export interface Rows {
  readonly count: number;
  /** Shape of a row. */
  readonly shape: readonly number[];
  /** Writes `count` rows from number `first` on to `out`, from `offset` on. @throws FileError, FormatError */
  read(first: number, count: number, out: Float32Array, offset: number): void;
  /** Closes the file. Only rows made by `storedRows` can be read again. */
  close(): void;
}

/** Of a row. A file of compressed arrays announces any number of them in a few bytes. */
const MOST_VALUES = 2 ** 28;

/** What an array must be to hold features. @throws FormatError */
export function checkNumbers(
  { dtype, shape }: { dtype: SafetensorsDtype | undefined; shape: readonly number[] },
  source: string,
): SafetensorsDtype {
  const values = shape.slice(1).reduce((product, axis) => product * axis, 1);
  if (shape.length >= 2 && !(values > 0 && values <= MOST_VALUES)) {
    throw new FormatError(source, `a row of ${values} values is no photo's features`);
  }
  const readable = ['F16', 'BF16', 'F32', 'F64', 'U8', 'I8', 'I16', 'U16', 'I32', 'U32'];
  if (dtype !== undefined && readable.includes(dtype) && shape.length >= 2) return dtype;
  throw new FormatError(
    source,
    `(${shape.join(', ')}) of ${dtype ?? 'no numbers'} are no features: float16, float32 or float64 (N, D), (N, L, D), (N, H, W, D) or (N, D, H, W); in Python, x.astype("float32")`,
  );
}

/** Rows in bytes, row-major and little-endian, in any type of numbers. */
export function storedRows(
  bytes: StoredBytes,
  begin: number,
  dtype: SafetensorsDtype,
  [count = 0, ...shape]: readonly number[],
): Rows {
  const rowBytes = byteLengthOf(dtype, shape) ?? 0;
  return {
    count,
    shape,
    close: () => bytes.close(),
    read(first, rows, out, offset) {
      const position = begin + first * rowBytes;
      if (dtype === 'F32') {
        // Straight to where they are wanted.
        const start = out.byteOffset + 4 * offset;
        bytes.read(position, new Uint8Array(out.buffer, start, rows * rowBytes));
      } else {
        const buffer = new Uint8Array(rows * rowBytes);
        bytes.read(position, buffer);
        decode(buffer, dtype, out, offset);
      }
    },
  };
}

/**
 * Rows in an HDF5 file.
 * @param options.alone whether the array is one row.
 * @throws FormatError
 */
export function hdf5Rows(file: Hdf5File, name: string, { alone = false } = {}): Rows {
  const array = file.array(name);
  const shape = alone ? [1, ...array.shape] : array.shape;
  const dtype = checkNumbers({ ...array, shape }, `${file.path}: ${name}`);
  const [count = 0, ...each] = shape;
  return {
    count,
    shape: each,
    read(first, rows, out, offset) {
      const bytes = alone ? file.read(name, 0, array.shape[0] ?? 0) : file.read(name, first, rows);
      decode(bytes, dtype, out, offset);
    },
    // Others of the file's arrays may be rows, too.
    close: () => (alone ? undefined : void file.close()),
  };
}

function decode(bytes: Uint8Array, dtype: SafetensorsDtype, out: Float32Array, offset: number) {
  const values = safetensorsValues({ dtype, shape: [], bytes });
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    throw new DTypeError(`Features of type ${dtype} cannot be read.`);
  }
  out.set(values, offset);
}

/** Files that are kept open. */
const MOST_OPEN = 16;

/** The place of the last of some growing numbers that is at most `value`. */
function lastNotAfter(numbers: readonly number[], value: number): number {
  let [low, high] = [0, numbers.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) <= value) low = middle;
    else high = middle;
  }
  return low;
}

/** Rows of several files, one after the other. @throws FormatError when their shapes differ */
export function joinedRows(parts: readonly { readonly path: string; readonly rows: Rows }[]): Rows {
  const [first, ...others] = parts;
  if (!first) return { count: 0, shape: [], read: () => {}, close: () => {} };
  for (const { path, rows } of others) {
    if (`${rows.shape}` === `${first.rows.shape}`) continue;
    throw new FormatError(
      path,
      `has rows (${rows.shape.join(', ')}), but ${first.path} has (${first.rows.shape.join(', ')}): all must have one shape, so of boxes as many for each photo`,
    );
  }
  const size = first.rows.shape.reduce((product, axis) => product * axis, 1);
  let count = 0;
  const begins = parts.map(({ rows }) => {
    count += rows.count;
    return count - rows.count;
  });
  return {
    count,
    shape: first.rows.shape,
    read(from, count, out, offset) {
      let row = from;
      while (row < from + count) {
        const part = lastNotAfter(begins, row);
        const { rows } = parts[part] ?? first;
        const within = row - (begins[part] ?? 0);
        const some = Math.min(rows.count - within, from + count - row);
        rows.read(within, some, out, offset + (row - from) * size);
        // There may be a file for each photo, and not so many may be open.
        if (parts.length > MOST_OPEN) rows.close();
        row += some;
      }
    },
    close() {
      for (const { rows } of parts) rows.close();
    },
  };
}
