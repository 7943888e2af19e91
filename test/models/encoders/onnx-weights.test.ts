import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileError, FormatError, GlimpseError } from '@/errors.js';
import { encoderFingerprint } from '@/models/encoders/encoder.js';
import { outsideTensors, withOutsideTensors } from '@/models/encoders/onnx-weights.js';
import { encoderFromBytes, restoreEncoder } from '@/models/encoders/open.js';
import { openEncoder } from '@/models/encoders/open-file.js';
import { type OnnxGraph, onnxFile } from './onnx.js';

const home = process.cwd();
let folder: string;
const inside = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'glimpse-onnx-'));
});
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

/** Twice x by one weight, and by the constant of a node; both may lie outside. */
function network(weight: object, constant: object = { values: Float32Array.of(1, 1, 1) }) {
  const dims = [1, 3, 1, 1];
  const graph: OnnxGraph = {
    input: { name: 'x', shape: ['N', 3, 2, 2] },
    nodes: [
      {
        ...{ operator: 'Constant', input: [], output: 'c' },
        attributes: { value: { name: 'c', dims, ...constant } },
      },
      { operator: 'Mul', input: ['x', 'w'], output: 'y' },
      { operator: 'Mul', input: ['y', 'c'], output: 'grid' },
    ],
    tensors: [{ name: 'w', dims, ...weight }],
    outputs: [{ name: 'grid', shape: ['N', 3, 2, 2] }],
  };
  return onnxFile(graph);
}
const bytesOf = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const outside = (location: string, offset = 0, length: number | undefined = 12) => ({
  outside: {
    location,
    offset: String(offset),
    ...(length !== undefined && { length: String(length) }),
  },
});
const photo = Float32Array.from({ length: 12 }, (_, i) => i + 1);
const scaled = (...factors: number[]) =>
  [...photo].map((value, i) => value * (factors[i >> 2] ?? 0));

/** A network and its weights in a folder of their own; its path. */
function files(name: string, onnx: Uint8Array, weights?: Uint8Array, as = 'net.onnx.data'): string {
  mkdirSync(inside(name));
  writeFileSync(inside(`${name}/net.onnx`), onnx);
  if (weights) writeFileSync(inside(`${name}/${as}`), weights);
  return inside(`${name}/net.onnx`);
}

