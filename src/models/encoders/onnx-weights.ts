/** Weights that an ONNX file leaves in other files, found and put into it. */
import { KIND_BYTES, otherKind } from '../../data/formats/file-kinds.js';
import { FormatError } from '../../errors.js';

// An ONNX file is a tree of protocol buffers. Eight numbers of its fields lead to all of its tensors, and
// nothing else of it matters here, so this reads them itself: a library with the whole schema would be a
// megabyte for that.

/** A tensor whose values lie in a file beside the ONNX file. */
export interface OutsideTensor {
  readonly name: string;
  /** The file, relative to the ONNX file's folder, as the ONNX file has it. */
  readonly location: string;
  /** Where in it the values begin. */
  readonly offset: number;
  /** How many bytes they are; up to the file's end when it is left out. */
  readonly length: number | undefined;
}

/** Protocol buffers hold no more, so no ONNX file does. */
export const MOST_ONNX_BYTES = 2 ** 31 - 1;

type Message = 'model' | 'function' | 'graph' | 'node' | 'attribute' | 'sparse' | 'tensor';

/** By onnx.proto: in which fields of a message others lie that lead to tensors. */
const inside: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: 'graph', 25: 'function' },
  function: { 7: 'node', 11: 'attribute' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: {
    ...{ 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: {},
};

/** Fields of a TensorProto, and of an entry of its external data. */
const NAME = 8;
const RAW_DATA = 9;
const EXTERNAL_DATA = 13;
const DATA_LOCATION = 14;
const KEY = 1;
const VALUE = 2;
const EXTERNAL = 1;

/** Protocol buffers themselves go no deeper. */
const DEEPEST = 100;

/** The tensors whose values lie in other files. @throws FormatError for what is no ONNX file */
export function outsideTensors(onnx: Uint8Array, source: string): OutsideTensor[] {
  const other = otherKind(onnx.subarray(0, KIND_BYTES), '.onnx');
  if (other !== undefined) throw new FormatError(source, other);
  const found: OutsideTensor[] = [];
  rebuilt(onnx, 'model', source, (tensor) => {
    found.push(tensor);
    return undefined;
  });
  return found;
}

/**
 * The ONNX file with its outside tensors' values in it.
 * @param valuesOf a tensor's bytes.
 * @throws FormatError for what is no ONNX file; what `valuesOf` throws.
 */
export function withOutsideTensors(
  onnx: Uint8Array,
  source: string,
  valuesOf: (tensor: OutsideTensor) => Uint8Array,
): Uint8Array {
  const pieces = rebuilt(onnx, 'model', source, valuesOf);
  if (!pieces) return onnx;
  const whole = new Uint8Array(lengthOf(pieces));
  let position = 0;
  for (const piece of pieces) {
    whole.set(piece, position);
    position += piece.length;
  }
  return whole;
}

type ValuesOf = (tensor: OutsideTensor) => Uint8Array | undefined;

/** A message with the values of its outside tensors, in pieces; undefined when nothing changes. */
function rebuilt(
  bytes: Uint8Array,
  message: Message,
  source: string,
  valuesOf: ValuesOf,
  depth = 0,
): Uint8Array[] | undefined {
  if (depth > DEEPEST) throw new FormatError(source, 'is no ONNX file: it is nested too deep');
  if (message === 'tensor') return filled(bytes, source, valuesOf);
  const pieces: Uint8Array[] = [];
  let copied = 0;
  for (const { id, start, content, end } of fields(bytes, source)) {
    const child = inside[message][id];
    if (!child || !content) continue;
    const changed = rebuilt(content, child, source, valuesOf, depth + 1);
    if (!changed) continue;
    pieces.push(bytes.subarray(copied, start), headOf(id, lengthOf(changed)), ...changed);
    copied = end;
  }
  return pieces.length > 0 ? [...pieces, bytes.subarray(copied)] : undefined;
}

/** A tensor with its values in it, when they are outside and `valuesOf` has them. */
function filled(bytes: Uint8Array, source: string, valuesOf: ValuesOf): Uint8Array[] | undefined {
  const kept: Uint8Array[] = [];
  const entries = new Map<string, string>();
  let name = '';
  let isOutside = false;
  for (const { id, start, content, value, end } of fields(bytes, source)) {
    if (id === NAME && content) name = text(content);
    if (id === DATA_LOCATION) isOutside = value === EXTERNAL;
    else if (id !== EXTERNAL_DATA) kept.push(bytes.subarray(start, end));
    else if (content) entries.set(...entryOf(content, source));
  }
  if (!isOutside) return undefined;
  const values = valuesOf(outsideTensor(name, entries, source));
  return values && [...kept, headOf(RAW_DATA, values.length), values];
}

function entryOf(bytes: Uint8Array, source: string): [key: string, value: string] {
  const texts = new Map<number, string>();
  for (const { id, content } of fields(bytes, source)) if (content) texts.set(id, text(content));
  return [texts.get(KEY) ?? '', texts.get(VALUE) ?? ''];
}

function outsideTensor(
  name: string,
  entries: ReadonlyMap<string, string>,
  source: string,
): OutsideTensor {
  const location = entries.get('location');
  if (!location) {
    throw new FormatError(
      source,
      `tensor ${name}: its values lie in another file, which has no name`,
    );
  }
  const bytesOf = (key: string) => {
    const found = entries.get(key);
    if (found === undefined) return undefined;
    const count = /^\d+$/.test(found) ? Number(found) : Number.NaN;
    if (Number.isSafeInteger(count)) return count;
    throw new FormatError(
      source,
      `tensor ${name}: its ${key} in ${location} is no number of bytes`,
    );
  };
  return { name, location, offset: bytesOf('offset') ?? 0, length: bytesOf('length') };
}

/** One field of a message: a number as `value`, bytes, texts and messages as `content`. */
interface Field {
  readonly id: number;
  readonly start: number;
  readonly end: number;
  readonly value?: number;
  readonly content?: Uint8Array;
}

const VARINT = 0;
const BITS_64 = 1;
const LENGTH = 2;
const BITS_32 = 5;

/** @throws FormatError where the bytes are no fields of protocol buffers */
function* fields(bytes: Uint8Array, source: string): Generator<Field> {
  let position = 0;
  const broken = () =>
    new FormatError(source, 'is no ONNX file, or a damaged one: its parts do not fit together');
  const varint = () => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[position++];
      if (byte === undefined) break;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw broken();
  };
  while (position < bytes.length) {
    const start = position;
    const tag = varint();
    const [id, wire] = [Math.floor(tag / 8), tag % 8];
    if (id === 0) throw broken();
    if (wire === VARINT) {
      const value = varint();
      yield { id, start, end: position, value };
      continue;
    }
    const size = wire === LENGTH ? varint() : wire === BITS_64 ? 8 : wire === BITS_32 ? 4 : -1;
    const begin = position;
    position += size;
    if (size < 0 || position > bytes.length) throw broken();
    const content = wire === LENGTH ? { content: bytes.subarray(begin, position) } : {};
    yield { id, start, end: position, ...content };
  }
}

/** What stands before the content of a field that has a length. */
function headOf(id: number, length: number): Uint8Array {
  const bytes: number[] = [];
  for (let value of [id * 8 + LENGTH, length]) {
    for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
    bytes.push(value);
  }
  return Uint8Array.from(bytes);
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
