import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { COLOURS, SIZES } from '@/data/captions/scene-drawing.js';
import { outline, SHAPES } from '@/data/captions/scene-shapes.js';
import { drawScene, type Scene, sceneDataset } from '@/data/captions/scenes.js';
import type { Pixels } from '@/data/pictures/pixels.js';
import { ValueError } from '@/errors.js';
import { Random } from '@/random.js';

const hash = ({ data }: Pixels) => createHash('sha256').update(data).digest('hex');
const random = new Random(11);
const scenes: Scene[] = Array.from({ length: 600 }, () => drawScene(random));

test('a scene is the same to the bit wherever it is drawn', () => {
  const { pixels, caption } = drawScene(new Random(2026));
  expect({ caption, hash: hash(pixels) }).toMatchInlineSnapshot(`
    {
      "caption": "a small green square at the top",
      "hash": "b8c7a6446a30928c28f8a60d08d9fbce6a697069775ee0abee4bc78824617a09",
    }
  `);
});

describe('the caption', () => {
  const thing = `a (${SIZES.join('|')}) (${COLOURS.join('|')}) (${SHAPES.join('|')})`;
  const place =
    'at the top|at the bottom|on the left|on the right|in the centre|in the (top|bottom) (left|right) corner';
  const grammar = new RegExp(`^${thing} (${place}|(above|to the left of) ${thing})$`);

  test('follows the grammar and names the objects in order', () => {
    for (const { caption, objects } of scenes) {
      expect(caption).toMatch(grammar);
      const named = caption.match(new RegExp(thing, 'g'));
      expect(named).toEqual(objects.map((o) => `a ${o.size} ${o.colour} ${o.shape}`));
    }
  });

  test('is true, by a wide margin', () => {
    for (const { caption, objects, pixels } of scenes) {
      const side = pixels.width;
      const [first, second] = objects;
      if (!first) throw new Error('a scene without objects');
      if (!second) {
        const third = (v: number) => (v < side * 0.3 ? 0 : v > side * 0.7 ? 2 : 1);
        const row = ['top', 'middle', 'bottom'][third(first.y)];
        const column = ['left', 'middle', 'right'][third(first.x)];
        const words = caption.split(' ').filter((w) => /^(top|bottom|left|right|centre)$/.test(w));
        const seen = [row, column].filter((word) => word !== 'middle');
        expect(words).toEqual(seen.length ? seen : ['centre']);
      } else {
        const dx = second.x - first.x;
        const dy = second.y - first.y;
        const [along, across] = caption.includes('above') ? [dy, dx] : [dx, dy];
        expect(along).toBeGreaterThan(2 * Math.abs(across));
        const gap = caption.includes('above')
          ? second.box.top - first.box.bottom
          : second.box.left - first.box.right;
        expect(gap).toBeGreaterThan(1);
        expect(first.colour).not.toBe(second.colour);
        expect(first.shape).not.toBe(second.shape);
      }
    }
  });

  test('has a place for each of its colours and shapes: the box of the thing they name', () => {
    for (const { caption, objects, places } of scenes) {
      const words = caption.split(' ');
      expect(places.map(({ word, kind, box }) => [words[word], kind, box])).toEqual(
        objects.flatMap(({ colour, shape, box }) => [
          [colour, 'colour', box],
          [shape, 'shape', box],
        ]),
      );
      expect(places.every((place) => place.caption === 0)).toBe(true);
    }
  });

  test('uses every word of the grammar', () => {
    const words = new Set(scenes.flatMap(({ caption }) => caption.split(' ')));
    for (const word of [...SHAPES, ...COLOURS, ...SIZES, 'above', 'corner', 'centre', 'bottom']) {
      expect(words).toContain(word);
    }
    expect(new Set(scenes.map(({ caption }) => caption)).size).toBeGreaterThan(400);
  });
});

