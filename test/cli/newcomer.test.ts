import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { drawPhotos, glimpse, temporaryFolder } from './glimpse.js';

const folder = temporaryFolder();

test('twelve photos: before training it is said that they are too few; no word at all is refused', async () => {
  const set = join(folder, 'mine');
  mkdirSync(set);
  const things = [
    'dog',
    'cat',
    'cow',
    'hen',
    'fox',
    'owl',
    'elk',
    'ant',
    'bee',
    'eel',
    'yak',
    'emu',
  ];
  const photos = await drawPhotos(set, things.length);
  for (const [n, photo] of photos.entries()) {
    writeFileSync(
      photo.replace('.png', '.txt'),
      n === 0 ? '' : `a ${things[n]} sits on stone ${n}`,
    );
  }
  const train = (out: string, ...flags: string[]) =>
    glimpse([
      ...[
        'train',
        'captioner',
        set,
        '--out',
        join(folder, out),
        '--hidden',
        '8',
        '--embedding',
        '8',
      ],
      ...['--epochs', '1', '--picture-size', '16', '--filters', '4', ...flags],
    ]);
  const { code, stderr } = await train('run');
  expect(code).toBe(0);
  const lines = stderr.split('\n');
  expect(lines[0]).toBe('mine: 1 of 12 captions is left out: photo-0.txt: holds no caption');
  expect(lines[1]).toMatch(/^mine: 9 training captions are too few .*--from <model>/);
  expect(lines.findIndex((line) => line.startsWith('epoch 1'))).toBeGreaterThan(1);
  const refused = await train('none', '--minimum-count', '99');
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/no word of the 9 training captions occurs 99 times/);
});
