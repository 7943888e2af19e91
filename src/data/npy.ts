import { FormatError } from '../errors.js';
import { byteLengthOf, type SafetensorsDtype } from './safetensors-dtypes.js';

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
  /^\{\s*'descr':\s*'([^']*)',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([\d,\s]*)\),?\s*\}\s*$/;

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

/**
 * @param start the file's first bytes, `NPY_HEADER_ROOM` of them or all.
 * @param size bytes of the whole file.
 * @throws FormatError for what is no such file, is stored by columns or big-endian, or is cut short.
 */
export function parseNpyHeader(start: Uint8Array, size: number, source: string): NpyHeader {
  const major = start[6];
  if (MAGIC.some((byte, index) => start[index] !== byte) || !(major && major <= 3)) {
    throw new FormatError(
      source,
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
  const [, descr, fortran, axes] = HEADER.exec(text) ?? [];
  if (descr === undefined || axes === undefined) {
    throw new FormatError(
      source,
      `byte ${fixed}: the header is not that of a plain array: ${text.slice(0, 80)}`,
    );
  }
  const shape = axes.split(',').flatMap((axis) => (axis.trim() === '' ? [] : [Number(axis)]));
  if (fortran === 'True' && shape.length > 1) {
    throw new FormatError(source, 'is stored by columns: save numpy.ascontiguousarray(x)');
  }
  const dtype = DTYPES[descr];
  if (/^>/.test(descr))
    throw new FormatError(source, `is big-endian (${descr}): save x.astype("<f4")`);
  const bytes = byteLength(descr, dtype, shape);
  if (bytes === undefined || begin + bytes > size) {
    throw new FormatError(
      source,
      `(${shape.join(', ')}) of ${descr} need ${bytes ?? 'an impossible number of'} bytes, the file has ${size - begin}`,
    );
  }
  return { dtype, descr, shape, begin };
}

function byteLength(descr: string, dtype: SafetensorsDtype | undefined, shape: readonly number[]) {
  if (dtype !== undefined) return byteLengthOf(dtype, shape);
  const width = textWidth(descr);
  return width === undefined ? undefined : byteLengthOf('U8', [...shape, width]);
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
  const { descr, shape, begin } = parseNpyHeader(bytes, bytes.length, source);
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
