import { expect, test } from 'vitest';
import { Engine } from '@/engine/engine.js';
import type { HeapArray } from '@/engine/heap.js';

// How exact the kernels' own exponential, sigmoid and tanh are, relative to the result: seen through
// the kernels that use them, since they are not exported by themselves.

const engine = new Engine();
const exact = { f32: 4e-7, f64: 4e-15 };
const dtypes = ['f32', 'f64'] as const;
type DType = (typeof dtypes)[number];

/** Calls `run` with the points on the heap and `places` more arrays of as many elements. */
function evaluate(
  dtype: DType,
  points: readonly number[],
  arrays: number,
  run: (places: HeapArray[]) => unknown,
): { x: number[]; results: number[][] } {
  using _work = engine.scope();
  const View = dtype === 'f32' ? Float32Array : Float64Array;
  const places = Array.from({ length: arrays }, () => engine.allocate(points.length * 8));
  const view = ({ pointer }: HeapArray) =>
    new View(engine.heap.memory.buffer, pointer, points.length);
  for (const place of places) view(place).fill(0);
  for (const place of places.slice(0, 1)) view(place).set(points);
  const x = [...View.from(points)];
  run(places);
  return { x, results: places.map((place) => [...view(place)]) };
}

function expectRelative(actual: number[], x: number[], f: (x: number) => number, bound: number) {
  for (const [i, point] of x.entries()) {
    const expected = f(point);
    const error = Math.abs((actual[i] ?? Number.NaN) - expected) / Math.abs(expected);
    if (!(error <= bound)) expect.fail(`at ${point}: ${actual[i]} should be ${expected}`);
  }
}

const grid = (from: number, to: number, count: number) =>
  Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));

test.each(dtypes)('exp in %s, as far down as it is normal', (dtype) => {
  // A row whose largest score is 0: its exponentials are e^x.
  const points = [0, ...grid(-87.2, -0.001, 2000)];
  const { x, results } = evaluate(dtype, points, 7, ([scores, y, mask, p, z, w, loss]) => {
    if (!scores || !y || !mask || !p || !z || !w || !loss) return;
    new Uint8Array(engine.heap.memory.buffer)[mask.pointer] = 1;
    engine.kernels[dtype].softmaxLoss(scores, y, mask, w, p, z, loss, 1, points.length, 0, 1);
  });
  expectRelative(results[3] ?? [], x, Math.exp, exact[dtype]);
});

test.each(dtypes)('tanh in %s, of the smallest numbers too', (dtype) => {
  const magnitudes = grid(-8, 1.5, 1000).map((exponent) => 10 ** exponent);
  const points = magnitudes.flatMap((x) => [x, -x]);
  const { x, results } = evaluate(dtype, points, 2, ([a, zero]) => {
    if (a && zero) engine.kernels[dtype].rnnCell(a, zero, 1, points.length);
  });
  expectRelative(results[0] ?? [], x, Math.tanh, exact[dtype]);
});

test.each(dtypes)('sigmoid in %s, of large negative numbers too', (dtype) => {
  // Each point is the input gate of a row of one cell, whose other gates are at zero.
  const rows = grid(-86, 40, 1000);
  const points = rows.flatMap((x) => [x, 0, 0, 0]);
  const { x, results } = evaluate(dtype, points, 6, ([a, b, prevC, c, tanhC, h]) => {
    if (!a || !b || !prevC || !c || !tanhC || !h) return;
    engine.kernels[dtype].lstmCell(a, b, prevC, c, tanhC, h, rows.length, 1);
  });
  const every4th = (values: number[]) => values.filter((_, i) => i % 4 === 0);
  const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));
  expectRelative(every4th(results[0] ?? []), every4th(x), sigmoid, exact[dtype]);
});
