import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PREPROCESSING, parsePreprocessing, preprocess } from '@/data/pictures/preprocessing.js';
import { batchOf } from '@/data/source.js';
import type { Clip } from '@/data/video/clip.js';
import { scope } from '@/engine/engine.js';
import type { Scope } from '@/engine/scope.js';
import { UsageError, ValueError } from '@/errors.js';
import { fullVideoConfig } from '@/models/video-captioner-config.js';
import { Random } from '@/random.js';
import { frameInputs } from '@/tasks/video-captioner/clip-inputs.js';

let open: Scope;
beforeEach(() => {
  open = scope();
});
afterEach(() => open[Symbol.dispose]());

const size = 8;
const preprocessing = parsePreprocessing(
  { ...PREPROCESSING.imagenet, width: size, height: size },
  'test',
);
const config = fullVideoConfig({
  ...{ combine: 'mean', frames: 4, vocabularySize: 10, featureSize: 4 },
  cnn: { size, filters: [4] },
});
const each = 3 * size * size;

/** Clips of these numbers of frames, at random. */
function clips(...lengths: number[]) {
  const random = new Random(1);
  return lengths.map((T, index) => {
    const clip: Clip = {
      width: size,
      height: size,
      channels: 3,
      values: Uint8Array.from({ length: T * each }, () => random.integer(256)),
      times: Float64Array.from({ length: T }, (_, t) => t / 8),
    };
    return { id: `clip ${index}`, clip };
  });
}

/** What the one preprocessing makes of a frame. */
function numbersOf({ values }: Clip, t: number): Float32Array {
  const data = values.subarray(t * each, (t + 1) * each);
  const out = new Float32Array(each);
  preprocess({ width: size, height: size, channels: 3, data }, preprocessing, out);
  return out;
}

/** Which frame of a clip each of some numbers is; -1 where it is none. */
function framesIn(clip: Clip, x: Float32Array): number[] {
  const all = clip.times.length;
  return Array.from({ length: x.length / each }, (_, place) => {
    const found = x.subarray(place * each, (place + 1) * each);
    const known = Array.from({ length: all }, (_, t) => numbersOf(clip, t));
    return known.findIndex((frame) =>
      frame.every((value, i) => Math.abs(value - (found[i] ?? 9)) < 1e-5),
    );
  });
}

describe('clips as batches', () => {
  test('are the frames by the one preprocessing, padded with zeros to the longest', async () => {
    const all = clips(3, 1, 2);
    const inputs = frameInputs(all, preprocessing, config, { seed: 0 });
    expect(inputs.size).toBe(3);
    const { x, lengths } = await batchOf(inputs, [2, 0, 1]);
    expect(x.shape).toEqual([3, 3, 3, size, size]);
    expect(lengths).toEqual([2, 3, 1]);
    const values = Float32Array.from(x.dataSync());
    const of = (m: number) => values.subarray(m * 3 * each, (m + 1) * 3 * each);
    for (const [m, index] of [2, 0, 1].entries()) {
      const length = lengths?.[m] ?? 0;
      const clip = all[index]?.clip ?? expect.fail();
      expect(framesIn(clip, of(m).subarray(0, length * each))).toEqual(
        Array.from({ length }, (_, t) => t),
      );
      expect(
        of(m)
          .subarray(length * each)
          .every((value) => value === 0),
      ).toBe(true);
    }
    // The next batch takes the memory of this one: nothing of it is left behind.
    const again = await batchOf(inputs, [1, 1, 0]);
    expect(
      again.x
        .dataSync()
        .subarray(each, 3 * each)
        .every((value) => value === 0),
    ).toBe(true);
  });

  test('of one length have no lengths, and longer ones are thinned out evenly', async () => {
    const all = clips(9, 9);
    const inputs = frameInputs(all, preprocessing, config, { seed: 0 });
    const { x, lengths } = await batchOf(inputs, [0, 1]);
    expect(x.shape[1]).toBe(4);
    expect(lengths).toBeUndefined();
    const first = Float32Array.from(x.at(0).dataSync());
    expect(framesIn(all[0]?.clip ?? expect.fail(), first)).toEqual([1, 3, 5, 7]);
  });

  test('in training a frame is drawn of each part: the same again for the same epoch', async () => {
    const all = clips(40);
    const inputs = frameInputs(all, preprocessing, config, { seed: 3 });
    const seen = async (epoch: number) => {
      const { x } = await batchOf(inputs, [0], epoch);
      return framesIn(all[0]?.clip ?? expect.fail(), Float32Array.from(x.dataSync()));
    };
    const epochs = [];
    for (let epoch = 0; epoch < 5; epoch++) epochs.push(await seen(epoch));
    expect(new Set(epochs.map(String)).size).toBeGreaterThan(3);
    for (const frames of epochs) {
      expect(frames.map((frame) => Math.floor(frame / 10))).toEqual([0, 1, 2, 3]);
    }
    expect(await seen(2)).toEqual(epochs[2]);
  });

  test('shuffled, they are the same frames in another order, the same at every call', async () => {
    const all = clips(4, 4, 4);
    const inputs = frameInputs(all, preprocessing, config, { seed: 1, shuffled: true });
    const orders = async () => {
      const { x } = await batchOf(inputs, [0, 1, 2]);
      return all.map(({ clip }, m) => framesIn(clip, Float32Array.from(x.at(m).dataSync())));
    };
    const found = await orders();
    for (const order of found) expect([...order].sort()).toEqual([0, 1, 2, 3]);
    expect(found.some((order) => `${order}` !== '0,1,2,3')).toBe(true);
    expect(await orders()).toEqual(found);
  });

  test('augmented, all frames of a clip are changed alike, anew in every epoch and never to measure on', async () => {
    // Frames that are alike stay alike.
    const [one] = clips(1);
    const { values } = one?.clip ?? expect.fail();
    const still: Clip = {
      ...(one?.clip ?? expect.fail()),
      values: Uint8Array.from({ length: 3 * each }, (_, i) => values[i % each] ?? 0),
      times: Float64Array.of(0, 1, 2),
    };
    const augmentation = { shift: 0.3, colours: 0.3, flip: false };
    const inputs = frameInputs([{ id: 'still', clip: still }], preprocessing, config, {
      seed: 1,
      augmentation,
    });
    const frames = async (epoch?: number) => {
      const { x } = await batchOf(inputs, [0], epoch);
      const all = Float32Array.from(x.dataSync());
      return [0, 1, 2].map((t) => all.slice(t * each, (t + 1) * each));
    };
    const [first, second, third] = await frames(0);
    expect(second).toEqual(first);
    expect(third).toEqual(first);
    expect((await frames(1))[0]).not.toEqual(first);
    expect((await frames(0))[0]).toEqual(first);
    expect(framesIn(still, (await frames())[0] ?? expect.fail())).toEqual([0]);
  });

  test('are read when they are needed, and what cannot be read is told', async () => {
    const lost = [{ id: 'lost', clip: { path: '/nowhere/lost.gif' } }];
    const inputs = frameInputs(lost, preprocessing, config, { seed: 0 });
    inputs.expect([0]);
    await expect(batchOf(inputs, [0])).rejects.toThrow(/lost\.gif/);
    expect(() => inputs.batch([0])).toThrow(ValueError);
    await expect(batchOf(inputs, [7])).rejects.toThrow(ValueError);
    expect(() => frameInputs(lost, undefined, config, { seed: 0 })).toThrow(UsageError);
  });
});
