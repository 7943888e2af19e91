import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brightnessEncoder } from '@test/features/brightness-encoder.js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readSafetensors } from '@/data/formats/safetensors-files.js';
import type { Clip } from '@/data/video/clip.js';
import { ClipError, FormatError, GlimpseError, UsageError, ValueError } from '@/errors.js';
import { ClipFeatures } from '@/features/clip-features.js';
import { extractFeatures } from '@/features/extract.js';
import { extractFrames, type FilmedClip } from '@/features/extract-frames.js';
import { openFeatures } from '@/features/open-features.js';
import { type Encoder, encoderFingerprint } from '@/models/encoders/encoder.js';

let folder: string;
let out: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-frames-'));
  out = join(folder, 'features.safetensors');
});
afterEach(() => rm(folder, { recursive: true }));

/** Frame t of a clip of brightness b: all its bytes are b + t. */
function clipOf(brightness: number, T: number): Clip {
  return {
    width: 2,
    height: 2,
    channels: 3,
    values: Uint8Array.from({ length: T * 12 }, (_, i) => brightness + Math.floor(i / 12)),
    times: Float64Array.from({ length: T }, (_, t) => t / 10),
  };
}

/** Clips of these lengths: those of number n begin with brightness 20 n. Counts how many were drawn. */
function drawnClips(...lengths: number[]) {
  const drawn: number[] = [];
  const clips = lengths.map((T, n): FilmedClip => {
    const draw = () => {
      drawn.push(n);
      return clipOf(20 * n, T);
    };
    return { id: `clip ${n}`, clip: { draw } };
  });
  return { clips, drawn };
}

/** The first number of each frame's vector. */
const firsts = ({ values }: { values: Float32Array }) => [...values].filter((_, i) => i % 2 === 0);

test('frames of clips of different lengths are found by the ids of the clips', async () => {
  const { encoder, batches } = brightnessEncoder();
  const progress: number[] = [];
  const result = await extractFrames(drawnClips(5, 1, 3).clips, encoder, {
    ...{ out, grid: true, batchSize: 2 },
    onProgress: ({ done, total }) => progress.push(done / total),
  });
  expect(result).toEqual({ clips: 3, frames: 9, resumed: 0, skipped: [] });
  // Batches are of one clip each, so that a clip's features do not depend on its neighbours.
  expect(batches).toEqual([2, 2, 1, 1, 2, 1]);
  expect(progress).toEqual([1 / 3, 2 / 3, 1]);
  expect(await readdir(folder)).toEqual(['features.safetensors']);

  const features = await ClipFeatures.open(out);
  expect(features.ids).toEqual(['clip 0', 'clip 1', 'clip 2']);
  expect([features.D, features.gridShape, features.sampling]).toEqual([2, [3, 2, 2], {}]);
  expect(firsts(features.pooled('clip 2'))).toEqual([40, 41, 42]);
  expect(firsts(features.pooled('clip 0'))).toEqual([0, 1, 2, 3, 4]);
  expect([...features.grid('clip 1').values]).toEqual(Array(12).fill(20));
  expect(features.lengthOf('clip 0')).toBe(5);
  expect(() => features.pooled('clip 9')).toThrow(/no features of clip 9/);
  const { tensors } = await readSafetensors(out);
  expect(tensors.get('grid')?.shape).toEqual([9, 3, 2, 2]);
  expect(tensors.get('lengths')).toMatchObject({ dtype: 'I32', shape: [3] });
  features.close();
});

test.each([
  [{ frames: 2 }, [1, 3]],
  [{ frames: 8 }, [0, 0, 1, 2, 2, 3, 4, 4]],
  [{ rate: 5 }, [0, 2, 4]],
  [{}, [0, 1, 2, 3, 4]],
])('%j says which frames are taken', async (sampling, taken) => {
  await extractFrames(drawnClips(5).clips, brightnessEncoder().encoder, { out, sampling });
  const features = await ClipFeatures.open(out);
  expect(firsts(features.pooled('clip 0'))).toEqual(taken);
  expect(features.sampling).toEqual(sampling);
});

