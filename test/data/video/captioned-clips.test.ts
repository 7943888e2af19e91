import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDataset } from '@/data/captions/dataset.js';
import { drawScene } from '@/data/captions/scenes.js';
import { encodePng } from '@/data/pictures/photos.js';
import { SPLIT_NAMES } from '@/data/splits.js';
import type { CaptionedClip, ClipCaptionDataset } from '@/data/video/captioned-clips.js';
import type { Clip } from '@/data/video/clip.js';
import { openCaptionedClips } from '@/data/video/clip-caption-dataset.js';
import { pannedPhoto, pannedPhotoSet } from '@/data/video/panned-photos.js';
import { readClip } from '@/data/video/read-clip.js';
import { FormatError, GlimpseError, PhotoError, UsageError, ValueError } from '@/errors.js';
import { Random } from '@/random.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-clips-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function put(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

/** Opens a set in the folder: `msvd:.`. */
function open(specification: string): Promise<ClipCaptionDataset> {
  const [, format = '', rest = ''] = /^(\w+:)?(.*)$/.exec(specification) ?? [];
  return openCaptionedClips(`${format}${join(folder, rest)}`);
}

const ids = ({ splits }: ClipCaptionDataset) =>
  SPLIT_NAMES.map((name) => splits[name].map(({ id }) => id).sort());
const all = ({ splits }: ClipCaptionDataset): CaptionedClip[] =>
  SPLIT_NAMES.flatMap((name) => splits[name]);
const said = (set: ClipCaptionDataset) =>
  Object.fromEntries(all(set).map(({ id, captions }) => [id, captions]));
const clips = (set: ClipCaptionDataset) =>
  Object.fromEntries(all(set).map(({ id, clip }) => [id, clip]));

describe('a table', () => {
  test('of videos and captions, with splits and parts of videos', async () => {
    const rows = [
      'video,caption,start,end,split',
      'a.mp4,"A dog runs, fast",0,2,train',
      'a.mp4,It sleeps,2,4.5,train',
      'a.mp4,A dog,0,2,train',
      'b.webm,A cat,,,test',
      'frames/c,A hat,,,val',
    ];
    await put({ 'x.csv': rows.join('\n'), 'a.mp4': '', 'b.webm': '', 'frames/c/1.jpg': '' });
    const set = await open('x.csv');
    expect(said(set)).toEqual({
      'a.mp4 0–2 s': ['A dog runs, fast', 'A dog'],
      'a.mp4 2–4.5 s': ['It sleeps'],
      'b.webm': ['A cat'],
      'frames/c': ['A hat'],
    });
    expect(clips(set)).toEqual({
      'a.mp4 0–2 s': { path: join(folder, 'a.mp4'), from: 0, to: 2 },
      'a.mp4 2–4.5 s': { path: join(folder, 'a.mp4'), from: 2, to: 4.5 },
      'b.webm': { path: join(folder, 'b.webm') },
      'frames/c': { path: join(folder, 'frames/c') },
    });
    expect(ids(set).map(({ length }) => length)).toEqual([2, 1, 1]);
    const wrong = [...rows, 'b.webm,A cat,3,2,test'].join('\n');
    await put({ 'y.csv': wrong });
    expect((await open('y.csv')).notes?.[0]).toMatch(
      /line 7: from second 3 to 2 is no part of a v/,
    );
  });

  test('in JSON lines, without a header, or as texts beside clips', async () => {
    const files = { 'a.mp4': '', 'b.gif': '', 'c.mkv': '' };
    const entries = [
      { video: 'a.mp4', captions: ['one', 'two'] },
      { video: 'b', caption: 'three' },
    ];
    await put({ ...files, 'x.jsonl': entries.map((entry) => JSON.stringify(entry)).join('\n') });
    expect(said(await open('x.jsonl,dev=0,test=0'))).toEqual({
      'a.mp4': ['one', 'two'],
      b: ['three'],
    });
    await put({ 'x.tsv': 'a.mp4\tone\nb.gif\ttwo\n' });
    expect(said(await open('captions:x.tsv'))).toEqual({ 'a.mp4': ['one'], 'b.gif': ['two'] });
    await put({
      'in/a.mp4': '',
      'in/a.txt': 'one\ntwo\n',
      'in/b.gif': '',
      'in/b.gif.txt': 'three',
    });
    await put({ 'in/c.mkv': '' });
    const beside = await open('in');
    expect(said(beside)).toEqual({ 'a.mp4': ['one', 'two'], 'b.gif': ['three'] });
    expect(beside.notes).toEqual(['1 clip has no text beside it and is left out: c.mkv']);
  });

  test('missing clips are an error, or left out; where all are missing nothing is checked', async () => {
    await put({ 'x.csv': 'video,caption\na.mp4,A\nb.mp4,B\nc.mp4,C\n', 'a.mp4': '', 'b.mp4': '' });
    await expect(open('x.csv')).rejects.toThrow(/1 of 3 clips have no file: c.mp4 .*missing=skip/);
    const set = await open('x.csv,missing=skip');
    expect(Object.keys(said(set)).sort()).toEqual(['a.mp4', 'b.mp4']);
    expect(set.notes?.[0]).toMatch(/^1 clip of 3 is missing and left out: c.mp4/);
    await rm(join(folder, 'a.mp4'));
    await rm(join(folder, 'b.mp4'));
    expect((await open('x.csv')).notes?.[0]).toMatch(/whoever has their features needs none/);
    await expect(open('x.csv,images=y')).rejects.toThrow(/no place for "images"/);
  });
});

