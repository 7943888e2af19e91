import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { countingFilm, describeWithFfmpeg, ffmpeg, ffprobe, LOSSLESS } from '@test/ffmpeg.js';
import { onWindows } from '@test/file-systems.js';
import { describeWithShared } from '@test/shared.js';
import { globSync } from 'tinyglobby';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadPixels } from '@/data/pictures/photos.js';
import { greyPlane, type Pixels } from '@/data/pictures/pixels.js';
import { type PictureSize, type Resampling, resamplings } from '@/data/pictures/preprocessing.js';
import { clipFrames, probeClip, readClip } from '@/data/video/read-clip.js';
import { evenPlaces, takenFrames } from '@/data/video/sampling.js';
import { writeClip } from '@/data/video/write-clip.js';
import { ClipError, type MissingDependencyError, ValueError } from '@/errors.js';
import { countingClip, framesOf } from './clips.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-videos-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Makes a video once. */
const made = new Map<string, Promise<string>>();
function video(name: string, ...args: readonly string[]): Promise<string> {
  const path = join(folder, name);
  const making = made.get(name) ?? ffmpeg(...args, path).then(() => path);
  made.set(name, making);
  return making;
}
const counting = () => video('counting.mkv', ...countingFilm(50), ...LOSSLESS);

describeWithFfmpeg('the frames of a video', () => {
  test('are all read, each at its time', async () => {
    const clip = await readClip({ path: await counting() });
    expect(clip).toMatchObject({ width: 16, height: 12, channels: 3 });
    expect(framesOf(clip)).toEqual(Array.from({ length: 50 }, (_, t) => t));
    for (const [t, time] of clip.times.entries()) expect(time).toBeCloseTo(t / 25, 9);
    expect([...clip.values.subarray(576, 582)]).toEqual([5, 0, 99, 5, 0, 99]);
  });

  test.each([1, 16, 120])('evenly, %i of them, are those in the middles', async (frames) => {
    const clip = await readClip({ path: await counting() }, { sampling: { frames } });
    expect(framesOf(clip)).toEqual(evenPlaces(50, frames));
  });

  test.each([7.3, 60, 0.4])('at %f a second, are those shown then', async (rate) => {
    const clip = await readClip({ path: await counting() }, { sampling: { rate } });
    const times = Array.from({ length: 50 }, (_, t) => t / 25);
    const taken = takenFrames(times, 2, { rate });
    expect(framesOf(clip)).toEqual(taken.map(({ place }) => place));
    expect([...clip.times]).toEqual(taken.map(({ time }) => time));
  });

  test('at uneven times keep these, and by rate each is shown as long as it was', async () => {
    const select = "select='lt(n,10)+not(mod(n,7))'";
    const path = await video(
      'uneven.mkv',
      ...['-i', await counting(), '-vf', select, '-vsync', 'vfr', ...LOSSLESS],
    );
    const places = Array.from({ length: 50 }, (_, n) => n).filter((n) => n < 10 || n % 7 === 0);
    const all = await readClip({ path });
    expect(framesOf(all)).toEqual(places);
    for (const [t, time] of all.times.entries()) expect(time).toBeCloseTo((places[t] ?? 0) / 25, 9);
    const clip = await readClip({ path }, { sampling: { rate: 10 } });
    const taken = takenFrames(all.times, 2, { rate: 10 });
    expect(framesOf(clip)).toEqual(taken.map(({ place }) => places[place]));
    const even = await readClip({ path }, { sampling: { frames: 5 } });
    expect(framesOf(even)).toEqual(evenPlaces(16, 5).map((place) => places[place]));
  });

  test('of a part are those whose times lie in it, and count from its begin', async () => {
    const path = await counting();
    const part = await readClip({ path, from: 0.5, to: 0.8 });
    expect(framesOf(part)).toEqual([13, 14, 15, 16, 17, 18, 19]);
    expect(part.times[0]).toBeCloseTo(0.02, 6);
    const even = await readClip({ path, from: 1, to: 2 }, { sampling: { frames: 5 } });
    expect(framesOf(even)).toEqual([27, 32, 37, 42, 47]);
    const rate = await readClip({ path, from: 1, to: 1.4 }, { sampling: { rate: 5 } });
    expect(framesOf(rate)).toEqual([25, 30]);
    await expect(readClip({ path, from: 3 })).rejects.toThrow(
      /counting.mkv: has no frames from 3 s on: it lasts 2 s/,
    );
    await expect(readClip({ path, from: 1, to: 0.5 })).rejects.toThrow(ValueError);
  });

  test.each([
    ['part.avi', ['-c:v', 'ffv1']],
    ['part.ts', ['-c:v', 'libx264', '-qp', '1', '-pix_fmt', 'yuv444p']],
    ['part.h264', ['-c:v', 'libx264', '-qp', '1', '-pix_fmt', 'yuv444p']],
    ['part.mov', ['-c:v', 'libx264', '-qp', '1', '-pix_fmt', 'yuv444p']],
  ])('of a part are the same in %s, which may not be easy to seek in', async (name, codec) => {
    const path = await video(name, '-i', await counting(), ...codec);
    const part = await readClip({ path, from: 0.9, to: 1.4 });
    expect(framesOf(part)).toEqual([23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34]);
    expect(part.times[0]).toBeCloseTo(0.02, 6);
    const rate = await readClip({ path, from: 0.9, to: 1.4 }, { sampling: { rate: 5 } });
    expect(framesOf(rate)).toEqual([23, 27, 32]);
  });

  test.each([
    ['alone.h264', ['-c:v', 'libx264', '-qp', '1', '-pix_fmt', 'yuv444p']],
    ['alone.mjpeg', ['-c:v', 'mjpeg', '-q:v', '1', '-pix_fmt', 'yuvj444p']],
  ])('without times (%s) come once each', async (name, codec) => {
    // At 10 a second, in a file that cannot say so, or only to those who decode it.
    const input = ['-r', '10', '-i', await counting()];
    const path = await video(name, ...input, ...codec);
    expect(framesOf(await readClip({ path }))).toEqual(Array.from({ length: 50 }, (_, t) => t));
    const { times } = await readClip({ path });
    const taken = takenFrames(times, (times[49] ?? 0) + (times[1] ?? 0), { rate: 2 });
    const clip = await readClip({ path }, { sampling: { rate: 2 } });
    expect(framesOf(clip)).toEqual(taken.map(({ place }) => place));
  });

  test('are grey as pictures are', async () => {
    const path = await counting();
    const data = (await readClip({ path })).values.subarray(0, 576);
    const grey = await readClip({ path }, { channels: 1 });
    expect(grey).toMatchObject({ width: 16, height: 12, channels: 1 });
    const expected = greyPlane({ data });
    expect(grey.values.subarray(0, 192)).toEqual(expected);
  });

  test('are turned as the file says', async () => {
    const source = 'color=red:s=32x16:r=5:d=1';
    const path = await video('turned.mp4', '-f', 'lavfi', '-i', source, '-pix_fmt', 'yuv420p');
    const bytes = await readFile(path);
    // The matrix of the track's header: by 90 degrees.
    const matrix = bytes.indexOf('tkhd') + 44;
    for (const [k, value] of [0, 0x10000, 0, -0x10000, 0].entries()) {
      bytes.writeInt32BE(value, matrix + 4 * k);
    }
    await writeFile(path, bytes);
    expect(await probeClip(path)).toMatchObject({ width: 16, height: 32 });
    expect(await readClip({ path })).toMatchObject({ width: 16, height: 32 });
  });

  test('stop when no more are asked for, and ffmpeg with them', async () => {
    const running = () => process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap');
    let count = 0;
    for await (const { frame } of clipFrames({ path: await counting() })) {
      expect(frame.data[0]).toBe(5 * count++);
      if (count === 3) break;
    }
    await vi.waitFor(() => expect(running()).toEqual([]));
  });
});

