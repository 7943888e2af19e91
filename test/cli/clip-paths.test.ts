import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { CLIPS, PHOTOS, pathsNamed } from '@/cli/inputs.js';
import { temporaryFolder } from './glimpse.js';

const folder = temporaryFolder();
for (const path of [
  ...['a-10.mp4', 'a-9.MKV', 'cover.jpg', 'notes.txt', '.hidden.mp4'],
  ...['frames/2.png', 'frames/10.png', 'inner/deep/c.webm', 'inner/deep/poster.png'],
  ...['empty/readme.md'],
]) {
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  writeFileSync(join(folder, path), '');
}
const at = (...paths: readonly string[]) => paths.map((path) => join(folder, path));

test('the clips of a folder, of which pictures are none beside videos', async () => {
  expect(await pathsNamed([folder], CLIPS)).toEqual(at('a-9.MKV', 'a-10.mp4'));
  expect(await pathsNamed([folder], PHOTOS)).toEqual(at('cover.jpg'));
});

test('in the folders inside it, where a folder of frames is a clip', async () => {
  expect(await pathsNamed([folder], CLIPS, { recursive: true })).toEqual(
    at('a-9.MKV', 'a-10.mp4', 'frames', 'inner/deep/c.webm'),
  );
});

test('a folder of frames is one clip, a pattern names videos, and a file is itself', async () => {
  const named = [...at('frames', 'a-*'), 'gone.txt'];
  const found = at('frames', 'a-9.MKV', 'a-10.mp4');
  expect(await pathsNamed(named, CLIPS)).toEqual([...found, 'gone.txt']);
});

test('a folder without clips is refused', async () => {
  await expect(pathsNamed(at('empty'), CLIPS)).rejects.toThrow(
    /there are no clips in the folder .*empty \(--recursive looks/,
  );
  await expect(pathsNamed(at('*.webm'), CLIPS)).rejects.toThrow(/no clips called .*\*\.webm/);
});
