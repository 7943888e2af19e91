import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expectClose, largestDifference } from '@test/bounds.js';
import { countingClip, framesOf } from '@test/data/video/clips.js';
import { ffmpeg, ffprobe, hasFfmpeg } from '@test/ffmpeg.js';
import { shared } from '@test/shared.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Clip } from '@/data/video/clip.js';
import type { PageClipRequest } from '@/data/video/in-page/read-clip.js';
import { readClip } from '@/data/video/read-clip.js';
import { evenPlaces } from '@/data/video/sampling.js';
import { encodeClip } from '@/data/video/write-clip.js';
import { choices, freshModel } from '@/tasks/video-classifier/choices.js';
import { classifyClip, framesForClassifier } from '@/tasks/video-classifier/classify-clip.js';
import { videoClassifierKind } from '@/tasks/video-classifier/kind.js';
import { encodeModel } from '@/training/model-file.js';
import { bundle } from './bundle.mjs';
import { findChromium, openServedPage } from './chromium.mjs';
import type { ReadInPage } from './clips-entry.js';
import type { Page } from './devtools.mjs';

const chromium = findChromium();
const sample = shared('data/video/sample-videos/asl_gestures/again.mkv');
const describeInPage = describe.skipIf(!chromium || !hasFfmpeg);
if (!chromium || !hasFfmpeg)
  console.warn('clips in a page are tested with Chromium and ffmpeg only');

let folder = '';
let page: Page | undefined;
const files = new Map<string, Uint8Array>();

beforeAll(async () => {
  if (!chromium || !hasFfmpeg) return;
  folder = await mkdtemp(join(tmpdir(), 'glimpse-page-clips-'));
  const entry = fileURLToPath(new URL('clips-entry.ts', import.meta.url));
  page = await openServedPage(chromium, (await bundle({ entry })).code, { files });
}, 60_000);
afterAll(async () => {
  await page?.close();
  if (folder !== '') await rm(folder, { recursive: true });
});

/** A file beside the page and in the folder. */
async function placed(name: string, bytes: Uint8Array): Promise<string> {
  files.set(name, bytes);
  await writeFile(join(folder, name), bytes);
  return join(folder, name);
}

/** A video beside the page, by ffmpeg's arguments. */
async function video(name: string, ...args: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await ffmpeg(...args, path);
  files.set(name, await readFile(path));
  return path;
}

const call = (expression: string) => page?.evaluate(expression) ?? Promise.resolve();

async function answer(name: string, request: PageClipRequest = {}, by = 'file') {
  return (await call(
    `glimpse.read(${[name, request, by].map((part) => JSON.stringify(part)).join(', ')})`,
  )) as ReadInPage;
}

/** A clip as the page reads it. */
async function inPage(name: string, request?: PageClipRequest, by?: string): Promise<Clip> {
  const {
    error,
    width = 0,
    height = 0,
    channels,
    times = [],
    values = '',
  } = await answer(name, request, by);
  expect(error).toBeUndefined();
  return {
    width,
    height,
    channels: channels === 1 ? 1 : 3,
    values: Uint8Array.from(Buffer.from(values, 'base64')),
    times: Float64Array.from(times),
  };
}

/** Asserts that two clips are the same but for the rounding of decoders: mean and largest difference of bytes. */
function expectSame(actual: Clip, expected: Clip, mean: number, most: number) {
  const { width, height, channels, times } = expected;
  expect(actual).toMatchObject({ width, height, channels });
  expect(actual.times).toHaveLength(times.length);
  expect(largestDifference(actual.times, times)).toBeLessThan(1e-5);
  const apart = actual.values.map((value, i) => Math.abs(value - (expected.values[i] ?? 0)));
  const sum = apart.reduce((total, value) => total + value, 0);
  const largest = apart.reduce((a, b) => Math.max(a, b), 0);
  expect(sum / apart.length).toBeLessThan(mean);
  expect(largest).toBeLessThanOrEqual(most);
}