describe('MSR-VTT', () => {
  const videos = ['train', 'validate', 'test'].map((split, id) => ({
    id,
    video_id: `video${id}`,
    url: 'https://example.org/x',
    category: 3,
    split,
    'start time': 10 * id + 0.5,
    'end time': 10 * id + 5,
  }));
  const sentence = (id: number, caption: unknown) => ({
    sen_id: 0,
    video_id: `video${id}`,
    caption,
  });
  const sentences = [
    sentence(0, 'a dog'),
    sentence(1, 'a cat '),
    sentence(2, 'it'),
    sentence(0, 'a big dog'),
  ];

  test('videos by their names anywhere below, one file or several', async () => {
    await put({
      'train_val_videodatainfo.json': JSON.stringify({
        info: {},
        videos: videos.slice(0, 2),
        sentences: sentences.filter(({ video_id }) => video_id !== 'video2'),
      }),
      'test_videodatainfo.json': JSON.stringify({
        videos: videos.slice(2),
        sentences: sentences.slice(2, 3),
      }),
      'TrainValVideo/video0.mp4': '',
      'TrainValVideo/video1.avi': '',
      'TestVideo/video2.mp4': '',
    });
    const set = await open('.');
    expect(set.format).toBe('msrvtt');
    expect(ids(set)).toEqual([['video0'], ['video1'], ['video2']]);
    expect(said(set)).toEqual({
      video0: ['a dog', 'a big dog'],
      video1: ['a cat'],
      video2: ['it'],
    });
    expect(clips(set).video1).toEqual({ path: join(folder, 'TrainValVideo/video1.avi') });
    const whole = await open('msrvtt:.,cut=no');
    expect(clips(whole).video1).toMatchObject({ from: 10.5, to: 15 });
    await expect(open('msrvtt:.,dev=0.5')).rejects.toThrow(/leave out dev=/);
  });

  test.each([
    [{ sentences: [...sentences, sentence(7, 'x')] }, /sentences.4: there is no video "video7"/],
    [{ videos: [...videos, videos[0]] }, /video0 is listed twice/],
    [{ videos: videos.map((video) => ({ ...video, split: 'x' })) }, /videos.0: unknown split "x"/],
    [
      { sentences: sentences.map((s) => ({ ...s, caption: '' })) },
      /sentences.0: the caption is empty/,
    ],
    [{ sentences: [] }, /holds no captions/],
    [{ videos: 1 }, /videos: must be a list/],
  ])('%j is refused', async (change, message) => {
    await put({ 'x.json': JSON.stringify({ videos, sentences, ...change }), 'video0.mp4': '' });
    await expect(open('msrvtt:x.json,missing=skip')).rejects.toThrow(FormatError);
    await expect(open('msrvtt:x.json,missing=skip')).rejects.toThrow(message);
  });

  test('clips without captions, and missing ones, are said', async () => {
    const text = JSON.stringify({ videos, sentences: sentences.slice(0, 2) });
    await put({ 'x.json': text, 'v/video0.mp4': '' });
    await expect(open('x.json')).rejects.toThrow(/1 of 2 clips have no file: video1/);
    const set = await open('x.json,missing=skip,dev=0');
    expect(set.notes).toEqual([
      '1 clip has no caption and is left out: video2',
      expect.stringMatching(/^1 clip of 2 is missing and left out: video1/),
    ]);
    await rm(join(folder, 'v'), { recursive: true });
    const none = await open('msrvtt:x.json');
    expect(ids(none).flat()).toEqual(['video0', 'video1']);
    expect(none.notes?.at(-1)).toMatch(/whoever has their features needs none$/);
    expect(none.order).toEqual(['video0', 'video1', 'video2']);
  });
});