describeWithFfmpeg('a video that promises other frames than it has', () => {
  /** 720p, so that not all its frames are kept: of 40 pictures three are zeros. */
  async function lying(): Promise<string> {
    const source = 'color=0x204060:s=1280x720:r=25:d=1.6';
    const path = await video('lying.mkv', '-f', 'lavfi', '-i', source, '-c:v', 'mjpeg');
    const packets = await ffprobe('-show_entries', 'packet=pos,size', '-of', 'csv=p=0', path);
    const bytes = await readFile(path);
    for (const line of [9, 10, 30].map((place) => packets.split('\n')[place] ?? '')) {
      const [size = 0, place = 0] = line.split(',').map(Number);
      bytes.fill(0, place + 8, place + size);
    }
    await writeFile(path, bytes);
    return path;
  }

  test('gives those it has, evenly, and says that it is damaged', async () => {
    const path = await lying();
    const notes: string[] = [];
    const clip = await readClip(
      { path },
      { size: undefined, sampling: { frames: 6 }, onNote: (note) => notes.push(note) },
    );
    const there = Array.from({ length: 40 }, (_, n) => n).filter((n) => ![9, 10, 30].includes(n));
    const expected = evenPlaces(37, 6).map((place) => (there[place] ?? 0) / 25);
    for (const [t, time] of expected.entries()) expect(clip.times[t]).toBeCloseTo(time, 3);
    expect(notes.at(-1)).toMatch(/lying.mkv: is damaged, .* some of its 37 frames: ffmpeg says/);
  });
});

