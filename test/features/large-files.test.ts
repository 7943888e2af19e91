import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeFeatureMetadata } from '@/features/feature-file.js';
import { openFeatures } from '@/features/open-features.js';

/**
 * Files of 5 GB without the disk for it: only a head and a few rows are written, the rest are holes.
 * A row is a grid of 64 places and 4096 channels, 2^20 bytes in float32, so that behind a head row
 * 2047 reaches across byte 2^31 and row 4095 across byte 2^32.
 */
const N = 5000;
const row = [64, 4096] as const;
const BYTES = 2 ** 20;
const order = Array.from({ length: N }, (_, n) => `${n}`);
const ROWS = [0, 2047, 2048, 4095, 4096, N - 1];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-large-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Row n begins with n + 1 and ends with -n - 1. */
function large(name: string, head: Uint8Array, tail = new Uint8Array(0), rowBytes = BYTES): string {
  const path = join(folder, name);
  const file = openSync(path, 'w');
  writeSync(file, head);
  const end = head.length + N * rowBytes;
  ftruncateSync(file, end);
  for (const n of ROWS) {
    const place = head.length + n * rowBytes;
    writeSync(file, Float32Array.of(n + 1), 0, 4, place);
    writeSync(file, Float32Array.of(-n - 1), 0, 4, place + rowBytes - 4);
  }
  writeSync(file, tail, 0, tail.length, end);
  closeSync(file);
  return path;
}

async function expectRows(path: string): Promise<void> {
  const features = await openFeatures(path, { order });
  const { size, read } = features.gridReader(ROWS.map(String));
  expect(size).toBe(64 * 4096);
  const values = new Float32Array(size);
  for (const [index, n] of ROWS.entries()) {
    read(index, values, 0);
    expect([values[0], values[1], values.at(-1)]).toEqual([n + 1, 0, -n - 1]);
  }
}

/** numpy's header of the array, version 1. */
function npyHead(shape: readonly number[]): Uint8Array {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  return new TextEncoder().encode(`\0NUMPY\x01\0v\0${text.padEnd(117)}\n`).fill(0x93, 0, 1);
}

test('.npy', () => expectRows(large('x.npy', npyHead([N, ...row]))));

test('several .npy follow one another', async () => {
  const path = large('x.npy', npyHead([N, ...row]));
  const both = await openFeatures([path, path], {
    order: [...order, ...order.map((n) => `b${n}`)],
  });
  const values = both.grid(['4096', 'b4095']);
  expect([values[0], values[64 * 4096]]).toEqual([4097, 4096]);
});

test('stored .npz, whose sizes then have 64 bits', () => {
  const name = new TextEncoder().encode('features.npy');
  const npy = npyHead([N, ...row]);
  const size = npy.length + N * BYTES;
  // PKWARE's APPNOTE: local header; central directory with the sizes in a zip64 field; its ends.
  const local = zip(
    [4, 0x04034b50],
    [2, 45],
    ...Array(4).fill([2, 0]),
    ...Array(3).fill([4, 0]),
    [2, 12],
    [2, 0],
  );
  const sizes = zip([2, 1], [2, 16], [8, size], [8, size]);
  const entry = zip(
    [4, 0x02014b50],
    [2, 45],
    [2, 45],
    ...Array(4).fill([2, 0]),
    [4, 0],
    [4, 2 ** 32 - 1],
    [4, 2 ** 32 - 1],
    [2, 12],
    [2, sizes.length],
    ...Array(3).fill([2, 0]),
    [4, 0],
    [4, 0],
  );
  const directory = [...entry, ...name, ...sizes];
  const begin = local.length + name.length + size;
  const end64 = zip(
    [4, 0x06064b50],
    [8, 44],
    [2, 45],
    [2, 45],
    [4, 0],
    [4, 0],
    [8, 1],
    [8, 1],
    [8, directory.length],
    [8, begin],
  );
  const locator = zip([4, 0x07064b50], [4, 0], [8, begin + directory.length], [4, 1]);
  const end = zip(
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, 1],
    [2, 1],
    [4, directory.length],
    [4, 2 ** 32 - 1],
    [2, 0],
  );
  const tail = Uint8Array.from([...directory, ...end64, ...locator, ...end]);
  return expectRows(large('x.npz', Uint8Array.from([...local, ...name, ...npy]), tail));
});

/** Fields of so many bytes, little-endian. */
function zip(...fields: readonly (readonly [bytes: number, value: number])[]): number[] {
  return fields.flatMap(([bytes, value]) =>
    Array.from({ length: bytes }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 255n)),
  );
}

test('HDF5', () => {
  const head = fileURLToPath(new URL('../fixtures/features/large-head.h5', import.meta.url));
  return expectRows(large('x.h5', readFileSync(head)));
});

function safetensorsHead(header: object): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const head = new Uint8Array(8 + text.length);
  new DataView(head.buffer).setBigUint64(0, BigInt(text.length), true);
  head.set(text, 8);
  return head;
}

test('safetensors', () => {
  const features = { dtype: 'F32', shape: [N, ...row], data_offsets: [0, N * BYTES] };
  return expectRows(large('x.safetensors', safetensorsHead({ features })));
});

test('a feature file whose vectors begin behind 4 GiB of grids', async () => {
  const encoder = { name: 'e', kind: 'onnx', sha256: '0', settings: {} };
  const end = N * BYTES;
  const head = safetensorsHead({
    __metadata__: encodeFeatureMetadata({ encoder, ids: order, skipped: [] }),
    grid: { dtype: 'F32', shape: [N, 4096, 8, 8], data_offsets: [0, end] },
    pooled: { dtype: 'F32', shape: [N, 2], data_offsets: [end, end + 8 * N] },
  });
  const vectors = Float32Array.from({ length: 2 * N }, (_, i) => i);
  const path = large('x.safetensors', head, new Uint8Array(vectors.buffer));
  await expectRows(path);
  const features = await openFeatures(path);
  expect([...features.pooled([`${N - 1}`, '2'])]).toEqual([2 * N - 2, 2 * N - 1, 4, 5]);
});
