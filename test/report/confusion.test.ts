import { expect, test } from 'vitest';
import { confusionSection } from '@/report/confusion.js';

test('cells say what was taken for what, and pairs are told, the most frequent first', () => {
  const { text } = confusionSection(
    ['a<b', 'wave', 'jog'],
    [
      [3, 1, 0],
      [0, 0, 2],
      [0, 0, 5],
    ],
    'clips',
  );
  expect(text.match(/<title>.*?<\/title>/g)).toEqual([
    '<title>a&#60;b: right, 3 of 4</title>',
    '<title>a&#60;b taken for wave, 1 of 4</title>',
    '<title>wave taken for jog, 2 of 2</title>',
    '<title>jog: right, 5 of 5</title>',
  ]);
  expect(text.match(/<li>.*?<\/li>/g)).toEqual([
    '<li><b>wave</b> taken for <b>jog</b> <span>2 of 2</span></li>',
    '<li><b>a&#60;b</b> taken for <b>wave</b> <span>1 of 4</span></li>',
  ]);
  expect(text).toContain('11 clips');
  // 0.12 + 0.88 * 3 / 4.
  expect(text).toContain('opacity="0.78"');
  expect(text).not.toContain('a<b');
});

test('of many classes there are no names, and of many pairs the first eight', () => {
  const K = 60;
  const rows = Array.from({ length: K }, (_, i) =>
    Array.from({ length: K }, (_, j) => Number(j === (i + 1) % K)),
  );
  const names = rows.map((_, i) => `class ${i}`);
  const { text } = confusionSection(names, rows, 'clips');
  expect(text).not.toContain('row-name');
  expect(text.match(/taken for <b>/g)).toHaveLength(8);
  expect(text).toContain('and 52 other pairs');
  const right = rows.map((_, i) => rows.map((_, j) => Number(i === j)));
  expect(confusionSection(names, right, 'clips').text).toContain('No class was taken for another');
});
