import { approximately, at, type KernelCase, kernelCase } from '@test/engine/conformance.js';

/**
 * The distribution of a standard normal value, by other formulas than the kernels': an alternating series
 * near 0, a continued fraction for the tails (Abramowitz and Stegun 26.2.10 and 26.2.14).
 */
function distribution(x: number): number {
  if (Math.abs(x) < 3) {
    let sum = 0;
    let power = x;
    for (let k = 0; k < 60; k++) {
      sum += power / (2 * k + 1);
      power *= (-x * x) / (2 * (k + 1));
    }
    return 0.5 + sum / Math.sqrt(2 * Math.PI);
  }
  let fraction = Math.abs(x);
  for (let k = 80; k > 0; k--) fraction = Math.abs(x) + k / fraction;
  const tail = density(x) / fraction;
  return x > 0 ? 1 - tail : tail;
}

const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

/** Far from 0 the limits, where infinity times 0 would be no number. */
const limited = (x: number, value: (x: number) => number, above: number) =>
  x < -39 ? 0 : x > 39 ? above : value(x);

const bend = (x: number) => Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));
const bendSlope = (x: number) => {
  const inner = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
  return (1 + bend(x) + x * (1 - bend(x) ** 2) * inner) / 2;
};

function forward(name: 'gelu' | 'geluTanh', f: (x: number) => number): KernelCase {
  return kernelCase({
    tolerance: approximately,
    arrays: (s) => ({ x: s.floats(s.n), y: s.floats(s.n) }),
    run: (k, on, s) => k[name](on.x, on.y, s.n),
    reference: ({ x, y }) => {
      for (let i = 0; i < x.length; i++) y[i] = limited(at(x, i), f, at(x, i));
    },
  });
}

function backward(
  name: 'geluBackward' | 'geluTanhBackward',
  slope: (x: number) => number,
): KernelCase {
  return kernelCase({
    tolerance: approximately,
    // The slope is near 0 somewhere, where a large cotangent would blow its rounding up.
    arrays: (s) => ({
      x: s.floats(s.n),
      dy: s.floats(s.n).map((d) => (Math.abs(d) < 4 ? d : 1)),
      dx: s.floats(s.n),
    }),
    run: (k, on, s) => k[name](on.x, on.dy, on.dx, s.n),
    reference: ({ x, dy, dx }) => {
      for (let i = 0; i < x.length; i++) dx[i] = at(dy, i) * limited(at(x, i), slope, 1);
    },
  });
}

export const gelu: Record<string, KernelCase[]> = {
  gelu: [forward('gelu', (x) => x * distribution(x))],
  geluBackward: [backward('geluBackward', (x) => distribution(x) + x * density(x))],
  geluTanh: [forward('geluTanh', (x) => (x * (1 + bend(x))) / 2)],
  geluTanhBackward: [backward('geluTanhBackward', bendSlope)],
};
