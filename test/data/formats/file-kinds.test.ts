import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readText } from '@/data/formats/files.js';
import { parseSafetensors } from '@/data/formats/safetensors.js';
import { readUnpacked } from '@/data/formats/stored-bytes.js';
import { FormatError } from '@/errors.js';
import { openFeatures } from '@/features/open-features.js';
import { openEncoder } from '@/models/encoders/open-file.js';
import { captionerKind } from '@/tasks/captioner/kind.js';
import { readModel } from '@/training/run.js';
import { npyFile, npyRows, safetensorsFile, zipFile } from './array-files.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-kinds-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function at(name: string, content: Uint8Array | string): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

async function refusal(reading: Promise<unknown>): Promise<string> {
  const reason: unknown = await reading.then(
    () => 'nothing was refused',
    (error: unknown) => error,
  );
  expect(reason).toBeInstanceOf(FormatError);
  return String(reason);
}

describe('an array of another type says which, and what to save', () => {
  test.each([
    [
      '|O',
      /Python objects \(pickled\), which are not read.*numpy\.stack\(x\)\.astype\("float32"\)/,
    ],
    ['|b1', /true and false \("\|b1"\): save x\.astype\("float32"\)/],
    ['<c8', /complex numbers/],
    ['>f4', /big-endian numbers/],
    ['<f16', /numbers of a width/],
    ['<M8[ns]', /times/],
    ['<V2', /bfloat16.*astype\("float32"\)/],
    ["[('a', '<f4'), ('b', '<i4')]", /records of several fields.*x\["field"\]/],
    ['<q9', /a type that is not known, "<q9"/],
    [`<U${'9'.repeat(5000)}`, /texts of an impossible length/],
  ])('%s', async (descr, message) => {
    const path = await at('x.npy', npyFile(descr, [2, 3], new Uint8Array(96)));
    const said = await refusal(openFeatures(path, { order: ['a', 'b'] }));
    expect(said).toMatch(message);
    expect(said.length).toBeLessThan(400);
  });

  test.each([
    ['<i8', /I64.*float32/],
    ['<U4', /no numbers are no features/],
  ])('%s, which is read elsewhere', async (descr, message) => {
    const path = await at('x.npy', npyFile(descr, [2, 3], new Uint8Array(96)));
    expect(await refusal(openFeatures(path, { order: ['a', 'b'] }))).toMatch(message);
  });

  test('of ids texts are asked for', async () => {
    const rows = npyRows([[1], [2]]);
    const path = await at(
      'x.npz',
      zipFile({ 'features.npy': rows, 'ids.npy': npyFile('|O', [2]) }),
    );
    expect(await refusal(openFeatures(path))).toMatch(/x\.npz: ids: .*save x\.astype\("U"\)/);
  });

  test('a shape that goes on and on is not repeated', async () => {
    const shape = Array.from({ length: 60 }, () => 10 ** 9);
    const path = await at('x.npy', npyFile('<f4', shape));
    expect((await refusal(openFeatures(path))).length).toBeLessThan(400);
    const axes = await at('y.npy', npyFile('<f4', new Array(2000).fill(1)));
    expect(await refusal(openFeatures(axes))).toMatch(/2000 axes/);
  });

  test('Python 2’s long numbers are numbers', async () => {
    const file = npyRows([[1, 2]])
      .toString('latin1')
      .replace('(1, 2), }', '(1L, 2L), }');
    const path = await at('x.npy', Buffer.from(file.replace('  \n', '\n'), 'latin1'));
    expect([...(await openFeatures(path, { order: ['a'] })).pooled(['a'])]).toEqual([1, 2]);
  });
});

const pickle = Buffer.from('\x80\x04\x95\x20\x00\x00\x00\x00\x00\x00\x00]\x94.', 'latin1');
const torch = zipFile({ 'archive/data.pkl': pickle, 'archive/data/0': new Uint8Array(64) });
const kinds: [string, Uint8Array | string, RegExp][] = [
  ['x.pkl', pickle, /is a Python pickle, which could run any code.*numpy\.save.*safetensors/],
  ['x.pth', torch, /is a PyTorch checkpoint, which is not read: .*save_file/],
  ['old.pth', Buffer.from('\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.', 'latin1'), /PyTorch/],
  [
    'broken.pth',
    'PK\x03\x04 and what not, that is no file in it',
    /is a zip file: unpack it, or if it is a PyTorch checkpoint, in Python/,
  ],
  ['x.zip', zipFile({ 'a.txt': Buffer.from('a') }), /is a zip file/],
  ['x.bin', zipFile({ 'a.npy': npyRows([[1]]) }), /is a \.npz file under another name.*\.npz/],
  ['x.feat', npyRows([[1]]), /is a \.npy file under another name/],
  ['x.mat', 'MATLAB 5.0 MAT-file, Platform: GLNXA64', /MATLAB/],
  ['x.hdf', '\x89HDF\r\n\x1a\n and so on', /is an HDF5 file under another name.*\.h5/],
  ['x.safetensors', gzipSync(safetensorsFile('{}')), /is gzipped: unpack it/],
  ['lfs.safetensors', 'version https://git-lfs.github.com/spec/v1\noid', /Git LFS.*git lfs pull/],
  ['page.safetensors', '<!DOCTYPE html><html>not found</html>', /a web page in place/],
  ['photo.safetensors', '\xff\xd8\xff\xe0\0\x10JFIF', /is a JPEG photo: name the file of numbers/],
  ['page.pdf', '%PDF-1.7\n', /is a PDF document$/],
  ['none.safetensors', '', /is empty/],
];