describe('work that was stopped', () => {
  const lengths = [3, 5, 1, 4, 2, 6];
  const options = { grid: true, batchSize: 2 } as const;
  /** How many clips are done where the encoder stops at batch 0, 1, ...: they have 2, 3, 1, 2, 1 and 3. */
  const doneBefore = [0, 0, 1, 1, 1, 2, 3, 3, 4, 5];

  test('goes on after the last whole clip and makes the same file', async () => {
    const whole = join(folder, 'whole');
    const { clips } = drawnClips(...lengths);
    await extractFrames(clips, brightnessEncoder().encoder, { ...options, out: whole });
    for (let stop = 1; stop < 10; stop++) {
      // Stopped in the middle of a clip, or between two.
      const { encoder } = brightnessEncoder();
      let batches = 0;
      const stopping: Encoder = {
        ...encoder,
        encode: async (...given) => {
          if (batches++ === stop) throw new Error('stopped');
          return encoder.encode(...given);
        },
      };
      await expect(extractFrames(clips, stopping, { ...options, out })).rejects.toThrow('stopped');
      expect(existsSync(out)).toBe(false);
      // As a crash in the middle of writing would leave it.
      for (const name of ['pooled', 'grid', 'lengths']) {
        await appendFile(join(`${out}.partial`, name), 'torn!');
      }
      const result = await extractFrames(clips, brightnessEncoder().encoder, { ...options, out });
      expect(result.resumed).toBe(doneBefore[stop]);
      expect((await readFile(out)).equals(await readFile(whole))).toBe(true);
      await rm(out);
    }
    expect(await readdir(folder)).toEqual(['whole']);
  });

  test('draws again only what is left', async () => {
    const { clips, drawn } = drawnClips(...lengths);
    const { encoder } = brightnessEncoder();
    const stop = { ...options, out, onProgress: stopAfter(4) };
    await expect(extractFrames(clips, encoder, stop)).rejects.toThrow('enough');
    drawn.length = 0;
    await extractFrames(clips, encoder, { ...options, out });
    expect(drawn).toEqual([4, 5]);
  });

  test('is not mixed with other work', async () => {
    const { clips } = drawnClips(...lengths);
    const { encoder } = brightnessEncoder();
    const stop = { ...options, out, onProgress: stopAfter(1) };
    await expect(extractFrames(clips, encoder, stop)).rejects.toThrow('enough');
    const again = (more: object, by = encoder, of = clips) =>
      expect(extractFrames(of, by, { ...options, out, ...more })).rejects;
    await again({ sampling: { frames: 3 } }).toThrow(
      /other frames of clips: sampling \{\} there, .*3/,
    );
    await again({}, brightnessEncoder(2).encoder).toThrow(/another encoder/);
    await again({}, encoder, clips.slice(1)).toThrow(/other photos or clips/);
    await again({ set: 'moving:6,seed=1' }).toThrow(/other photos or clips/);
    await again({ grid: false }).toThrow(/other outputs/);
    const photos = [
      { id: 'a', image: { width: 2, height: 2, channels: 3, data: new Uint8Array(12) } },
    ] as const;
    await expect(extractFeatures(photos, encoder, { out, batchSize: 2 })).rejects.toThrow(
      ValueError,
    );
    const restarted = await extractFrames(clips, encoder, { ...options, out, restart: true });
    expect(restarted.resumed).toBe(0);
  });
});

function stopAfter(clips: number) {
  return ({ done }: { done: number }) => {
    if (done >= clips) throw new Error('enough');
  };
}

test('few clips and frames are in memory, however many there are', async () => {
  const { clips, drawn } = drawnClips(...Array(40).fill(3));
  const { encoder, batches } = brightnessEncoder();
  let most = 0;
  await extractFrames(clips, encoder, {
    ...{ out, batchSize: 2 },
    onProgress: ({ done }) => {
      most = Math.max(most, drawn.length - done);
    },
  });
  // The next one is drawn ahead.
  expect(most).toBeLessThanOrEqual(1);
  expect(Math.max(...batches)).toBe(2);
});

describe('a clip that cannot be read', () => {
  const broken = async () => {
    const path = join(folder, 'empty.gif');
    await writeFile(path, '');
    const { clips } = drawnClips(2, 3);
    return [...clips.slice(0, 1), { id: 'broken', clip: { path } }, ...clips.slice(1)];
  };

  test('stops the work, which goes on when it is there, or is left out', async () => {
    const clips = await broken();
    const { encoder } = brightnessEncoder();
    await expect(extractFrames(clips, encoder, { out })).rejects.toThrow(ClipError);
    const result = await extractFrames(clips, encoder, { out, onBadClip: 'skip' });
    expect(result).toMatchObject({
      ...{ clips: 2, frames: 5, resumed: 1 },
      skipped: [{ id: 'broken', reason: expect.stringContaining('is empty') }],
    });
    const features = await ClipFeatures.open(out);
    expect(features.ids).toEqual(['clip 0', 'clip 1']);
    expect(features.skipped).toEqual(result.skipped);
    expect(firsts(features.pooled('clip 1'))).toEqual([20, 21, 22]);
  });

  test('one whose last frames cannot be encoded leaves no row behind', async () => {
    const { clips } = drawnClips(4, 4, 4);
    const { encoder } = brightnessEncoder();
    const blind: Encoder = {
      ...encoder,
      async encode(batch, N, how) {
        const encoded = await encoder.encode(batch, N, how);
        return { pooled: encoded.pooled.map((value) => (value === 22 ? Number.NaN : value)) };
      },
    };
    await expect(extractFrames(clips, blind, { out, batchSize: 2 })).rejects.toThrow(
      /clip 1: .*brightness.*is the encoder damaged/,
    );
    const result = await extractFrames(clips, blind, { out, batchSize: 2, onBadClip: 'skip' });
    expect(result).toMatchObject({ clips: 2, frames: 8, skipped: [{ id: 'clip 1' }] });
    const features = await ClipFeatures.open(out);
    expect(firsts(features.pooled('clip 2'))).toEqual([40, 41, 42, 43]);
  });

  test('none that can be read is an error', async () => {
    const [, bad] = await broken();
    const clips = bad ? [bad] : [];
    const { encoder } = brightnessEncoder();
    await expect(extractFrames(clips, encoder, { out, onBadClip: 'skip' })).rejects.toThrow(
      /none of the 1 clips could be read/,
    );
  });
});

