/**
 * The safetensors format: its header and its tensors, read and written.
 *
 * https://huggingface.co/docs/safetensors: 8 bytes with the header's
 * length (little-endian), the header in JSON, padded with spaces so that the data starts at a
 * multiple of 8, then the tensors' bytes without a gap:
 *
 *     {"__metadata__": {"name": "text"}, "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
 *
 * Nothing in it is executable, and nothing here trusts it: whatever a file says is checked
 * against its real size before it is used.
 */
import { FormatError, ValueError } from '../../errors.js';
import { otherKind } from './file-kinds.js';
import {
  byteLengthOf,
  compareDtypes,
  isSafetensorsDtype,
  type SafetensorsDtype,
  type SafetensorsTensor,
} from './safetensors-dtypes.js';
import { isRecord, parseJsonStrictly, quote } from './strict-json.js';

/** A whole file: its tensors are views of the bytes that it was read from, in file order. */
export interface SafetensorsFile {
  readonly metadata: Record<string, string>;
  readonly tensors: Map<string, SafetensorsTensor>;
}

/** Where a tensor lies: `begin` (included) and `end` (excluded) count from the file's first byte. */
export interface SafetensorsEntry {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What the header of a file says, `entries` in the order of their bytes. */
export interface SafetensorsHeader {
  readonly metadata: Record<string, string>;
  readonly entries: Map<string, SafetensorsEntry>;
}

/** The official library reads no longer header, so neither does this one. */
const LONGEST_HEADER = 100_000_000;
const LENGTH_BYTES = 8;
const OBJECT = '{'.charCodeAt(0);

/**
 * Reads a whole safetensors file.
 *
 * @param source the name of the file in errors.
 * @throws FormatError when anything in the file contradicts the format or the file's size.
 */
export function parseSafetensors(bytes: Uint8Array, source: string): SafetensorsFile {
  const { metadata, entries } = parseSafetensorsHeader(bytes, bytes.length, source);
  const tensors = new Map<string, SafetensorsTensor>();
  for (const [name, { dtype, shape, begin, end }] of entries) {
    tensors.set(name, { dtype, shape, bytes: bytes.subarray(begin, end) });
  }
  return { metadata, tensors };
}

/**
 * How many bytes from its start a file's header takes, the 8 of the length included. For files
 * that are read in pieces: read a few bytes, ask this, read that many, ask `parseSafetensorsHeader`.
 *
 * @param start the first 8 bytes of the file or more: `KIND_BYTES` are enough to say of another kind
 *   of file what it is.
 * @param fileSize bytes of the whole file.
 */
export function safetensorsHeaderSize(start: Uint8Array, fileSize: number, source: string): number {
  if (fileSize < LENGTH_BYTES || start.length < LENGTH_BYTES) {
    throw new FormatError(
      source,
      otherKind(start, '.safetensors') ??
        `holds ${fileSize} bytes; a safetensors file starts with 8 bytes that give its header's length`,
    );
  }
  const view = new DataView(start.buffer, start.byteOffset, LENGTH_BYTES);
  const length = view.getBigUint64(0, true);
  const isTooLong = length > LONGEST_HEADER || length > fileSize - LENGTH_BYTES;
  if (isTooLong || start[LENGTH_BYTES] !== OBJECT) {
    const other = otherKind(start, '.safetensors');
    if (other !== undefined) throw new FormatError(source, other);
  }
  if (isTooLong) {
    throw new FormatError(
      source,
      `byte 0 announces a header of ${length} bytes, but the file has ${fileSize - LENGTH_BYTES} after it ` +
        `(and a header may have ${LONGEST_HEADER}): the file is truncated or no safetensors file`,
    );
  }
  return LENGTH_BYTES + Number(length);
}

/**
 * Reads the header alone.
 *
 * @param start the first bytes of the file, at least `safetensorsHeaderSize` of them.
 * @param fileSize bytes of the whole file.
 * @throws FormatError as `parseSafetensors` does.
 */
export function parseSafetensorsHeader(
  start: Uint8Array,
  fileSize: number,
  source: string,
): SafetensorsHeader {
  const headerEnd = safetensorsHeaderSize(start, fileSize, source);
  const json = parseJsonStrictly(start.subarray(LENGTH_BYTES, headerEnd), source, LENGTH_BYTES);
  if (!isRecord(json) || start[LENGTH_BYTES] !== OBJECT) {
    throw new FormatError(source, 'byte 8: the header is not a JSON object that starts with "{"');
  }
  const entries: [string, SafetensorsEntry][] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') metadata = parseMetadata(value, source);
    else entries.push([name, parseEntry(name, value, headerEnd, fileSize, source)]);
  }
  entries.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  checkNoGapOrOverlap(entries, headerEnd, fileSize, source);
  return { metadata, entries: new Map(entries) };
}

