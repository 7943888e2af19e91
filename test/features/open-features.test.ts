import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npyFile, npyRows, writeHdf5, zipFile } from '@test/data/formats/array-files.js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { safetensorsTensor } from '@/data/formats/safetensors-dtypes.js';
import { writeSafetensors } from '@/data/formats/safetensors-files.js';
import { FileError, FormatError, GlimpseError, OutOfMemoryError, ValueError } from '@/errors.js';
import { Features } from '@/features/features.js';
import { openFeatures } from '@/features/open-features.js';

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

  describe('an array for each photo', () => {
    const photos = ['COCO_val2014_000000000009.jpg', 'b.jpg', 'c.jpg'];
    const vector = (n: number) => npyFile('<f2', [2], Uint16Array.of(0x3c00 + n, 0x4000));
    const firsts = (features: Features) =>
      [...features.pooled(photos)].filter((_, i) => i % 2 === 0);

    test.each([
      ['ids', { 'c.jpg': 2, 'b.jpg': 1, 'COCO_val2014_000000000009.jpg': 0 }],
      [
        'without their endings, others between',
        { b: 1, other: 7, c: 2, [photos[0]?.slice(0, -4) ?? '']: 0 },
      ],
      ['numbers', { '9': 0, b: 1, c: 2 }],
      ['numbers with zeros, in folders', { 'val/000000000009': 0, 'val/b.jpg': 1, c: 2 }],
    ])('in an .npz, by %s', async (_, names) => {
      const path = join(folder, 'x.npz');
      const entries = Object.entries(names).map(([name, n]) => [`${name}.npy`, vector(n)] as const);
      await writeFile(path, zipFile(Object.fromEntries(entries)));
      expect(firsts(await openFeatures(path, { order: photos }))).toEqual([
        1,
        1 + 2 ** -10,
        1 + 2 ** -9,
      ]);
    });

    test('in a folder, as .npy or .npz, grids among them', async () => {
      await writeFile(
        join(folder, '9.npy'),
        npyRows([
          [1, 2],
          [3, 4],
        ]),
      );
      await writeFile(
        join(folder, 'b.jpg.npz'),
        zipFile({
          'feat.npy': npyRows([
            [5, 6],
            [7, 8],
          ]),
        }),
      );
      await writeFile(
        join(folder, 'c.npy'),
        npyRows([
          [9, 10],
          [11, 12],
        ]),
      );
      await writeFile(join(folder, 'notes.txt'), 'not of them');
      const features = await openFeatures(folder, { order: photos });
      expect(features.gridShape).toEqual([2, 1, 2]);
      expect([...features.grid(['b.jpg', 'c.jpg'])]).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
      expect([...features.pooled(photos)]).toEqual([2, 3, 6, 7, 10, 11]);
      await writeFile(join(folder, 'c.npy'), npyRows([[9, 10]]));
      await expect(openFeatures(folder, { order: photos })).rejects.toThrow(
        /c\.npy: has rows \(1, 2\), but .*9\.npy has \(2, 2\): all must have one shape, so of boxes/,
      );
      const nobody = openFeatures(folder, { order: ['x', 'y'] });
      await expect(nobody).rejects.toThrow(
        /3 files, none of which is called as a photo is: 9\.npy/,
      );
      const none = join(folder, 'none');
      await mkdir(none);
      await expect(openFeatures(none, { order: photos })).rejects.toThrow(/without \.npy or \.npz/);
    });

    test('in HDF5, as <id>_features beside the boxes', async () => {
      const path = join(folder, 'x.h5');
      const arrays = (lengths: readonly number[]) =>
        lengths.flatMap((L, n) => {
          const name = ['9', 'b', 'c'][n];
          return [
            { name: `${name}_features`, shape: [L, 2], data: Float32Array.from(row(n, L * 2)) },
            { name: `${name}_boxes`, shape: [L, 4], data: new Float32Array(L * 4) },
          ];
        });
      await writeHdf5(path, arrays([3, 3, 3]));
      const file = await openFeatures(path, { order: photos });
      expect([file.D, file.gridShape]).toEqual([2, [2, 1, 3]]);
      expect([...file.grid(['c.jpg', photos[0] ?? ''])]).toEqual([...row(2, 6), ...row(0, 6)]);
      file.close();
      expect(() => file.grid(['c.jpg'])).toThrow(FileError);
      await writeHdf5(path, arrays([3, 4]));
      await expect(openFeatures(path, { order: photos })).rejects.toThrow(/all must have one/);
    });

    test('a photo without one is missed by name', async () => {
      const path = join(folder, 'x.npz');
      await writeFile(path, zipFile({ 'b.npy': vector(1), 'c.npy': vector(2) }));
      const features = await openFeatures(path, { order: photos });
      expect(() => features.require({ ids: photos })).toThrow(/no features of 1 of 3 photos.*0009/);
    });
  });

  test('values that are none are named by photo and place', async () => {
    const path = join(folder, 'x.npy');
    await writeFile(path, npyFile('<f4', [3, 2], Float32Array.of(1, 2, 3, Number.NaN, 5, 6)));
    const vectors = await openFeatures(path, { order });
    expect([...vectors.pooled(['a.jpg', 'c.jpg'])]).toEqual([1, 2, 5, 6]);
    expect(() => vectors.pooled(order)).toThrow(
      /x\.npy: the features of b\.jpg are not finite \(value 1 is NaN\)/,
    );
    await writeFile(path, npyFile('<f8', [3, 2], Float64Array.of(1, 2, 3, 4, 1e300, 6)));
    expect(() => vectors.pooled(order)).toThrow(FormatError);
    const wide = await openFeatures(path, { order });
    expect(() => wide.pooled(order)).toThrow(/c\.jpg.*value 0 is Infinity, or beyond what float32/);
    await writeFile(path, npyFile('<f4', [3, 1, 2], Float32Array.of(1, 2, 3, 4, 5, Number.NaN)));
    const grids = await openFeatures(path, { order });
    expect([...grids.grid(['b.jpg'])]).toEqual([3, 4]);
    expect(() => grids.grid(order)).toThrow(/features of c\.jpg are not finite \(value 1 is NaN\)/);
  });

  test.skipIf(process.platform !== 'linux')('no file stays open', async () => {
    const open = async () => (await readdir('/proc/self/fd')).length;
    const npz = join(folder, 'x.npz');
    await writeFile(npz, zipFile({ 'features.npy': npyRows([[1], [2], [3]]) }));
    const glimpse = join(folder, 'x.safetensors');
    await writeSafetensors(glimpse, [['z', safetensorsTensor(Float32Array.of(1, 2), [2, 1])]]);
    const before = await open();
    for (const path of [at('vectors-f32.npy'), npz, glimpse]) {
      await openFeatures(path, { order: path === glimpse ? ['p', 'q'] : order });
    }
    const grids = await openFeatures(at('channels-last.npy'), { order });
    grids.grid(order);
    expect(await open()).toBe(before + 1);
    grids.close();
    expect(await open()).toBe(before);
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
    const vectors = { count: 2 ** 20, shape: [2 ** 40], read: () => {}, close: () => {} };
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
