import { describe, expect, test } from 'vitest';
import { DistortedPictures, inkBox } from '@/data/labels/distorted-pictures.js';
import {
  affineOf,
  distortedExtent,
  distortionRandom,
  distortions,
  drawClutter,
  drawCorners,
  drawSimilarity,
  projectionOf,
} from '@/data/labels/distortions.js';
import type { LabelledPictures } from '@/data/labels/labelled-pictures.js';
import { scope } from '@/engine/engine.js';
import { bilinearSampleForward } from '@/layers/resampling/bilinear-sampler.js';
import { affineGridForward, projectiveGridForward } from '@/layers/resampling/grids.js';
import { Random } from '@/random.js';
import { tensor } from '@/tensor/create.js';

/** Pictures of 28 x 28 with a bar of 6 x 12 in the middle, of a brightness that grows by number. */
function bars(count: number, channels = 1): LabelledPictures {
  const values = new Uint8Array(count * channels * 28 * 28);
  for (let plane = 0; plane < count * channels; plane++) {
    const brightness = 150 + Math.floor(plane / channels);
    for (let y = 8; y < 20; y++) {
      for (let x = 11; x < 17; x++) values[(plane * 28 + y) * 28 + x] = brightness;
    }
  }
  return { channels, height: 28, width: 28, values, labels: new Int32Array(count) };
}

describe.each(distortions)('%s', (kind) => {
  const pictures = new DistortedPictures(bars(12), kind, 5);
  const side = { none: 28, R: 28, RTS: 42, P: 28, E: 28, TC: 60 }[kind];

  test('is a function of seed, epoch and number alone', () => {
    using _work = scope();
    const { x, boxes } = pictures.batch([3, 7], 2);
    expect(x.shape).toEqual([2, 1, side, side]);
    const again = new DistortedPictures(bars(12), kind, 5).batch([7, 3], 2);
    expect(again.x.at(1).dataSync()).toEqual(x.at(0).dataSync());
    expect(again.boxes).toEqual([boxes[1], boxes[0]]);
    if (kind === 'none') return;
    const values = x.dataSync();
    expect(pictures.batch([3, 7], 3).x.dataSync()).not.toEqual(values);
    expect(new DistortedPictures(bars(12), kind, 6).batch([3, 7], 2).x.dataSync()).not.toEqual(
      values,
    );
  });

  test('keeps what is drawn in the picture, within its box', () => {
    using _work = scope();
    const numbers = Array.from({ length: 12 }, (_, n) => n);
    const { x, boxes } = pictures.batch(numbers, 0);
    if (kind === 'none') {
      expect(boxes).toEqual(numbers.map(() => undefined));
      return;
    }
    for (const [n, box] of boxes.entries()) {
      if (!box) throw new Error(`${kind}: picture ${n} is empty`);
      const area = (box.right - box.left) * (box.bottom - box.top);
      expect(area).toBeGreaterThan(12);
      expect(area).toBeLessThan(0.5 * side * side);
      expect(Math.min(box.left, box.top)).toBeGreaterThanOrEqual(0);
      expect(Math.max(box.right, box.bottom)).toBeLessThanOrEqual(side);
      if (kind !== 'TC') expect(inkBox(x.at(n).dataSync(), [side, side])).toEqual(box);
    }
  });

  test('colours move together', () => {
    using _work = scope();
    const { x } = new DistortedPictures(bars(3, 3), kind, 1).batch([1, 2]);
    expect(x.shape).toEqual([2, 3, side, side]);
    const [red, green] = [x.at(0).at(0), x.at(0).at(1)].map((plane) => plane.dataSync());
    expect(green).toEqual(red);
  });
});

test('nothing stays nothing, and has no box', () => {
  using _work = scope();
  const black = { ...bars(1), values: new Uint8Array(28 * 28) };
  for (const kind of distortions) {
    const { x, boxes } = new DistortedPictures(black, kind).batch([0]);
    expect(Math.max(...x.dataSync())).toBe(0);
    expect(boxes).toEqual([undefined]);
  }
});

