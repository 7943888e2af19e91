import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CaptionDataset, CaptionedImage } from '@/data/captions/captioned-images.js';
import { encodePng } from '@/data/pictures/photos.js';
import { scope } from '@/engine/engine.js';
import { FileError, FormatError, PhotoError } from '@/errors.js';
import { Features } from '@/features/features.js';
import { featurePipeline, picturePipeline } from '@/tasks/captioner/pipelines.js';
import { prepareData } from '@/tasks/captioner/prepare.js';
import { leftOutPhotos, readableImages } from '@/tasks/captioner/readable-images.js';
import { captionerRecipeSchema } from '@/tasks/captioner/recipe.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-readable-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Photos with a caption each, every one of another brightness; those in `bad` are text. */
async function photos(split: string, count: number, bad: readonly number[] = []) {
  const images: CaptionedImage[] = [];
  for (let n = 0; n < count; n++) {
    const id = `${split}-${n}.png`;
    const path = join(folder, id);
    const data = new Uint8Array(16 * 16 * 3).fill(20 * n + 10);
    const png = await encodePng({ width: 16, height: 16, channels: 3, data });
    await writeFile(path, bad.includes(n) ? 'no photo' : png);
    images.push({ id, image: { path }, captions: [`a dog ${n}`] });
  }
  return images;
}

function datasetOf(train: readonly CaptionedImage[], dev: readonly CaptionedImage[]) {
  return { name: 'mine', format: 'captions', splits: { train, dev, test: [] } } as CaptionDataset;
}

/** Features of some images: their number, twice. */
function featuresOf(images: readonly CaptionedImage[], skipped: readonly string[]) {
  const kept = images.filter(({ id }) => !skipped.includes(id));
  const values = Float32Array.from({ length: kept.length * 2 }, (_, i) => i >> 1);
  const vectors = {
    shape: [2],
    count: kept.length,
    read(first: number, count: number, out: Float32Array, offset: number) {
      out.set(values.subarray(first * 2, (first + count) * 2), offset);
    },
    close() {},
  };
  return new Features({
    path: 'features.safetensors',
    ids: kept.map(({ id }) => id),
    skipped: skipped.map((id) => ({ id, reason: `${id}: is no photo` })),
    vectors,
  });
}

const recipe = { ...captionerRecipeSchema.parse({}), minimumCount: 1 };

test('with skipBad, photos that cannot be decoded are left out of train and dev', async () => {
  const dataset = datasetOf(await photos('train', 6, [1]), await photos('dev', 3, [2]));
  const pipeline = picturePipeline(16);
  const { data, leftOut } = await prepareData(dataset, pipeline, { ...recipe, skipBad: true });
  expect(leftOut.map(({ id }) => id)).toEqual(['train-1.png', 'dev-2.png']);
  expect(leftOut[0]?.reason).toMatch(/train-1\.png: is no photo that can be decoded: it is text/);
  expect([data.inputs.size, data.dev.inputs.size]).toEqual([5, 2]);
  expect(data.dev.references).toEqual([['a dog 0'], ['a dog 1']]);
  // Nothing is learned of the caption of a photo that is left out.
  expect([data.vocabulary.has('1'), data.vocabulary.has('2')]).toEqual([false, true]);
});

test('without it, the first one stops the work and is named', async () => {
  const dataset = datasetOf(await photos('train', 6, [1, 4]), await photos('dev', 2));
  const failed = await prepareData(dataset, picturePipeline(16), recipe).catch((e: unknown) => e);
  expect(failed).toBeInstanceOf(PhotoError);
  expect(String(failed)).toMatch(/train-1\.png: is no photo/);
});

test('what features say was left out is left out without being asked for', async () => {
  const [train, dev] = [await photos('train', 6), await photos('dev', 2)];
  const features = featuresOf([...train, ...dev], ['train-0.png', 'dev-1.png']);
  const pipeline = await featurePipeline(features, undefined);
  const { data, leftOut } = await prepareData(datasetOf(train, dev), pipeline, recipe);
  expect(leftOut).toHaveLength(2);
  using _batch = scope();
  expect([...data.inputs.batch([0, 4]).dataSync()]).toEqual([0, 0, 4, 4]);
  expect(data.dev.inputs.size).toBe(1);
  const another = featuresOf(train, []);
  await expect(
    prepareData(datasetOf(train, dev), await featurePipeline(another, undefined), recipe),
  ).rejects.toThrow(/has no features of 2 of/);
});

test('a split without a readable photo, and too many bad ones, are refused', async () => {
  const few = datasetOf(await photos('train', 5), await photos('dev', 1, [0]));
  const noDev = prepareData(few, picturePipeline(16), { ...recipe, skipBad: true });
  await expect(noDev).rejects.toThrow(FormatError);
  await expect(noDev).rejects.toThrow(/mine: has no dev images left.*dev-0\.png: is no photo/);
  const many = datasetOf(await photos('train', 5, [0, 1, 2]), await photos('dev', 1));
  const refused = prepareData(many, picturePipeline(16), { ...recipe, skipBad: true });
  await expect(refused).rejects.toThrow(FormatError);
  await expect(refused).rejects.toThrow(/mine: 3 of 6 photos cannot be read, too many/);
});

test('of several models, an image is left out that one of them cannot have', async () => {
  const images = await photos('dev', 8, [3]);
  const missing = { ...images[5], image: { path: join(folder, 'gone.png') } } as CaptionedImage;
  images[5] = missing;
  const features = featuresOf(images, ['dev-0.png']);
  const through = await featurePipeline(features, undefined);
  // Three of eight are too many; two of the nine are not.
  const readers = [through, picturePipeline(16)];
  await expect(readableImages(images, readers, { skipBad: true, source: 's' })).rejects.toThrow(
    /3 of 8/,
  );
  const more = [...images, ...(await photos('more', 2))];
  const { images: kept, leftOut } = await readableImages(more, readers, {
    skipBad: true,
    source: 's',
  });
  expect(leftOut.map(({ id }) => id)).toEqual(['dev-0.png', 'dev-3.png', 'dev-5.png']);
  expect(kept.map(({ id }) => id)).not.toContain('dev-5.png');
  expect(kept).toHaveLength(7);
  expect(leftOutPhotos(leftOut)[0]).toMatch(/^3 photos that cannot be read are left out: dev-0/);
  const gone = await picturePipeline(16)
    .inputs([missing])
    .catch((e: unknown) => e);
  expect(gone).toBeInstanceOf(FileError);
});
