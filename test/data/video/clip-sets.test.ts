import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { npyFile, zipFile } from '@test/data/formats/array-files.js';
import { describeWithShared } from '@test/shared.js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SPLIT_NAMES, splitByColumn } from '@/data/splits.js';
import { classesOf } from '@/data/video/class-names.js';
import type { Clip } from '@/data/video/clip.js';
import { openClips } from '@/data/video/clip-dataset.js';
import type { ClipDataset, LabelledClip } from '@/data/video/labelled-clips.js';
import { FormatError, UsageError } from '@/errors.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-clips-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Writes files below the folder, and makes the folders that they lie in. */
async function put(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

/** Opens a set in the folder: `table:clips.csv,by=person`. */
function open(specification: string): Promise<ClipDataset> {
  const [, format = '', rest = ''] = /^(\w+:)?(.*)$/.exec(specification) ?? [];
  return openClips(`${format}${join(folder, rest)}`);
}

const ids = ({ splits }: ClipDataset) =>
  SPLIT_NAMES.map((name) => splits[name].map(({ id }) => id).sort());
const all = ({ splits }: ClipDataset): LabelledClip[] =>
  SPLIT_NAMES.flatMap((name) => splits[name]);
const labels = (set: ClipDataset) => all(set).map(({ label }) => set.classes[label]);

function drawn({ clip }: LabelledClip): Clip {
  if (!('draw' in clip)) throw new Error('is not drawn');
  return clip.draw();
}

describe('a split by a column', () => {
  const context = { source: 'set', column: 'person', what: 'clip' };
  const people = ['ann', 'ben', '3', '10'];
  const parts = fc.array(fc.constantFrom(...SPLIT_NAMES, 'none'), { minLength: 4, maxLength: 4 });
  const column = fc.array(fc.constantFrom(...people), { minLength: 1, maxLength: 30 });

  test('puts each clip where its value belongs, and no value into two splits', () => {
    fc.assert(
      fc.property(column, parts, (values, chosen) => {
        const splitOf = new Map(people.map((person, i) => [person, chosen[i]]));
        const list = (split: string) =>
          people.filter((person) => splitOf.get(person) === split && values.includes(person));
        const said = Object.fromEntries(
          SPLIT_NAMES.flatMap((name) =>
            list(name).length > 0 ? [[name, list(name).join('+')]] : [],
          ),
        );
        fc.pre(Object.keys(said).length > 0);
        const items = values.map((value) => ({ value }));
        const { splits, notes } = splitByColumn(items, ({ value }) => value, said, context);
        const rest = said.train === undefined ? 'train' : 'none';
        for (const item of items) {
          const split = splitOf.get(item.value) ?? 'none';
          const expected = split === 'none' ? rest : split;
          const found = SPLIT_NAMES.filter((name) => splits[name].includes(item));
          expect(found).toEqual(expected === 'none' ? [] : [expected]);
        }
        const placed = SPLIT_NAMES.reduce((sum, name) => sum + splits[name].length, 0);
        expect(notes).toHaveLength(placed < items.length ? 2 : 1);
      }),
    );
  });

  test('says which values there are, where one is wrong or none is named', () => {
    const items = ['10', '9', '1', '9'];
    const divide = (lists: Parameters<typeof splitByColumn>[2]) =>
      splitByColumn(items, (item) => item, lists, context);
    expect(() => divide({})).toThrow(/test=1, all others being trained on; person has 1, 9, 10$/);
    expect(() => divide({ test: '2' })).toThrow(
      'there is no person 2 (test=); person has 1, 9, 10',
    );
    expect(() => divide({ test: '1+9', dev: '9' })).toThrow(
      'person 9 is in dev= and in test=: each value belongs to one split',
    );
    expect(() => divide({ test: '1+1' })).toThrow('person 1 is twice in test=');
    expect(divide({ train: '9', test: '1' }).notes).toEqual([
      'divided by person: train has 9 (2 clips); test has 1 (1 clip)',
      '1 clip of person 10 is in no split and left out',
    ]);
  });

  test('a value that has a plus stands alone', () => {
    const { splits } = splitByColumn(['a+b', 'a'], (item) => item, { test: 'a+b' }, context);
    expect(splits).toEqual({ train: ['a'], dev: [], test: ['a+b'] });
  });
});

describe('classes', () => {
  const three = { source: 'names.txt', names: ['a', 'b', 'c'], first: undefined };
  const of = (texts: string[], options?: Parameters<typeof classesOf>[2]) =>
    classesOf(texts, 'set', options);

  test('are the labels, sorted; numbers by their size', () => {
    expect(of(['10', '9', '10'])).toEqual({ classes: ['9', '10'], labels: [1, 0, 1] });
    expect(of(['walk', 'Bend'])).toEqual({ classes: ['Bend', 'walk'], labels: [1, 0] });
    expect(of(['3', '1'], { first: 1 })).toEqual({ classes: ['1', '2', '3'], labels: [2, 0] });
  });

  test('are named by a file: labels are names, or numbers from 0 or 1 as only one is possible', () => {
    expect(of(['c', 'a'], { names: three }).labels).toEqual([2, 0]);
    expect(of(['0', '2'], { names: three }).labels).toEqual([0, 2]);
    expect(of(['1', '3'], { names: three }).labels).toEqual([0, 2]);
    expect(of(['1', '2'], { names: three, first: 1 }).labels).toEqual([0, 1]);
    expect(() => of(['1', '2'], { names: three })).toThrow(/Add first=0 or first=1/);
    expect(() => of(['0', '3'], { names: three })).toThrow(
      'labels go from 0 to 3, but names.txt names 3 classes',
    );
    expect(() => of(['a', 'x'], { names: three })).toThrow(/"x" is no class in names.txt/);
  });

  test('that begin with 1 where 0 was said, or the other way, are refused with the way out', () => {
    expect(() => of(['1', '3'], { names: three, first: 0 })).toThrow(
      'labels go from 1 to 3, but the 3 classes of names.txt are numbered from 0 to 2: add first=1',
    );
    expect(() => of(['0', '2'], { names: { ...three, first: 1 } })).toThrow(/: add first=0$/);
    expect(() => of(['1', '3'], { begin: 0 })).toThrow(/the first class is 0: say first=1, or/);
    expect(() => of(['0', '3'], { first: 1 })).toThrow(/the first class is 1: say first=0$/);
    expect(of(['1', '3'], { first: 0 }).classes).toHaveLength(4);
    expect(() => of(['1', '1.5'], { first: 0 })).toThrow('the label "1.5" is no number of a class');
  });
});

const npy = {
  u1: (shape: number[], values: ArrayLike<number>) =>
    npyFile('|u1', shape, Uint8Array.from(values)),
  i8: (shape: number[], values: readonly number[]) =>
    npyFile('<i8', shape, BigInt64Array.from(values, BigInt)),
  f4: (shape: number[], values: readonly number[]) =>
    npyFile('<f4', shape, Float32Array.from(values)),
};
const counting = (length: number) => Array.from({ length }, (_, i) => i % 251);

describe('npz', () => {
  /** Two actions by three people, of 2, 1, 3, 1, 1 and 2 frames of 2 x 3 pixels. */
  const table = npy.i8(
    [6, 3],
    [...[1, 7, 2], ...[2, 7, 1], ...[1, 8, 3], ...[2, 8, 1], ...[1, 9, 1], ...[2, 9, 2]],
  );
  const ragged = (name: string, array: Uint8Array) =>
    zipFile({ [`${name}.npy`]: array, 'clips.npy': table });

  test('frames one behind the other, divided by person, with names of actions', async () => {
    await put({ 'x.npz': ragged('frames', npy.u1([10, 2, 3], counting(60))) });
    await put({ 'actions.txt': 'wave\nbend\n' });
    const set = await open(
      'npz:x.npz,columns=action+person+frames,by=person,test=9,dev=8,names=actions.txt,rate=10',
    );
    expect(set.classes).toEqual(['wave', 'bend']);
    expect(ids(set)).toEqual([
      ['clip 0', 'clip 1'],
      ['clip 2', 'clip 3'],
      ['clip 4', 'clip 5'],
    ]);
    expect(set.splits.test.map(({ label }) => label)).toEqual([0, 1]);
    const [third] = set.splits.dev;
    if (!third) throw new Error('no clip');
    const clip = { width: 3, height: 2, channels: 1, times: Float64Array.of(0, 0.1, 0.2) };
    // Behind three frames of six pixels.
    const values = Uint8Array.from(counting(60).slice(18, 36));
    expect(drawn(third)).toEqual({ ...clip, values });
    expect(drawn(third)).toEqual(drawn(third));
  });

  test('joints are sequences of all their numbers; colours stay with their pixels', async () => {
    await put({ 'x.npz': ragged('joints', npy.f4([10, 2, 3], counting(60))) });
    const set = await open('npz:x.npz,columns=action+person+frames,by=person,test=9');
    expect(set.splits.test.map(({ clip }) => clip)).toEqual([
      { D: 6, values: Float32Array.from(counting(60).slice(42, 48)) },
      { D: 6, values: Float32Array.from(counting(60).slice(48, 60)) },
    ]);
    await put({ 'c.npz': ragged('frames', npy.u1([10, 1, 2, 3], counting(60))) });
    const coloured = await open('npz:c.npz,columns=action+person+frames,split=train');
    const [first] = coloured.splits.train;
    expect(first && drawn(first)).toMatchObject({ width: 2, height: 1, channels: 3 });
  });

  test('arrays of one length, of each split or with columns by their names', async () => {
    const X = npy.u1([4, 2, 1, 2, 3], counting(48));
    const texts = npyFile('|S1', [4], Buffer.from('aabb'));
    await put({
      'split.npz': zipFile({
        'X_train.npy': X,
        'y_train.npy': npy.i8([4], [0, 1, 0, 1]),
        'X_test.npy': X,
        'y_test.npy': npy.i8([4, 1], [1, 1, 1, 1]),
      }),
      'whole.npz': zipFile({
        'X.npy': X,
        'label.npy': texts,
        'who.npy': npy.u1([4], [1, 2, 1, 2]),
      }),
    });
    const split = await open('split.npz');
    expect(ids(split).map(({ length }) => length)).toEqual([3, 1, 4]);
    expect(split.splits.test[0]).toMatchObject({ id: 'test clip 0', label: 1 });
    expect(split.notes).toEqual([
      'no clip is in a split dev: 1 clip of train is held out for it (dev=0.1)',
    ]);
    const whole = await open('npz:whole.npz,by=who,test=1');
    expect(whole.classes).toEqual(['a', 'b']);
    expect(ids(whole)).toEqual([['clip 1', 'clip 3'], [], ['clip 0', 'clip 2']]);
    const last = whole.splits.train[1];
    expect(last && drawn(last).values).toEqual(Uint8Array.from(counting(48).slice(36)));
  });

  test('planes of colours, and floats, become bytes of pixels', async () => {
    const y = npy.u1([2], [0, 1]);
    await put({
      'p.npz': zipFile({ 'x.npy': npy.u1([2, 1, 3, 1, 2], counting(12)), 'y.npy': y }),
      'f.npz': zipFile({ 'x.npy': npy.f4([2, 1, 1, 2], [0, 1, 0.5, 0.25]), 'y.npy': y }),
      'bad.npz': zipFile({ 'x.npy': npy.f4([2, 1, 1, 2], [0, 1, 2, 0]), 'y.npy': y }),
    });
    const bytes = async (specification: string) =>
      all(await open(`${specification},split=train`)).map((clip) => [...drawn(clip).values]);
    expect(await bytes('npz:p.npz')).toEqual([
      [0, 2, 4, 1, 3, 5],
      [6, 8, 10, 7, 9, 11],
    ]);
    expect(await bytes('npz:f.npz,as=frames')).toEqual([
      [0, 255],
      [128, 64],
    ]);
    expect(all(await open('npz:f.npz,split=test'))[0]?.clip).toMatchObject({ D: 2 });
    await expect(bytes('npz:bad.npz,as=frames')).rejects.toThrow(/2 is no part of a picture/);
  });

  test('clips without frames and sequences that are not finite are left out, many are refused', async () => {
    const lengths = npy.i8([4, 2], [0, 1, 1, 0, 0, 1, 1, 1]);
    const joints = (values: number[]) =>
      zipFile({ 'joints.npy': npy.f4([3, 1], values), 'clips.npy': lengths });
    await put({ 'x.npz': joints([1, 2, 3]), 'y.npz': joints([1, Number.NaN, 3]) });
    const set = await open('npz:x.npz,columns=label+frames,split=train');
    expect(ids(set)[0]).toEqual(['clip 0', 'clip 2', 'clip 3']);
    expect(set.notes?.[0]).toBe('1 of 4 clips is left out: clip 1: has no frames');
    await expect(open('npz:y.npz,columns=label+frames')).rejects.toThrow(
      /clip 1: has no frames \(2 of 4 clips cannot be used\)/,
    );
  });

  test.each([
    ['', 'what are the columns of its table of clips? Say it with columns='],
    ['columns=action+frames', 'clips has 3 columns, and columns=action+frames names 2'],
    ['columns=a+b+frames', 'which column is the label? Say it with label=; it has a, b, frames'],
    ['columns=action+b+c,label=d', 'there is no column d (label=); it has action, b, c'],
    ['columns=action+b+c,length=b', 'the column b says that the clips have 48 rows'],
    ['columns=action+b+c,data=x', 'has no array x of clips (data=), only frames, clips'],
    ['columns=action+b+c,test=7', 'if it is a value, say of which column, by=<column>'],
    ['columns=action+b+c,by=d,test=7', 'there is no column d (one of action, b, c)'],
    ['columns=action+b+c,by=b,test=7,seed=1', 'nothing at random: leave out seed='],
    ['columns=action+b+c,split=test,dev=0.1', 'split=test is all clips: leave out dev='],
    ['columns=action+b+c,rate=0', 'rate: must be above 0'],
    ['columns=action+b+c,names=no.txt', 'no.txt: cannot be read'],
  ])('%j is refused with the way out', async (settings, said) => {
    await put({ 'x.npz': ragged('frames', npy.u1([10, 2, 3], counting(60))) });
    await expect(open(`npz:x.npz${settings && ','}${settings}`)).rejects.toThrow(said);
  });

  test('what is no array of clips is refused', async () => {
    const y = npy.u1([2], [0, 1]);
    const two = npy.u1([2, 1, 1, 1], [1, 2]);
    await put({
      'flat.npz': zipFile({ 'y.npy': y }),
      'two.npz': zipFile({ 'a.npy': two, 'b.npy': two, 'y.npy': y }),
      'one.npz': zipFile({ 'a.npy': two, 'y.npy': npy.u1([2], [3, 3]) }),
      'none.npz': zipFile({ 'a.npy': npy.u1([0, 1, 1, 1], []), 'y.npy': npy.u1([0], []) }),
    });
    await expect(open('flat.npz')).rejects.toThrow(/has no array of clips, .* only y \(2\)/);
    await expect(open('two.npz')).rejects.toThrow(/has a, b: which are the clips\? .*data=a/);
    await expect(open('one.npz')).rejects.toThrow(/has one class, 3/);
    await expect(open('none.npz')).rejects.toThrow(FormatError);
  });
});

describe('table', () => {
  const rows = ['walk/ann.mp4,walk,ann', 'walk/ben.mp4,walk,ben', 'run/ann.mp4,run,ann'];
  const csv = ['Video,Action,Subject', ...rows, 'run/ben.mp4,run,ben'].join('\n');
  const files = { 'walk/ann.mp4': '', 'walk/ben.mp4': '', 'run/ann.mp4': '', 'run/ben.mp4': '' };

  test('leaves one subject out, by any of its columns', async () => {
    await put({ 'clips.csv': csv, ...files });
    const set = await open('clips.csv,by=subject,test=ben');
    expect(ids(set)).toEqual([
      ['run/ann.mp4', 'walk/ann.mp4'],
      [],
      ['run/ben.mp4', 'walk/ben.mp4'],
    ]);
    expect(set.classes).toEqual(['run', 'walk']);
    expect(set.splits.test[0]?.clip).toEqual({ path: join(folder, 'walk/ben.mp4') });
    const byAction = await open('table:clips.csv,by=action,test=run');
    expect(byAction.notes).toContain('no clip in train is of the class run: it cannot be learned');
  });

  test('JSON lines with parts of one video, and a split of each', async () => {
    const lines = [
      { file: 'v.mkv', label: 3, start: 0, end: 2.5, split: 'train' },
      { file: 'v.mkv', label: 5, start: 2.5, split: 'test' },
    ];
    await put({ 'x.jsonl': lines.map((line) => JSON.stringify(line)).join('\n'), 'v.mkv': '' });
    const set = await open('table:x.jsonl,dev=0');
    expect(all(set)).toEqual([
      { id: 'v.mkv 0–2.5 s', clip: { path: join(folder, 'v.mkv'), from: 0, to: 2.5 }, label: 0 },
      { id: 'v.mkv 2.5– s', clip: { path: join(folder, 'v.mkv'), from: 2.5 }, label: 1 },
    ]);
    expect(labels(set)).toEqual(['3', '5']);
  });

  test('missing clips are counted and named, or left out where that is asked for', async () => {
    await put({ 'clips.csv': csv, 'walk/ann.mp4': '', 'run/ben.mkv': '' });
    await expect(open('clips.csv')).rejects.toThrow(
      /: 2 of 4 clips have no file: walk\/ben.mp4, run\/ann.mp4 \(looked in .*\)\. Is the download complete\? \(,missing=skip goes on/,
    );
    const set = await open('clips.csv,missing=skip');
    // Another ending is found.
    expect(all(set).map(({ clip }) => clip)).toContainEqual({ path: join(folder, 'run/ben.mkv') });
    expect(set.notes?.[0]).toMatch(/^2 clips of 4 are missing and left out: walk\/ben.mp4, run\/a/);
    await rm(join(folder, 'walk'), { recursive: true });
    await rm(join(folder, 'run'), { recursive: true });
    await expect(open('clips.csv,missing=skip')).rejects.toThrow(/,videos=<folder> says where/);
    await put({ 'elsewhere/walk/ann.avi': '', 'elsewhere/run/ann.avi': '' });
    const there = await open(`clips.csv,missing=skip,videos=${join(folder, 'elsewhere')}`);
    expect(all(there)).toHaveLength(2);
  });

  test.each([
    [csv.replace('Video', 'Thing'), 'which column has the video? Say it with video=, one of thing'],
    [
      csv.replace('Action', 'Thing'),
      'which column has the label? Say it with label=, one of video',
    ],
    [`${csv}\nwalk/ann.mp4,walk,cid`, 'walk/ann.mp4 is listed twice'],
    [`${csv}\n./walk/ann.mp4,run,cid`, 'walk/ann.mp4 is listed twice'],
    [csv.replaceAll('walk,', ','), 'line 2: the action is missing (2 of 4 clips cannot be used)'],
    ['video,action', 'holds no clips'],
    [csv.replaceAll('walk', '../walk'), 'lies outside of'],
  ])('%j is refused', async (text, said) => {
    await put({ 'clips.csv': text, ...files });
    await expect(open('clips.csv')).rejects.toThrow(said);
  });

  test('rows that cannot be used are left out and said', async () => {
    const text = `${csv}\n,walk,ann\n`;
    await put({ 'clips.csv': text, ...files });
    expect((await open('clips.csv')).notes).toEqual([
      '1 of 5 clips is left out: line 6: the video is missing',
    ]);
    const parts = [
      'video,label,from,to',
      'a.mp4,1,0,1',
      'a.mp4,2,3,2',
      'a.mp4,2,2,3',
      'a.mp4,1,4,',
    ];
    await put({ 'parts.csv': parts.join('\n'), 'a.mp4': '' });
    expect((await open('parts.csv')).notes?.[0]).toMatch(
      /line 3: from second 3 to 2 is no part of a video/,
    );
  });
});

describe('folder', () => {
  const four = { 'wave/1.mp4': '', 'wave/old/2.avi': '', 'bend/a.gif': '', 'bend/b.webm': '' };

  test('videos, animations and folders of frames of each class', async () => {
    await put({ ...four, 'wave/c/1.jpg': '', 'wave/c/2.jpg': '', 'wave/.x.mp4': '' });
    await put({ 'wave/note.txt': '', 'bend/thumb.jpg': '', 'jump/readme.txt': '' });
    const set = await open('.');
    expect(set.format).toBe('folder');
    expect(set.classes).toEqual(['bend', 'wave']);
    const files = ['bend/a.gif', 'bend/b.webm', 'wave/1.mp4', 'wave/c', 'wave/old/2.avi'];
    expect(ids(set).flat().sort()).toEqual(files);
    expect(set.notes).toEqual([
      '1 photo has no folder of a clip and is left out: bend/thumb.jpg',
      '1 folder has no clips and is left out: jump',
    ]);
  });

  test('train, val and test, or a part of them', async () => {
    const parts = ['train', 'val', 'test'].flatMap((split) =>
      Object.keys(four).map((name) => [`${split}/${name}`, '']),
    );
    await put(Object.fromEntries(parts));
    const set = await open('folder:.');
    expect(ids(set).map(({ length }) => length)).toEqual([4, 4, 4]);
    await expect(open('folder:.,dev=0.5')).rejects.toThrow(/leave out dev=/);
    await mkdir(join(folder, 'val/jump'));
    expect((await open('folder:.')).notes).toEqual([
      '1 folder has no clips and is left out: val/jump',
    ]);
    for (const name of ['wave', 'bend']) await rm(join(folder, 'val', name), { recursive: true });
    await expect(open('folder:.')).rejects.toThrow(/val: holds no folders of clips/);
    await rm(join(folder, 'train'), { recursive: true });
    await rm(join(folder, 'val'), { recursive: true });
    const test = await open('folder:.');
    expect(ids(test).map(({ length }) => length)).toEqual([0, 0, 4]);
    expect(test.notes).toEqual(['no clip is in train: the set can be judged on, not trained on']);
  });

  test('photos are no clips', async () => {
    await put({ 'cats/1.jpg': '', 'dogs/2.jpg': '' });
    await expect(open('folder:.')).rejects.toThrow(/glimpse train classifier/);
    await expect(open('.')).rejects.toThrow(/of no known format/);
  });
});

describe('ucf101', () => {
  const names = ['Bow', 'Row'].flatMap((label) =>
    ['01', '02', '03'].map((group) => `${label}/v_${label}_g${group}_c01.avi`),
  );
  const number = (name: string) => (name.startsWith('Bow') ? 1 : 2);
  const lists = (begin = 0) => ({
    'ucfTrainTestlist/classInd.txt': '1 Bow\r\n2 Row\r\n',
    'ucfTrainTestlist/testlist01.txt': `${names[0]}\n${names[3]}\n`,
    'ucfTrainTestlist/trainlist01.txt': names
      .filter((_, i) => i % 3 > 0)
      .map((name) => `${name} ${number(name) + begin}`)
      .join('\n'),
  });
  const videos = Object.fromEntries(names.map((name) => [`UCF-101/${name}`, '']));

  test('lists of train and test, and films that are held out', async () => {
    await put({ ...lists(), ...videos });
    const set = await open('ucf101:.,dev=0');
    expect(set.classes).toEqual(['Bow', 'Row']);
    expect(ids(set)).toEqual([[names[1], names[2], names[4], names[5]], [], [names[0], names[3]]]);
    expect(labels(set)).toEqual(['Bow', 'Bow', 'Row', 'Row', 'Bow', 'Row']);
    expect(set.splits.test[0]?.clip).toEqual({ path: join(folder, 'UCF-101', names[0] ?? '') });
    const held = await open('ucfTrainTestlist,by=group,dev=3');
    expect(ids(held)).toEqual([
      [names[1], names[4]],
      [names[2], names[5]],
      [names[0], names[3]],
    ]);
    await expect(open('ucf101:.,by=group,test=3')).rejects.toThrow(/leave out test=/);
    await expect(open('ucf101:.,fold=2')).rejects.toThrow(
      /has no trainlist02.txt \(fold=\), only testlist01.txt, trainlist01.txt/,
    );
  });

  test('numbers that begin with 0, and clips of no folder', async () => {
    await put({ ...lists(-1), ...videos });
    await expect(open('ucf101:.')).rejects.toThrow(
      /trainlist01.txt: line 1: the class Bow has number 0, not 1 as in classInd.txt: .* add first=0$/,
    );
    expect(ids(await open('ucf101:.,first=0'))[2]).toHaveLength(2);
    await put({ 'ucfTrainTestlist/testlist01.txt': 'v_Bow_g01_c01.avi\n' });
    await expect(open('ucf101:.,first=0')).rejects.toThrow(
      /line 1: v_Bow_g01_c01.avi lies in no folder of a class/,
    );
  });
});

describe('mmaction2', () => {
  test('videos with labels from 0 on, with lists of dev and test', async () => {
    await put({
      'train.txt': 'a/x y.mp4 0\nb.mp4 2\n\nc.mp4 1\n',
      'val.txt': 'd.mp4 0\n',
      'map.txt': 'run\nwalk\nbow\n',
      ...{ 'videos_train/a/x y.mp4': '', 'videos_train/b.mp4': '', 'videos_train/c.mp4': '' },
      'videos_val/d.mp4': '',
    });
    const val = join(folder, 'val.txt');
    const set = await open(`mmaction2:train.txt,devlist=${val},names=map.txt`);
    expect(ids(set)).toEqual([['a/x y.mp4', 'b.mp4', 'c.mp4'], ['d.mp4'], []]);
    expect(labels(set)).toEqual(['run', 'bow', 'walk', 'run']);
    expect(set.splits.dev[0]?.clip).toEqual({ path: join(folder, 'videos_val/d.mp4') });
    expect(ids(await open('mmaction2:train.txt,split=test'))[2]).toHaveLength(3);
  });

  test('folders of frames, as many as are said', async () => {
    const frames = (name: string, count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`rawframes/${name}/${i}.jpg`, '']),
      );
    await put({ 'list.txt': 'a 2 0\nb 3 1\nc 2 1\n', ...frames('a', 2), ...frames('b', 2) });
    await put(frames('c', 3));
    await expect(open('mmaction2:list.txt')).rejects.toThrow(
      /1 of 3 folders have fewer frames than the list says: b \(2 of 3\)\. ,missing=skip/,
    );
    const set = await open('list.txt,missing=skip,split=train');
    expect(ids(set)[0]).toEqual(['a', 'c']);
    expect(set.notes).toEqual(['folders with fewer frames than said are left out: b (2 of 3)']);
  });

  test('pictures of flow beside frames are no frames; rate and series can be said', async () => {
    const names = ['img_1.jpg', 'img_2.jpg', 'flow_x_1.jpg', 'flow_y_1.jpg'];
    await put(Object.fromEntries(names.map((name) => [`a/${name}`, ''])));
    await put({ 'b/1.jpg': '', 'b/2.jpg': '', 'list.txt': 'a 2 0\nb 2 1\n' });
    const set = await open('mmaction2:list.txt,split=train');
    expect(all(set).map(({ clip }) => clip)).toEqual([
      { path: join(folder, 'a'), series: 'img_' },
      { path: join(folder, 'b') },
    ]);
    const said = await open('mmaction2:list.txt,split=train,rate=10,series=flow_x');
    expect(said.splits.train[0]?.clip).toEqual({
      path: join(folder, 'a'),
      frameRate: 10,
      series: 'flow_x',
    });
    await put({ 'list.txt': 'a 3 0\nb 2 1\n' });
    await expect(open('mmaction2:list.txt')).rejects.toThrow(/fewer .*: a \(2 of 3\)/);
    await put({ 'v.txt': 'c.mp4 0\nd.mp4 1\n', 'c.mp4': '', 'd.mp4': '' });
    await expect(open('mmaction2:v.txt,rate=10')).rejects.toThrow(
      /v.txt has no folders of frames, which rate= is for: leave it out/,
    );
  });

  test.each([
    [
      'a.mp4 1\nb.mp4 2',
      /labels go from 1 to 2, but the first class is 0: say first=1, or first=0/,
    ],
    ['a.mp4 0 1\nb.mp4 1', /line 1: a.mp4 has 2 labels instead of one/],
    ['a.mp4\nb.mp4 1', /line 1: a.mp4 has 0 labels instead of one/],
    ['a 1\nb.mp4 1', /line 1: a is a folder of frames, and needs their number and a label/],
    ['a.mp4 0\na.mp4 1', /two entries are one clip: a.mp4/],
    ['a.mp4 0\nb.mp4 1\nc.mp4 1', /1 of 3 clips have no file: c.mp4/],
    ['', /holds no clips/],
  ])('%j is refused', async (list, said) => {
    await put({ 'list.txt': list, 'a.mp4': '', 'b.mp4': '' });
    await expect(open('mmaction2:list.txt')).rejects.toThrow(said);
    if (list.includes('2')) {
      await expect(open('mmaction2:list.txt,first=1,dev=0')).resolves.toMatchObject({
        classes: ['1', '2'],
      });
    }
  });
});

