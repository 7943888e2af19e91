import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scope } from '@/engine/engine.js';
import { ShapeError } from '@/errors.js';
import { broadcastShape, combined, repeated, sumTo } from '@/tensor/broadcast.js';
import { zeros } from '@/tensor/create.js';
import { elementCount } from '@/tensor/shape.js';
import type { Tensor } from '@/tensor/tensor.js';

/** Where the element of a broadcast tensor at `index` of the result lies: axis by axis, as numpy says it. */
function placeIn(shape: readonly number[], result: readonly number[], index: number): number {
  let [place, apart, rest] = [0, 1, index];
  for (let axis = 1; axis <= result.length; axis++) {
    const extent = result.at(-axis) ?? 1;
    const own = axis <= shape.length ? (shape.at(-axis) ?? 1) : 1;
    if (own > 1) place += (rest % extent) * apart;
    apart *= own;
    rest = Math.floor(rest / extent);
  }
  return place;
}

const counting = (shape: readonly number[]) => zeros(shape, 'f64').fillBy((i) => i + 1);
const list = (x: Tensor) => [...x.dataSync()];

/** Two shapes that meet: extents of the result, and which of them each side repeats or lacks. */
const meeting = fc
  .tuple(
    fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 6 }),
    fc.array(fc.constantFrom('both', 'x', 'y', 'both'), { minLength: 6, maxLength: 6 }),
    fc.nat(6),
    fc.boolean(),
  )
  .map(([extents, own, lacking, lacks]) => {
    const of = (side: string) =>
      extents.map((extent, axis) => (own[axis] === 'both' || own[axis] === side ? extent : 1));
    const [x, y] = [of('x'), of('y')];
    const leading = y.slice(0, lacking).every((extent) => extent === 1);
    return { result: extents, x, y: lacks && leading ? y.slice(lacking) : y };
  });

test('any two shapes that meet are combined element by element, and summed back', () => {
  fc.assert(
    fc.property(meeting, (shapes) => {
      using _work = scope();
      const [x, y] = [counting(shapes.x), counting(shapes.y)];
      const z = combined('subtract', x, y);
      expect(z.shape).toEqual(broadcastShape('test', shapes.x, shapes.y));
      const places = Array.from({ length: z.size }, (_, i) => i);
      const at = (shape: readonly number[], i: number) => placeIn(shape, z.shape, i);
      expect(list(z)).toEqual(places.map((i) => at(shapes.x, i) - at(shapes.y, i)));
      expect(list(repeated(x, z.shape, 2))).toEqual(places.map((i) => 2 * (at(shapes.x, i) + 1)));
      for (const shape of [shapes.x, shapes.y]) {
        const expected = Array<number>(elementCount(shape)).fill(0);
        // Sums of small integers are exact in any order.
        for (const i of places) expected[at(shape, i)] = (expected[at(shape, i)] ?? 0) + i + 1;
        expect(list(sumTo(counting(z.shape), shape))).toEqual(expected);
      }
    }),
    { seed: 5, numRuns: 300 },
  );
});

test('shapes that do not meet are both named', () => {
  const message = /test: x \(4, 2\) and y \(3, 1\) .* axis -2 has 4 against 3/;
  expect(() => broadcastShape('test', [4, 2], [3, 1])).toThrow(message);
  expect(() => broadcastShape('test', [2], [0])).toThrow(ShapeError);
  expect(broadcastShape('test', [1], [0])).toEqual([0]);
});