describeWithFfmpeg('a frame of a video is what loadPixels makes of it', () => {
  const mean = (actual: Uint8Array, expected: Uint8Array) => {
    let sum = 0;
    for (const [i, value] of actual.entries()) sum += Math.abs(value - (expected[i] ?? 0));
    expect(actual.length).toBe(expected.length);
    return sum / actual.length;
  };
  const film = () =>
    video(
      'film.mp4',
      ...[
        '-f',
        'lavfi',
        '-i',
        'testsrc2=s=320x240:r=5:d=0.2,gblur=3',
        '-pix_fmt',
        'yuv420p',
        '-crf',
        '20',
      ],
    );
  let frame: Pixels;
  beforeAll(async () => {
    const { width, height, values } = await readClip({ path: await film() });
    frame = { width, height, channels: 3, data: values };
  });

  const difference = async (size: PictureSize) => {
    const { values } = await readClip({ path: await film() }, { size });
    return mean(values, (await loadPixels(frame, size)).data);
  };

  // Grey values of 255, on average over all pixels and colours, in a drawing with sharp edges.
  const most: Record<Resampling, number> = { nearest: 6, bilinear: 1, bicubic: 1, lanczos: 1 };
  test.each(resamplings)('made smaller (%s)', async (resample) => {
    const size = { width: 112, height: 80, resize: 'squash', resample } as const;
    expect(await difference(size)).toBeLessThan(most[resample]);
  });

  test.each([
    [{ width: 112, height: 112, resize: 'centre-crop' }, 1.5],
    [{ width: 112, height: 112, resize: 'squash', cutFrom: [171, 128] }, 1],
    [{ width: 51, height: 97, resize: 'centre-crop', cutFrom: [64, 101] }, 1.5],
    [{ width: 400, height: 380, resize: 'centre-crop' }, 4],
  ] satisfies [PictureSize, number][])('cut to %o', async (size, bound) => {
    expect(await difference(size)).toBeLessThan(bound);
  });

  test('as wide as it is shown, where its pixels are not square', async () => {
    const path = await video('wide.mp4', '-i', await film(), '-vf', 'setsar=2');
    const size = { width: 30, height: 20, resize: 'centre-crop' } as const;
    const { values } = await readClip({ path }, { size });
    const shown = await loadPixels(frame, { width: 640, height: 240, resize: 'squash' });
    expect(mean(values, (await loadPixels(shown, size)).data)).toBeLessThan(3);
  });
});

describeWithFfmpeg('what is no video', () => {
  const film = () =>
    video(
      'plain.mp4',
      ...['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25:d=1', '-pix_fmt', 'yuv420p'],
      ...['-movflags', '+faststart'],
    );
  const refused = async (path: string, message: RegExp) => {
    const error: unknown = await readClip({ path }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ClipError);
    expect(String(error)).toMatch(message);
  };
  const written = async (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  };

  test('sound is refused, also with a picture on its cover', async () => {
    const sound = await video('sound.m4a', '-f', 'lavfi', '-i', 'sine=duration=0.2');
    await refused(sound, /sound.m4a: has no video in it/);
    await expect(probeClip(sound)).rejects.toThrow(/has no video in it/);
    const cover = await video(
      'cover.mp3',
      ...['-i', sound, '-f', 'lavfi', '-i', 'color=red:s=32x32:d=0.04', '-map', '0', '-map', '1'],
      ...['-c:v', 'png', '-frames:v', '1', '-disposition:v', 'attached_pic'],
    );
    await refused(cover, /has no video in it/);
  });

  test('a file that is cut short is refused', async () => {
    const bytes = await readFile(await film());
    const path = await written('cut.mp4', bytes.subarray(0, bytes.length * 0.7));
    await refused(path, /cut.mp4: is cut short: only \d+ frames of it can be decoded/);
    // What says where the frames are stands at its end.
    const late = await readFile(await video('late.mp4', '-i', await film(), '-c', 'copy'));
    const headless = await written('headless.mp4', late.subarray(0, late.length / 2));
    await refused(headless, /headless.mp4: is no video that can be decoded: it is cut short/);
  });

  test('lists of other files are not followed', async () => {
    const name = (await film()).replace(/.*[\\/]/, '');
    const hls = `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${name}\n#EXT-X-ENDLIST\n`;
    for (const [file, content] of [
      ['list.m3u8', hls],
      ['list.mp4', hls],
      ['concat.mp4', `ffconcat version 1.0\nfile ${name}\n`],
    ] as const) {
      await refused(
        await written(file, content),
        /is a list of other files or addresses \((hls|concat)\)/,
      );
    }
  });

  test('text, zeros and noise are refused', async () => {
    await refused(await written('text.mp4', 'hello, this is text\n'), /it is text/);
    await refused(await written('text.txt', 'hello, this is text\n'), /it is text/);
    await refused(await written('zeros.mkv', new Uint8Array(4000)), /it is zeros only/);
  });

  test('frames that are too large are refused before they are decoded', async () => {
    const header = 'YUV4MPEG2 W100000 H100000 F25:1 Ip A1:1 C420jpeg\nFRAME\n';
    const path = await written('large.y4m', header);
    await refused(path, /frames of 100000 x 100000 pixels, more than the 35 million/);
    await expect(probeClip(path)).rejects.toThrow(/100000 x 100000 pixels/);
  });

  test.skipIf(onWindows)('a name says nothing but where the file is', async () => {
    const bytes = await readFile(await film());
    for (const name of ['-i.mp4', 'http:a%d.mp4', 'concat:a|b.mp4', "it's [1],2;3 \\n.mp4"]) {
      const { times } = await readClip({ path: await written(name, bytes) });
      expect(times).toHaveLength(25);
    }
  });
});

