import { approximately, at, type KernelCase, kernelCase } from '@test/engine/conformance.js';

type Function = 'exp' | 'log' | 'sqrt' | 'abs';

const one = (name: Function, f: (x: number) => number, tolerance?: KernelCase['tolerance']) =>
  kernelCase({
    // Large results are infinite a little earlier in f32, and sums of a polynomial differ there.
    extremes: tolerance ? 'infinite' : 'all',
    ...(tolerance ? { tolerance } : {}),
    arrays: (s) => ({ x: s.floats(s.n), y: s.floats(s.n) }),
    run: (k, on, s) => k[name](on.x, on.y, s.n),
    reference: ({ x, y }, s) => {
      for (let i = 0; i < s.n; i++) y[i] = s.round(f(at(x, i)));
    },
  });

const bounds = [
  [-0.5, 0.75],
  [0, Number.POSITIVE_INFINITY],
  [Number.NEGATIVE_INFINITY, 0.25],
] as const;

export const unary: Record<string, KernelCase[]> = {
  exp: [one('exp', Math.exp, approximately)],
  log: [one('log', Math.log, approximately)],
  sqrt: [one('sqrt', Math.sqrt)],
  abs: [one('abs', Math.abs)],
  clamp: bounds.map(([low, high]) =>
    kernelCase({
      variant: `${low} to ${high}`,
      arrays: (s) => ({ x: s.floats(s.n), y: s.floats(s.n) }),
      run: (k, on, s) => k.clamp(on.x, on.y, s.n, low, high),
      reference: ({ x, y }, s) => {
        for (let i = 0; i < s.n; i++) y[i] = Math.min(high, Math.max(low, at(x, i)));
      },
    }),
  ),
  clampBackward: bounds.map(([low, high]) =>
    kernelCase({
      variant: `${low} to ${high}`,
      arrays: (s) => ({ x: s.floats(s.n), dy: s.floats(s.n), dx: s.floats(s.n) }),
      run: (k, on, s) => k.clampBackward(on.x, on.dy, on.dx, s.n, low, high),
      reference: ({ x, dy, dx }, s) => {
        for (let i = 0; i < s.n; i++) {
          dx[i] = at(x, i) >= low && at(x, i) <= high ? at(dy, i) : 0;
        }
      },
    }),
  ),
};
