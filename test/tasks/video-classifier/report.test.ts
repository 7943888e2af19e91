import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLineOf } from '@test/tasks/command-line.js';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { encodeClip } from '@/data/video/write-clip.js';
import { videoClassifier } from '@/tasks/video-classifier/index.js';
import { movingSquare, writeMovingSquares } from './moving-square.js';

const folder = mkdtempSync(join(tmpdir(), 'glimpse-video-'));
const at = (path: string) => join(folder, path);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const glimpse = commandLineOf(videoClassifier);

/** The data that a page holds for programs. */
function dataOf(path: string) {
  const page = readFileSync(path, 'utf8');
  const [, text = ''] = /id="report-data">(.*?)<\/script>/s.exec(page) ?? [];
  return { page, data: JSON.parse(text) };
}

/** What all runs have in common. */
const small = [
  ...['--model', 'lrcn', '--size', '12x16', '--filters', '8', '--frame-features', '16'],
  ...['--hidden', '16', '--batch-size', '8', '--rate', '0.01', '--dropout', '0'],
];
const run = at('run');

beforeAll(async () => {
  await writeMovingSquares(at('set'), { train: 8, dev: 4 });
  const trained = await glimpse(
    ...['train', 'video-classifier', at('set'), ...small, '--take', 'whole', '--out', run],
    ...['--epochs', '12', '--report', '--watch', '2'],
  );
  expect(trained.said).toContain('epoch 12');
  expect(trained.code).toBe(0);
}, 60_000);

describe('--report', () => {
  test('shows some dev clips, as they are seen now, and what was said of them in all epochs', () => {
    const { page, data } = dataOf(join(run, 'report.html'));
    expect(data.history).toHaveLength(12);
    expect(data.confusion.flat().reduce((sum: number, count: number) => sum + count)).toBe(8);
    expect(data.clips).toMatchObject(
      ['left', 'right'].map((name) => ({ id: `dev/${name}/0.gif` })),
    );
    for (const [label, clip] of data.clips.entries()) {
      expect(clip).toMatchObject({ label, end: 1.2, unit: 's', overTime: { of: 'step' } });
      expect(clip.overTime.times).toHaveLength(12);
      expect(clip.moments.map(({ epoch }: { epoch: number }) => epoch)).toEqual(
        Array.from({ length: 13 }, (_, epoch) => epoch),
      );
      const { said, probability } = clip.moments.at(-1);
      expect([said, probability]).toEqual([clip.said, expect.closeTo(clip.probabilities[said], 3)]);
    }
    expect(page).toContain('2 of 8 dev clips');
  });

  test('a run that is resumed still has what was said before', async () => {
    const flags = ['--report', '--watch', '2', '--epochs', '12'];
    const whole = dataOf(join(run, 'report.html')).data.clips;
    const parts = at('parts');
    const start = ['train', 'video-classifier', at('set'), ...small, '--take', 'whole'];
    const constant = ['--schedule', 'constant'];
    await glimpse(...start, ...constant, '--out', at('straight'), ...flags, '--epochs', '3');
    await glimpse(...start, ...constant, '--out', parts, ...flags, '--epochs', '2');
    const resumed = await glimpse(
      ...['train', 'video-classifier', at('set'), '--out', parts, '--resume', '--epochs', '3'],
      ...['--report', '--watch', '2'],
    );
    expect(resumed.code).toBe(0);
    const [straight, again] = [at('straight'), parts].map(
      (path) => dataOf(join(path, 'report.html')).data.clips,
    );
    expect(again).toEqual(straight);
    expect(again).not.toEqual(whole);
  }, 60_000);
});