test('a quarter turn, twice as large, two to the right', () => {
  using _work = scope();
  const from = [2, 2] as const;
  const to = [4, 8] as const;
  const map = affineOf({ angle: Math.PI / 2, scale: 2, right: 2, down: 0 }, from, to);
  const { grid } = affineGridForward(tensor(map, { shape: [1, 2, 3] }), to);
  const picture = tensor([1, 2, 3, 4], { shape: [1, 1, 2, 2] });
  // Border pixels are repeated, so that only the four quarters are told apart.
  const { out } = bilinearSampleForward(picture, grid, { padding: 'border' });
  const values = out.dataSync();
  const at = (row: number, column: number) => values[row * 8 + column];
  // Clockwise, as y points down: what was on the left is at the top.
  for (const [value, row, column] of [
    [3, 0, 4],
    [1, 0, 7],
    [4, 3, 4],
    [2, 3, 7],
  ] as const) {
    expect(at(row, column)).toBeCloseTo(value, 5);
  }
});

test('a projective map brings each moved corner back', () => {
  using _work = scope();
  const random = new Random(3);
  for (let i = 0; i < 50; i++) {
    const moved = drawCorners(random);
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = projectionOf(moved);
    const back = moved.map(([x, y]) => {
      const w = g * x + h * y + 1;
      return [(a * x + b * y + c) / w, (d * x + e * y + f) / w];
    });
    for (const [n, corner] of [
      [-1, -1],
      [1, -1],
      [1, 1],
      [-1, 1],
    ].entries()) {
      expect(back[n]?.[0]).toBeCloseTo(corner[0] ?? 0, 6);
      expect(back[n]?.[1]).toBeCloseTo(corner[1] ?? 0, 6);
    }
  }
  const identity = projectionOf([
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ]);
  const { grid } = projectiveGridForward(tensor(identity, { shape: [1, 8] }), [1, 2]);
  expect([...grid.dataSync()]).toEqual([-0.5, 0, 0.5, 0].map((v) => expect.closeTo(v, 6)));
});

test('no corner of a projective picture is flattened', () => {
  const least = Array.from({ length: 2000 }, (_, index) => {
    const corners = drawCorners(distortionRandom(1, 0, index));
    const spans = corners.map(([x, y], i) => {
      const [x1 = 0, y1 = 0] = corners[(i + 1) % 4] ?? [];
      const [x2 = 0, y2 = 0] = corners[(i + 2) % 4] ?? [];
      return (x1 - x) * (y2 - y1) - (y1 - y) * (x2 - x1);
    });
    return Math.min(...spans);
  });
  // Of the 4 that the sides of the whole picture span.
  expect(Math.min(...least)).toBeGreaterThanOrEqual(1);
  expect(Math.min(...least)).toBeLessThan(1.05);
});

test('a similarity keeps the scaled picture inside, and reaches the edges of its ranges', () => {
  const drawn = Array.from({ length: 2000 }, (_, index) =>
    drawSimilarity(distortionRandom(1, 0, index), [28, 28], [42, 42]),
  );
  for (const { scale, right, down } of drawn) {
    expect(Math.abs(right) + 14 * scale).toBeLessThanOrEqual(21 + 1e-9);
    expect(Math.abs(down) + 14 * scale).toBeLessThanOrEqual(21 + 1e-9);
  }
  const range = (values: number[]) => [Math.min(...values), Math.max(...values)];
  const [low = 0, high = 0] = range(drawn.map(({ scale }) => scale));
  expect([low, high]).toEqual([expect.closeTo(0.7, 2), expect.closeTo(1.2, 2)]);
  const [least = 0, most = 0] = range(drawn.map(({ angle }) => (angle * 180) / Math.PI));
  expect([least, most]).toEqual([expect.closeTo(-45, 0), expect.closeTo(45, 0)]);
});

test('clutter is cut from other pictures, and lies within both', () => {
  for (let own = 0; own < 5; own++) {
    const { left, top, size, patches } = drawClutter(new Random(own), {
      count: 5,
      own,
      from: [28, 28],
      to: [60, 60],
    });
    expect(size).toEqual([6, 6]);
    expect(patches.length).toBe(6);
    expect(Math.max(left, top)).toBeLessThanOrEqual(32);
    for (const { index, from, to } of patches) {
      expect(index).not.toBe(own);
      expect(Math.max(...from)).toBeLessThanOrEqual(22);
      expect(Math.max(...to)).toBeLessThanOrEqual(54);
    }
  }
});

test('other sizes are distorted in proportion', () => {
  expect(distortedExtent('RTS', [32, 16])).toEqual([48, 24]);
  expect(distortedExtent('TC', [28, 28])).toEqual([60, 60]);
  expect(distortedExtent('E', [32, 16])).toEqual([32, 16]);
});