function parseMetadata(value: unknown, source: string): Record<string, string> {
  if (!isRecord(value)) throw new FormatError(source, 'header: "__metadata__" is not an object');
  const texts = Object.entries(value).map(([key, text]): [string, string] => {
    if (typeof text === 'string') return [key, text];
    throw new FormatError(source, `header: "__metadata__" entry ${quote(key)} is not a text`);
  });
  return Object.fromEntries(texts);
}

function parseEntry(
  name: string,
  value: unknown,
  dataStart: number,
  fileSize: number,
  source: string,
): SafetensorsEntry {
  const fail = (message: string) => new FormatError(source, `tensor ${quote(name)}: ${message}`);
  if (!isRecord(value)) throw fail('its header entry is not an object');
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isSafetensorsDtype(dtype)) throw fail(`unknown dtype ${quote(dtype)}`);
  if (!isListOfSizes(shape)) throw fail(`shape ${quote(shape)} is not a list of sizes`);
  if (!isListOfSizes(offsets)) throw fail(`data_offsets ${quote(offsets)} are not two positions`);
  const [first, last] = offsets;
  if (first === undefined || last === undefined || offsets.length !== 2 || first > last) {
    throw fail(`data_offsets ${quote(offsets)} are not a start and an end`);
  }
  if (last > fileSize - dataStart) {
    throw fail(
      `data_offsets ${quote(offsets)} end at byte ${dataStart + last} of a file of ${fileSize} bytes`,
    );
  }
  const needed = byteLengthOf(dtype, shape);
  if (needed !== last - first) {
    throw fail(
      `shape ${quote(shape)} of ${dtype} needs ${needed ?? 'an impossible number of'} bytes, ` +
        `data_offsets ${quote(offsets)} (from byte ${dataStart + first}) hold ${last - first}`,
    );
  }
  return { dtype, shape, begin: dataStart + first, end: dataStart + last };
}

function isListOfSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function checkNoGapOrOverlap(
  entries: readonly [string, SafetensorsEntry][],
  dataStart: number,
  fileSize: number,
  source: string,
): void {
  let position = dataStart;
  let previous = 'the header';
  for (const [name, { begin, end }] of entries) {
    if (begin !== position) {
      const fault = begin < position ? 'overlaps' : 'leaves a hole after';
      throw new FormatError(
        source,
        `tensor ${quote(name)} starts at byte ${begin} and ${fault} ${previous}, which ends at byte ${position}`,
      );
    }
    position = end;
    previous = `tensor ${quote(name)}`;
  }
  if (position !== fileSize) {
    throw new FormatError(
      source,
      `${previous} ends at byte ${position}, but the file goes on to byte ${fileSize}`,
    );
  }
}

/**
 * A file's bytes in pieces, the header first, then each tensor's bytes without a copy: so that
 * writing a checkpoint does not need its size in memory a second time. Tensors are ordered as the
 * official library orders them: wide dtypes first, then by name.
 *
 * @throws ValueError for a tensor whose bytes do not fit its shape, or two tensors of one name.
 */
export function safetensorsChunks(
  tensors: Iterable<readonly [string, SafetensorsTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const sorted = [...tensors].sort(
    ([a, { dtype: first }], [b, { dtype: second }]) =>
      compareDtypes(first, second) || compareNames(a, b),
  );
  const members: string[] = [];
  const texts = Object.entries(metadata);
  if (texts.length > 0) members.push(member('__metadata__', Object.fromEntries(texts)));
  const names = new Set(['__metadata__']);
  let offset = 0;
  for (const [name, { dtype, shape, bytes }] of sorted) {
    if (names.has(name))
      throw new ValueError(`Two tensors (or the metadata) are called "${name}".`);
    names.add(name);
    if (byteLengthOf(dtype, shape) !== bytes.length) {
      throw new ValueError(
        `Tensor "${name}" has ${bytes.length} bytes, which is not what shape [${shape}] of ${dtype} needs.`,
      );
    }
    const end = offset + bytes.length;
    members.push(member(name, { dtype, shape, data_offsets: [offset, end] }));
    offset = end;
  }
  const header = encodeHeader(`{${members.join(',')}}`);
  return [header, ...sorted.map(([, { bytes }]) => bytes)];
}

/** A whole file in memory: the pieces of `safetensorsChunks` joined. */
export function encodeSafetensors(
  tensors: Iterable<readonly [string, SafetensorsTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const chunks = safetensorsChunks(tensors, metadata);
  const file = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let position = 0;
  for (const chunk of chunks) {
    file.set(chunk, position);
    position += chunk.length;
  }
  return file;
}

/** An object's members are joined as text because an object would put a name such as "0" first. */
function member(name: string, value: unknown): string {
  return `${JSON.stringify(name)}:${JSON.stringify(value)}`;
}

function encodeHeader(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / 8) * 8;
  const header = new Uint8Array(LENGTH_BYTES + length).fill(' '.charCodeAt(0), LENGTH_BYTES);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, LENGTH_BYTES);
  return header;
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