describe('glimpse report', () => {
  test('judges all clips of the split, and shows some of them', async () => {
    const out = at('page.html');
    const { code, answer } = await glimpse(
      ...['report', at('set'), '--model', run, '--clips', '3', '--out', out, '--json'],
    );
    expect(code).toBe(0);
    const told = JSON.parse(answer);
    const evaluated = await glimpse(
      'evaluate',
      at('set'),
      '--model',
      run,
      '--split',
      'dev',
      '--json',
    );
    const { error, loss, confusion } = JSON.parse(evaluated.answer);
    expect(told).toMatchObject({ split: 'dev', clips: 8, shown: 3, out, error, loss, confusion });
    const { page, data } = dataOf(out);
    expect(told.bytes).toBe(Buffer.byteLength(page));
    expect(data.clips).toHaveLength(3);
    expect(page).toContain('3 of 8, evenly from the surest to the most wrong');
    // The surest comes in, and the most wrong.
    const sure = data.clips.map(
      ({ label, probabilities }: { label: number; probabilities: number[] }) =>
        probabilities[label],
    );
    expect(new Set(sure).size).toBe(3);
  });

  test('flags of another kind, and a file that would be lost, are refused', async () => {
    const refused = await glimpse('report', at('set'), '--model', run, '--images', '3');
    expect([refused.code, refused.said]).toEqual([2, expect.stringContaining('--images')]);
    const replaced = await glimpse(
      'report',
      at('set'),
      '--model',
      run,
      '--out',
      `${run}/best.safetensors`,
    );
    expect(replaced.code).not.toBe(0);
    expect(replaced.said).toContain('best.safetensors');
    const none = await glimpse('report', at('set'), '--model', run, '--split', 'test');
    expect([none.code, none.said]).toEqual([2, expect.stringContaining('has no test clips')]);
  });
});

describe('glimpse classify', () => {
  test('says what clips are, and goes on after a bad one', async () => {
    const model = join(run, 'last.safetensors');
    const { code, answer, said } = await glimpse(
      ...['classify', at('set/dev/left'), at('gone.gif'), '--model', model],
      ...['--top', '2', '--json'],
    );
    expect(code).toBe(1);
    expect(said).toMatch(/1 of 5 clips could not be classified:\n {2}.*gone\.gif: cannot be read/);
    const answers = JSON.parse(answer);
    expect(answers.map(({ clip }: { clip: string }) => clip)).toEqual(
      [0, 1, 2, 3].map((n) => at(`set/dev/left/${n}.gif`)),
    );
    const { guesses } = answers[0];
    expect(guesses[0].probability + guesses[1].probability).toBeCloseTo(1, 6);
    expect(new Set([guesses[0].class, guesses[1].class])).toEqual(new Set(['left', 'right']));
    // The same as in the report.
    const shown = dataOf(join(run, 'report.html')).data.clips[0];
    const own = guesses.find((guess: { class: string }) => guess.class === 'left');
    expect(shown.id).toBe('dev/left/0.gif');
    expect(own.probability).toBeCloseTo(shown.probabilities[0], 3);
  });

  test('follows a clip, as subtitles or for programs', async () => {
    // First it goes left, then right.
    const [first, then] = [movingSquare('left', 4), movingSquare('right', 4)];
    const values = Uint8Array.from([...first.values, ...then.values]);
    const times = Float64Array.from({ length: 24 }, (_, t) => t / 10);
    writeFileSync(at('both.gif'), await encodeClip({ ...first, values, times }, 'gif'));
    const clip = ['classify', at('both.gif'), '--model', join(run, 'last.safetensors')];
    const { answer } = await glimpse(...clip, '--every', '1.2s');
    const cues = answer.match(/^.* --> .*\n\w+ \([\d.]+ %\)$/gm) ?? [];
    expect(cues.map((cue) => cue.replace(/ \(.*/, ''))).toEqual([
      '00:00:00.000 --> 00:00:01.200\nleft',
      '00:00:01.200 --> 00:00:02.400\nright',
    ]);
    const whole = await glimpse(...clip, '--every', '1.2s', '--json');
    expect(JSON.parse(whole.answer)).toMatchObject([
      {
        clip: at('both.gif'),
        stretches: [
          { from: 0, to: 1.2, guesses: [{ class: 'left' }] },
          { from: 1.2, to: 2.4, guesses: [{ class: 'right' }] },
        ],
      },
    ]);
    const refused = await glimpse(...clip, '--out', at('x.vtt'));
    expect([refused.code, refused.said]).toEqual([
      2,
      expect.stringContaining('--out needs --every'),
    ]);
  });
});
