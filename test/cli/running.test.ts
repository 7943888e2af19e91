import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { Failures } from '@/cli/failure.js';
import {
  everyField,
  type Follow,
  runningValues,
  subtitlePlaces,
  writeSubtitles,
} from '@/cli/running.js';
import { ClipError } from '@/errors.js';
import { temporaryFolder } from './glimpse.js';

const folder = temporaryFolder();
const at = (path: string) => join(folder, path);
const names = { what: 'clip', key: 'clip' };

/** Two stretches of each clip; one that is called bad breaks off after the first. */
const follow: Follow = async function* (clip) {
  yield { from: 0, to: 1.1 + 2.2, text: 'a & b', value: { guess: 'a' } };
  if (clip.includes('bad')) throw new ClipError(clip, 'is cut short');
  yield { from: 1.1 + 2.2, to: 4, text: 'c', value: { guess: 'c' } };
};

/** What a work writes to standard output and standard error. */
async function outputOf(work: () => Promise<unknown>): Promise<[string, string]> {
  const written = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    });
  }
  await work();
  return [written.stdout, written.stderr];
}
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

test.each([
  ['2s', 2],
  ['.25', 0.25],
  ['10', 10],
])('--every %s is %d seconds', (text, seconds) => {
  expect(everyField.parse(text)).toBe(seconds);
});

test.each(['0s', '', '-1', '2m', '1e3', 's'])('--every %s is refused', (text) => {
  expect(everyField.safeParse(text).success).toBe(false);
});

test('one clip goes to standard output as it becomes known, one of several to a file of its own', async () => {
  const one = await subtitlePlaces(['x/a.mp4'], {}, []);
  expect(one).toEqual({ format: 'vtt', places: [undefined] });
  const failures = new Failures(1, 'followed', names);
  const [out] = await outputOf(() => writeSubtitles(['x/a.mp4'], follow, one, failures));
  expect(out).toBe(
    'WEBVTT\n\n00:00:00.000 --> 00:00:03.300\na &amp; b\n\n00:00:03.300 --> 00:00:04.000\nc\n\n',
  );
});

test('files of several clips mirror the folders of these; what fails is told at the end', async () => {
  const clips = ['x/a.mp4', 'x/in/a.mkv', 'x/bad.gif'].map(at);
  const options = { out: at('subs'), format: 'srt' } as const;
  const where = await subtitlePlaces(clips, options, []);
  expect(where.places).toEqual(['subs/a.srt', 'subs/in/a.srt', 'subs/bad.srt'].map(at));
  const failures = new Failures(3, 'followed', names);
  const [, told] = await outputOf(async () => {
    await writeSubtitles(clips, follow, where, failures);
    failures.report();
  });
  expect(readFileSync(at('subs/in/a.srt'), 'utf8')).toMatch(/^1\n00:00:00,000 .*\na & b\n\n2\n/);
  expect(() => readFileSync(at('subs/bad.srt'))).toThrow('ENOENT');
  expect(told).toMatch(/1 of 3 clips could not be followed:\n {2}.*bad\.gif: is cut short\n$/);
  expect(process.exitCode).toBe(1);
});

test('text is a line a line of what is said, of several clips with their names', async () => {
  const where = await subtitlePlaces(['a.mp4', 'bad\x1b.gif'], { format: 'text' }, []);
  expect(where).toEqual({ format: 'text', places: [undefined, undefined] });
  const failures = new Failures(2, 'followed', names);
  const [out] = await outputOf(() =>
    writeSubtitles(['a.mp4', 'bad\x1b.gif'], follow, where, failures),
  );
  expect(out).toBe(
    'a.mp4, 0 to 3.3 s: a & b\na.mp4, 3.3 to 4 s: c\nbad\\x1b.gif, 0 to 3.3 s: a & b\n',
  );
  const file = await subtitlePlaces(['x/a.mp4'], { out: at('said.txt') }, []);
  expect(file).toEqual({ format: 'text', places: [at('said.txt')] });
  const several = await subtitlePlaces(
    ['x/a.mp4', 'x/b.mp4'],
    { out: at('all'), format: 'text' },
    [],
  );
  expect(several.places).toEqual([at('all/a.txt'), at('all/b.txt')]);
});

test('of a clip that cannot be read not even a begin is written', async () => {
  const failing: Follow = (clip) => ({
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new ClipError(clip, 'is cut')) }),
  });
  const failures = new Failures(1, 'followed', names);
  const places = await subtitlePlaces(['a.mp4'], {}, []);
  const [out] = await outputOf(() => writeSubtitles(['a.mp4'], failing, places, failures));
  expect(out).toBe('');
});

test('for programs all in one list, with times as people write them', async () => {
  const failures = new Failures(1, 'followed', names);
  expect(await runningValues(['a.mp4'], follow, failures)).toEqual([
    {
      clip: 'a.mp4',
      stretches: [
        { from: 0, to: 3.3, guess: 'a' },
        { from: 3.3, to: 4, guess: 'c' },
      ],
    },
  ]);
});

test('what would be lost is refused before the work', async () => {
  mkdirSync(at('full'));
  writeFileSync(at('full/a.vtt'), 'old');
  writeFileSync(at('clip.mp4'), 'clip');
  const refused = async (clips: string[], options: object, message: RegExp) =>
    expect(subtitlePlaces(clips, options, [at('model')])).rejects.toThrow(message);
  await refused(
    ['a.mp4', 'b.mp4'],
    {},
    /subtitles are of one clip, but these are 2: --out <folder>/,
  );
  await refused(
    ['a.mp4', 'b.mp4'],
    { out: at('clip.mp4') },
    /clip\.mp4 is a file, but these are 2/,
  );
  await refused(
    ['a.mp4', 'a.mkv'],
    { out: at('x') },
    /a\.mp4 and a\.mkv would have the same subtitles/,
  );
  await refused(['a.mp4'], { out: at('full') }, /full.a\.vtt would be replaced: --overwrite/);
  await refused([at('clip.mp4')], { out: at('clip.mp4'), overwrite: true }, /clip\.mp4/);
  await refused(['a.mp4'], { out: at('none/a.srt') }, /none.a\.srt/);
  const allowed = await subtitlePlaces(['a.mp4'], { out: at('new.SRT') }, []);
  expect(allowed).toEqual({ format: 'srt', places: [at('new.SRT')] });
});
