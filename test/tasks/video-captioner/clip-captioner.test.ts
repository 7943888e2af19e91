import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectClose } from '@test/bounds.js';
import { vocabularyOf } from '@test/decoding/models.js';
import { afterAll, expect, test } from 'vitest';
import { PREPROCESSING } from '@/data/pictures/preprocessing.js';
import type { Clip, ClipSource } from '@/data/video/clip.js';
import { writeClip } from '@/data/video/write-clip.js';
import { ClipError, UsageError, ValueError } from '@/errors.js';
import { VideoCaptioner } from '@/models/video-captioner.js';
import type { VideoCaptionerConfig } from '@/models/video-captioner-config.js';
import { Random } from '@/random.js';
import { captionEach } from '@/tasks/captions/found.js';
import { evaluateModels } from '@/tasks/captions/model-scores.js';
import { ClipCaptioner } from '@/tasks/video-captioner/clip-captioner.js';
import { frameInputs } from '@/tasks/video-captioner/clip-inputs.js';
import type { VideoCaptionerModel } from '@/tasks/video-captioner/kind.js';
import { randomNormal } from '@/tensor/create.js';

const folder = mkdtempSync(join(tmpdir(), 'glimpse-clip-captions-'));
afterAll(() => rmSync(folder, { recursive: true }));

const size = 8;
const [places, frames] = [{ valueSize: 6, size: 5 }, 4];
const additive = { kind: 'additive', ...places } as const;
/** Of frames of 8 x 8 the cnn makes 4 x 4 places. */
const ways = {
  mean: { combine: 'mean', featureSize: 4 },
  s2vt: { combine: 's2vt', featureSize: 4 },
  attention: {
    combine: 'attention',
    featureSize: 4,
    attention: { ...additive, locations: [frames, 1, 1] },
  },
  grid: {
    combine: 'attention',
    featureSize: 4,
    attention: { ...additive, locations: [frames, 4, 4] },
  },
} as const;
type Way = keyof typeof ways;
const allWays: readonly Way[] = ['mean', 's2vt', 'attention', 'grid'];

/** A model with weights at random, large enough for captions to differ. */
function modelOf(way: Way, more: Partial<VideoCaptionerConfig> = {}, seed = 2) {
  const vocabulary = vocabularyOf('a', 'dog', 'cat', 'runs', 'sits', 'far');
  const random = new Random(seed);
  const captioner = new VideoCaptioner(
    {
      ...{ embeddingSize: 5, hiddenSize: 8, vocabularySize: vocabulary.size, frames },
      ...{ cnn: { size, filters: [4] }, ...ways[way], ...more },
    },
    { random },
  );
  const { W } = captioner.parameters.vocabulary;
  W?.assign(randomNormal(random, W.shape, 3).dataSync());
  const preprocessing = { ...PREPROCESSING.imagenet, width: size, height: size };
  return { captioner, vocabulary, preprocessing } satisfies VideoCaptionerModel;
}

/** Clips of these numbers of frames, at random, 8 frames a second. */
const clips = [9, 2, 4, 17, 1, 6, 30].map((T, index): Clip => {
  const random = new Random(index);
  const values = Uint8Array.from({ length: T * 3 * size * size }, () => random.integer(256));
  const times = Float64Array.from({ length: T }, (_, t) => t / 8);
  return { width: size, height: size, channels: 3, values, times };
});

test.each(allWays)('%s: clips are captioned as they are when a model is judged', async (way) => {
  const model = modelOf(way);
  const all = clips.map((clip, index) => ({ id: `${index}`, clip, captions: ['a dog runs'] }));
  const inputs = frameInputs(all, model.preprocessing, model.captioner.config, { seed: 0 });
  const options = { decoder: 'beam', nBest: 2, maxLength: 5 } as const;
  const { found } = await evaluateModels([{ model, inputs }], all, options);
  const captioner = await ClipCaptioner.create(model);
  const said = await captioner.caption(clips, options);
  expect(said.map(({ alternatives }) => alternatives.map(({ caption }) => caption))).toEqual(
    found.map((all) => all.map(({ words }) => model.vocabulary.decode(words))),
  );
  expect(new Set(said.map(({ caption }) => caption)).size).toBeGreaterThan(1);
  for (const [index, { logProbability, words, alternatives }] of said.entries()) {
    expectClose(logProbability, found[index]?.[0]?.logProbability ?? 0, {
      dtype: 'f32',
      terms: 99,
    });
    expect(alternatives[0]).toMatchObject({ logProbability, words });
  }
});

test.each([1, 3, 16])(
  'batches of %i say the same, and go on after a bad clip',
  async (batchSize) => {
    const captioner = await ClipCaptioner.create(modelOf('s2vt'));
    const options = { decoder: 'sample', nBest: 2, maxLength: 5 } as const;
    const expected = await captioner.caption(clips, options);
    const bad = join(folder, 'bad.gif');
    writeFileSync(bad, 'no clip');
    const sources: ClipSource[] = [...clips.slice(0, 4), { path: bad }, ...clips.slice(4)];
    const said: (string[] | undefined)[] = [];
    for await (const { source, caption, error } of captionEach(captioner, sources, {
      ...options,
      batchSize,
    })) {
      if (error) expect([source, error]).toEqual([{ path: bad }, expect.any(ClipError)]);
      said.push(caption?.alternatives.map(({ caption }) => caption));
    }
    expect(said.splice(4, 1)).toEqual([undefined]);
    expect(said).toEqual(
      expected.map(({ alternatives }) => alternatives.map((one) => one.caption)),
    );
  },
);

