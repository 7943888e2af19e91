import { expect, test } from 'vitest';
import { viewBoxOf } from '@/report/in-page/view-box.js';
import { arranged } from '@/report/sheet.js';

test('frames stand row by row, in a picture about as high as wide, which the last one fills', () => {
  const values = Uint8Array.from({ length: 5 * 2 * 3 }, (_, i) => i);
  const { pixels, columns } = arranged({ width: 3, height: 2, channels: 1, values });
  expect(columns).toBe(2);
  expect(pixels).toMatchObject({ width: 6, height: 6, channels: 3 });
  const grey = Array.from({ length: 36 }, (_, i) => pixels.data[3 * i]);
  expect([0, 1, 2].map((row) => grey.slice(12 * row, 12 * row + 12))).toEqual([
    [0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11],
    [12, 13, 14, 18, 19, 20, 15, 16, 17, 21, 22, 23],
    [24, 25, 26, 24, 25, 26, 27, 28, 29, 27, 28, 29],
  ]);
});

test('colours stay beside each other', () => {
  const values = Uint8Array.from({ length: 2 * 3 }, (_, i) => 10 * i);
  const { pixels } = arranged({ width: 1, height: 1, channels: 3, values });
  expect([...pixels.data]).toEqual([0, 10, 20, 30, 40, 50]);
});

test('the view box of a frame leaves out what its neighbours would show through', () => {
  const layout = { width: 30, height: 20, columns: 4 };
  const numbers = viewBoxOf(layout, 6).split(' ').map(Number);
  expect(numbers.map((value) => Number(value.toFixed(3)))).toEqual([60.3, 20.3, 29.4, 19.4]);
});
