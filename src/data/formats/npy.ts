/** `.npy` files, in which numpy stores one array. */
import { FormatError } from '../../errors.js';
import { otherKind } from './file-kinds.js';
import { byteLengthOf, type SafetensorsDtype } from './safetensors-dtypes.js';
import { quote } from './strict-json.js';

/**
 * numpy's file of one array (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html):
 * `\x93NUMPY`, two bytes of version, the header's length (2 bytes, from version 2 on 4), the header
 * as a Python dictionary, then the elements.
 */
export interface NpyHeader {
  /** The element type, by the name that safetensors gives it; undefined for texts. */
  readonly dtype: SafetensorsDtype | undefined;
  /** As numpy writes it: `<f4`, `<U12`, `|S8`. */
  readonly descr: string;
  readonly shape: readonly number[];
  /** Where the elements start. */
  readonly begin: number;
}

/** Bytes of a file that are enough for `parseNpyHeader` with any header that numpy writes for one array. */
export const NPY_HEADER_ROOM = 10_000;

/** More texts in a list than any set has photos: a small file can announce as many as it likes. */
export const MOST_TEXTS = 2 ** 24;

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const HEADER =
  /^\{\s*'descr':\s*(?:'([^']*)'|\[.*\]),\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([\dL,\s]*)\),?\s*\}\s*$/s;

const DTYPES: Readonly<Record<string, SafetensorsDtype>> = {
  '<f2': 'F16',
  '<f4': 'F32',
  '<f8': 'F64',
  '|i1': 'I8',
  '<i2': 'I16',
  '<i4': 'I32',
  '<i8': 'I64',
  '|u1': 'U8',
  '<u2': 'U16',
  '<u4': 'U32',
  '<u8': 'U64',
};

/** Other element types of numpy, and what to do about them; `x` is the array. */
const REFUSED: readonly (readonly [pattern: RegExp, is: string, advice: string])[] = [
  [/^>/, 'big-endian numbers', 'x.astype("<f4")'],
  [/^\|O/, 'Python objects (pickled), which are not read', 'numpy.stack(x).astype("float32")'],
  [/^\|b1/, 'true and false', 'x.astype("float32")'],
  [/^<c/, 'complex numbers', 'abs(x).astype("float32"), or their parts'],
  [/^<[fg]/, 'numbers of a width that is not read', 'x.astype("float32")'],
  [/^<[mM]/, 'times', 'x.astype("U")'],
  [/^[<|]V2$/, 'unnamed values of 2 bytes, perhaps bfloat16', 'x.astype("float32")'],
  [/^[<|]V/, 'unnamed bytes', 'x.astype("float32")'],
  [/^[<|][US]/, 'texts of an impossible length', 'x.astype("U")'],
];

/** Axes of an array, as numpy has them at most. */
const MOST_AXES = 64;

/**
 * @param start the file's first bytes, `NPY_HEADER_ROOM` of them or all.
 * @param size bytes of the whole file.
 * @param wanted what is to be read: ids are texts.
 * @throws FormatError for what is no such file, is cut short, is stored by columns, or holds what is
 *   neither numbers nor texts, such as Python objects: then it says what to save instead.
 */