test.each([
  ['attention', 1],
  ['grid', 16],
] as const)('%s: each word has a weight for what was seen, and no padding', async (way, each) => {
  const captioner = await ClipCaptioner.create(modelOf(way));
  const side = Math.sqrt(each);
  expect(captioner.attentionForm).toEqual({ form: 'weights', locations: [frames, side, side] });
  const said = await captioner.caption(clips, { maxLength: 3 });
  // The frame in the middle of each of four parts; of a shorter clip every one.
  expect(said[0]?.seen).toEqual([1, 3, 5, 7].map((t) => t / 8));
  expect(said[1]?.seen).toEqual([0, 1 / 8]);
  for (const [index, { seen, words }] of said.entries()) {
    expect(seen).toHaveLength(Math.min(frames, clips[index]?.times.length ?? 0));
    for (const { attention = [] } of words) {
      expect(attention).toHaveLength(seen.length * each);
      const sum = Array.from(attention).reduce((total, weight) => total + weight, 0);
      expectClose(sum, 1, { dtype: 'f32', terms: frames * each });
    }
  }
});

test('a long clip is followed: each stretch is captioned as a clip of its own', async () => {
  const [first, , , , , , long] = clips;
  if (!first || !long) throw new Error('no clips');
  const path = join(folder, 'long.gif');
  await writeClip(path, { ...long, times: long.times.map((_, t) => t / 10) });
  const captioner = await ClipCaptioner.create(modelOf('attention'));
  const options = { maxLength: 4 };
  const said = [];
  for await (const one of captioner.follow({ path }, 1, options)) said.push(one);
  expect(said.map(({ from, to }) => [from, Math.round(1000 * to)])).toEqual([
    [0, 1000],
    [1, 2000],
    [2, 3000],
  ]);
  for (const { from, to, seen, caption, logProbability } of said) {
    const [own] = await captioner.caption([{ path, from, to }], options);
    expect([caption, own?.caption]).toEqual([caption, caption]);
    expect(logProbability).toBeCloseTo(own?.logProbability ?? 0, 5);
    expect(seen).toHaveLength(frames);
    for (const [k, time] of seen.entries()) {
      expect(time).toBeCloseTo(from + (own?.seen[k] ?? 0), 6);
    }
  }
});

test('several models say one caption together, also of frames of several sizes', async () => {
  const model = modelOf('s2vt');
  const alone = await ClipCaptioner.create(model);
  const twice = await ClipCaptioner.create([model, model]);
  const options = { maxLength: 4 };
  const [one, two] = [await alone.caption(clips, options), await twice.caption(clips, options)];
  expect(two.map(({ caption }) => caption)).toEqual(one.map(({ caption }) => caption));
  const larger = modelOf('mean', { cnn: { size: 10, filters: [4] }, frames: 2 });
  const other = { ...larger, preprocessing: { ...larger.preprocessing, width: 10, height: 10 } };
  const both = await ClipCaptioner.create([model, other]);
  const said = await both.caption(clips, options);
  expect(said.map((one) => one.logProbability)).not.toEqual(one.map((one) => one.logProbability));
  const [clip] = clips;
  const following = clip ? both.follow(clip, 1) : undefined;
  await expect(following?.next()).rejects.toThrow(ValueError);
  await expect(following?.next()).resolves.toEqual({ done: true, value: undefined });
  // Those that take other frames, but in the same size, are followed.
  const more = await ClipCaptioner.create([model, modelOf('s2vt', { frames: 3 })]);
  if (!clip) throw new Error('no clip');
  expect((await more.follow(clip, 9).next()).value).toMatchObject({ from: 0 });
  const forms = await ClipCaptioner.create([modelOf('attention'), modelOf('grid')]);
  expect(forms.attentionForm).toBeUndefined();
});

test('what cannot be meant is refused', async () => {
  const model = modelOf('mean');
  await expect(ClipCaptioner.create({ ...model, preprocessing: undefined })).rejects.toThrow(
    UsageError,
  );
  await expect(ClipCaptioner.create([])).rejects.toThrow(ValueError);
  const captioner = await ClipCaptioner.create(model);
  await expect(captioner.caption(clips, { beam: 3 })).rejects.toThrow(/--decoder beam/);
  await expect(captioner.captionLoaded([[]])).rejects.toThrow(/load comes before/);
  expect(await captioner.caption([])).toEqual([]);
  const [clip] = clips;
  if (!clip) throw new Error('no clip');
  await expect(captioner.follow(clip, 0).next()).rejects.toThrow(/number above 0/);
});
