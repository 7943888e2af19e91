import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Hdf5File } from '@/data/formats/hdf5.js';
import { FileError, FormatError } from '@/errors.js';

const at = (name: string) =>
  fileURLToPath(new URL(`../../fixtures/features/${name}`, import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-hdf5-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('kinds of arrays', () => {
  test('texts of any length, numbers, big-endian numbers', async () => {
    const file = await Hdf5File.open(at('kinds.h5'));
    expect(file.texts('texts')).toEqual(['a', 'bé', '']);
    expect(file.texts('numbers')).toEqual(['7', '8', `${2 ** 40}`]);
    expect(file.array('big-endian')).toEqual({ shape: [3, 4], dtype: 'F32' });
    const { buffer } = file.read('big-endian', 1, 2);
    expect([...new Float32Array(buffer)]).toEqual([100, 101, 102, 103, 200, 201, 202, 203]);
    await file.close();
    expect(() => file.read('big-endian', 0, 1)).toThrow(FileError);
  });

  test('what is no list of texts is refused by name, links that lead nowhere are not there', async () => {
    const file = await Hdf5File.open(at('kinds.h5'));
    for (const name of ['records', 'lists', 'scalar', 'nothing', 'big-endian']) {
      expect(() => file.texts(name)).toThrow(FormatError);
      expect(() => file.texts(name)).toThrow(`kinds.h5: ${name} is no list of texts`);
    }
    for (const name of ['nowhere', 'elsewhere', 'none']) {
      expect(() => file.array(name)).toThrow(`has no array ${name}, only big-endian, lists`);
    }
    await file.close();
  });

  test('more than the library has memory for is refused with the bytes', async () => {
    const file = await Hdf5File.open(at('kinds.h5'));
    expect(file.array('promised').shape).toEqual([3, 2 ** 40]);
    // 2^42 bytes, of which a pointer of 32 bits would see none.
    expect(() => file.read('promised', 0, 1)).toThrow(/promised: no memory.*4398046511104 bytes/);
    await file.close();
  });
});

/** Reads all there is. @throws what the readers throw */
async function readAll(path: string): Promise<number> {
  const file = await Hdf5File.open(path);
  try {
    for (const name of file.names()) {
      const { shape, dtype } = file.array(name);
      if (shape.length === 1) file.texts(name);
      else if (dtype) file.read(name, 0, shape[0] ?? 0);
    }
    return file.names().length;
  } finally {
    await file.close();
  }
}

test('a file that sends the library round in circles is given up, and nothing stays', async () => {
  const bytes = await readFile(at('kinds.h5'));
  // Of the first text of any length: from its end the next one is looked for, before its beginning.
  const place = bytes.indexOf('GCOL') + 24;
  bytes.writeBigUInt64LE(2n ** 64n - 16n, place);
  const path = join(folder, 'loop.h5');
  await writeFile(path, bytes);
  const file = await Hdf5File.open(path, { timeout: 1500 });
  expect(file.texts('numbers')).toEqual(['7', '8', `${2 ** 40}`]);
  expect(() => file.texts('texts')).toThrow(FormatError);
  expect(() => file.texts('numbers')).toThrow(/the file is closed/);
  await file.close();
  const again = await Hdf5File.open(path, { timeout: 1500 });
  expect(() => again.texts('texts')).toThrow(
    /loop\.h5: texts cannot be read \(no end of it after 1\.5 s: the file is damaged\)/,
  );
  await again.close();
});

describe('damaged files', () => {
  const good = at('features.h5');
  /** Files in which anything can be wrong: all kinds of damage, at any place. */
  const damage = fc.oneof(
    fc.record({ cut: fc.nat(12_319) }),
    fc.record({ place: fc.nat(2500), bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) }),
    fc.record({
      place: fc.nat(12_319),
      bytes: fc.constantFrom([255, 255, 255, 255, 255, 255, 255, 127], [0, 0, 0, 0], [255]),
    }),
  );

  test('are read or refused by name, without noise; a good file is still read', async () => {
    const printed = [
      vi.spyOn(console, 'error'),
      vi.spyOn(console, 'log'),
      vi.spyOn(process.stderr, 'write'),
    ];
    const open = async () => (await readdir('/proc/self/fd').catch(() => [])).length;
    const bytes = await readFile(good);
    const path = join(folder, 'damaged.h5');
    let refused = 0;
    const before = await open();
    await fc.assert(
      fc.asyncProperty(damage, async (fault) => {
        const damaged = Buffer.from('cut' in fault ? bytes.subarray(0, fault.cut) : bytes);
        if ('bytes' in fault)
          damaged.set(fault.bytes.slice(0, bytes.length - fault.place), fault.place);
        await writeFile(path, damaged);
        try {
          await readAll(path);
        } catch (error) {
          refused++;
          expect(error).toBeInstanceOf(FormatError);
          expect(error).toHaveProperty('source', path);
        }
      }),
      { numRuns: 20, seed: 1, endOnFailure: true },
    );
    expect(refused).toBeGreaterThan(5);
    expect(await readAll(good)).toBe(3);
    // A worker of a test before may still have been closing; a leak would be one for each of 20 files.
    expect(await open()).toBeLessThanOrEqual(before);
    for (const spy of printed) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
    expect(process.exitCode).toBeUndefined();
  });

  test('a file that stays open is not harmed by a damaged one, nor taken for its successor', async () => {
    const path = join(folder, 'x.h5');
    const file = await Hdf5File.open(good);
    const bytes = await readFile(good);
    await writeFile(path, bytes.subarray(0, 6000));
    await expect(readAll(path)).rejects.toThrow(/x\.h5: is no HDF5 file.*truncated/);
    expect(file.texts('ids')).toEqual(['a.jpg', 'b.jpg', 'c.jpg']);
    await writeFile(path, bytes);
    expect(await readAll(path)).toBe(3);
    await file.close();
  });

  test('the array that cannot be read is named, and the file then closed', async () => {
    const bytes = await readFile(good);
    const path = join(folder, 'x.h5');
    // How a deflated chunk of grids/half begins.
    const place = bytes.indexOf(Buffer.from([0x78, 0x5e]));
    expect(place).toBeGreaterThan(0);
    await writeFile(path, bytes.fill(255, place, place + 8));
    const file = await Hdf5File.open(path);
    expect(() => file.read('grids/half', 0, 3)).toThrow(/x\.h5: grids\/half cannot be read/);
    expect(() => file.texts('ids')).toThrow(FileError);
  });
});