test('what cannot be meant is refused', async () => {
  const { encoder } = brightnessEncoder();
  const { clips } = drawnClips(2);
  const extract = (of: readonly FilmedClip[], more = {}) =>
    expect(extractFrames(of, encoder, { out, ...more })).rejects;
  await extract([]).toThrow(ValueError);
  await extract([...clips, ...clips]).toThrow(/two clips have the id clip 0/);
  await extract(clips, { sampling: { rate: 0 } }).toThrow(ValueError);
  await extract(clips, { sampling: { rate: 2, frames: 2 } }).toThrow(ValueError);
  await extract(clips, { batchSize: 0 }).toThrow(UsageError);
  const { grid: _, ...outputs } = encoder.outputs;
  const flat = { ...encoder, outputs };
  await expect(extractFrames(clips, flat, { out, grid: true })).rejects.toThrow(UsageError);
  expect(await readdir(folder)).toEqual([]);
});

describe('features that are not what is needed', () => {
  test('say by which encoder and of which frames they were made', async () => {
    const { encoder } = brightnessEncoder();
    await extractFrames(drawnClips(2, 3).clips, encoder, { out, sampling: { rate: 2 } });
    const features = await ClipFeatures.open(out);
    const sha256 = await encoderFingerprint(encoder.save());
    features.require({ sha256, sampling: { rate: 2 }, D: 2, ids: ['clip 1'] });
    const refused = (needed: Parameters<typeof features.require>[0], reason: RegExp) => {
      expect(() => features.require(needed)).toThrow(ValueError);
      expect(() => features.require(needed)).toThrow(reason);
    };
    const other = await encoderFingerprint(brightnessEncoder(2).encoder.save());
    refused({ sha256: other }, /made by brightness .*not by the encoder/);
    refused({ sampling: { frames: 4 } }, /2 frames a second.*4 frames evenly.*--frames 4/);
    refused({ sampling: {} }, /2 frames a second.*all frames/);
    refused({ D: 3 }, /vectors of 2 values/);
    refused({ grid: [3, 2, 2] }, /no grids.*--grid/);
    refused({ ids: ['clip 0', 'clip 7'] }, /1 of 2 clips.*clip 7/);
  });

  test('those of photos are no features of clips, nor the other way', async () => {
    const { encoder } = brightnessEncoder();
    await extractFrames(drawnClips(2).clips, encoder, { out });
    await expect(openFeatures(out)).rejects.toThrow(/features of clips, not of photos/);
    const photos = join(folder, 'photos.safetensors');
    const image = { width: 2, height: 2, channels: 3, data: new Uint8Array(12) } as const;
    await extractFeatures([{ id: 'a', image }], encoder, { out: photos });
    await expect(ClipFeatures.open(photos)).rejects.toThrow(/features of photos, not of clips/);
  });
});

test('a damaged file is opened or refused, never worse', async () => {
  await extractFrames(drawnClips(3, 2).clips, brightnessEncoder().encoder, { out, grid: true });
  const bytes = await readFile(out);
  const damaged = join(folder, 'damaged');
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), async (at, byte, cut) => {
      const changed = Uint8Array.from(bytes);
      changed[at] = byte;
      await writeFile(damaged, cut ? changed.subarray(0, at) : changed);
      try {
        const features = await ClipFeatures.open(damaged);
        for (const id of features.ids) features.pooled(id);
        features.close();
      } catch (error) {
        expect(error).toBeInstanceOf(GlimpseError);
      }
    }),
    { numRuns: 200, seed: 1 },
  );
});

test('lengths that do not add up are refused', async () => {
  await extractFrames(drawnClips(3, 2).clips, brightnessEncoder().encoder, { out });
  const bytes = await readFile(out);
  bytes.writeInt32LE(1, bytes.length - 4);
  await writeFile(out, bytes);
  await expect(ClipFeatures.open(out)).rejects.toThrow(FormatError);
  await expect(ClipFeatures.open(out)).rejects.toThrow(/4 frames of 2 clips.*5 rows/);
});
