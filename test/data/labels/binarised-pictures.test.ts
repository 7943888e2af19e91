import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Binarisation, BinarisedPictures } from '@/data/labels/binarised-pictures.js';
import { openLabelledDataset, openPictureSet } from '@/data/labels/labelled-dataset.js';
import { encodePng } from '@/data/pictures/photos.js';
import { scope } from '@/engine/engine.js';
import { FormatError, UsageError } from '@/errors.js';

const folder = mkdtempSync(join(tmpdir(), 'glimpse-pictures-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const greys = [0, 0.3, 0.5, 0.7, 1];
const pictures = {
  ...{ channels: 1, height: 1, width: 5 },
  values: Float32Array.from({ length: 5 * 2000 }, (_, i) => greys[i % 5] ?? 0),
  labels: Int32Array.from({ length: 2000 }, (_, n) => n % 7),
};
const all = Int32Array.from({ length: 2000 }, (_, n) => n);

function drawn(how: Binarisation, epoch?: number, seed = 0, indices: ArrayLike<number> = all) {
  using _work = scope();
  const { x, labels } = new BinarisedPictures(pictures, how, seed).batch(indices, epoch);
  return {
    values: Array.from(x.dataSync()),
    labels: Array.from(labels.dataSync()),
    shape: x.shape,
  };
}

test('as they are, or from half of white on', () => {
  const { values, labels, shape } = drawn('none', 0, 0, [1, 9]);
  expect(shape).toEqual([2, 1, 1, 5]);
  expect(values).toEqual([...greys, ...greys].map(Math.fround));
  expect(labels).toEqual([1, 2]);
  expect(drawn('threshold', 3, 0, [4]).values).toEqual([0, 0, 1, 1, 1]);
});

test.each(['static', 'dynamic'] as const)('%s: white as often as a pixel is bright', (how) => {
  const { values } = drawn(how);
  expect(new Set(values)).toEqual(new Set([0, 1]));
  for (const [i, grey] of greys.entries()) {
    const mean = values.filter((_, k) => k % 5 === i).reduce((a, b) => a + b, 0) / 2000;
    // Five standard errors.
    expect(Math.abs(mean - grey)).toBeLessThanOrEqual(5 * Math.sqrt((grey * (1 - grey)) / 2000));
  }
});

test('drawn once, or anew in each epoch; the same whatever stands beside', () => {
  expect(drawn('static', 4).values).toEqual(drawn('static', 0).values);
  expect(drawn('dynamic', 4).values).not.toEqual(drawn('dynamic', 0).values);
  expect(drawn('dynamic').values).toEqual(drawn('dynamic', 0).values);
  expect(drawn('static', 0, 1).values).not.toEqual(drawn('static', 0, 0).values);
  const { values } = drawn('dynamic', 2);
  expect(drawn('dynamic', 2, 0, [7]).values).toEqual(values.slice(35, 40));
});

test('a folder of photos of any size is a set of one class', async () => {
  const photos = join(folder, 'photos');
  mkdirSync(join(photos, 'more'), { recursive: true });
  for (const [name, side] of [
    ['a', 9],
    ['b', 12],
    ['more/c', 5],
    ['d', 7],
  ] as const) {
    const data = new Uint8Array(3 * side * side).fill(90);
    writeFileSync(
      join(photos, `${name}.png`),
      await encodePng({ width: side, height: side, channels: 3, data }),
    );
  }
  const set = await openPictureSet(`photos:${photos},size=8,grey=yes,dev=0.25`);
  const { train, dev } = set.splits;
  expect([set.classes, train.labels.length, dev.labels.length]).toEqual([['photos'], 3, 1]);
  expect([train.channels, train.height, train.width]).toEqual([1, 8, 8]);
  expect((await openPictureSet(photos)).format).toBe('photos');
  // A classifier has no use for it.
  await expect(openLabelledDataset(`photos:${photos}`)).rejects.toThrow(UsageError);
  const one = join(folder, 'one');
  mkdirSync(one);
  await expect(openPictureSet(`photos:${one}`)).rejects.toThrow(FormatError);
  const data = new Uint8Array(3);
  writeFileSync(join(one, 'x.png'), await encodePng({ width: 1, height: 1, channels: 3, data }));
  await expect(openPictureSet(one)).rejects.toThrow(/leave none of 1 pictures for train/);
});
