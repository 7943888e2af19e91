import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { clipsBelow } from '@/data/video/clip-files.js';

const folder = mkdtempSync(join(tmpdir(), 'glimpse-clips-'));
afterAll(() => rmSync(folder, { recursive: true }));

for (const path of [
  ...['a.mp4', 'B.MKV', 'cover.jpg', 'notes.txt', '.hidden.mp4'],
  ...['frames/2.png', 'frames/10.png', 'inner/deep/c.webm', 'inner/deep/poster.png'],
  ...['empty/readme.md'],
]) {
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  writeFileSync(join(folder, path), '');
}

test('the clips of a folder, of which pictures are none beside videos', async () => {
  expect(await clipsBelow(folder, false)).toEqual(['B.MKV', 'a.mp4']);
});

test('folders inside it, where a folder of frames is a clip', async () => {
  expect(await clipsBelow(folder, true)).toEqual([
    ...['B.MKV', 'a.mp4', 'frames', join('inner', 'deep', 'c.webm')],
  ]);
});

test('a folder of frames is one clip, and one without pictures none', async () => {
  expect(await clipsBelow(join(folder, 'frames'), false)).toEqual(['.']);
  expect(await clipsBelow(join(folder, 'empty'), true)).toEqual([]);
});
