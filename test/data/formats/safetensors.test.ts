import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeSafetensors, parseSafetensors } from '@/data/formats/safetensors.js';
import {
  isSafetensorsDtype,
  type SafetensorsTensor,
  safetensorsTensor,
  safetensorsValues,
} from '@/data/formats/safetensors-dtypes.js';
import { DTypeError, FormatError, ValueError } from '@/errors.js';

/** A file from a header's text, its length first and without any help from the encoder. */
function fileOf(header: string, data: ArrayLike<number> = []): Uint8Array {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

function refusal(file: Uint8Array): string {
  try {
    parseSafetensors(file, 'model.safetensors');
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    return (error as FormatError).message;
  }
  throw new Error('the file was accepted');
}

const entry = (begin: number, end: number, shape = `[${end - begin}]`, dtype = 'U8') =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

describe('a valid file', () => {
  test('is read from hand-made bytes', () => {
    const header =
      '{"b":{"dtype":"I32","shape":[2],"data_offsets":[8,16]},"__metadata__":{"who":"me"},' +
      '"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}';
    const data = [0, 0, 128, 63, 0, 0, 0, 192, 1, 0, 0, 0, 255, 255, 255, 255];
    const { metadata, tensors } = parseSafetensors(fileOf(header, data), 'x');
    expect(metadata).toEqual({ who: 'me' });
    expect([...tensors.keys()]).toEqual(['a', 'b']);
    const a = tensors.get('a') as SafetensorsTensor;
    expect(a.shape).toEqual([1, 2]);
    expect(safetensorsValues(a)).toEqual(new Float32Array([1, -2]));
    expect(safetensorsValues(tensors.get('b') as SafetensorsTensor)).toEqual(
      new Int32Array([1, -1]),
    );
  });

  test('is written byte for byte as the official library writes it', () => {
    // Layout of safetensors 0.7: dtype descending, then name; header padded with spaces to 8.
    const written = encodeSafetensors([
      ['u', safetensorsTensor(new Uint8Array([7]), [])],
      ['y', safetensorsTensor(new Float32Array([1]), [1])],
      ['x', safetensorsTensor(new Float32Array([]), [0, 3])],
    ]);
    const header =
      '{"x":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]},' +
      '"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},' +
      '"u":{"dtype":"U8","shape":[],"data_offsets":[4,5]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    expect(written).toEqual(fileOf(padded, [0, 0, 128, 63, 7]));
  });

  test('may be empty of tensors', () => {
    expect(parseSafetensors(encodeSafetensors([]), 'x').tensors.size).toBe(0);
  });

  test('keeps names that objects treat in a special way', () => {
    const one = safetensorsTensor(new Uint8Array([1]), [1]);
    const file = encodeSafetensors(
      [
        ['__proto__', one],
        ['0', one],
        ['"\\\u0000é', one],
      ],
      { ['__proto__']: 'text', constructor: 'c' },
    );
    const { metadata, tensors } = parseSafetensors(file, 'x');
    expect([...tensors.keys()]).toEqual(['"\\\u0000é', '0', '__proto__']);
    expect(Object.entries(metadata)).toEqual([
      ['__proto__', 'text'],
      ['constructor', 'c'],
    ]);
  });

  test('decodes every plain element type, aligned or not', () => {
    const samples = [
      new Float32Array([0.5, -3]),
      new Float64Array([Math.PI]),
      new Int8Array([-1]),
      new Int16Array([-300]),
      new Int32Array([-70000]),
      new Uint8Array([255]),
      new Uint32Array([4e9]),
      new BigInt64Array([-(2n ** 40n)]),
      new BigUint64Array([2n ** 63n]),
    ];
    for (const values of samples) {
      const tensor = safetensorsTensor(values, [values.length]);
      const shifted = new Uint8Array(tensor.bytes.length + 1);
      shifted.set(tensor.bytes, 1);
      expect(safetensorsValues(tensor)).toEqual(values);
      expect(safetensorsValues({ ...tensor, bytes: shifted.subarray(1) })).toEqual(values);
    }
  });

  test('decodes half precision exactly', () => {
    const halves = (dtype: 'F16' | 'BF16', ...bits: number[]) =>
      safetensorsValues({
        dtype,
        shape: [bits.length],
        bytes: new Uint8Array(new Uint16Array(bits).buffer),
      });
    expect(halves('F16', 0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00, 0x8000, 0x7e00)).toEqual(
      new Float32Array([1, -2, 65504, 2 ** -24, Number.POSITIVE_INFINITY, -0, Number.NaN]),
    );
    expect(halves('BF16', 0x3f80, 0xc049, 0x7f80)).toEqual(
      new Float32Array([1, -3.140625, Number.POSITIVE_INFINITY]),
    );
  });

  test('knows the size of types that it cannot decode', () => {
    const { tensors } = parseSafetensors(
      fileOf(`{"a":${entry(0, 3, '[4]', 'F6_E2M3')}}`, [1, 2, 3]),
      'x',
    );
    expect(() => safetensorsValues(tensors.get('a') as SafetensorsTensor)).toThrow(DTypeError);
    expect(isSafetensorsDtype('F31')).toBe(false);
  });
});

describe('a hostile file is refused with its place and reason', () => {
  const pair = (a: string, b: string) => `{"a":${a},"b":${b}}`;
  test.each<[string, Uint8Array, RegExp]>([
    ['empty', new Uint8Array(0), /is empty/],
    ['7 bytes', new Uint8Array(7), /holds 7 bytes/],
    [
      'header of 2^64 - 1 bytes',
      new Uint8Array(16).fill(255),
      /byte 0 announces.*18446744073709551615/,
    ],
    [
      'header beyond the file',
      fileOf('{}').subarray(0, 9),
      /announces a header of 2 bytes.*has 1 after/,
    ],
    ['no header', fileOf(''), /byte 8 on is not JSON/],
    ['not JSON', fileOf('{"a":}'), /byte 8 on is not JSON/],
    ['not UTF-8', fileOf('{"?":1}').map((b) => (b === 63 ? 0xff : b)), /not UTF-8/],
    ['a list', fileOf('[]'), /byte 8: the header is not a JSON object/],
    ['space first', fileOf(' {}'), /starts with "\{"/],
    [
      'the same tensor twice',
      fileOf(`{"é":${entry(0, 0)},"é":${entry(0, 0)}}`),
      /byte 62: "é" stands twice/,
    ],
    ['the same key twice', fileOf('{"a":{"dtype":"U8","dtype":"U8"}}'), /"dtype" stands twice/],
    ['metadata that is a number', fileOf('{"__metadata__":{"a":1}}'), /entry "a" is not a text/],
    ['metadata that is a list', fileOf('{"__metadata__":[]}'), /"__metadata__" is not an object/],
    ['an entry that is a text', fileOf('{"a":"b"}'), /tensor "a".*not an object/],
    ['unknown dtype', fileOf(`{"a":${entry(0, 0, '[0]', 'F12')}}`), /"a": unknown dtype "F12"/],
    ['negative size', fileOf(`{"a":${entry(0, 0, '[-1]')}}`), /shape \[-1\]/],
    ['half a size', fileOf(`{"a":${entry(0, 1, '[1.5]')}}`, [0]), /shape \[1.5\]/],
    ['size as text', fileOf(`{"a":${entry(0, 1, '["1"]')}}`, [0]), /shape \["1"\]/],
    ['no shape', fileOf('{"a":{"dtype":"U8","data_offsets":[0,0]}}'), /shape undefined/],
    ['size above 2^53', fileOf(`{"a":${entry(0, 0, '[1e300]')}}`), /shape/],
    [
      'product that overflows',
      fileOf(`{"a":${entry(0, 0, '[4294967296,4294967296,0]')}}`),
      /impossible/,
    ],
    ['half a byte', fileOf(`{"a":${entry(0, 1, '[3]', 'F4')}}`, [0]), /impossible/],
    [
      'too few bytes',
      fileOf(`{"a":${entry(0, 4, '[2]', 'F32')}}`, [0, 0, 0, 0]),
      /needs 8 bytes.*hold 4/,
    ],
    ['backward offsets', fileOf(`{"a":${entry(2, 0, '[2]')}}`, [0, 0]), /not a start and an end/],
    [
      'three offsets',
      fileOf('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1,1]}}', [0]),
      /not a start/,
    ],
    ['no offsets', fileOf('{"a":{"dtype":"U8","shape":[]}}', [0]), /not two positions/],
    [
      'offsets beyond the file',
      fileOf(`{"a":${entry(0, 9)}}`, [0]),
      /end at byte 70 of a file of 62/,
    ],
    [
      'overlap',
      fileOf(pair(entry(0, 2), entry(1, 3)), [0, 0, 0]),
      /"b" starts at byte \d+ and overlaps tensor "a"/,
    ],
    ['a hole', fileOf(pair(entry(0, 1), entry(2, 3)), [0, 0, 0]), /hole after tensor "a"/],
    ['a hole at the start', fileOf(`{"a":${entry(1, 2)}}`, [0, 0]), /hole after the header/],
    ['bytes after the last', fileOf(`{"a":${entry(0, 1)}}`, [0, 0]), /the file goes on to byte/],
  ])('%s', (_, file, message) => {
    expect(refusal(file)).toMatch(message);
    expect(refusal(file)).toMatch(/^model\.safetensors: /);
  });

  test('deep nesting and long names are refused in a short message', () => {
    expect(refusal(fileOf(`{"a":${'['.repeat(100_000)}`)).length).toBeLessThan(500);
    const long = fileOf(`{"${'n'.repeat(100_000)}":${'['.repeat(5000)}${']'.repeat(5000)}}`);
    expect(refusal(long).length).toBeLessThan(500);
  });
});

describe('the encoder refuses', () => {
  const tensor = safetensorsTensor(new Uint8Array([1]), [1]);
  test('a shape that does not fit, in either place', () => {
    expect(() => safetensorsTensor(new Float32Array(5), [2, 3])).toThrow(ValueError);
    expect(() => encodeSafetensors([['a', { ...tensor, shape: [2] }]])).toThrow(/"a" has 1 bytes/);
  });
  test('two tensors of one name, and the name of the metadata', () => {
    expect(() =>
      encodeSafetensors([
        ['a', tensor],
        ['a', tensor],
      ]),
    ).toThrow(ValueError);
    expect(() => encodeSafetensors([['__metadata__', tensor]])).toThrow(ValueError);
  });
});

describe('properties', () => {
  const values = fc.oneof(
    fc.float32Array({ maxLength: 9 }),
    fc.float64Array({ maxLength: 9 }),
    fc.int32Array({ maxLength: 9 }),
    fc.uint8Array({ maxLength: 9 }),
    fc.bigInt64Array({ maxLength: 9 }),
  );
  const names = fc.string({ unit: 'binary', maxLength: 8 }).filter((n) => n !== '__metadata__');
  const file = fc.record({
    tensors: fc.uniqueArray(fc.tuple(names, values), { selector: ([name]) => name, maxLength: 6 }),
    metadata: fc.dictionary(names, fc.string({ unit: 'binary' }), { noNullPrototype: true }),
  });
  const encode = ({
    tensors,
    metadata,
  }: {
    tensors: [string, Parameters<typeof safetensorsTensor>[0]][];
    metadata: Record<string, string>;
  }) =>
    encodeSafetensors(
      tensors.map(([name, array]) => [name, safetensorsTensor(array, [1, array.length])] as const),
      metadata,
    );

  test('what is written is read back, and the data starts at a multiple of 8', () => {
    fc.assert(
      fc.property(file, (content) => {
        const bytes = encode(content);
        const read = parseSafetensors(bytes, 'x');
        expect(read.metadata).toEqual(content.metadata);
        expect(read.tensors.size).toBe(content.tensors.length);
        for (const [name, array] of content.tensors) {
          const tensor = read.tensors.get(name) as SafetensorsTensor;
          expect(tensor.shape).toEqual([1, array.length]);
          expect(safetensorsValues(tensor)).toEqual(array);
        }
        expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test('changed, cut and prolonged files are read or refused with a FormatError', () => {
    const change = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 });
    let refused = 0;
    fc.assert(
      fc.property(file, change, fc.integer({ min: -9, max: 9 }), (content, changes, longer) => {
        const original = encode(content);
        const bytes = new Uint8Array(Math.max(0, original.length + longer));
        bytes.set(original.subarray(0, bytes.length));
        for (const [at, value] of changes) if (bytes.length) bytes[at % bytes.length] = value;
        try {
          parseSafetensors(bytes, 'x');
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
          refused++;
        }
      }),
      { seed: 2, numRuns: 1000 },
    );
    expect(refused).toBeGreaterThan(500);
  });
});
