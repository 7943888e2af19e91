import {
  approximately,
  at,
  type KernelCase,
  kernelCase,
  type Values,
} from '@test/engine/conformance.js';

export const activation: Record<string, KernelCase[]> = {
  sigmoid: [pointwise('sigmoid', (x) => 1 / (1 + Math.exp(-x)))],
  tanh: [pointwise('tanh', Math.tanh)],
  sigmoidBackward: [
    kernelCase({
      arrays: (s) => ({ y: s.floats(s.n), dy: s.floats(s.n), dx: s.floats(s.n) }),
      run: (k, on, s) => k.sigmoidBackward(on.y, on.dy, on.dx, s.n),
      reference: ({ y, dy, dx }, { n, round }) =>
        each(dx, n, (i) => at(dy, i) * round(at(y, i) * round(1 - at(y, i)))),
    }),
  ],
  tanhBackward: [
    kernelCase({
      arrays: (s) => ({ y: s.floats(s.n), dy: s.floats(s.n), dx: s.floats(s.n) }),
      run: (k, on, s) => k.tanhBackward(on.y, on.dy, on.dx, s.n),
      reference: ({ y, dy, dx }, { n, round }) =>
        each(dx, n, (i) => at(dy, i) * round(1 - round(at(y, i) * at(y, i)))),
    }),
  ],
};

function pointwise(name: 'sigmoid' | 'tanh', f: (x: number) => number): KernelCase {
  return kernelCase({
    tolerance: approximately,
    arrays: (s) => ({ x: s.floats(s.n), y: s.floats(s.n) }),
    run: (k, on, s) => k[name](on.x, on.y, s.n),
    reference: ({ x, y }, s) => each(y, s.n, (i) => f(at(x, i))),
  });
}

function each(values: Values, n: number, value: (i: number) => number): void {
  for (let i = 0; i < n; i++) values[i] = value(i);
}
