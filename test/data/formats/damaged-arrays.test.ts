import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { damaged } from '@test/damage.js';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseIdx } from '@/data/formats/idx.js';
import { encodeSafetensors } from '@/data/formats/safetensors.js';
import { safetensorsTensor } from '@/data/formats/safetensors-dtypes.js';
import { readUnpacked } from '@/data/formats/stored-bytes.js';
import { GlimpseError } from '@/errors.js';
import { openFeatures } from '@/features/open-features.js';
import { npyFile, npyRows, zipFile } from './array-files.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-damage-'));
});
afterEach(() => rm(folder, { recursive: true }));

const order = ['a.jpg', 'b.jpg'];
const features = async (path: string) => {
  const opened = await openFeatures(path, { order });
  opened.pooled(opened.ids);
  opened.close();
};
const idx = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4);
const rows = npyRows([
  [1, 2],
  [3, 4],
]);
const readers: [string, Uint8Array, (path: string) => Promise<unknown>][] = [
  ['x.npy', rows, features],
  ['half.npy', npyFile('<f2', [2, 3], new Uint16Array(6).fill(0x3c00)), features],
  [
    'x.npz',
    zipFile({ 'features.npy': rows, 'ids.npy': npyFile('|S5', [2], Buffer.from('a.jpgb.jpg')) }),
    features,
  ],
  ['photos.npz', zipFile({ 'a.jpg.npy': npyRows([[1]]), 'b.npy': npyRows([[2]]) }), features],
  [
    'x.safetensors',
    encodeSafetensors([['x', safetensorsTensor(Float32Array.of(1, 2), [2, 1])]]),
    features,
  ],
  ['x.gz', gzipSync(idx), async (path) => parseIdx(await readUnpacked(path), path)],
];

test.each(readers)('%s is read as it is, and damaged read or refused', async (name, good, read) => {
  const path = join(folder, name);
  await writeFile(path, good);
  await read(path);
  const refusals = { count: 0 };
  await fc.assert(
    fc.asyncProperty(damaged(good), async (bytes) => {
      await writeFile(path, bytes);
      try {
        await read(path);
      } catch (error) {
        refusals.count++;
        expect(error).toBeInstanceOf(GlimpseError);
        expect(String(error).length).toBeLessThan(1400);
      }
    }),
    { numRuns: 100, seed: 1 },
  );
  expect(refusals.count).toBeGreaterThan(20);
});