describe('a file of another kind says which, whatever it is taken for', () => {
  test.each(kinds)('%s', async (name, content, message) => {
    // As it would be from latin1 text.
    const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
    const path = await at(name, bytes);
    const openModel = (path: string) => readModel(captionerKind, path);
    for (const open of [openFeatures, openEncoder, openModel]) {
      expect(await refusal(open(path))).toMatch(message);
    }
  });

  test('under the names of other kinds, too', async () => {
    expect(await refusal(openEncoder(await at('x.onnx', torch)))).toMatch(/PyTorch/);
    expect(await refusal(openFeatures(await at('x.npz', torch)))).toMatch(/PyTorch/);
    expect(await refusal(openFeatures(await at('x.npz', npyRows([[1]]))))).toMatch(/\.npy file/);
    expect(await refusal(openFeatures(await at('x.npy', pickle)))).toMatch(/pickle/);
    expect(await refusal(openFeatures(await at('x.h5', pickle)))).toMatch(/pickle/);
    const cut = zipFile({ 'a.npy': npyRows([[1]]) }).subarray(0, 90);
    expect(await refusal(openFeatures(await at('x.npz', cut)))).toMatch(/damaged or cut short/);
  });
});

test('captions that begin as another kind does are read', async () => {
  // A bracket at byte 14, where a BMP file says 40.
  const bmx = 'BMX riders two(or three) jump';
  expect(bmx.charCodeAt(14)).toBe(40);
  for (const text of [bmx, 'GIF of a dog', 'PDF, printed', 'II*, a sign', '<3 my dog']) {
    expect(await readText(await at('captions.txt', text))).toBe(text);
  }
});

describe('a small file does not take a large memory', () => {
  test('a header of more members than any file needs', () => {
    const file = safetensorsFile(`{"a":[${'0,'.repeat(2 ** 20)}0]}`);
    expect(() => parseSafetensors(file, 'x')).toThrow(/more than 1048576 members/);
    // Text does not count, whatever is in it.
    const text = safetensorsFile(
      `{"__metadata__":{"a":"${',{["'.slice(0, 3).repeat(2 ** 20)}\\""}}`,
    );
    expect(parseSafetensors(text, 'x').metadata.a).toHaveLength(3 * 2 ** 20 + 1);
  });

  test('gzip that unfolds to a hundred times its size, unless that is little', async () => {
    const zeros = gzipSync(new Uint8Array(2 ** 26));
    expect(await readUnpacked(await at('a.gz', zeros))).toHaveLength(2 ** 26);
    const bomb = await at('b.gz', Buffer.concat([zeros, zeros]));
    await expect(readUnpacked(bomb)).rejects.toThrow(/would be more than 67108864 bytes.*gunzip/);
    // What the end says of the length is not believed.
    const lying = gzipSync(Buffer.from('some text'));
    lying.writeUInt32LE(3, lying.length - 4);
    await expect(readUnpacked(await at('c.gz', lying))).rejects.toThrow(/gzipped, but damaged/);
    await expect(readUnpacked(await at('d.gz', Uint8Array.of(0x1f, 0x8b)))).rejects.toThrow(
      /damaged/,
    );
    const two = await at('e.gz', Buffer.concat([gzipSync('some '), gzipSync('text')]));
    expect(Buffer.from(await readUnpacked(two)).toString()).toBe('some text');
  });

  test('a message does not repeat what goes on and on', async () => {
    const long = safetensorsFile(`{"__metadata__":{"format":"glimpse ${'x'.repeat(50_000)}"}}`);
    const said = await refusal(openFeatures(await at('x.safetensors', long)));
    expect(said.length).toBeLessThan(1400);
    expect(said).toMatch(/is no feature file/);
  });
});