describe('without a working ffmpeg', () => {
  afterEach(() => vi.unstubAllEnvs());

  const film = async () => {
    const path = join(folder, 'some.mp4');
    await writeFile(path, 'not empty');
    return path;
  };

  test('the package to install is named', async () => {
    vi.stubEnv('PATH', join(folder, 'nowhere'));
    const missing: Partial<MissingDependencyError> = { code: 'missing-dependency' };
    await expect(readClip({ path: await film() })).rejects.toMatchObject(missing);
    await expect(readClip({ path: await film() })).rejects.toThrow(
      /"ffmpeg".*apt-get install ffmpeg/,
    );
    await expect(probeClip(await film())).rejects.toThrow(/"ffprobe".*apt-get install ffmpeg/);
  });

  test.skipIf(onWindows)('one that hangs is ended', async () => {
    const programs = join(folder, 'hanging');
    await mkdir(programs);
    await writeFile(join(programs, 'ffmpeg'), '#!/bin/sh\nexec sleep 600\n');
    await chmod(join(programs, 'ffmpeg'), 0o755);
    vi.stubEnv('PATH', `${programs}${delimiter}${process.env.PATH}`);
    await expect(readClip({ path: await film() }, { patience: 0.2 })).rejects.toThrow(
      /some.mp4: cannot be read: ffmpeg did nothing for 0.2 seconds and was ended/,
    );
  });
});

describeWithFfmpeg('a clip that is written as a video', () => {
  test.each(['mp4', 'webm', 'mkv'])('.%s is read again', async (ending) => {
    const path = join(folder, `written.${ending}`);
    const clip = countingClip(20, { width: 33, height: 24 });
    await writeClip(path, clip);
    const read = await readClip({ path });
    expect(read.times).toHaveLength(20);
    expect(read.times[19]).toBeCloseTo(1.9, 2);
    // An odd side becomes even.
    expect([34, 33]).toContain(read.width);
    for (const [t, frame] of framesOf(read).entries()) expect(Math.abs(frame - t)).toBeLessThan(2);
  });

  test('at uneven times is refused', async () => {
    const path = join(folder, 'uneven.mp4');
    const clip = countingClip(3, { times: [0, 0.1, 0.5] });
    await expect(writeClip(path, clip)).rejects.toThrow(ValueError);
  });
});

describeWithFfmpeg('real videos', () => {
  describeWithShared('have as many frames as ffprobe counts', 'data/video', (root) => {
    const files = globSync(['sample-videos/**/*.{mp4,mkv,gif}', 'weizmann4/**/*.mp4'], {
      cwd: root,
    });
    test('all are there', () => expect(files).toHaveLength(23 + 36));

    test('each of them', { timeout: 300_000 }, async () => {
      for (const file of files) {
        const path = join(root, file);
        const args = ['-select_streams', 'v:0', '-count_frames', '-of', 'csv=p=0'];
        const counting = ffprobe(...args, '-show_entries', 'stream=nb_read_frames', path);
        let frames = 0;
        const size = { width: 32, height: 32, resize: 'squash' } as const;
        for await (const _ of clipFrames({ path }, { size })) frames++;
        const count = Number.parseInt(await counting, 10);
        expect([file, frames]).toEqual([file, count]);
      }
    });
  });
});
