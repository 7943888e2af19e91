import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadPixels } from '@/data/pictures/photos.js';
import { greyPlane } from '@/data/pictures/pixels.js';
import { isCutGif } from '@/data/video/animation-times.js';
import { clipFrames, probeClip, readClip } from '@/data/video/read-clip.js';
import { readClips } from '@/data/video/read-clips.js';
import { encodeClip, writeClip } from '@/data/video/write-clip.js';
import { ClipError, FileError, UsageError, ValueError } from '@/errors.js';
import { countingClip, framesOf } from './clips.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-clips-'));
});
afterAll(() => rm(folder, { recursive: true }));

const small = { width: 4, height: 4, resize: 'centre-crop' } as const;

describe('a clip in memory', () => {
  test('is sampled, and left as it is without a size', async () => {
    const clip = countingClip(10);
    expect(await readClip(clip)).toEqual(clip);
    expect(framesOf(await readClip(clip, { sampling: { frames: 4 } }))).toEqual([1, 3, 6, 8]);
    const { times } = await readClip(clip, { sampling: { rate: 4 } });
    expect([...times]).toEqual([0, 0.25, 0.5, 0.75]);
  });

  test('goes through the geometry of photos, drawn or not', async () => {
    const clip = countingClip(3, { width: 7, height: 5 });
    for (const [i] of clip.values.entries()) clip.values[i] = (i * 37) % 251;
    const read = await readClip({ draw: () => clip }, { size: small });
    expect(read).toMatchObject({ width: 4, height: 4, channels: 3 });
    const data = clip.values.subarray(105, 210);
    const second = await loadPixels({ width: 7, height: 5, channels: 3, data }, small);
    expect(read.values.subarray(48, 96)).toEqual(second.data);
    const grey = await readClip(clip, { size: small, channels: 1 });
    expect(grey.values.subarray(16, 32)).toEqual(greyPlane(second));
  });

  test('of grey becomes red, green and blue, and grey again', async () => {
    const clip = countingClip(4, { channels: 1 });
    const colour = await readClip(clip);
    expect(colour).toMatchObject({ channels: 3 });
    expect(colour.values).toEqual(countingClip(4).values);
    expect(await readClip(clip, { channels: 1 })).toEqual(clip);
  });

  test('without frames is refused', async () => {
    await expect(readClip(countingClip(0))).rejects.toThrow(ValueError);
  });
});

describe.each(['gif', 'webp'] as const)('an animation (%s)', (type) => {
  const times = [0, 0.05, 0.2, 0.3, 0.7];

  test('is read as it was written, with its times', async () => {
    const path = join(folder, `counting.${type}`);
    const clip = countingClip(5, { width: 9, height: 5, times });
    await writeClip(path, clip);
    const read = await readClip({ path });
    expect(read).toMatchObject({ width: 9, height: 5, channels: 3 });
    expect(framesOf(read)).toEqual([0, 1, 2, 3, 4]);
    for (const [t, time] of times.entries()) expect(read.times[t]).toBeCloseTo(time, 9);
    // The last frame is shown as long as the one before.
    expect(await probeClip(path)).toMatchObject({ width: 9, height: 5, frames: 5, duration: 1.1 });
  });

  test('is read in part: times count from there', async () => {
    const path = join(folder, `part.${type}`);
    await writeClip(path, countingClip(5, { times }));
    const part = await readClip({ path, from: 0.05, to: 0.7 });
    expect(framesOf(part)).toEqual([1, 2, 3]);
    expect(part.times[2]).toBeCloseTo(0.25, 9);
    const rate = await readClip({ path, from: 0.1 }, { sampling: { rate: 5 } });
    // Frames 2, 3, 4 at 0.1, 0.2, 0.6 s; until 1.0 s.
    expect(framesOf(rate)).toEqual([2, 3, 3, 4, 4]);
    await expect(readClip({ path, from: 2 })).rejects.toThrow(
      new RegExp(`part.${type}: has no frames from 2 s on: it lasts 1.1 s`),
    );
  });

  test('is resized frame by frame as a photo is', async () => {
    const path = join(folder, `noise.${type}`);
    const clip = countingClip(3, { width: 12, height: 8 });
    for (const [i] of clip.values.entries()) clip.values[i] = 60 * ((i * 7) % 5);
    await writeFile(path, await encodeClip(clip, type));
    const whole = await readClip({ path });
    const read = await readClip({ path }, { size: small });
    for (let t = 0; t < 3; t++) {
      const data = whole.values.subarray(t * 288, (t + 1) * 288);
      const pixels = await loadPixels({ width: 12, height: 8, channels: 3, data }, small);
      expect(read.values.subarray(t * 48, (t + 1) * 48)).toEqual(pixels.data);
    }
  });

  test('that is cut short is refused', async () => {
    const path = join(folder, `cut.${type}`);
    const bytes = await encodeClip(countingClip(5), type);
    await writeFile(path, bytes.subarray(0, bytes.length - 20));
    await expect(readClip({ path })).rejects.toThrow(/cut short/);
  });

  test('with one frame is a clip of one', async () => {
    const path = join(folder, `one.${type}`);
    await writeClip(path, countingClip(1));
    expect(framesOf(await readClip({ path }, { sampling: { frames: 3 } }))).toEqual([0, 0, 0]);
  });
});

