/** Files of arrays as other programs write them, from their parts: for tests, damaged ones included. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** A `.npy` file. `descr` is quoted where it is not a list. */
export function npyFile(
  descr: string,
  shape: readonly number[],
  elements: ArrayLike<number> | ArrayBufferView = [],
): Buffer {
  const quoted = descr.startsWith('[') ? descr : `'${descr}'`;
  const axes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const head = `{'descr': ${quoted}, 'fortran_order': False, 'shape': (${axes}), }`;
  const padded = `${head.padEnd(64 * Math.ceil((head.length + 11) / 64) - 11)}\n`;
  const bytes = ArrayBuffer.isView(elements)
    ? new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength)
    : Uint8Array.from(elements);
  const length = [padded.length % 256, Math.floor(padded.length / 256)];
  return Buffer.concat([
    latin1('\x93NUMPY\x01\x00'),
    Uint8Array.from(length),
    latin1(padded),
    bytes,
  ]);
}

/** A `.npy` file of float32 rows. */
export function npyRows(rows: readonly (readonly number[])[]): Buffer {
  return npyFile('<f4', [rows.length, rows[0]?.length ?? 0], Float32Array.from(rows.flat()));
}

/** A zip file whose entries are stored as they are. */
export function zipFile(entries: Readonly<Record<string, Uint8Array>>): Buffer {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, bytes] of Object.entries(entries)) {
    const text = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(bytes.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(text.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    parts.push(latin1('PK\x03\x04'), common, text, bytes);
    directory.push(latin1('PK\x01\x02\x14\x00'), common, place, text);
    offset += 30 + text.length + bytes.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  const count = Object.keys(entries).length;
  end.writeUInt16LE(count, 4);
  end.writeUInt16LE(count, 6);
  end.writeUInt32LE(listed.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, listed, latin1('PK\x05\x06'), end]);
}

/** A file whose safetensors header is this text, whatever it says. */
export function safetensorsFile(header: string, data: Uint8Array = new Uint8Array(0)): Buffer {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

/** Writes an HDF5 file of arrays of float32 or int32. */
export async function writeHdf5(
  path: string,
  arrays: readonly { name: string; shape: readonly number[]; data: Float32Array | Int32Array }[],
): Promise<void> {
  const library = await import('h5wasm/node');
  await library.ready;
  const file = new library.File(path, 'w');
  for (const { name, shape, data } of arrays) {
    file.create_dataset({ name, data, shape: [...shape] });
  }
  file.close();
}

/** The bytes of such a file, which the library writes nowhere but to a disk. */
export async function hdf5File(arrays: Parameters<typeof writeHdf5>[1]): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'glimpse-hdf5-'));
  try {
    await writeHdf5(join(folder, 'x.h5'), arrays);
    return await readFile(join(folder, 'x.h5'));
  } finally {
    await rm(folder, { recursive: true });
  }
}