/** Grey films in which frame t has about the value 5 t. */
const counting = (frames: number) => [
  ...[
    '-f',
    'lavfi',
    '-i',
    `color=black:s=32x32:r=25:d=${frames / 25},format=gbrp,geq=r='N*5':g='N*5':b='N*5'`,
  ],
  ...['-pix_fmt', 'yuv420p'],
];

describeInPage('a page', () => {
  test.skipIf(!sample)(
    'reads of a real video as many frames as ffprobe counts, and their values',
    async () => {
      if (!sample) return;
      files.set('again.mkv', await readFile(sample));
      const count = await ffprobe(
        ...['-count_frames', '-select_streams', 'v:0', '-of', 'csv=p=0'],
        ...['-show_entries', 'stream=nb_read_frames', sample],
      );
      const request = { size: { width: 64, height: 48, resize: 'squash' } } as const;
      const clip = await inPage('again.mkv', request);
      expect(clip.times).toHaveLength(Number(count));
      expectSame(clip, await readClip({ path: sample }, request), 1, 12);
      const cut = {
        size: { width: 40, height: 40, resize: 'centre-crop' },
        sampling: { frames: 5 },
        channels: 1,
      } as const;
      expectSame(
        await inPage('again.mkv', cut, 'address'),
        await readClip({ path: sample }, cut),
        1,
        12,
      );
      const whole = { sampling: { frames: 2 } } as const;
      expectSame(
        await inPage('again.mkv', whole),
        await readClip({ path: sample }, whole),
        0.5,
        30,
      );
    },
  );

  test.each([
    ['mp4', ['-c:v', 'libx264', '-bf', '3', '-qp', '1']],
    ['webm', ['-c:v', 'libvpx-vp9', '-lossless', '1']],
    // Pictures that only others are made from, and are not shown.
    ['mkv', ['-c:v', 'libvpx', '-auto-alt-ref', '1', '-lag-in-frames', '16', '-b:v', '2M']],
    ['mov', ['-c:v', 'libx264', '-x264-params', 'bframes=2', '-qp', '1']],
    ['ts', ['-c:v', 'libx264', '-qp', '1']],
  ])('takes the frames of %s that are asked for', async (ending, codec) => {
    const name = `counting.${ending}`;
    const path = await video(name, ...counting(40), ...codec);
    expect(framesOf(await inPage(name))).toEqual(Array.from({ length: 40 }, (_, t) => t));
    expect(framesOf(await inPage(name, { sampling: { frames: 7 } }))).toEqual(evenPlaces(40, 7));
    expect(framesOf(await inPage(name, { sampling: { frames: 60 } }))).toEqual(evenPlaces(40, 60));
    for (const part of [{}, { from: 0.5, to: 1.2 }]) {
      for (const sampling of [{}, { rate: 7 }, { rate: 60 }]) {
        const own = await inPage(name, { ...part, sampling });
        const { times, ...expected } = await readClip({ path, ...part }, { sampling });
        expect(framesOf(own)).toEqual(framesOf({ ...expected, times }));
        expect(largestDifference(own.times, times)).toBeLessThan(1e-5);
      }
    }
  });

  test('turns frames as the file says, and minds pixels that are not square', async () => {
    const source = "color=black:s=96x64:r=5:d=0.4,geq=lum='2*X':cb='90+Y':cr=128,setsar=2";
    const path = await video(
      'turned.mp4',
      '-f',
      'lavfi',
      '-i',
      source,
      '-pix_fmt',
      'yuv420p',
      '-qp',
      '1',
    );
    const bytes = await readFile(path);
    const matrix = bytes.indexOf('tkhd') + 44;
    for (const [k, value] of [0, 0x10000, 0, -0x10000, 0].entries()) {
      bytes.writeInt32BE(value, matrix + 4 * k);
    }
    await placed('turned.mp4', bytes);
    expectSame(await inPage('turned.mp4'), await readClip({ path }), 2, 10);
    const request = { size: { width: 24, height: 24, resize: 'centre-crop' } } as const;
    expectSame(await inPage('turned.mp4', request), await readClip({ path }, request), 2, 10);
  });

  test.each(['gif', 'webp'] as const)('reads an animation (%s) as sharp does', async (type) => {
    const clip = countingClip(5, { width: 9, height: 5, times: [0, 0.05, 0.2, 0.3, 0.7] });
    const name = `counting.${type}`;
    const path = await placed(name, await encodeClip(clip, type));
    const requests: PageClipRequest[] = [
      {},
      { from: 0.05, to: 0.7 },
      { sampling: { rate: 5 } },
      { sampling: { frames: 3 }, channels: 1 },
      { size: { width: 4, height: 4, resize: 'centre-crop' } },
    ];
    for (const { from, to, ...request } of requests) {
      const part = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
      expectSame(
        await inPage(name, { ...part, ...request }),
        await readClip({ path, ...part }, request),
        0.1,
        1,
      );
    }
  });

  test('lets a classifier of a file say what it says in Node', async () => {
    const clip = countingClip(20, { width: 24, height: 20 });
    for (const [i, value] of clip.values.entries()) clip.values[i] = (value + 31 * i) % 251;
    const path = await placed('seen.gif', await encodeClip(clip, 'gif'));
    const splits = { train: [{ id: 'first', clip: { path }, label: 0 }], dev: [], test: [] };
    const classes = ['left', 'right', 'neither'];
    for (const asked of [
      { model: 'c3d', size: '20x24', width: 8, frames: 8, c3d: { features: 16 } },
      { model: 'lrcn', size: '20x24', take: 'whole', grey: true },
      { model: 'ji' },
    ]) {
      const dataset = { name: 'clips', format: 'folder', classes, splits };
      const { config, extras, model } = freshModel(choices.parse(asked), dataset, 1);
      const { parameters, state } = model;
      const parts = { config, extras, parameters, state, attached: new Map() };
      const name = `${asked.model}.safetensors`;
      files.set(name, Buffer.concat(encodeModel(videoClassifierKind, parts)));
      const request = framesForClassifier(model);
      const frames = await inPage('seen.gif', request);
      // Those of ji are brought to its size, by another program.
      if (asked.size) expect(frames.values).toEqual((await readClip({ path }, request)).values);
      const here = await classifyClip(model, frames);
      const there = (await call(`glimpse.classify('${name}', 'seen.gif')`)) as typeof here;
      expect(there.map((guess) => guess.class)).toEqual(here.map((guess) => guess.class));
      const [found, expected] = [there, here].map((guesses) =>
        guesses.map((guess) => guess.probability),
      );
      expectClose(found ?? [], expected ?? [], { dtype: 'f32', terms: 20_000, size: 1 });
    }
  });
});

