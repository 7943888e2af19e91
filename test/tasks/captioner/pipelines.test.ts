import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expectClose, largest } from '@test/bounds.js';
import { randomSqueezenet, squeezenetRounding } from '@test/models/encoders/random-squeezenet.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CaptionedImage } from '@/data/captions/captioned-images.js';
import { sceneDataset } from '@/data/captions/scenes.js';
import { encodeSafetensors } from '@/data/formats/safetensors.js';
import { PREPROCESSING } from '@/data/pictures/preprocessing.js';
import { scope } from '@/engine/engine.js';
import { ValueError } from '@/errors.js';
import { extractFeatures } from '@/features/extract.js';
import type { Features } from '@/features/features.js';
import { openFeatures } from '@/features/open-features.js';
import { Captioner } from '@/models/captioner.js';
import type { AttentionConfig } from '@/models/captioner-config.js';
import { type Encoder, encoderFingerprint } from '@/models/encoders/encoder.js';
import { viewThrough } from '@/models/encoders/grids.js';
import { openEncoder } from '@/models/encoders/open-file.js';
import { featurePipeline, type InputPipeline, withEncoder } from '@/tasks/captioner/pipelines.js';
import { tinyTask } from './tiny-task.js';

let folder: string;
let encoder: Encoder;
let features: Features;
let vectorsOnly: Features;
const images = sceneDataset({ train: 5, dev: 0, test: 0, seed: 3, size: 48 }).splits.train;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-sight-'));
  const net = join(folder, 'net.safetensors');
  await writeFile(net, encodeSafetensors(randomSqueezenet()));
  const preprocessing = { ...PREPROCESSING.imagenet, width: 48, height: 64 };
  encoder = await openEncoder(net, { preprocessing });
  const out = join(folder, 'features.safetensors');
  await extractFeatures(images, encoder, { out, grid: true });
  features = await openFeatures(out);
  const vectors = join(folder, 'vectors.safetensors');
  await extractFeatures(images, encoder, { out: vectors });
  vectorsOnly = await openFeatures(vectors);
});
afterAll(() => rm(folder, { recursive: true }));

async function valuesOf(
  pipeline: InputPipeline,
  all: readonly CaptionedImage[],
  chosen: readonly number[],
) {
  using _work = scope();
  const batch = (await pipeline.inputs(all)).batch(chosen);
  return { shape: batch.shape, values: [...batch.dataSync()] };
}