describe('MSVD', () => {
  const header = 'VideoID,Start,End,WorkerID,Source,AnnotationTime,Language,Description';
  const rows = [
    '-4w,5,15,1,clean,9,English,A squirrel eats.',
    '-4w,5,15,1,clean,9,Slovene,Veverica je.',
    '-4w,5,15,2,unverified,9,English,"A squirrel, brown"',
    'a_b,0,7,2,clean,9,English,A man cooks',
  ];

  test('Microsoft’s table: sentences of one language, cut clips and whole videos', async () => {
    await put({
      'video_corpus.csv': [header, ...rows].join('\n'),
      'YouTubeClips/-4w_5_15.avi': '',
      'whole/a_b.mp4': '',
    });
    const set = await open('.');
    expect(set.format).toBe('msvd');
    expect(said(set)).toEqual({
      '-4w_5_15': ['A squirrel eats.', 'A squirrel, brown'],
      a_b_0_7: ['A man cooks'],
    });
    expect(clips(set)).toEqual({
      '-4w_5_15': { path: join(folder, 'YouTubeClips/-4w_5_15.avi') },
      a_b_0_7: { path: join(folder, 'whole/a_b.mp4'), from: 0, to: 7 },
    });
    expect(said(await open('msvd:.,language=slovene'))).toEqual({ '-4w_5_15': ['Veverica je.'] });
    await expect(open('msvd:.,language=Dutch')).rejects.toThrow(
      /no sentences in Dutch \(language=\), only English, Slovene/,
    );
  });

  test('texts of a clip and a sentence, divided by lists or by the usual order', async () => {
    await put({
      'AllVideoDescriptions.txt':
        '# comment\n\nx_1_2 a dog\nx_1_2 two dogs\ny_3_4 a cat\nz_0_9 it\n',
      'youtube_mapping.txt': 'x_1_2 vid1200\ny_3_4 vid1201\nz_0_9 vid1301\n',
      ...{ 'vid1200.avi': '', 'y_3_4.avi': '', 'vid1301.mp4': '' },
    });
    const usual = await open('.');
    expect(ids(usual)).toEqual([['x_1_2'], ['y_3_4'], ['z_0_9']]);
    expect(clips(usual).x_1_2).toEqual({ path: join(folder, 'vid1200.avi') });
    await put({ 'train_list.txt': 'z_0_9\n', 'val_list.txt': 'x_1_2', 'test_list.txt': 'y_3_4' });
    expect(ids(await open('.'))).toEqual([['z_0_9'], ['x_1_2'], ['y_3_4']]);
    await put({ 'test_list.txt': '' });
    await expect(open('.')).rejects.toThrow(/y_3_4 has no split, but others have/);
  });

  test('JSON as of photos', async () => {
    const entry = (filename: string, split: string, ...raw: string[]) => ({
      filename,
      split,
      sentences: raw.map((text) => ({ raw: text })),
    });
    const images = [entry('a.avi', 'train', 'one', 'two'), entry('b.avi', 'val', 'three')];
    await put({ 'msvd.json': JSON.stringify({ images }), 'a.avi': '', 'b.avi': '' });
    const set = await open('msvd.json');
    expect(ids(set)).toEqual([['a'], ['b'], []]);
    expect(said(set)).toEqual({ a: ['one', 'two'], b: ['three'] });
    await put({ 'msvd.json': JSON.stringify({ images: [...images, images[0]] }) });
    await expect(open('msvd.json')).rejects.toThrow(/entry 2: a is listed twice/);
  });

  test('any text is read or refused with a typed error', async () => {
    const line = fc.stringMatching(/^[a-c0-9_",;\t {}[\]:-]*$/);
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 6 }), fc.boolean(), async (lines, table) => {
        const name = table ? 'x.csv' : 'x.txt';
        await put({ [name]: [...(table ? [header] : []), ...lines].join('\n') });
        const opened = await open(`msvd:${name}`).catch((error: unknown) => error);
        if (opened instanceof Error) expect(opened).toBeInstanceOf(GlimpseError);
      }),
      { numRuns: 60 },
    );
  });
});

