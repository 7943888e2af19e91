import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkOutputs, writeAndSay } from '@/cli/outputs.js';
import { FileError } from '@/errors.js';

const folder = mkdtempSync(join(tmpdir(), 'glimpse-outputs-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('asking whether outputs can be written leaves nothing behind', async () => {
  await checkOutputs(join(folder, 'page.html'), undefined);
  expect(readdirSync(folder)).toEqual([]);
  const deep = join(folder, 'missing', 'page.html');
  await expect(checkOutputs(undefined, deep)).rejects.toThrow(
    new FileError(deep, 'cannot be written: no such file or folder'),
  );
  await expect(checkOutputs(folder)).rejects.toThrow(/is not a plain file/);
});

test('the answer is said, whether the output could be written or not', async () => {
  const said: boolean[] = [];
  await writeAndSay(
    async () => {},
    (written) => said.push(written),
  );
  const full = new FileError('page.html', 'cannot be written: the disk is full');
  const failing = writeAndSay(
    () => Promise.reject(full),
    (written) => said.push(written),
  );
  await expect(failing).rejects.toBe(full);
  expect(said).toEqual([true, false]);
});