describe('kinetics', () => {
  const header = 'label,youtube_id,time_start,time_end,split';
  const rows = ['"abseiling",-a_1,20,30,train', 'zumba,b__2,53,63,train', 'zumba,c3,0,10,val'];

  test('clips that are cut, and whole videos, wherever they lie', async () => {
    await put({
      'train.csv': [header, rows[0], rows[1]].join('\n'),
      'validate.csv': [header, rows[2]].join('\n'),
      'test.csv': 'youtube_id,time_start,time_end,split\nd4,0,10,test',
      'clips/train/-a_1_000020_000030.mp4': '',
      'clips/zumba/b__2.mkv': '',
      'c3.mp4': '',
      'c3_000000_000010.mp4': '',
    });
    const set = await open('.');
    expect(set.format).toBe('kinetics');
    expect(all(set)).toEqual([
      {
        id: 'clips/train/-a_1_000020_000030.mp4',
        clip: { path: join(folder, 'clips/train/-a_1_000020_000030.mp4') },
        label: 0,
      },
      {
        id: 'clips/zumba/b__2.mkv 53–63 s',
        clip: { path: join(folder, 'clips/zumba/b__2.mkv'), from: 53, to: 63 },
        label: 1,
      },
      {
        id: 'c3_000000_000010.mp4',
        clip: { path: join(folder, 'c3_000000_000010.mp4') },
        label: 1,
      },
    ]);
    expect(set.notes).toEqual(['test.csv has no labels and is left out']);
    const cut = await open('kinetics:.,cut=yes');
    expect(cut.splits.train[1]?.clip).toEqual({ path: join(folder, 'clips/zumba/b__2.mkv') });
  });

  test('clips that are not there are counted', async () => {
    await put({ 'k.csv': [header, ...rows].join('\n'), 'c3.mp4': '', 'x/-a_1.mp4': '' });
    await expect(open('k.csv')).rejects.toThrow(/1 of 3 clips have no file: b__2_000053_000063/);
    const set = await open('k.csv,missing=skip');
    expect(ids(set)).toEqual([['x/-a_1.mp4 20–30 s'], ['c3.mp4 0–10 s'], []]);
    await expect(open(`kinetics:k.csv,videos=${join(folder, 'x')}`)).rejects.toThrow(
      /2 of 3 clips/,
    );
  });
});