describe('featurePipeline', () => {
  test('vectors', async () => {
    const pipeline = await featurePipeline(features, encoder);
    expect([pipeline.shape, pipeline.locations]).toEqual([[512], undefined]);
    const { shape, values } = await valuesOf(pipeline, images, [3, 0]);
    expect(shape).toEqual([2, 512]);
    expect(values).toEqual([...features.pooled([3, 0].map((i) => images[i]?.id ?? ''))]);
  });

  test('grids with the channels last, kept in memory or read as they are needed', async () => {
    const [, H, W] = encoder.outputs.grid ?? [];
    expect([H, W]).toEqual([3, 2]);
    const kept = await featurePipeline(features, encoder, { grid: true });
    const read = await featurePipeline(features, encoder, { grid: true, memory: 0 });
    expect([kept.shape, kept.locations]).toEqual([
      [6, 512],
      [3, 2],
    ]);
    // In another order than the file's, one of them twice.
    const some = [4, 1, 2].flatMap((i) => images[i] ?? []);
    const batch = await valuesOf(kept, some, [2, 0, 2]);
    expect(batch.shape).toEqual([3, 6, 512]);
    expect(await valuesOf(read, some, [2, 0, 2])).toEqual(batch);
    expect(batch.values).toEqual([
      ...features.grid([2, 4, 2].map((index) => images[index]?.id ?? '')),
    ]);
    // The mean of a channel over its places is the vector's value: the channels are in place.
    const pooled = features.pooled([images[4]?.id ?? '']);
    for (const channel of [0, 17, 511]) {
      let mean = 0;
      for (let l = 0; l < 6; l++) mean += (batch.values[(6 + l) * 512 + channel] ?? 0) / 6;
      const size = largest(batch.values);
      expectClose(mean, pooled[channel] ?? Number.NaN, { ...squeezenetRounding, size });
    }
  });

  test('a file without grids says so, as does an encoder without one', async () => {
    await expect(featurePipeline(vectorsOnly, encoder, { grid: true })).rejects.toThrow(
      /vectors\.safetensors has no grids.*\(512, 3, 2\)/,
    );
    const flat = { ...encoder, name: 'flat', outputs: { pooled: 512 } };
    await expect(featurePipeline(features, flat, { grid: true })).rejects.toThrow(ValueError);
  });

  test('features of another program need an encoder that makes as many', async () => {
    const path = fileURLToPath(new URL('../../fixtures/features/vectors-f16.npy', import.meta.url));
    const foreign = await openFeatures(path, { order: images.slice(0, 3).map(({ id }) => id) });
    await expect(featurePipeline(foreign, encoder)).rejects.toThrow(/4 values.*takes 512/);
    const fitting = { ...encoder, outputs: { pooled: 4 }, save: () => encoder.save() };
    const pipeline = await featurePipeline(foreign, {
      ...fitting,
      preprocessing: encoder.preprocessing,
    });
    expect((await valuesOf(pipeline, images.slice(0, 3), [1])).values).toEqual([
      100, 101, 102, 103,
    ]);
  });

  test('photos without features are named', async () => {
    const pipeline = await featurePipeline(features, encoder, { grid: true });
    const [image] = images;
    if (!image) throw new Error('there are images');
    await expect(pipeline.inputs([image, { ...image, id: 'stranger' }])).rejects.toThrow(
      /stranger/,
    );
  });
});

test('a view through the encoder gives the grids that extraction stored', async () => {
  const { preprocessing } = encoder;
  const size = 3 * preprocessing.width * preprocessing.height;
  const view = viewThrough(encoder, { grid: true });
  const batch = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
  const grids = await view.encode(batch, 1);
  const { grid = new Float32Array(0) } = await encoder.encode(batch, 1, { grid: true });
  expect(grids[5 * 512 + 9]).toBe(grid[9 * 6 + 5]);
  expect(grids.length).toBe(6 * 512);
});

describe('withEncoder', () => {
  const { vocabulary } = tinyTask();
  const modelOf = (featureSize: number, attention?: AttentionConfig) => ({
    captioner: new Captioner({
      cell: 'rnn',
      featureSize,
      attention,
      embeddingSize: 2,
      hiddenSize: 2,
      vocabularySize: vocabulary.size,
    }),
    vocabulary,
    preprocessing: undefined,
    encoder: undefined,
    training: undefined,
  });
  const looking = (locations: [number, number]): AttentionConfig => ({
    kind: 'dot',
    locations,
    valueSize: 2,
    size: 2,
  });

  test('a model of features takes photos from then on', async () => {
    using _work = scope();
    for (const model of [modelOf(512), modelOf(512, looking([3, 2]))]) {
      const seeing = withEncoder(model, encoder);
      expect(seeing.captioner).toBe(model.captioner);
      expect(seeing.preprocessing).toEqual(encoder.preprocessing);
      const kept = await encoderFingerprint(seeing.encoder ?? expect.fail('there is no encoder'));
      expect(kept).toBe(await encoderFingerprint(encoder.save()));
    }
  });

  test('an encoder of other sizes is refused', () => {
    using _work = scope();
    expect(() => withEncoder(modelOf(5), encoder)).toThrow(
      /SqueezeNet 1\.0 has features \(512\), but the model takes \(5\)/,
    );
    expect(() => withEncoder(modelOf(512, looking([2, 3])), encoder)).toThrow(ValueError);
  });
});
