import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWithFfmpeg, ffmpeg } from '@test/ffmpeg.js';
import { commandLineOf } from '@test/tasks/command-line.js';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { encodePng } from '@/data/pictures/photos.js';
import { openCaptionedClips } from '@/data/video/clip-caption-dataset.js';
import { readClip } from '@/data/video/read-clip.js';
import { writeClip } from '@/data/video/write-clip.js';
import { captioner } from '@/tasks/captioner/index.js';
import { videoCaptioner } from '@/tasks/video-captioner/index.js';

const folder = mkdtempSync(join(tmpdir(), 'glimpse-caption-clips-'));
const at = (...parts: string[]) => join(folder, ...parts);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const glimpse = commandLineOf(videoCaptioner, captioner);
const [s2vt, attention, photos] = [at('s2vt'), at('attention'), at('photos')];
/** Two GIFs of two seconds, and the first of them as a folder of frames. */
const [first, second, frames] = [at('clips', 'c1.gif'), at('clips', 'c2.gif'), at('frames', 'c1')];
const photo = at('photo.png');

beforeAll(async () => {
  const sizes = ['--embedding', '8', '--hidden', '16', '--epochs', '2', '--minimum-count', '1'];
  const run = async (...args: string[]) => {
    const { code, said } = await glimpse('train', ...args, ...sizes);
    expect([code, said]).toEqual([0, expect.anything()]);
  };
  const set = 'moving:16,dev=4,test=4,size=24,frames=8,sentences=1';
  const clips = ['video-captioner', set, '--size', '24', '--filters', '4', '--frames', '6'];
  await run(...clips, '--combine', 's2vt', '--out', s2vt);
  await run(...clips, '--combine', 'attention', '--out', attention);
  await run(
    'captioner',
    'scenes:16,size=24',
    '--picture-size',
    '24',
    '--filters',
    '4',
    '--out',
    photos,
  );

  const { splits } = await openCaptionedClips('moving:2,dev=0,test=0,size=24,frames=20');
  mkdirSync(at('clips'));
  mkdirSync(frames, { recursive: true });
  for (const [index, path] of [first, second].entries()) {
    const drawn = splits.train[index]?.clip;
    if (!drawn) throw new Error('no clip');
    const clip = await readClip(drawn);
    await writeClip(path, { ...clip, times: clip.times.map((_, t) => t / 10) });
  }
  const { width, height, values, times } = await readClip({ path: first });
  const bytes = 3 * width * height;
  for (let t = 0; t < times.length; t++) {
    const data = values.subarray(t * bytes, (t + 1) * bytes);
    const png = await encodePng({ width, height, channels: 3, data });
    writeFileSync(join(frames, `${t}.png`), png);
  }
  copyFileSync(join(frames, '0.png'), photo);
});

/** Captions by the command line, one to four words. */
const caption = (...args: string[]) =>
  glimpse('caption', ...args, '--max-length', '4', '--prefix', 'a');

describe('whole clips', () => {
  test('GIFs, folders of them and folders of frames have a caption each', async () => {
    const { code, answer } = await caption(at('clips'), frames, '--model', s2vt, '--json');
    expect(code).toBe(0);
    const said = JSON.parse(answer);
    expect(said).toEqual(
      [first, second, frames].map((clip) => ({
        clip,
        caption: expect.any(String),
        logProbability: expect.any(Number),
      })),
    );
    // The same frames as photos.
    expect(said[2].caption).toBe(said[0].caption);
    expect(said[2].logProbability).toBeCloseTo(said[0].logProbability, 5);
    expect((await caption(first, '--model', s2vt)).answer).toBe(`${said[0].caption}\n`);
  });

  test('by beam, as CSV and beside each clip', async () => {
    const beam = ['--decoder', 'beam', '--n-best', '2', '--model', s2vt];
    const { answer } = await caption(at('clips'), ...beam, '--format', 'csv', '--batch-size', '1');
    const [head, ...rows] = answer.trimEnd().split('\n');
    expect(head).toBe('clip,caption,logProbability');
    expect(rows.map((row) => row.split(',')[0])).toEqual([first, first, second, second]);
    expect(await caption(frames, ...beam, '--format', 'sidecar')).toMatchObject({ code: 0 });
    expect(readFileSync(`${frames}.txt`, 'utf8').split('\n')).toHaveLength(3);
  });

  test('with attention it is told which frames were looked at for each word', async () => {
    const { answer } = await caption(first, '--model', attention, '--json', '--attention');
    const [{ words, seen, attention: form }] = JSON.parse(answer);
    expect(form).toEqual({ form: 'weights', locations: [6, 1, 1] });
    expect(seen).toEqual([0.1, 0.5, 0.8, 1.1, 1.5, 1.8]);
    for (const word of words) expect(word.attention).toHaveLength(6);
    const none = await caption(first, '--model', s2vt, '--json', '--attention');
    expect([none.code, none.said]).toEqual([
      2,
      expect.stringMatching(/s2vt.*seen all frames before/),
    ]);
    const both = ['--model', s2vt, '--model', attention];
    expect(await caption(first, ...both)).toMatchObject({ code: 0 });
  });
});

