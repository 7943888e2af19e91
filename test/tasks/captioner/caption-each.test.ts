import { expect, test } from 'vitest';
import { drawScene } from '@/data/captions/scenes.js';
import { loadPixels } from '@/data/pictures/photos.js';
import type { ImageSource, Pixels } from '@/data/pictures/pixels.js';
import { FileError, FormatError, MissingDependencyError } from '@/errors.js';
import { Random } from '@/random.js';
import { PhotoCaptioner } from '@/tasks/captioner/photo-captioner.js';
import { captionEach } from '@/tasks/captions/found.js';
import { modelOf } from './models.js';

const random = new Random(5);
const pictures: Pixels[] = Array.from({ length: 7 }, () => drawScene(random, { size: 24 }).pixels);

test.each([1, 2, 3, 7, 16])('batches of %i give the same captions in order', async (batchSize) => {
  const captioner = await PhotoCaptioner.create(modelOf(1, 24), loadPixels);
  for (const options of [{}, { decoder: 'sample', nBest: 2 } as const]) {
    const expected = await captioner.caption(pictures, options);
    const found = [];
    for await (const one of captionEach(captioner, pictures, { ...options, batchSize })) {
      found.push([one.source, one.caption?.alternatives.map(({ caption }) => caption)]);
    }
    expect(found).toEqual(
      expected.map(({ alternatives }, index) => [
        pictures[index],
        alternatives.map(({ caption }) => caption),
      ]),
    );
  }
});

test('what is known is told before the rest is loaded, and bad pictures in their places', async () => {
  const places = new Map<ImageSource, number>(pictures.map((picture, index) => [picture, index]));
  const loaded: number[] = [];
  const captioner = await PhotoCaptioner.create(modelOf(1, 24), async (source, size) => {
    const index = places.get(source) ?? -1;
    loaded.push(index);
    if (index === 0) throw new FileError('x', 'is not there');
    if (index === 3) throw new FormatError('y', 'is no photo');
    return loadPixels(source, size);
  });
  const outcomes = captionEach(captioner, pictures, { batchSize: 2 });
  const said: (string | undefined)[] = [];
  for (const known of [4, 4, 6, 6, 7]) {
    const { value } = await outcomes.next();
    said.push(value?.error?.message ?? 'a caption');
    // Its own batch and the next one.
    expect(loaded).toEqual(Array.from({ length: known }, (_, index) => index));
  }
  expect(said).toEqual([
    'x: is not there',
    'a caption',
    'a caption',
    'y: is no photo',
    'a caption',
  ]);
});

test('what is wrong with all pictures ends it', async () => {
  const captioner = await PhotoCaptioner.create(modelOf(1, 24), async () => {
    throw new MissingDependencyError('no decoder');
  });
  await expect(captionEach(captioner, pictures, { batchSize: 2 }).next()).rejects.toThrow(
    MissingDependencyError,
  );
  const options = { decoder: 'sample', topP: 2 } as const;
  await expect(captionEach(captioner, pictures, options).next()).rejects.toThrow(/--top-p 2/);
});