export function parseNpyHeader(
  start: Uint8Array,
  size: number,
  source: string,
  wanted: 'numbers' | 'texts' = 'numbers',
): NpyHeader {
  const major = start[6];
  if (MAGIC.some((byte, index) => start[index] !== byte) || !(major && major <= 3)) {
    throw new FormatError(
      source,
      otherKind(start, '.npy') ??
        'byte 0: is no .npy file, which starts with \\x93NUMPY and 1, 2 or 3',
    );
  }
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const fixed = major === 1 ? 10 : 12;
  if (start.length < fixed)
    throw new FormatError(source, `ends at byte ${start.length}, in its header`);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const begin = fixed + length;
  if (begin > start.length) {
    throw new FormatError(
      source,
      `byte 8 announces a header of ${length} bytes: too long, or cut short`,
    );
  }
  const text = new TextDecoder('latin1').decode(start.subarray(fixed, begin));
  const found = HEADER.exec(text);
  const [, descr, fortran, axes = ''] = found ?? [];
  if (!found) {
    throw new FormatError(
      source,
      `byte ${fixed}: the header is not that of a plain array: ${quote(text)}`,
    );
  }
  const shape = axes.split(',').flatMap((axis) => (axis.trim() === '' ? [] : [parseInt(axis, 10)]));
  if (shape.length > MOST_AXES) {
    throw new FormatError(source, `has ${shape.length} axes, more than the ${MOST_AXES} of numpy`);
  }
  if (descr === undefined) {
    throw new FormatError(source, 'holds records of several fields: save one of them, x["field"]');
  }
  const dtype = DTYPES[descr];
  const width = dtype === undefined ? textWidth(descr) : undefined;
  if (dtype === undefined && width === undefined) throw refused(descr, wanted, source);
  if (fortran === 'True' && shape.length > 1) {
    throw new FormatError(source, 'is stored by columns: save numpy.ascontiguousarray(x)');
  }
  const bytes =
    width === undefined
      ? byteLengthOf(dtype ?? 'U8', shape)
      : byteLengthOf('U8', [...shape, width]);
  if (bytes === undefined || begin + bytes > size) {
    throw new FormatError(
      source,
      `${quote(shape)} of ${descr} need ${bytes ?? 'an impossible number of'} bytes, the file has ${size - begin}`,
    );
  }
  return { dtype, descr, shape, begin };
}

function refused(descr: string, wanted: 'numbers' | 'texts', source: string): FormatError {
  const [, is, advice] = REFUSED.find(([pattern]) => pattern.test(descr)) ?? [];
  return new FormatError(
    source,
    is === undefined
      ? `holds elements of a type that is not known, ${quote(descr)}`
      : `holds ${is} (${quote(descr)}): save ${wanted === 'texts' ? 'x.astype("U")' : advice}`,
  );
}

function textWidth(descr: string): number | undefined {
  const [, kind, length] = /^[<|]([US])(\d{1,6})$/.exec(descr) ?? [];
  return length === undefined ? undefined : Number(length) * (kind === 'U' ? 4 : 1);
}

/**
 * A list of texts (`<U`, `|S`), or of whole numbers, as texts.
 * @param bytes the whole file.
 * @throws FormatError
 */
export function parseNpyTexts(bytes: Uint8Array, source: string): string[] {
  const { descr, shape, begin } = parseNpyHeader(bytes, bytes.length, source, 'texts');
  const [count = 0] = shape;
  if (count > MOST_TEXTS) throw new FormatError(source, `lists ${count} texts, more than are read`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = (item: (index: number) => unknown) =>
    Array.from({ length: shape.length === 1 ? count : 0 }, (_, index) => String(item(index)));
  if (shape.length === 1 && descr === '<i8')
    return read((i) => view.getBigInt64(begin + 8 * i, true));
  if (shape.length === 1 && descr === '<i4') return read((i) => view.getInt32(begin + 4 * i, true));
  const width = textWidth(descr);
  if (shape.length !== 1 || width === undefined) {
    throw new FormatError(
      source,
      `(${shape.join(', ')}) of ${descr} is no list of texts or whole numbers`,
    );
  }
  const utf8 = new TextDecoder();
  return read((index) => {
    const text = bytes.subarray(begin + index * width, begin + (index + 1) * width);
    const decoded = descr.includes('S') ? utf8.decode(text) : fromUtf32(text, source);
    return decoded.replace(/\0+$/, '');
  });
}

function fromUtf32(bytes: Uint8Array, source: string): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = '';
  for (let i = 0; i < bytes.length; i += 4) {
    const point = view.getUint32(i, true);
    if (point > 0x10ffff) throw new FormatError(source, 'holds no valid text');
    text += String.fromCodePoint(point);
  }
  return text;
}