describe('--every', () => {
  const every = (...args: string[]) => caption(...args, '--every', '1s', '--model', s2vt);

  test('writes subtitles, lines of text or JSON', async () => {
    const json = await every(at('clips'), '--json');
    const clips: { clip: string; stretches: { from: number; to: number; caption: string }[] }[] =
      JSON.parse(json.answer);
    expect(clips.map(({ clip }) => clip)).toEqual([first, second]);
    const [{ stretches } = { stretches: [] }] = clips;
    expect(stretches.map(({ from, to }) => [from, to])).toEqual([
      [0, 1],
      [1, 2],
    ]);
    const [a, b] = stretches.map(({ caption }) => caption);
    expect((await every(first)).answer).toBe(
      `WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n${a}\n\n00:00:01.000 --> 00:00:02.000\n${b}\n\n`,
    );
    expect((await every(first, '--format', 'srt')).answer).toMatch(
      /^1\n00:00:00,000 --> 00:00:01,0/,
    );
    expect((await every(first, '--format', 'text')).answer).toBe(
      `0 to 1 s: ${a}\n1 to 2 s: ${b}\n`,
    );
    expect((await every(first, second, '--format', 'text')).answer).toContain(
      `${first}, 1 to 2 s: ${b}\n${second}, 0 to 1 s: `,
    );
    expect((await every(first, '--alt-text')).answer).toMatch(/\n[A-Z].*\.\n/);
    const looked = await caption(
      first,
      '--every',
      '1',
      '--model',
      attention,
      '--json',
      '--attention',
    );
    const [, late] = JSON.parse(looked.answer)[0].stretches;
    expect(late.seen[0]).toBeGreaterThanOrEqual(1);
    expect(late.attention.form).toBe('weights');
  });

  test('writes files, which are not replaced unasked', async () => {
    const subtitles = at('subtitles');
    expect(await every(at('clips'), '--out', subtitles)).toMatchObject({ code: 0, answer: '' });
    expect(readFileSync(join(subtitles, 'c2.vtt'), 'utf8')).toMatch(/^WEBVTT/);
    const again = await every(at('clips'), '--out', subtitles);
    expect([again.code, again.said]).toEqual([
      2,
      expect.stringMatching(/c1\.vtt and 1 more would be/),
    ]);
    for (const [name, begin] of [
      ['a.srt', '1\n00'],
      ['a.txt', '0 to'],
      ['a.json', '[{"clip"'],
    ]) {
      expect(await every(first, '--out', at(name ?? ''))).toMatchObject({ code: 0, answer: '' });
      expect(readFileSync(at(name ?? ''), 'utf8').startsWith(begin ?? ' ')).toBe(true);
    }
    expect((await every(first, '--out', at('a.json'))).said).toMatch(/would be replaced/);
  });

  test.each([
    [['--format', 'csv'], /--format csv has no place for the stretches of --every: take vtt, srt/],
    [['--out', 'x.jsonl'], /--out x\.jsonl has no place/],
    [['--batch-size', '2'], /--batch-size is about whole clips, but --every/],
    [['--attention'], /--attention needs --format json, not subtitles/],
    [['--overwrite'], /--overwrite needs --out/],
  ])('%j is refused beside it', async (flags, message) => {
    const { code, said } = await every(first, ...flags);
    expect([code, said]).toEqual([2, expect.stringMatching(message)]);
  });

  test('is missed where times are wanted', async () => {
    for (const flags of [
      ['--format', 'vtt'],
      ['--out', at('x.srt')],
    ]) {
      const { code, said } = await caption(first, '--model', s2vt, ...flags);
      expect([code, said]).toEqual([
        2,
        expect.stringMatching(/tells what happens when: add --every/),
      ]);
    }
  });
});

