import { waves } from '@test/motion/scenes.js';
import { expect, test } from 'vitest';
import { hornSchunck } from '@/motion/horn-schunck.js';
import { program } from '@/report/html.js';
import { flowColours } from '@/report/in-page/flow-colours.js';

const { pixels, fieldPixels, longest, legend } = flowColours();

/** The colours that Middlebury's colorcode.cpp gives: right, down, left, up; between them; half the way; none. */
const known: readonly (readonly [u: number, v: number, colour: readonly number[]])[] = [
  [1, 0, [255, 0, 0]],
  [0, 1, [255, 229, 0]],
  [-1, 0, [0, 209, 255]],
  [0, -1, [88, 0, 255]],
  [Math.SQRT1_2, Math.SQRT1_2, [255, 114, 0]],
  [0.5, 0, [255, 127, 127]],
  [0, 0.5, [255, 242, 127]],
  [0, 0, [255, 255, 255]],
  [2, 0, [191, 0, 0]],
];

test.each(known)('motion (%d, %d) has the colour %o', (u, v, colour) => {
  expect([...pixels([u], [v], 1)]).toEqual(colour);
  // In other units, and as a field.
  expect([...pixels([4 * u], [4 * v], 4)]).toEqual(colour);
  expect([...fieldPixels([3 * u, 3 * v], 3)]).toEqual(colour);
});

test('what is not finite is black, and does not count as the longest', () => {
  expect([...pixels([Number.NaN, 1], [0, Number.POSITIVE_INFINITY], 1)]).toEqual([
    0, 0, 0, 0, 0, 0,
  ]);
  expect(longest([3, 4, Number.NaN, 0, Number.POSITIVE_INFINITY, 1])).toBe(5);
  expect(longest([0, 0])).toBe(1);
});

test('colours go around without a jump', () => {
  const count = 720;
  const at = (i: number) => {
    const angle = (2 * Math.PI * i) / count;
    return pixels([0.9 * Math.cos(angle)], [0.9 * Math.sin(angle)], 1);
  };
  for (let i = 0; i < count; i++) {
    const [here, there] = [at(i), at(i + 1)];
    const step = Math.max(...here.map((value, c) => Math.abs(value - (there[c] ?? 0))));
    expect(step, `${i} of ${count}`).toBeLessThan(45);
  }
});

test('a legend has the colours of its directions, and is round', () => {
  const side = 41;
  const wheel = legend(side);
  const at = (x: number, y: number) => [...wheel.slice(4 * (y * side + x), 4 * (y * side + x) + 4)];
  expect(at(20, 20)).toEqual([255, 255, 255, 255]);
  const [right, down] = [at(39, 20), at(20, 39)];
  expect(right[0]).toBe(255);
  expect(right[1]).toBeLessThan(30);
  expect(down[1]).toBeGreaterThan(220);
  expect(down[2]).toBeLessThan(30);
  for (const corner of [at(0, 0), at(40, 0), at(0, 40), at(40, 40)]) expect(corner[3]).toBe(0);
});

test('a flow that was found has the colour of its direction', () => {
  const flow = hornSchunck(waves([40, 50]), waves([40, 50], [-2, 0])).dataSync();
  const colours = fieldPixels(flow, 2.1);
  const middle = 3 * (20 * 50 + 25);
  const [red = 255, green = 0, blue = 0] = colours.slice(middle, middle + 3);
  expect(red).toBeLessThan(25);
  expect(green).toBeGreaterThan(200);
  expect(blue).toBeGreaterThan(245);
});

test('the text of the colours stands alone in a page', () => {
  const run = new Function(
    'found',
    `${program(
      ({ colours }: { colours: typeof flowColours }) => {
        Reflect.apply(Reflect.get(globalThis, 'foundColours'), undefined, [
          colours().pixels([1], [0], 1),
        ]);
      },
      { colours: flowColours },
    )}`,
  );
  const found: number[][] = [];
  Reflect.set(globalThis, 'foundColours', (value: Uint8Array) => found.push([...value]));
  run();
  Reflect.deleteProperty(globalThis, 'foundColours');
  expect(found).toEqual([[255, 0, 0]]);
});