describe('the picture', () => {
  const at = ({ data, width }: Pixels, x: number, y: number) => {
    const start = (Math.floor(y) * width + Math.floor(x)) * 3;
    return [...data.subarray(start, start + 3)] as [number, number, number];
  };
  const nearest = {
    red: [215, 30, 35],
    orange: [245, 140, 20],
    yellow: [245, 230, 45],
    green: [30, 150, 60],
    blue: [35, 75, 215],
    purple: [145, 45, 175],
    white: [250, 250, 250],
    black: [12, 12, 12],
    grey: [140, 140, 140],
  };
  const colourAt = (pixels: Pixels, x: number, y: number) => {
    const seen = at(pixels, x, y);
    const distance = (c: number[]) =>
      c.reduce((sum, value, i) => sum + (value - (seen[i] ?? 0)) ** 2, 0);
    return Object.entries(nearest).sort(([, a], [, b]) => distance(a) - distance(b))[0]?.[0];
  };

  test('shows each colour in the middle of its object and the background in the corners', () => {
    for (const { pixels, objects } of scenes) {
      for (const { x, y, colour } of objects) expect(colourAt(pixels, x, y)).toBe(colour);
      const corner = at(pixels, 0, 0);
      expect(Math.max(...corner) - Math.min(...corner)).toBeLessThan(60);
    }
  });

  test('has objects that lie inside it, the big ones clearly larger', () => {
    const widths = { small: [] as number[], big: [] as number[] };
    for (const { pixels, objects } of scenes) {
      for (const { box, size } of objects) {
        expect(Math.min(box.left, box.top)).toBeGreaterThan(0);
        expect(Math.max(box.right, box.bottom)).toBeLessThan(pixels.width);
        widths[size].push(Math.max(box.right - box.left, box.bottom - box.top));
      }
    }
    expect(Math.min(...widths.big)).toBeGreaterThan(1.3 * Math.max(...widths.small));
  });

  test('nothing is drawn outside the boxes', () => {
    for (const { pixels, objects } of scenes.slice(0, 200)) {
      const { width, height } = pixels;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const covered = objects.some(
            ({ box }) =>
              x > box.left - 2 && x < box.right + 1 && y > box.top - 2 && y < box.bottom + 1,
          );
          const value = at(pixels, x, y);
          if (!covered && Math.max(...value) - Math.min(...value) > 60) {
            throw new Error(`a coloured pixel at ${x}, ${y}`);
          }
        }
      }
    }
  });

  test('can have any size from 24 on', () => {
    for (const size of [24, 32, 97]) {
      const { pixels } = drawScene(new Random(1), { size });
      expect(pixels.data.length).toBe(size * size * 3);
    }
    expect(drawScene(new Random(1), { objects: 1 }).objects.length).toBe(1);
    expect(drawScene(new Random(1), { objects: 2 }).objects.length).toBe(2);
    for (const size of [23, 32.5, Number.NaN]) {
      expect(() => drawScene(new Random(1), { size })).toThrow(ValueError);
    }
  });
});

test('signed distances: the area inside is the shape that is meant', () => {
  const area = (shape: (typeof SHAPES)[number]) => {
    const { distance } = outline(shape, 50, 50, 30, 0.05);
    let inside = 0;
    for (let y = 0.5; y < 100; y++)
      for (let x = 0.5; x < 100; x++) if (distance(x, y) < 0) inside++;
    return inside / 900;
  };
  expect(area('circle')).toBeCloseTo(Math.PI, 1);
  expect(area('square')).toBeCloseTo(1.76 ** 2, 1);
  expect(area('triangle')).toBeCloseTo((2.3 * 2) / 2, 1);
  expect(area('cross')).toBeCloseTo(2 * 2.2 * 0.72 - 0.72 ** 2, 1);
  expect(area('star')).toBeCloseTo(5 * 1.2 * 0.5 * Math.sin(Math.PI / 5), 1);
  const { distance } = outline('square', 0, 0, 100, 0);
  expect(distance(0, 0)).toBeCloseTo(-88);
  expect(distance(91, 92)).toBeCloseTo(5);
});

describe('sceneDataset', () => {
  const set = sceneDataset({ train: 60, dev: 20, test: 20, seed: 5, size: 24 });
  const hashes = (split: 'train' | 'dev' | 'test', from = set) =>
    from.splits[split].map(({ image }) => ('data' in image ? hash(image) : ''));

  test('has the splits that were asked for, each picture only once', () => {
    const all = [...hashes('train'), ...hashes('dev'), ...hashes('test')];
    expect(all.length).toBe(100);
    expect(new Set(all).size).toBe(100);
    const ids = Object.values(set.splits).flatMap((s) => s.map(({ id }: { id: string }) => id));
    expect(new Set(ids).size).toBe(100);
    expect(set.format).toBe('scenes');
    expect(set.splits.dev.every(({ places = [] }) => places.length >= 2)).toBe(true);
  });

  test('is a function of its seed, and more training scenes leave the others alone', () => {
    const larger = sceneDataset({ train: 70, dev: 20, test: 20, seed: 5, size: 24 });
    expect(hashes('dev', larger)).toEqual(hashes('dev'));
    expect(hashes('test', larger)).toEqual(hashes('test'));
    expect(hashes('train', larger).slice(0, 60)).toEqual(hashes('train'));
    const other = sceneDataset({ train: 60, dev: 20, test: 20, seed: 6, size: 24 });
    expect(hashes('train', other)).not.toEqual(hashes('train'));
  });

  test('refuses impossible counts', () => {
    expect(() => sceneDataset({ train: -1, dev: 0, test: 0, seed: 1 })).toThrow(ValueError);
    expect(() => sceneDataset({ train: 1, dev: 0.5, test: 0, seed: 1 })).toThrow(ValueError);
  });
});