describe('drawn', () => {
  test('moving scenes by their settings', async () => {
    const set = await openCaptionedClips(
      'moving:20,dev=4,test=2,seed=3,size=24,frames=10,events=1',
    );
    expect(ids(set).map(({ length }) => length)).toEqual([20, 4, 2]);
    expect(all(set).every(({ captions }) => captions.length === 2)).toBe(true);
    const order = await openCaptionedClips('moving:30,order=yes,sentences=1');
    expect(ids(order).map(({ length }) => length)).toEqual([30, 4, 4]);
    expect(
      order.splits.train.every(({ captions: [text] }) => text?.match(/appears/g)?.length === 2),
    ).toBe(true);
    await expect(openCaptionedClips('moving:31,order=yes')).rejects.toThrow(ValueError);
    await expect(openCaptionedClips('moving:x')).rejects.toThrow(UsageError);
    await expect(openCaptionedClips('moving:5,events=3')).rejects.toThrow(/events: must be one of/);
  });

  test('a window over photos goes from one place to another at one speed', async () => {
    // Red tells how far across, green how far down.
    const side = 48;
    const data = new Uint8Array(side * side * 3);
    for (let i = 0; i < side * side; i++)
      data.set([5 * (i % side), 5 * Math.floor(i / side), 9], 3 * i);
    const image = { width: side, height: side, channels: 3, data } as const;
    for (let number = 0; number < 20; number++) {
      const options = { size: 32, frames: 9, zoom: 1.5 };
      const pan = pannedPhoto(image, 'train', number, options);
      const clip = await pan.draw();
      expect(await pan.draw()).toEqual(clip);
      const corner = (frame: number) =>
        [0, 1].map((c) => (clip.values[frame * 32 * 32 * 3 + c] ?? 0) / 5);
      const [x0 = 0, y0 = 0] = corner(0);
      const [x1 = 0, y1 = 0] = corner(8);
      expect(Math.hypot(x1 - x0, y1 - y0)).toBeGreaterThan(0.6 * 16 - 1.5);
      for (let frame = 0; frame < 9; frame++) {
        const [x = 0, y = 0] = corner(frame);
        expect(Math.abs(x - x0 - (frame / 8) * (x1 - x0))).toBeLessThanOrEqual(1);
        expect(Math.abs(y - y0 - (frame / 8) * (y1 - y0))).toBeLessThanOrEqual(1);
        // All of the window is that part of the photo.
        const last = ((frame * 32 + 31) * 32 + 31) * 3;
        expect([...clip.values.subarray(last, last + 3)]).toEqual([5 * (x + 31), 5 * (y + 31), 9]);
      }
    }
    for (const options of [{ size: 4 }, { frames: 0 }, { zoom: 1 }, { zoom: 9 }]) {
      expect(() => pannedPhoto(image, 'train', 0, options)).toThrow(ValueError);
    }
  });

  test('panned photos keep captions, ids and splits; a photo that cannot be read is named', async () => {
    const { pixels } = drawScene(new Random(1));
    await put({
      'x.csv': 'file,caption,split\na.png,A,train\nb.png,B,test\n',
      'b.png': 'no photo',
    });
    await put({ 'a.png': await encodePng(pixels) });
    const set = await open('panned:x.csv,dev=0,size=20,frames=5,zoom=2,pan=4');
    const photos = await openDataset(`captions:${join(folder, 'x.csv')},dev=0`);
    expect(ids(set)).toEqual([['a.png'], [], ['b.png']]);
    expect(said(set)).toEqual({ 'a.png': ['A'], 'b.png': ['B'] });
    const [first] = set.splits.train;
    const [same] = pannedPhotoSet(photos, { size: 20, frames: 5, zoom: 2, seed: 4 }).splits.train;
    const [other] = pannedPhotoSet(photos, { size: 20, frames: 5, zoom: 2, seed: 5 }).splits.train;
    const drawn = (clip: CaptionedClip | undefined): Promise<Clip> | Clip => {
      if (!clip || !('draw' in clip.clip)) throw new Error('is not drawn');
      return clip.clip.draw();
    };
    const values = (await drawn(first)).values;
    expect(values).toHaveLength(5 * 20 * 20 * 3);
    expect((await drawn(same)).values).toEqual(values);
    expect(first && (await readClip(first.clip)).values).toEqual(values);
    expect((await drawn(other)).values).not.toEqual(values);
    await expect(drawn(set.splits.test[0])).rejects.toThrow(PhotoError);
    const scenes = await openCaptionedClips('panned:scenes:6,dev=1,test=1,frames=3');
    expect(ids(scenes).map(({ length }) => length)).toEqual([6, 1, 1]);
    await expect(openCaptionedClips('panned:scenes:6,zoom=x')).rejects.toThrow(
      /zoom: must be a number/,
    );
  });

  test('what is of no known format is refused with the list of formats', async () => {
    await put({ 'x.bin': '' });
    await expect(open('x.bin')).rejects.toThrow(
      /A set of captioned clips is one of:\n {2}captions:/,
    );
    await expect(open('none')).rejects.toThrow(UsageError);
  });
});
