import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeSafetensors } from '../../src/data/files.js';
import { safetensorsTensor } from '../../src/data/safetensors-dtypes.js';
import {
  FileError,
  FormatError,
  GlimpseError,
  OutOfMemoryError,
  ValueError,
} from '../../src/errors.js';
import { Features } from '../../src/features/features.js';
import { openFeatures } from '../../src/features/open-features.js';

const at = (name: string) =>
  fileURLToPath(new URL(`../fixtures/features/${name}`, import.meta.url));
const order = ['a.jpg', 'b.jpg', 'c.jpg'];
/** What tools/reference/features.py puts into row n. */
const row = (n: number, size: number) => Array.from({ length: size }, (_, i) => 100 * n + i);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-foreign-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('features of other programs', () => {
  test.each(['vectors-f16.npy', 'vectors-f32.npy', 'vectors-f64.npy', 'stored.npz', 'features.h5'])(
    'vectors in %s',
    async (name) => {
      const features = await openFeatures(at(name), { order });
      expect([features.D, features.gridShape, features.encoder]).toEqual([4, undefined, undefined]);
      expect([...features.pooled(['c.jpg', 'a.jpg'])]).toEqual([...row(2, 4), ...row(0, 4)]);
    },
  );

  test('grids in any layout are handed on with the channels last', async () => {
    const last = await openFeatures(at('channels-last.npy'), { order });
    expect([last.D, last.gridShape]).toEqual([5, [5, 2, 3]]);
    expect([...last.grid(['b.jpg'])]).toEqual(row(1, 30));
    const first = await openFeatures(at('channels-first.npy'), { order });
    expect(first.gridShape).toEqual([5, 2, 3]);
    const turned = Array.from({ length: 30 }, (_, i) => 100 + (i % 5) * 6 + Math.floor(i / 5));
    expect([...first.grid(['b.jpg'])]).toEqual(turned);
    // A vector is the mean over the places.
    expect([...first.pooled(['a.jpg'])]).toEqual([2.5, 8.5, 14.5, 20.5, 26.5]);
  });

  test('an array is named after #; deflated and half-precision grids', async () => {
    const half = await openFeatures(`${at('features.h5')}#grids/half`);
    expect([half.ids, half.gridShape]).toEqual([order, [5, 2, 2]]);
    expect([...half.grid(['c.jpg', 'b.jpg'])]).toEqual([...row(2, 20), ...row(1, 20)]);
    const numbered = ['COCO_val2014_000000000009.jpg', 'x_8.png', 'x_7.png'];
    const deflated = await openFeatures(at('deflated.npz'), { order: numbered });
    expect(deflated.ids).toEqual(numbered.toReversed());
    expect([...deflated.grid(['COCO_val2014_000000000009.jpg'])]).toEqual(row(2, 20));
    await expect(openFeatures(`${at('features.h5')}#x`)).rejects.toThrow(/no array x.*features/);
  });

  test('ids: named, beside, by the order, or refused', async () => {
    const npy = join(folder, 'x.npy');
    await copyFile(at('vectors-f32.npy'), npy);
    await expect(openFeatures(npy)).rejects.toThrow(ValueError);
    await expect(openFeatures(npy, { order: ['a'] })).rejects.toThrow(/3 rows.*dataset has 1/);
    await writeFile(join(folder, 'x.ids.txt'), 'b\r\na\n\nc\n');
    expect((await openFeatures(npy, { order })).ids).toEqual(['b.jpg', 'a.jpg', 'c.jpg']);
    expect((await openFeatures(npy, { ids: at('ids.npy') })).ids).toEqual(order);
    await writeFile(join(folder, 'ids.json'), '[1, 2]');
    await expect(openFeatures(npy, { ids: join(folder, 'ids.json') })).rejects.toThrow(/2 ids/);
    await writeFile(join(folder, 'ids.json'), '["a", "a", "c"]');
    await expect(openFeatures(npy, { ids: join(folder, 'ids.json') })).rejects.toThrow(/a stands/);
  });

  test('several files follow one another', async () => {
    const both = [at('vectors-f32.npy'), at('vectors-f16.npy')];
    const features = await openFeatures(both, { order: ['1', '2', '3', '4', '5', '6'] });
    expect([...features.pooled(['3', '4', '6'])]).toEqual([
      ...row(2, 4),
      ...row(0, 4),
      ...row(2, 4),
    ]);
    const mixed = [at('vectors-f32.npy'), at('channels-last.npy')];
    await expect(openFeatures(mixed, { order })).rejects.toThrow(/rows \(2, 3, 5\).*\(4\)/);
  });

  test('a tensor of a safetensors file', async () => {
    const path = join(folder, 'x.safetensors');
    await writeSafetensors(path, [['z', safetensorsTensor(Float32Array.of(1, 2, 3, 4), [2, 2])]]);
    const features = await openFeatures(path, { order: ['p', 'q'] });
    expect([...features.pooled(['q'])]).toEqual([3, 4]);
  });

  test.each([
    ['columns.npy', /by columns/],
    ['big-endian.npy', /big-endian/],
    ['ids.npy', /no features/],
  ])('%s is refused', async (name, message) => {
    await expect(openFeatures(at(name), { order })).rejects.toThrow(FormatError);
    await expect(openFeatures(at(name), { order })).rejects.toThrow(message);
  });

  test('more than any memory holds is refused', async () => {
    const promised = openFeatures(`${at('kinds.h5')}#promised`, { order });
    await expect(promised).rejects.toThrow(/kinds\.h5: promised: a row of 1099511627776 values/);
    const vectors = { count: 2 ** 20, shape: [2 ** 40], read: () => {} };
    expect(() => new Features({ path: 'x.h5', ids: ['a'], vectors })).toThrow(OutOfMemoryError);
  });

  test('what is not there or no such file says so', async () => {
    for (const name of ['none.npy', 'none.npz', 'none.h5']) {
      await expect(openFeatures(join(folder, name))).rejects.toThrow(FileError);
      await writeFile(join(folder, name), 'plain text that is no such file at all, however long');
      await expect(openFeatures(join(folder, name))).rejects.toThrow(FormatError);
    }
    await writeFile(join(folder, 'x.pkl'), 'pickled');
    await expect(openFeatures(join(folder, 'x.pkl'))).rejects.toThrow(FormatError);
    await expect(openFeatures([join(folder, 'x.pkl'), 'y.pkl'])).rejects.toThrow(/\.npy.*\.npz/);
  });

  test.each(['vectors-f32.npy', 'stored.npz', 'deflated.npz'])(
    'a damaged %s is read or refused, never worse',
    async (name) => {
      const bytes = await readFile(at(name));
      const path = join(folder, name);
      await fc.assert(
        fc.asyncProperty(
          fc.nat(bytes.length - 1),
          fc.nat(255),
          fc.boolean(),
          async (place, byte, cut) => {
            const damaged = Buffer.from(cut ? bytes.subarray(0, place) : bytes);
            if (!cut) damaged[place] = byte;
            await writeFile(path, damaged);
            try {
              const features = await openFeatures(path, { order });
              features.pooled(features.ids);
            } catch (error) {
              expect(error).toBeInstanceOf(GlimpseError);
            }
          },
        ),
        { numRuns: 150, seed: 1 },
      );
    },
  );
});
