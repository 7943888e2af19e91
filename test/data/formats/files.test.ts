import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onWindows } from '@test/file-systems.js';
import { describeWithShared } from '@test/shared.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readBytes, readText } from '@/data/formats/files.js';
import { safetensorsTensor, safetensorsValues } from '@/data/formats/safetensors-dtypes.js';
import {
  readSafetensors,
  readSafetensorsHeader,
  writeSafetensors,
} from '@/data/formats/safetensors-files.js';
import { writeFileAtomically } from '@/data/formats/write-files.js';
import { FileError, FormatError } from '@/errors.js';
import { zipFile } from './array-files.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('what a process that is gone left half written is removed, what another is writing stays', async () => {
  let own = '';
  async function* watching() {
    own = (await readdir(folder)).find((name) => name.endsWith('.tmp')) ?? '';
    yield 'text';
  }
  const long = join(folder, `${'字'.repeat(80)}.txt`);
  await writeFileAtomically(long, watching());
  expect(await readFile(long, 'utf8')).toBe('text');
  expect(own).toMatch(new RegExp(`^\\.glimpse-[0-9a-f]{8}-[0-9a-f]{8}-${process.pid}-`));
  const other = join(folder, 'other');
  await mkdir(other);
  const of = (pid: number) => own.replace(`-${process.pid}-`, `-${pid}-`);
  const rebooted = own.replace(/-[0-9a-f]{8}-(?=\d+-)/, '-00000000-');
  const elsewhere = own.replace(/^\.glimpse-[0-9a-f]{8}/, '.glimpse-00000000');
  const kept = [own, of(process.ppid), elsewhere, 'mine.tmp'];
  for (const name of [of(2 ** 30), rebooted, ...kept]) await writeFile(join(other, name), '');
  await writeFileAtomically(join(other, 'x'), 'text');
  expect((await readdir(other)).sort()).toEqual([...kept, 'x'].sort());
});

describe('writeFileAtomically', () => {
  test('writes bytes, text and pieces, replacing what stood there', async () => {
    const path = join(folder, 'a');
    await writeFileAtomically(path, 'first');
    await writeFileAtomically(path, new Uint8Array([65, 66]));
    expect(await readFile(path, 'utf8')).toBe('AB');
    async function* pieces() {
      yield 'one ';
      yield new TextEncoder().encode('two');
    }
    await writeFileAtomically(path, pieces());
    expect(await readText(path)).toBe('one two');
    expect(await readdir(folder)).toEqual(['a']);
  });

  test('keeps the old file and leaves nothing behind when the content fails half-way', async () => {
    const path = join(folder, 'a');
    await writeFileAtomically(path, 'old');
    const failure = new RangeError('no more');
    function* pieces() {
      yield 'new';
      throw failure;
    }
    await expect(writeFileAtomically(path, pieces())).rejects.toBe(failure);
    expect(await readText(path)).toBe('old');
    expect(await readdir(folder)).toEqual(['a']);
  });

  test('a full disk is a FileError, and the old file stays', async () => {
    const path = join(folder, 'a');
    await writeFileAtomically(path, 'old');
    function* pieces() {
      yield 'new';
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    }
    const error = await writeFileAtomically(path, pieces()).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({ message: `${path}: cannot be written: the disk is full` });
    expect(await readText(path)).toBe('old');
    expect(await readdir(folder)).toEqual(['a']);
  });

  test('names the path when it cannot write', async () => {
    const missing = join(folder, 'no', 'where');
    const error = await writeFileAtomically(missing, 'x').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({
      path: missing,
      message: expect.stringMatching(/where: cannot be written: no such file or folder/),
    });
    await expect(writeFileAtomically(folder, 'x')).rejects.toThrow(/not a plain file/);
    if (!onWindows) {
      await expect(writeFileAtomically('/dev/null', 'x')).rejects.toThrow(/not a plain file/);
    }
    await expect(writeFileAtomically('a\0b', 'x')).rejects.toThrow(FileError);
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(writeFileAtomically(join(file, 'x'), 'x')).rejects.toThrow(
      onWindows ? /no such file or folder/ : /not a folder/,
    );
  });

  test.skipIf(process.platform === 'win32' || process.getuid?.() === 0)(
    'names a folder without permission (skipped for root, who may write anywhere)',
    async () => {
      await chmod(folder, 0o500);
      await expect(writeFileAtomically(join(folder, 'x'), 'x')).rejects.toThrow(
        /permission denied/,
      );
      await chmod(folder, 0o700);
    },
  );

  test('writes through a link instead of replacing it', async () => {
    await mkdir(join(folder, 'real'));
    await writeFile(join(folder, 'real', 'a'), 'old');
    await symlink(join(folder, 'real', 'a'), join(folder, 'link'));
    await writeFileAtomically(join(folder, 'link'), 'new');
    expect(await readText(join(folder, 'real', 'a'))).toBe('new');
  });
});