test('a GIF that says 10 ms or less is shown as browsers show it', async () => {
  const path = join(folder, 'hurried.gif');
  const { values } = countingClip(4);
  const raw = { width: 8, height: 24, channels: 3, pageHeight: 6 } as const;
  await sharp(values, { raw })
    .gif({ delay: [0, 10, 20, 50] })
    .toFile(path);
  const { times } = await readClip({ path });
  expect([...times].map((time) => Math.round(time * 1000))).toEqual([0, 100, 200, 220]);
});

test('the end of a GIF is found behind its blocks', async () => {
  const gif = await encodeClip(countingClip(3), 'gif');
  expect(isCutGif(gif)).toBe(false);
  expect(isCutGif(Buffer.concat([gif, Buffer.alloc(30)]))).toBe(false);
  for (const length of [12, 20, gif.length >> 1, gif.length - 1]) {
    expect(isCutGif(gif.subarray(0, length))).toBe(true);
  }
});

describe('a folder of frames', () => {
  async function frames(name: string, ...files: readonly string[]): Promise<string> {
    const path = join(folder, name);
    await mkdir(path, { recursive: true });
    for (const [t, file] of files.entries()) {
      const raw = { width: 6, height: 4, channels: 3 } as const;
      await sharp(new Uint8Array(72).fill(5 * t), { raw })
        .png()
        .toFile(join(path, file));
    }
    return path;
  }

  test('is read in the order of its numbers', async () => {
    const path = await frames('order', 'f8.png', 'f9.png', 'f10.png', 'f11.png');
    await writeFile(join(path, 'notes.txt'), 'not a frame');
    const notes: string[] = [];
    const clip = await readClip({ path }, { onNote: (note) => notes.push(note) });
    expect(framesOf(clip)).toEqual([0, 1, 2, 3]);
    expect([...clip.times]).toEqual([0, 0.04, 0.08, 0.12]);
    expect(notes).toEqual([]);
    const header = { width: 6, height: 4, frames: 4, rate: 25, duration: 0.16 };
    expect(await probeClip(path)).toMatchObject(header);
  });

  test('has the rate that is said, and parts', async () => {
    const path = await frames('rate', 'f1.png', 'f2.png', 'f3.png', 'f4.png');
    const clip = await readClip({ path, frameRate: 2, from: 0.5, to: 1.5 }, { size: small });
    expect(framesOf(clip)).toEqual([1, 2]);
    expect([...clip.times]).toEqual([0, 0.5]);
  });

  test('notes frames that are missing, and keeps the times of the others', async () => {
    const path = await frames('gaps', 'f1.png', 'f2.png', 'f5.png', 'f6.png');
    const notes: string[] = [];
    const { times } = await readClip(
      { path, frameRate: 1 },
      { onNote: (note) => notes.push(note) },
    );
    expect([...times]).toEqual([0, 1, 4, 5]);
    expect(notes).toEqual([`${path}: 2 frames between 1 and 6 are missing: 3, 4`]);
  });

  test('whose numbers are dates is read in their order', async () => {
    const path = await frames('dates', '20240101.png', '20240131.png', '20240228.png');
    const notes: string[] = [];
    const clip = await readClip({ path }, { onNote: (note) => notes.push(note) });
    expect([...clip.times]).toEqual([0, 0.04, 0.08]);
    expect(notes[0]).toMatch(/from 20240101 to 20240228; only their order counts/);
  });

  test('without numbers is read in the order of its names', async () => {
    const path = await frames('names', 'a.png', 'b.png', 'c.png');
    expect(framesOf(await readClip({ path }))).toEqual([0, 1, 2]);
  });

  test('with several series asks for one', async () => {
    const path = await frames('series', 'flow_x_1.png', 'img_1.png', 'img_2.png');
    await expect(readClip({ path })).rejects.toThrow(
      /several series .*flow_x_\*\.png, img_\*\.png/,
    );
    expect(framesOf(await readClip({ path, series: 'img_' }))).toEqual([1, 2]);
    await expect(readClip({ path, series: 'rgb' })).rejects.toThrow(/names begin with rgb/);
  });

  test('with pictures of different sizes asks for one size', async () => {
    const path = await frames('sizes', 'f1.png');
    await sharp(new Uint8Array(48), { raw: { width: 4, height: 4, channels: 3 } })
      .png()
      .toFile(join(path, 'f2.png'));
    await expect(readClip({ path })).rejects.toThrow(/f1.png has 6 x 4 pixels, f2.png 4 x 4/);
    expect((await readClip({ path }, { size: small })).times).toHaveLength(2);
  });

  test('without pictures is refused', async () => {
    const path = await frames('nothing');
    await expect(readClip({ path })).rejects.toThrow(ClipError);
    await expect(readClip({ path })).rejects.toThrow(/has no pictures in it/);
  });
});

