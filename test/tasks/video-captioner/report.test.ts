import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLineOf } from '@test/tasks/command-line.js';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { videoCaptioner } from '@/tasks/video-captioner/index.js';

const folder = mkdtempSync(join(tmpdir(), 'glimpse-clips-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const glimpse = commandLineOf(videoCaptioner);
const set = 'moving:16,dev=6,test=0,size=24,frames=12';
const small = [
  ...['--size', '24', '--filters', '4,6', '--frames', '5', '--embedding', '8', '--hidden', '12'],
  ...['--epochs', '1', '--batch-size', '8', '--minimum-count', '1', '--dropout', '0'],
];

interface Told {
  readonly caption: string;
  readonly references: string[];
  readonly verdict: string;
  readonly end: number;
  readonly seen: number[];
  readonly words: { word: string; probability: number; weights?: number[] }[];
}

test.each([
  [
    'attention to frames',
    ['--combine', 'attention', '--attention', 'additive', '--value-size', '8'],
  ],
  ['s2vt', ['--combine', 's2vt']],
])('the page of a captioner of clips: %s', async (way, flags) => {
  const [run, out] = [join(folder, way), join(folder, `${way}.html`)];
  const trained = await glimpse('train', 'video-captioner', set, '--out', run, ...small, ...flags);
  expect([trained.code, trained.said]).toEqual([0, expect.stringContaining('epoch 1')]);
  const { code, answer } = await glimpse(
    ...['report', set, '--model', run, '--clips', '4', '--out', out, '--json'],
  );
  expect(code).toBe(0);
  const evaluated = await glimpse('evaluate', set, '--model', run, '--json', '--captions');
  const { cider, captions } = JSON.parse(evaluated.answer);
  expect(JSON.parse(answer)).toMatchObject({ out, shown: 4, split: 'dev', cider });
  const page = readFileSync(out, 'utf8');
  const [, text = ''] = /id="report-data">(.*?)<\/script>/s.exec(page) ?? [];
  const { clips, history }: { clips: Told[]; history: unknown[] } = JSON.parse(text);
  expect(history).toHaveLength(1);
  expect(clips).toHaveLength(4);
  const said = captions.map(({ caption }: { caption: string }) => caption);
  for (const { caption, references, verdict, end, seen, words } of clips) {
    expect(said).toContain(caption);
    expect(verdict).toBe(references.includes(caption) ? 'right' : 'wrong');
    expect(end).toBeGreaterThan(0);
    for (const { probability } of words) expect(probability).toBeGreaterThan(0);
    const weighed = words.flatMap(({ weights }) => (weights ? [weights] : []));
    if (way === 's2vt') {
      expect([seen, weighed]).toEqual([[], []]);
      continue;
    }
    // Five of the twelve frames, those in the middle of five parts.
    expect(seen.map((time) => Math.round((12 * time) / end))).toEqual([1, 3, 6, 8, 10]);
    expect(weighed).toHaveLength(words.length);
    for (const weights of weighed) {
      expect(weights).toHaveLength(5);
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 2);
    }
  }
});