describe('something-something', () => {
  test('templates without brackets, in the order of the labels', async () => {
    const list = (...entries: [string, string?][]) =>
      JSON.stringify(entries.map(([id, template]) => ({ id, template })));
    await put({
      'labels/labels.json': JSON.stringify({ 'Pushing something': '1', 'Holding something': '0' }),
      'labels/train.json': list(['1', 'Holding [something]'], ['22', 'Pushing [something]']),
      'labels/validation.json': list(['3', 'Holding [something]']),
      'labels/test.json': list(['4']),
      ...{ 'v/1.webm': '', 'v/22.webm': '', 'v/3/00001.jpg': '' },
    });
    const set = await open('.');
    expect(set.format).toBe('something');
    expect(set.classes).toEqual(['Holding something', 'Pushing something']);
    expect(ids(set)).toEqual([['v/1.webm', 'v/22.webm'], ['v/3'], []]);
    expect(labels(set)).toEqual(['Holding something', 'Pushing something', 'Holding something']);
    expect(set.notes).toEqual(['test.json has no templates and is left out']);
    await put({ 'labels/train.json': list(['1', 'Eating [something]']) });
    await expect(open('.')).rejects.toThrow(/"Eating something" is no class in .*labels.json/);
  });
});

test('what is of no known format is refused with the list of formats', async () => {
  await put({ 'x.bin': '' });
  await expect(open('x.bin')).rejects.toThrow(UsageError);
  await expect(open('none')).rejects.toThrow(/A set of labelled clips is one of:\n {2}npz:<file>/);
});

describeWithShared('the shared sets', 'data/video', (shared) => {
  test('msr-action3d: 446 clips of 20 actions, by person', async () => {
    const settings = 'columns=action+person+repetition+frames,by=person,dev=9,test=2+4+6';
    for (const file of ['drawn-60x40.npz', 'skeletons.npz']) {
      const set = await openClips(`${shared}/msr-action3d/${file},${settings},names=actions.txt`);
      expect(set.classes).toHaveLength(20);
      expect(set.classes[12]).toBe('bend');
      expect(SPLIT_NAMES.map((name) => set.splits[name].length)).toEqual([232, 59, 155]);
      const [clip] = set.splits.train;
      if (clip && 'draw' in clip.clip) expect(clip.clip.draw().times).toHaveLength(54);
      else expect(clip?.clip).toMatchObject({ D: 60 });
    }
  });

  test('weizmann4: 36 clips, a person left out', async () => {
    const set = await openClips(`${shared}/weizmann4/clips.csv,by=subject,test=daria,dev=denis`);
    expect(set.classes).toEqual(['bend', 'jack', 'wave1', 'wave2']);
    expect(SPLIT_NAMES.map((name) => set.splits[name].length)).toEqual([28, 4, 4]);
  });
});