describeInPage('what a page cannot read', () => {
  const refused = async (
    name: string,
    kind: string,
    message: RegExp,
    request?: PageClipRequest,
  ) => {
    for (const by of ['file', 'address']) {
      const { error } = await answer(name, request, by);
      expect(error?.name).toBe(kind);
      expect(error?.message).toMatch(message);
    }
  };

  test('is told with the way out', async () => {
    await placed('empty.mp4', new Uint8Array());
    await refused('empty.mp4', 'ClipError', /empty.mp4: is empty/);
    await placed('text.mp4', Buffer.from('hello, this is text\n'.repeat(9)));
    await refused('text.mp4', 'ClipError', /text.mp4: is no video of a format .*: convert it/);
    await placed(
      'list.mp4',
      Buffer.from('#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.mp4\n#EXT-X-ENDLIST\n'),
    );
    await refused('list.mp4', 'ClipError', /list.mp4: is no video of a format/);
    await video('photo.jpg', '-f', 'lavfi', '-i', 'color=red:s=32x32', '-frames:v', '1');
    await refused('photo.jpg', 'ClipError', /photo.jpg: is a JPEG photo, not a clip/);
    await video('sound.m4a', '-f', 'lavfi', '-i', 'sine=duration=0.2');
    await refused('sound.m4a', 'ClipError', /sound.m4a: has no video in it/);
    await video('old.mp4', ...counting(5), '-c:v', 'mpeg4');
    await refused(
      'old.mp4',
      'ClipError',
      /old.mp4: is a video of a codec \(\S+\) that this browser/,
    );
    const { error } = await answer('nowhere.mp4', {}, 'address');
    expect(error).toMatchObject({
      name: 'FileError',
      message: expect.stringMatching(/answered 404/),
    });
  });

  test('because it is damaged is told', async () => {
    const whole = await readFile(
      await video('whole.mp4', ...counting(40), '-movflags', '+faststart', '-bf', '0'),
    );
    await placed('cut.mp4', whole.subarray(0, whole.length - 300));
    await refused(
      'cut.mp4',
      'ClipError',
      /cut.mp4: is cut short: frame \d+ of 40 cannot be decoded/,
    );
    const late = await readFile(await video('late.mp4', ...counting(40)));
    await placed('headless.mp4', late.subarray(0, 900));
    await refused('headless.mp4', 'ClipError', /headless.mp4: /);
    const gif = await encodeClip(countingClip(5), 'gif');
    await placed('cut.gif', gif.subarray(0, gif.length - 9));
    await refused('cut.gif', 'ClipError', /cut.gif: is a GIF that is cut short/);
    const webp = await encodeClip(countingClip(5), 'webp');
    await placed('cut.webp', webp.subarray(0, webp.length - 40));
    await refused('cut.webp', 'ClipError', /cut.webp: is a WebP that is cut short/);
  });

  test('because it is too large, or nothing is in it, is told', async () => {
    const gif = Buffer.from(await encodeClip(countingClip(5), 'gif'));
    gif.writeUInt16LE(65_535, 6);
    gif.writeUInt16LE(65_535, 8);
    await placed('large.gif', gif);
    await refused('large.gif', 'ClipError', /65535 x 65535 pixels, more than the 35 million/);
    const mp4 = Buffer.from(await readFile(await video('plain.mp4', ...counting(5))));
    const large = Buffer.from(mp4);
    const entry = large.indexOf('avc1', large.indexOf('stsd')) + 28;
    large.writeUInt16BE(65_000, entry);
    large.writeUInt16BE(65_000, entry + 2);
    await placed('large.mp4', large);
    await refused('large.mp4', 'ClipError', /large.mp4: has frames of 65000 x 65000 pixels/);
    // A track without samples.
    const sizes = mp4.indexOf('stsz');
    const none = Buffer.from(mp4);
    none.writeUInt32BE(0, sizes + 12);
    none.writeUInt32BE(0, none.indexOf('stts') + 8);
    await placed('none.mp4', none);
    await refused('none.mp4', 'ClipError', /none.mp4: has no frames/);
    await refused('plain.mp4', 'ClipError', /has no frames from 3 s on: it lasts 0.2 s/, {
      from: 3,
    });
    await refused('plain.mp4', 'ValueError', /0 frames a second/, { sampling: { rate: 0 } });
    // So many frames as the header likes.
    const lying = Buffer.from(mp4);
    lying.writeUInt32BE(0xffff_fff0, sizes + 12);
    await placed('lying.mp4', lying);
    await refused('lying.mp4', 'ClipError', /lying.mp4: /);
  });

  test('for want of a decoder is told', async () => {
    await placed('some.mp4', await readFile(await video('any.mp4', ...counting(5))));
    await placed('some.gif', await encodeClip(countingClip(5), 'gif'));
    await call(
      '(() => { globalThis.kept = [VideoDecoder, ImageDecoder]; delete globalThis.VideoDecoder; delete globalThis.ImageDecoder; })()',
    );
    try {
      await refused(
        'some.mp4',
        'MissingDependencyError',
        /some.mp4: this page has no WebCodecs .* over https/,
      );
      await refused(
        'some.gif',
        'MissingDependencyError',
        /some.gif: this browser has no ImageDecoder/,
      );
    } finally {
      await call('[globalThis.VideoDecoder, globalThis.ImageDecoder] = globalThis.kept, 1');
    }
  });
});
