import {
  at,
  type KernelCase,
  kernelCase,
  type Setup,
  type Values,
} from '@test/engine/conformance.js';

const scalar = (s: Setup, x: number) => s.round(x);

/** z[i] = f(i) for i < n. */
function each(z: Values, n: number, f: (i: number) => number): void {
  for (let i = 0; i < n; i++) z[i] = f(i);
}

/** y = a x + b y, rounded after each operation. */
const axpby = (a: number, b: number) =>
  kernelCase({
    variant: `a = ${a}, b = ${b}`,
    arrays: (s) => ({ x: s.floats(s.n), y: s.floats(s.n) }),
    run: (k, on, s) => k.axpby(a, on.x, b, on.y, s.n),
    reference: ({ x, y }, s) =>
      each(y, s.n, (i) => {
        const ax = s.round(scalar(s, a) * at(x, i));
        return b === 0 ? ax : s.round(ax + s.round(scalar(s, b) * at(y, i)));
      }),
  });

/** The hash of Wellons' lowbias32, written a second time. */
function lowbias32(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d) >>> 0;
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b) >>> 0;
  return (x ^ (x >>> 16)) >>> 0;
}

const dropout = (seed: number, rate: number) =>
  kernelCase({
    variant: `seed ${seed}, rate ${rate}`,
    arrays: (s) => ({ x: s.floats(s.n), y: s.floats(s.n) }),
    run: (k, on, s) => k.dropout(on.x, on.y, s.n, seed, rate * 2 ** 32, 1 / (1 - rate)),
    reference: ({ x, y }, s) =>
      each(y, s.n, (i) => {
        const bits = lowbias32(Math.imul(i, 0x9e3779b9) + lowbias32(seed));
        return bits < rate * 2 ** 32 ? 0 : s.round(at(x, i) * s.round(1 / (1 - rate)));
      }),
  });

export const elementwise: Record<string, KernelCase[]> = {
  fill: [
    kernelCase({
      arrays: (s) => ({ y: s.floats(s.n) }),
      run: (k, on, s) => k.fill(on.y, 0.3, s.n),
      reference: ({ y }, s) => each(y, s.n, () => s.round(0.3)),
    }),
  ],
  axpby: [axpby(0.7, -1.3), axpby(1, 1), axpby(-2, 0)],
  add: [
    kernelCase({
      arrays: (s) => ({ x: s.floats(s.n), y: s.floats(s.n), z: s.floats(s.n) }),
      run: (k, on, s) => k.add(on.x, on.y, on.z, s.n),
      reference: ({ x, y, z }, s) => each(z, s.n, (i) => s.round(at(x, i) + at(y, i))),
    }),
  ],
  multiply: [
    kernelCase({
      arrays: (s) => ({ x: s.floats(s.n), y: s.floats(s.n), z: s.floats(s.n) }),
      run: (k, on, s) => k.multiply(on.x, on.y, on.z, s.n),
      reference: ({ x, y, z }, s) => each(z, s.n, (i) => s.round(at(x, i) * at(y, i))),
    }),
  ],
  scaleBy: [
    kernelCase({
      arrays: (s) => ({ factor: s.floats(1), x: s.floats(s.n), y: s.floats(s.n) }),
      run: (k, on, s) => k.scaleBy(on.factor, on.x, on.y, s.n),
      reference: ({ factor, x, y }, s) => each(y, s.n, (i) => s.round(at(factor, 0) * at(x, i))),
    }),
  ],
  relu: [
    kernelCase({
      arrays: (s) => ({ x: s.floats(s.n), y: s.floats(s.n) }),
      run: (k, on, s) => k.relu(on.x, on.y, s.n),
      reference: ({ x, y }, s) => each(y, s.n, (i) => Math.max(0, at(x, i))),
    }),
  ],
  reluBackward: [
    kernelCase({
      arrays: (s) => ({ y: s.floats(s.n), dy: s.floats(s.n), dx: s.floats(s.n) }),
      run: (k, on, s) => k.reluBackward(on.y, on.dy, on.dx, s.n),
      reference: ({ y, dy, dx }, s) => each(dx, s.n, (i) => (at(y, i) > 0 ? at(dy, i) : 0)),
    }),
  ],
  addRow: [
    kernelCase({
      rowCounts: [0, 1, 3],
      arrays: (s) => ({ x: s.floats(s.rows * s.n), b: s.floats(s.n) }),
      run: (k, on, s) => k.addRow(on.x, on.b, s.rows, s.n),
      reference: ({ x, b }, s) => each(x, s.rows * s.n, (i) => s.round(at(x, i) + at(b, i % s.n))),
    }),
  ],
  swapAxes: [
    kernelCase({
      rowCounts: [0, 1, 2, 5],
      arrays: (s) => ({ x: s.floats(3 * s.rows * s.n), y: s.floats(3 * s.rows * s.n) }),
      run: (k, on, s) => k.swapAxes(on.x, on.y, s.rows, 3, s.n),
      reference: ({ x, y }, s) =>
        each(y, 3 * s.rows * s.n, (i) => {
          const [j, a, b] = [i % s.n, Math.floor(i / s.n) % s.rows, Math.floor(i / s.n / s.rows)];
          return at(x, (a * 3 + b) * s.n + j);
        }),
    }),
  ],
  copyBlocks: [
    kernelCase({
      rowCounts: [0, 1, 3],
      arrays: (s) => ({ x: s.floats(2 + s.rows * (s.n + 3)), y: s.floats(1 + s.rows * (s.n + 5)) }),
      run: (k, on, s) => k.copyBlocks(on.x, 2, s.n + 3, on.y, 1, s.n + 5, s.rows, s.n),
      reference: ({ x, y }, s) => {
        for (let b = 0; b < s.rows; b++) {
          for (let j = 0; j < s.n; j++) y[1 + b * (s.n + 5) + j] = at(x, 2 + b * (s.n + 3) + j);
        }
      },
    }),
  ],
  dropout: [dropout(7, 0.5), dropout(0xdeadbeef, 0.75), dropout(0, 0.125), dropout(-1, 0)],
};
