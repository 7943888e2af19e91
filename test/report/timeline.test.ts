import { expect, test } from 'vitest';
import {
  barsOf,
  curvesOf,
  frameAt,
  stripFrames,
  stripLength,
  ticksUntil,
} from '@/report/timeline.js';

test.each([
  [2.44, [0, 0.5, 1, 1.5, 2]],
  [40, [0, 5, 10, 15, 20, 25, 30, 35, 40]],
  [0.04, [0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04]],
  [0.3, [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]],
  [0, [0]],
])('the scale until %d has round times', (end, ticks) => {
  expect(ticksUntil(end)).toEqual(ticks);
});

test('a strip has the frames that are shown in the middle of its parts', () => {
  const times = [0, 1, 2, 3.5];
  expect(frameAt(times, 3.49)).toBe(2);
  expect(frameAt(times, 99)).toBe(3);
  expect(frameAt(times, -1)).toBe(0);
  expect(stripFrames(times, 4, 4)).toEqual([0, 1, 2, 3]);
  expect(stripFrames(times, 4, 2)).toEqual([1, 2]);
});

test('narrow frames are more, wide ones fewer', () => {
  expect([stripLength({ width: 40, height: 60 }), stripLength({ width: 64, height: 64 })]).toEqual([
    18, 14,
  ]);
  expect(stripLength({ width: 1920, height: 1080 })).toBe(8);
  expect(stripLength({ width: 4000, height: 100 })).toBe(6);
});

test('curves lie over the time, 1 on top, and the first is drawn last', () => {
  const { text } = curvesOf(
    [
      { look: 'true', values: [0, 1] },
      { look: 'first', values: [0.25, 0.5] },
    ],
    { times: [0, 3], end: 4, about: 'a "b"' },
  );
  expect(text.match(/<polyline[^>]*>/g)).toEqual([
    '<polyline class="first" points="0,75 750,50"/>',
    '<polyline class="true" points="0,100 750,0"/>',
  ]);
  expect(text).toContain('aria-label="a &#34;b&#34;"');
});

test('bars reach halfway to their neighbours, the highest to the top', () => {
  const { text } = barsOf([0.1, 0.4, 0], { times: [0, 1, 4], end: 5, about: '' });
  expect(text.match(/<rect[^>]*>/g)).toEqual([
    '<rect x="0" y="75" width="100" height="25"/>',
    '<rect x="100" y="0" width="400" height="100"/>',
    '<rect x="500" y="100" width="500" height="0"/>',
  ]);
});