describe('what is no clip', () => {
  test('an empty file and a photo are refused', async () => {
    const empty = join(folder, 'empty.mp4');
    await writeFile(empty, '');
    const photo = join(folder, 'photo.png');
    const raw = { width: 1, height: 1, channels: 3 } as const;
    await sharp(new Uint8Array(3), { raw }).png().toFile(photo);
    await expect(readClip({ path: empty })).rejects.toThrow(ClipError);
    await expect(readClip({ path: empty })).rejects.toThrow(/is empty/);
    await expect(readClip({ path: photo })).rejects.toThrow(/is a PNG photo, not a clip/);
    await expect(probeClip(photo)).rejects.toThrow(ClipError);
  });

  test('a file that is not there, or no file, is refused', async () => {
    await expect(readClip({ path: join(folder, 'missing.mp4') })).rejects.toThrow(FileError);
    if (process.platform === 'win32') return;
    await expect(readClip({ path: '/dev/zero' })).rejects.toThrow(/a device, not a plain file/);
  });

  test.each([
    [{ from: -1 }, /from -1 s on/],
    [{ from: 2, to: 1 }, /from 2 s to 1 s/],
    [{ from: Number.NaN }, /from NaN s on/],
    [{ frameRate: 0 }, /at 0 frames a second/],
  ])('a part such as %o is refused', async (part, message) => {
    await expect(readClip({ path: folder, ...part })).rejects.toThrow(ValueError);
    await expect(readClip({ path: folder, ...part })).rejects.toThrow(message);
  });

  test('a rate of 0 is refused', async () => {
    await expect(readClip(countingClip(2), { sampling: { rate: 0 } })).rejects.toThrow(ValueError);
  });
});

describe('many clips', () => {
  const good = [
    countingClip(2),
    countingClip(3),
    countingClip(4),
    countingClip(5),
    countingClip(6),
  ];
  const sources = () => [...good.slice(0, 2), { path: join(folder, 'gone.gif') }, ...good.slice(2)];

  test('are read in order, without those that cannot be', async () => {
    const skipped: number[] = [];
    const read: number[][] = [];
    const request = { skip: true, onSkip: (place: number) => skipped.push(place) };
    for await (const { place, clip } of readClips(sources(), request)) {
      read.push([place, clip.times.length]);
    }
    expect(read).toEqual([
      [0, 2],
      [1, 3],
      [3, 4],
      [4, 5],
      [5, 6],
    ]);
    expect(skipped).toEqual([2]);
  });

  test('end at the first that cannot be read, where nothing else is said', async () => {
    const read: number[] = [];
    const reading = async () => {
      for await (const { place } of readClips(sources())) read.push(place);
    };
    await expect(reading()).rejects.toThrow(FileError);
    expect(read).toEqual([0, 1]);
  });

  test('end where no file is at fault, also when those are left out', async () => {
    const broken = { draw: () => countingClip(0) };
    const reading = async () => {
      for await (const _ of readClips([broken], { skip: true })) expect.unreachable();
    };
    await expect(reading()).rejects.toThrow(ValueError);
  });
});

test('frames come one after the other, as pictures', async () => {
  const seen: number[] = [];
  for await (const { frame, time } of clipFrames(countingClip(5), { size: small })) {
    expect(frame).toMatchObject({ width: 4, height: 4, channels: 3 });
    expect(frame.data[0]).toBe(5 * seen.length);
    seen.push(time);
    if (seen.length === 3) break;
  }
  expect(seen).toEqual([0, 0.1, 0.2]);
});

test('what a clip cannot be written as is refused', async () => {
  await expect(writeClip(join(folder, 'x.bmp'), countingClip(1))).rejects.toThrow(UsageError);
  await expect(encodeClip(countingClip(0), 'gif')).rejects.toThrow(/without frames/);
  const { values: _, ...clip } = countingClip(2);
  await expect(encodeClip({ ...clip, values: new Uint8Array(7) }, 'gif')).rejects.toThrow(
    /has 288 bytes, not 7/,
  );
});