describe('weights beside the file', () => {
  test('are read from there, go into the model file and count for the fingerprint', async () => {
    const graph = network(outside('net.onnx.data', 4), outside('net.onnx.data', 16, undefined));
    const path = files('one', graph, bytesOf(0, 2, 3, 4, 5, 6, 7));
    const other = files('other', graph, bytesOf(9, 9, 9, 9, 9, 9, 9));
    process.chdir(inside('other'));
    const encoder = await openEncoder(path);
    const { grid } = await encoder.encode(photo, 1, { grid: true });
    expect([...(grid ?? [])]).toEqual(scaled(10, 18, 28));
    rmSync(inside('one'), { recursive: true });
    const restored = await restoreEncoder(encoder.save());
    expect((await restored.encode(photo, 1, { grid: true })).grid).toEqual(grid);
    const print = await encoderFingerprint(encoder.save());
    expect(await encoderFingerprint(restored.save())).toBe(print);
    expect(await encoderFingerprint((await openEncoder(other)).save())).not.toBe(print);
    process.chdir(home);
  });

  test('a link to a store of files is followed, as folders below are', async () => {
    const path = files('linked', network(outside('parts/w.bin')));
    writeFileSync(inside('blob'), bytesOf(1, 2, 3));
    mkdirSync(inside('linked/parts'));
    symlinkSync(inside('blob'), inside('linked/parts/w.bin'));
    const { grid } = await (await openEncoder(path)).encode(photo, 1, { grid: true });
    expect([...(grid ?? [])]).toEqual(scaled(1, 2, 3));
  });

  test.each<[string, object, Uint8Array | undefined, new (...args: never[]) => Error, RegExp]>([
    ['missing', outside('net.onnx.data'), undefined, FileError, /net\.onnx\.data.*net\.onnx \(w/],
    [
      'cut short',
      outside('net.onnx.data', 8),
      bytesOf(1, 2, 3),
      FormatError,
      /has 12 bytes.*8 to 20/,
    ],
    [
      'begun after the end',
      outside('net.onnx.data', 16, 0),
      bytesOf(1, 2, 3),
      FormatError,
      /16 to 16/,
    ],
    ['up', outside('../net.onnx.data'), bytesOf(1, 2, 3), FormatError, /tensor w.*\.\.\/net\.onnx/],
    ['up, in between', outside('a/../../b'), undefined, FormatError, /only files in the folder/],
    ['up, by backslashes', outside('..\\b'), undefined, FormatError, /only files in the folder/],
    ['absolute', outside('/etc/hostname'), undefined, FormatError, /only files in the folder/],
    ['of a drive', outside('C:\\b'), undefined, FormatError, /only files in the folder/],
    ['no file', outside('.'), undefined, FileError, /not a plain file|weights of/],
    ['nowhere', { outside: {} }, undefined, FormatError, /w.*has no name/],
    [
      'at no number',
      { outside: { location: 'w', offset: '-4' } },
      undefined,
      FormatError,
      /its offset/,
    ],
    ['too few', outside('net.onnx.data', 0, 8), bytesOf(1, 2), FormatError, /onnxruntime opens/],
  ])('refused: %s', async (name, weight, weights, kind, message) => {
    const opening = openEncoder(files(name.replaceAll(' ', '-'), network(weight), weights));
    await expect(opening).rejects.toThrow(kind);
    await expect(opening).rejects.toThrow(message);
  });

  test('refused: more than an ONNX file can hold, before it is read', async () => {
    const graph = network(outside('net.onnx.data', 0, 2 ** 31));
    const path = files('large', graph, new Uint8Array(0));
    truncateSync(inside('large/net.onnx.data'), 2 ** 31);
    await expect(openEncoder(path)).rejects.toThrow(/2\.15 GB with its weights.*up to 2\.15 GB/);
    const whole = files('whole', graph);
    truncateSync(whole, 2 ** 31 + 2 ** 30);
    await expect(openEncoder(whole)).rejects.toThrow(/3\.22 GB/);
  });

  test('bytes alone, and a model file without them, are refused wherever one stands', async () => {
    const graph = network(outside('net.onnx.data'));
    files('here', graph, bytesOf(1, 2, 3));
    process.chdir(inside('here'));
    await expect(encoderFromBytes(graph, 'net.onnx')).rejects.toThrow(
      /net\.onnx: is a network without all of its weights: those of w are in a file net\.onnx\.data/,
    );
    const whole = await openEncoder(inside('here/net.onnx'));
    const { kind, metadata } = whole.save();
    const model = { dtype: 'U8', shape: [graph.length], bytes: graph } as const;
    const saved = { kind, metadata, tensors: new Map([['model', model]]) };
    await expect(restoreEncoder(saved)).rejects.toThrow(/encoder in the model file.*without all/);
    process.chdir(home);
  });
});

test('a file with weights of its own stays as it is', () => {
  const graph = network({ values: Float32Array.of(1, 2, 3) });
  expect(outsideTensors(graph, 'x')).toEqual([]);
  expect(withOutsideTensors(graph, 'x', () => expect.fail('nothing is outside'))).toBe(graph);
});

test('any bytes are read or refused by a typed error', () => {
  const graph = network(outside('w'));
  const damaged = fc
    .tuple(fc.nat(graph.length - 1), fc.nat(255), fc.nat(graph.length))
    .map(([place, byte, end]) => {
      const bytes = graph.slice(0, end);
      if (place < end) bytes[place] = byte;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 60 })), (bytes) => {
      try {
        withOutsideTensors(bytes, 'x', () => new Uint8Array(3));
      } catch (error) {
        if (!(error instanceof GlimpseError)) throw error;
      }
    }),
    { seed: 5, numRuns: 2000 },
  );
});

test('a message within itself without end is refused', () => {
  // graph > node > attribute > graph, each in the one before.
  const wrap = (id: number, content: Uint8Array) => {
    const { length } = content;
    const size = [(length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14];
    return Uint8Array.from([(id << 3) | 2, ...size, ...content]);
  };
  let bytes: Uint8Array = new Uint8Array(0);
  for (let depth = 0; depth < 60; depth++) bytes = wrap(1, wrap(5, wrap(6, bytes)));
  expect(() => outsideTensors(wrap(7, bytes), 'x')).toThrow(/nested too deep/);
});
