import { expectRightGradients } from '@test/gradients.js';
import { inputs } from '@test/layers/inputs.js';
import { describe, expect, test } from 'vitest';
import { valueAndGradients } from '@/autograd/tape.js';
import { scope } from '@/engine/engine.js';
import { ShapeError, ValueError } from '@/errors.js';
import { maskedConv2d } from '@/layers/convolution/masked-conv2d.js';
import { multiply } from '@/layers/elementwise/arithmetic.js';
import { sum } from '@/layers/indexing/reductions.js';
import { full, tensor, zeros } from '@/tensor/create.js';

describe('gradients agree with central differences', () => {
  test.each([
    ['A', 1, [3, 3], 1, false],
    ['B', 1, [3, 3], 1, true],
    ['A', 3, [3, 5], 1, false],
    ['B', 3, [5, 3], [2, 1], false],
    ['A', 3, [1, 3], 1, false],
    ['B', 3, [1, 1], 1, true],
  ] as const)(
    'type %s, %i colours, filters of %j, dilation %j, relu %s',
    (type, colours, kernel, dilation, relu) => {
      using _work = scope();
      const [C, F] = [colours, 2 * colours];
      const tree = inputs({ x: [2, C, 3, 4], W: [F, C, ...kernel], b: [F] });
      const options = { type, colours, dilation, relu };
      expectRightGradients(({ x, W, b }) => maskedConv2d(x, W, b, options), tree);
    },
  );
});

/** Which values of x (1, C, H, W) one value of y depends on, after layers of type A, B, B. */
function seen(place: readonly [c: number, r: number, q: number], colours: number): string[] {
  using _work = scope();
  const [C, H, W] = [colours, 5, 5];
  // All weights alike, and none that cancel: what is seen has a gradient.
  const filters = (F: number, I: number) => full([F, I, 3, 3], 0.1, 'f64');
  const dout = zeros([1, C, H, W], 'f64').dataSync();
  const [c, r, q] = place;
  dout[(c * H + r) * W + q] = 1;
  const weights = tensor(dout, { shape: [1, C, H, W], dtype: 'f64' });
  const { gradients } = valueAndGradients(
    ({ x }) => {
      const layer = (y: typeof x, F: number, type: 'A' | 'B') =>
        maskedConv2d(y, filters(F, y.shape[1] ?? 0), zeros([F], 'f64'), { type, colours });
      const last = layer(layer(layer(x, 2 * C, 'A'), 2 * C, 'B'), C, 'B');
      return sum(multiply(last, weights));
    },
    { x: full([1, C, H, W], 1, 'f64') },
  );
  const dx = gradients.x.dataSync();
  return [...dx.keys()]
    .filter((i) => dx[i] !== 0)
    .map((i) => `${Math.floor(i / H / W)}:${Math.floor(i / W) % H},${i % W}`);
}

test.each([1, 3])(
  'of %i colours nothing behind a place is seen, and all that is beside it',
  (colours) => {
    for (const c of Array.from({ length: colours }, (_, i) => i)) {
      const found = seen([c, 2, 2], colours);
      const order = (one: string) => {
        const [channel = 0, r = 0, q = 0] = one.split(/[:,]/).map(Number);
        return (r * 5 + q) * colours + channel;
      };
      const here = (2 * 5 + 2) * colours + c;
      expect(found.filter((one) => order(one) >= here)).toEqual([]);
      // All colours of the places above and to the left, and the earlier ones of the place itself.
      for (const [r, q] of [
        [2, 1],
        [2, 0],
        [1, 1],
        [1, 2],
        [1, 3],
      ]) {
        for (let other = 0; other < colours; other++) expect(found).toContain(`${other}:${r},${q}`);
      }
      for (let other = 0; other < c; other++) expect(found).toContain(`${other}:2,2`);
    }
  },
);

test('what does not fit is named', () => {
  using _work = scope();
  const of = (x: readonly number[], W: readonly number[], options: object) =>
    maskedConv2d(zeros(x), zeros(W), zeros([W[0] ?? 0]), { type: 'A', ...options });
  expect(() => of([1, 1, 3, 3], [1, 1, 2, 3], {})).toThrow(/2 x 3.*odd/);
  expect(() => of([1, 2, 3, 3], [1, 1, 3, 3], {})).toThrow(ShapeError);
  expect(() => of([1, 3, 3, 3], [4, 3, 3, 3], { colours: 3 })).toThrow(/4 filters/);
  expect(() => of([1, 1, 3, 3], [1, 1, 3, 3], { type: 'C' })).toThrow(ValueError);
  expect(() => of([1, 1, 3, 3], [1, 1, 3, 3], { dilation: 0 })).toThrow(ValueError);
});