describe('reading', () => {
  test('a missing file and a folder are FileErrors', async () => {
    await expect(readBytes(join(folder, 'none'))).rejects.toThrow(/none: cannot be read: no such/);
    await expect(readText(folder)).rejects.toThrow(/it is a folder/);
    await expect(readSafetensorsHeader(join(folder, 'none'))).rejects.toThrow(FileError);
    await expect(readSafetensorsHeader(folder)).rejects.toThrow(FileError);
  });

  test('a large file is read in parts', async () => {
    const path = join(folder, 'parts');
    const bytes = Uint8Array.from({ length: 25 }, (_, i) => i);
    await writeFile(path, bytes);
    for (const atOnce of [1, 7, 24, 25]) {
      expect(await readBytes(path, { atOnce })).toEqual(bytes);
    }
  });

  test('text is UTF-8, with or without a byte order mark', async () => {
    const path = join(folder, 'a');
    await writeFile(path, '\uFEFFé');
    expect(await readText(path)).toBe('é');
    await writeFile(path, new Uint8Array([0x63, 0x0a, 0x63, 0xff]));
    await expect(readText(path)).rejects.toThrow(FormatError);
    await expect(readText(path)).rejects.toThrow(/line 2 is not UTF-8 text: save it as UTF-8/);
    await writeFile(path, Buffer.from('\uFEFFfile,caption', 'utf16le'));
    await expect(readText(path)).rejects.toThrow(/is UTF-16 text: save it as UTF-8 .*CSV UTF-8/);
    await writeFile(path, 'version https://git-lfs.github.com/spec/v1\n');
    await expect(readText(path)).rejects.toThrow(/is a pointer of Git LFS .*git lfs pull/);
    await writeFile(path, zipFile({ '[Content_Types].xml': new Uint8Array(1) }));
    await expect(readText(path)).rejects.toThrow(/is an Excel workbook.*: save it as CSV UTF-8/);
  });

  test('a safetensors file, whole and its header alone', async () => {
    const path = join(folder, 'm.safetensors');
    const weights = new Float32Array([1, 2, 3, 4, 5, 6]);
    await writeSafetensors(path, [['w', safetensorsTensor(weights, [2, 3])]], { model: 'm' });
    const { metadata, tensors } = await readSafetensors(path);
    const w = tensors.get('w');
    expect(metadata).toEqual({ model: 'm' });
    expect(w && safetensorsValues(w)).toEqual(weights);
    const header = await readSafetensorsHeader(path);
    const size = (await readBytes(path)).length;
    expect(header.entries.get('w')).toEqual({
      dtype: 'F32',
      shape: [2, 3],
      begin: size - 24,
      end: size,
    });
    await writeFile(path, (await readBytes(path)).subarray(0, size - 1));
    await expect(readSafetensorsHeader(path)).rejects.toThrow(/m\.safetensors: tensor "w"/);
    await writeFile(path, 'short');
    await expect(readSafetensorsHeader(path)).rejects.toThrow(FormatError);
  });
});

describeWithShared('SqueezeNet', 'weights/squeezenet1_0.safetensors', (path) => {
  test('has its 52 tensors and finite weights of a plausible size', async () => {
    const { metadata, tensors } = await readSafetensors(path);
    expect(metadata.format).toBe('pt');
    expect(tensors.size).toBe(52);
    expect(tensors.get('features.0.weight')?.shape).toEqual([96, 3, 7, 7]);
    const elements = [...tensors.values()].map(({ shape }) => shape.reduce((a, b) => a * b, 1));
    expect(elements.reduce((a, b) => a + b)).toBe(1_248_424);
    for (const tensor of tensors.values()) {
      const values = safetensorsValues(tensor);
      expect(values).toBeInstanceOf(Float32Array);
      expect((values as Float32Array).every((x) => Math.abs(x) < 100)).toBe(true);
    }
  });
});
