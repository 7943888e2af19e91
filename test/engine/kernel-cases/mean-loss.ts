import {
  approximately,
  at,
  type KernelCase,
  kernelCase,
  type Setup,
} from '@test/engine/conformance.js';

const forward = (
  name: 'squaredError' | 'binaryCrossEntropy',
  cost: (x: number, y: number) => number,
): KernelCase =>
  kernelCase({
    tolerance: approximately,
    extremes: 'none',
    arrays: (s) => ({ x: far(s), y: s.floats(s.n), loss: s.floats(1) }),
    run: (k, on, s) => k[name](on.x, on.y, on.loss, s.n),
    reference: ({ x, y, loss }, s) => {
      let sum = 0;
      for (let i = 0; i < s.n; i++) sum += cost(at(x, i), at(y, i));
      loss[0] = sum / s.n;
    },
  });

const backward = (
  name: 'squaredErrorBackward' | 'binaryCrossEntropyBackward',
  slope: (x: number, y: number) => number,
): KernelCase =>
  kernelCase({
    tolerance: approximately,
    extremes: 'none',
    arrays: (s) => ({ x: far(s), y: s.floats(s.n), dLoss: s.floats(1), dx: s.floats(s.n) }),
    run: (k, on, s) => k[name](on.x, on.y, on.dLoss, on.dx, s.n),
    reference: ({ x, y, dLoss, dx }, s) => {
      for (let i = 0; i < s.n; i++) dx[i] = (at(dLoss, 0) * slope(at(x, i), at(y, i))) / s.n;
    },
  });

/** Every third value far from 0, where a plain exponential overflows. */
const far = (s: Setup) => s.floats(s.n).map((value, i) => (i % 3 === 2 ? 900 * value : value));

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

export const meanLoss: Record<string, KernelCase[]> = {
  squaredError: [forward('squaredError', (x, y) => (x - y) ** 2)],
  squaredErrorBackward: [backward('squaredErrorBackward', (x, y) => 2 * (x - y))],
  binaryCrossEntropy: [forward('binaryCrossEntropy', (x, y) => softplus(x) - x * y)],
  binaryCrossEntropyBackward: [
    backward('binaryCrossEntropyBackward', (x, y) => 1 / (1 + Math.exp(-x)) - y),
  ],
};