describe('what a model cannot do is refused, and the way out named', () => {
  test('a photo for a model of clips', async () => {
    const { code, said } = await caption(photo, '--model', s2vt);
    expect([code, said]).toEqual([
      1,
      expect.stringMatching(
        /photo\.png: is a PNG photo, not a clip.*a video-captioner, which takes clips: a captioner takes photos/,
      ),
    ]);
  });

  test('a clip for a model of photos, and clips in a folder', async () => {
    const film = at('film.mp4');
    writeFileSync(film, 'some film');
    const one = await caption(film, photo, '--model', photos);
    expect([one.code, one.said]).toEqual([
      1,
      expect.stringMatching(
        /1 of 2 photos could not be captioned:\n.*film\.mp4: .*a captioner, which takes photos: a video-captioner takes clips/,
      ),
    ]);
    expect(one.answer).toContain(photo);
    mkdirSync(at('films'));
    copyFileSync(film, at('films', 'a.mp4'));
    const all = await caption(at('films'), '--model', photos);
    expect([all.code, all.said]).toEqual([
      2,
      expect.stringMatching(
        /no photos in the folder .*films, but 1 clip, which the model of --model does not take/,
      ),
    ]);
  });

  test('--every for photos, and models of two kinds', async () => {
    const every = await caption(photo, '--every', '2', '--model', photos);
    expect([every.code, every.said]).toEqual([
      2,
      expect.stringMatching(
        /--every is for a video-captioner, but the model of --model is a captioner/,
      ),
    ]);
    const mixed = await caption(first, '--model', s2vt, '--model', photos);
    expect([mixed.code, mixed.said]).toEqual([
      2,
      expect.stringMatching(
        /is a captioner, not a video-captioner: glimpse caption, without models/,
      ),
    ]);
  });
});

test.each([
  ['empty.mp4', 'nothing', /empty\.mp4: is empty, so it is no clip/],
  ['cut.gif', 'the half', /cut\.gif: is a GIF that is cut short/],
] as const)(
  '%s holds %s: it is told, and the others are captioned',
  async (name, what, message) => {
    const path = at(name);
    writeFileSync(path, what === 'nothing' ? '' : readFileSync(first).subarray(0, 200));
    const whole = await caption(path, second, '--model', s2vt);
    expect([whole.code, whole.said]).toEqual([1, expect.stringMatching(message)]);
    expect(whole.answer).toContain(`${second}: `);
    // Of a clip that cannot be read not even the begin of a document is written.
    const followed = await caption(path, '--every', '1', '--model', s2vt);
    expect(followed).toMatchObject({ code: 1, answer: '', said: expect.stringMatching(message) });
  },
);

test('an empty folder has no clips', async () => {
  mkdirSync(at('none'));
  const { code, said } = await caption(at('none'), '--model', s2vt);
  expect([code, said]).toEqual([
    2,
    expect.stringMatching(/there are no clips in the folder .*none/),
  ]);
});

describeWithFfmpeg('videos', () => {
  test('are captioned, also from stretch to stretch; sound alone is no clip', async () => {
    const [film, sound] = [at('test.mkv'), at('sound.mkv')];
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc=d=3:s=32x24:r=10', '-c:v', 'ffv1', film);
    await ffmpeg('-f', 'lavfi', '-i', 'sine=d=1', '-c:a', 'flac', sound);
    const { code, answer, said } = await caption(film, sound, '--model', s2vt);
    expect([code, said]).toEqual([1, expect.stringMatching(/sound\.mkv: has no video in it/)]);
    expect(answer).toMatch(/test\.mkv: /);
    const subtitles = await caption(film, '--every', '1', '--model', s2vt);
    expect(subtitles.answer.match(/-->/g)).toHaveLength(3);
    expect(existsSync(film)).toBe(true);
  });
});
