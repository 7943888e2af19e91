import { existsSync } from 'node:fs';
import {
  appendFile,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brightnessEncoder } from '@test/features/brightness-encoder.js';
import { randomSqueezenet } from '@test/models/encoders/random-squeezenet.js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { thisProcess } from '@/data/formats/processes.js';
import { encodeSafetensors } from '@/data/formats/safetensors.js';
import { safetensorsTensor } from '@/data/formats/safetensors-dtypes.js';
import { readSafetensors, writeSafetensors } from '@/data/formats/safetensors-files.js';
import { lockFolder } from '@/data/formats/work-lock.js';
import { PREPROCESSING } from '@/data/pictures/preprocessing.js';
import { FileError, FormatError, GlimpseError, UsageError, ValueError } from '@/errors.js';
import { extractFeatures, type Photo } from '@/features/extract.js';
import { openFeatures } from '@/features/open-features.js';
import { encoderFingerprint } from '@/models/encoders/encoder.js';
import { openEncoder } from '@/models/encoders/open-file.js';

let folder: string;
let out: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-features-'));
  out = join(folder, 'features.safetensors');
});
afterEach(() => rm(folder, { recursive: true }));

describe('extractFeatures', () => {
  test('writes vectors and grids that are found by id', async () => {
    const { encoder, batches } = brightnessEncoder();
    const progress: number[] = [];
    const result = await extractFeatures(photos(7), encoder, {
      out,
      grid: true,
      batchSize: 3,
      onProgress: ({ done, total }) => progress.push(done / total),
    });
    expect(result).toEqual({ photos: 7, resumed: 0, skipped: [] });
    expect(batches).toEqual([3, 3, 1]);
    expect(progress).toEqual([3 / 7, 6 / 7, 1]);
    expect(await readdir(folder)).toEqual(['features.safetensors']);

    const features = await openFeatures(out);
    expect(features.ids).toEqual(photos(7).map(({ id }) => id));
    expect([features.D, features.gridShape]).toEqual([2, [3, 2, 2]]);
    expect([...features.pooled(['photo 6', 'photo 0'])]).toEqual([6, 1, 0, 1]);
    const grids = features.grid(['photo 5', 'photo 1', 'photo 5']);
    expect([...grids]).toEqual([5, 1, 5].flatMap((value) => Array(12).fill(value)));
    expect(features.has('photo 7')).toBe(false);
    expect(() => features.pooled(['photo 7'])).toThrow(/photo 7/);
    expect(() => features.grid(['photo 7'])).toThrow(ValueError);

    const { tensors } = await readSafetensors(out);
    expect(tensors.get('pooled')?.shape).toEqual([7, 2]);
    expect(tensors.get('grid')?.shape).toEqual([7, 3, 2, 2]);
  });

  test('goes on after an interruption and makes the same file', async () => {
    const whole = join(folder, 'whole');
    await extractFeatures(photos(11), brightnessEncoder().encoder, {
      out: whole,
      grid: true,
      batchSize: 2,
    });

    const stopAt = (most: number) => ({
      out,
      grid: true,
      batchSize: 2,
      onProgress: ({ done }: { done: number }) => {
        if (done >= most) throw new Error('interrupted');
      },
    });
    const run = brightnessEncoder();
    await expect(extractFeatures(photos(11), run.encoder, stopAt(4))).rejects.toThrow(
      'interrupted',
    );
    expect(existsSync(out)).toBe(false);
    // As a crash in the middle of a batch would leave it.
    await appendFile(join(`${out}.partial`, 'pooled'), 'torn');
    const result = await extractFeatures(photos(11), run.encoder, { ...stopAt(99) });
    expect(result).toEqual({ photos: 11, resumed: 4, skipped: [] });
    expect(run.batches).toEqual([2, 2, 2, 2, 2, 1]);
    expect((await readFile(out)).equals(await readFile(whole))).toBe(true);
    expect((await readdir(folder)).sort()).toEqual(['features.safetensors', 'whole']);
  });

  test('does not mix unfinished work with other work', async () => {
    const stop = { out, batchSize: 2, onProgress: stopNow };
    await expect(extractFeatures(photos(5), brightnessEncoder().encoder, stop)).rejects.toThrow(
      'stop',
    );
    const again = { out, batchSize: 2 };
    await expect(extractFeatures(photos(6), brightnessEncoder().encoder, again)).rejects.toThrow(
      /features\.safetensors\.partial.*other photos/,
    );
    await expect(extractFeatures(photos(5), brightnessEncoder(2).encoder, again)).rejects.toThrow(
      /another encoder/,
    );
    await expect(
      extractFeatures(photos(5), brightnessEncoder().encoder, { ...again, grid: true }),
    ).rejects.toThrow(/other outputs.*grid/);
    const restarted = { ...again, restart: true };
    const result = await extractFeatures(photos(6), brightnessEncoder(2).encoder, restarted);
    expect(result.resumed).toBe(0);
    expect([...(await openFeatures(out)).pooled(['photo 4'])]).toEqual([8, 1]);
  });

  test('a run whose work was taken over writes nothing more', async () => {
    const work = `${out}.partial`;
    const { encoder } = brightnessEncoder();
    const usurp = async () => {
      await rm(join(work, 'lock'), { force: true });
      return lockFolder(work);
    };
    let other: ReturnType<typeof usurp> | undefined;
    const onProgress = ({ done }: { done: number }) => {
      if (done === 2) other = usurp();
    };
    const slow = {
      ...encoder,
      encode: async (...given: Parameters<typeof encoder.encode>) => {
        await other;
        return encoder.encode(...given);
      },
    };
    await expect(
      extractFeatures(photos(6), slow, { out, batchSize: 2, onProgress }),
    ).rejects.toThrow(/no longer this run's/);
    expect(existsSync(out)).toBe(false);
    expect((await stat(join(work, 'pooled'))).size).toBe(2 * 2 * 4);
    await (await other)?.release();
  });

  test('two runs do not write the same file; what a run that is gone left is taken over', async () => {
    const { encoder } = brightnessEncoder();
    const work = `${out}.partial`;
    const other = await lockFolder(work);
    await writeFile(join(work, 'pooled'), 'the other’s rows');
    for (const restart of [false, true]) {
      const second = extractFeatures(photos(3), encoder, { out, restart });
      await expect(second).rejects.toThrow(/another run/);
    }
    expect(await readFile(join(work, 'pooled'), 'utf8')).toBe('the other’s rows');
    await other.release();
    await writeFile(
      join(work, 'lock'),
      JSON.stringify({ ...thisProcess(), started: '0', token: 'x', answers: false }),
    );
    expect((await extractFeatures(photos(3), encoder, { out })).photos).toBe(3);
    expect(await readdir(folder)).toEqual(['features.safetensors']);
  });

  test('refuses unfinished work that is damaged', async () => {
    const stop = { out, batchSize: 2, onProgress: stopNow };
    const { encoder } = brightnessEncoder();
    await expect(extractFeatures(photos(5), encoder, stop)).rejects.toThrow('stop');
    const path = join(`${out}.partial`, 'state.json');
    const saved = await readFile(path, 'utf8');
    const { rows } = JSON.parse(saved);
    for (const [wrong, said] of [
      [{ rows: rows - 2 }, /are not 1 batches of 2/],
      [{ rows: rows + 1 }, /3 rows and 0 photos left out are not 1 batches of 2/],
      [{ batches: 7 }, /2 rows .* are not 7 batches/],
      [{ rows: 1.5 }, /no state of an extraction/],
    ] as const) {
      await writeFile(path, JSON.stringify({ ...JSON.parse(saved), ...wrong }));
      await expect(extractFeatures(photos(5), encoder, { out, batchSize: 2 })).rejects.toThrow(
        said,
      );
    }
    await writeFile(path, saved);
    await writeFile(join(`${out}.partial`, 'pooled'), 'short');
    await expect(extractFeatures(photos(5), encoder, { out, batchSize: 2 })).rejects.toThrow(
      /pooled.*shorter.*delete/,
    );
    await writeFile(join(`${out}.partial`, 'state.json'), '{"job": 1');
    await expect(extractFeatures(photos(5), encoder, { out, batchSize: 2 })).rejects.toThrow(
      FormatError,
    );
  });

  test('stops at a bad photo, naming it, or leaves it out and says so', async () => {
    const broken = join(folder, 'broken.jpg');
    await writeFile(broken, 'no photo at all');
    const set = [...photos(2), { id: 'bad', image: { path: broken } }, ...photos(5).slice(2)];
    const { encoder } = brightnessEncoder();
    await expect(extractFeatures(set, encoder, { out, batchSize: 2 })).rejects.toThrow(
      /broken\.jpg/,
    );
    expect(existsSync(out)).toBe(false);
    const missing = [{ id: 'gone', image: { path: join(folder, 'gone.jpg') } }];
    await expect(extractFeatures(missing, encoder, { out: join(folder, 'other') })).rejects.toThrow(
      FileError,
    );

    const result = await extractFeatures(set, encoder, { out, batchSize: 2, onBadPhoto: 'skip' });
    expect(result.photos).toBe(5);
    expect(result.resumed).toBe(2);
    expect(result.skipped).toEqual([{ id: 'bad', reason: expect.stringContaining('broken.jpg') }]);
    const features = await openFeatures(out);
    expect(features.ids).toEqual(photos(5).map(({ id }) => id));
    expect([...features.pooled(['photo 4', 'photo 2'])]).toEqual([4, 1, 2, 1]);
    expect(features.skipped).toEqual(result.skipped);
  });

  test('numbers that are none stop at the photo, or leave it out', async () => {
    const { encoder } = brightnessEncoder();
    const spoilt = {
      ...encoder,
      encode: async (...given: Parameters<typeof encoder.encode>) => {
        const encoded = await encoder.encode(...given);
        // Photo 3 of all.
        encoded.pooled.set([3, Number.POSITIVE_INFINITY], encoded.pooled.indexOf(3));
        return encoded;
      },
    };
    await expect(extractFeatures(photos(5), spoilt, { out, batchSize: 5 })).rejects.toThrow(
      /photo 3: the features that brightness makes of it are not finite \(value 1 is Infinity/,
    );
    const skip = { out, batchSize: 5, grid: true, onBadPhoto: 'skip' } as const;
    const result = await extractFeatures(photos(5), spoilt, { ...skip, restart: true });
    expect(result.skipped).toEqual([{ id: 'photo 3', reason: expect.stringContaining('finite') }]);
    const features = await openFeatures(out);
    expect(features.ids).toEqual(['photo 0', 'photo 1', 'photo 2', 'photo 4']);
    expect([...features.pooled(['photo 4'])]).toEqual([4, 1]);
    expect([...features.grid(['photo 4'])]).toEqual(Array(12).fill(4));
  });

  test('does not replace its own encoder or photos, by whatever name', async () => {
    const { encoder } = brightnessEncoder();
    const file = join(folder, 'encoder.safetensors');
    await writeFile(file, 'weights');
    await symlink(file, join(folder, 'link'));
    for (const name of [file, join(folder, 'link'), join(folder, '.', 'encoder.safetensors')]) {
      const own = extractFeatures(photos(2), { ...encoder, path: file }, { out: name });
      await expect(own).rejects.toThrow(/is read here \(as .*encoder\.safetensors\)/);
      await expect(own).rejects.toThrow(UsageError);
    }
    const photo = { id: 'p', image: { path: file } };
    await expect(extractFeatures([photo], encoder, { out: file })).rejects.toThrow(UsageError);
    expect(await readFile(file, 'utf8')).toBe('weights');
    expect((await readdir(folder)).sort()).toEqual(['encoder.safetensors', 'link']);
  });

  test('refuses what cannot work before it starts', async () => {
    const { encoder } = brightnessEncoder();
    await expect(extractFeatures([], encoder, { out })).rejects.toThrow(ValueError);
    await expect(extractFeatures([...photos(2), ...photos(1)], encoder, { out })).rejects.toThrow(
      /photo 0/,
    );
    await expect(extractFeatures(photos(1), encoder, { out, batchSize: 0 })).rejects.toThrow(
      UsageError,
    );
    const { grid: _, ...noGrid } = encoder.outputs;
    const vectors = { ...encoder, outputs: noGrid };
    await expect(extractFeatures(photos(1), vectors, { out, grid: true })).rejects.toThrow(
      UsageError,
    );
    const nowhere = join(folder, 'no such folder', 'deep', '\0');
    await expect(extractFeatures(photos(1), encoder, { out: nowhere })).rejects.toThrow(FileError);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('openFeatures', () => {
  test('says what does not fit', async () => {
    await extractFeatures(photos(2), brightnessEncoder().encoder, { out });
    const features = await openFeatures(out);
    const { sha256 = '' } = features.encoder ?? {};
    expect(sha256).toBe(await encoderFingerprint(brightnessEncoder().encoder.save()));
    features.require({ D: 2, sha256, ids: ['photo 1'] });
    expect(() => features.require({ D: 512 })).toThrow(/2 values.*512/);
    expect(() => features.require({ sha256: 'f00d' })).toThrow(/brightness.*f00d/);
    expect(() => features.require({ ids: ['photo 1', 'x', 'y'] })).toThrow(/2 of 3 photos.*x/);
    expect(() => features.grid(['photo 1'])).toThrow(/no grids/);
    await expect(features.openEncoder()).rejects.toThrow(/which file/);
  });

  test('refuses files that are something else or contradict themselves', async () => {
    await extractFeatures(photos(2), brightnessEncoder().encoder, { out });
    const { metadata } = await readSafetensors(out);
    const write = (rows: number, changed: Record<string, string>) =>
      writeSafetensors(
        out,
        [['pooled', safetensorsTensor(new Float32Array(rows * 2), [rows, 2])]],
        { ...metadata, ...changed },
      );
    await write(3, {});
    await expect(openFeatures(out)).rejects.toThrow(/"pooled" is F32 \(3, 2\).*2 photos/);
    await write(2, { format: 'glimpse captioner' });
    await expect(openFeatures(out)).rejects.toThrow(/no feature file.*glimpse captioner/);
    await write(2, { ids: '["same", "same"]' });
    await expect(openFeatures(out)).rejects.toThrow(/twice/);
    await write(2, { encoder: '{"name": 3}' });
    await expect(openFeatures(out)).rejects.toThrow(/"encoder".*name/s);
    await expect(openFeatures(join(folder, 'none'))).rejects.toThrow(FileError);
  });

  test('a damaged file is opened or refused, never worse', async () => {
    await extractFeatures(photos(3), brightnessEncoder().encoder, { out, grid: true });
    const bytes = await readFile(out);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 1),
        fc.nat(255),
        fc.boolean(),
        async (at, byte, cut) => {
          const damaged = Buffer.from(cut ? bytes.subarray(0, at) : bytes);
          if (!cut) damaged[at] = byte;
          await writeFile(out, damaged);
          try {
            const features = await openFeatures(out);
            features.grid(features.ids);
          } catch (error) {
            expect(error).toBeInstanceOf(GlimpseError);
          }
        },
      ),
      { numRuns: 150, seed: 1 },
    );
  });

  test('finds the encoder again, and notices when it is another', async () => {
    const net = join(folder, 'net.safetensors');
    const state = randomSqueezenet();
    await writeFile(net, encodeSafetensors(state));
    const preprocessing = { ...PREPROCESSING.imagenet, width: 40, height: 40 };
    const encoder = await openEncoder(net, { preprocessing });
    const grey = new Uint8Array(40 * 40 * 3).fill(90);
    const image = { width: 40, height: 40, channels: 3 as const, data: grey };
    await extractFeatures([{ id: 'grey', image }], encoder, { out });
    const features = await openFeatures(out);
    expect(features.D).toBe(512);
    const again = await features.openEncoder();
    expect(again.preprocessing).toEqual(preprocessing);
    state.set('features.0.bias', safetensorsTensor(new Float32Array(96).fill(1), [96]));
    await writeFile(net, encodeSafetensors(state));
    await expect(features.openEncoder()).rejects.toThrow(/SqueezeNet 1\.0.*extract/);
    encoder.dispose();
    again.dispose();
  });
});

function stopNow(): void {
  throw new Error('stop');
}

/** Photo k is 2 x 2 pixels of brightness k. */
function photos(count: number): Photo[] {
  return Array.from({ length: count }, (_, k) => ({
    id: `photo ${k}`,
    image: { width: 2, height: 2, channels: 3, data: new Uint8Array(12).fill(k) },
  }));
}
