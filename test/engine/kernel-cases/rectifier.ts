import {
  approximately,
  at,
  type KernelCase,
  kernelCase,
  type Values,
} from '@test/engine/conformance.js';

const each = (values: Values, value: (i: number) => number) => {
  for (let i = 0; i < values.length; i++) values[i] = value(i);
};

/** ln(1 + e^x), by its limits far from 0. */
const softplusOf = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const sigmoidOf = (x: number) => 1 / (1 + Math.exp(-x));

const parameter = 0.3;

function forward(
  name: 'leakyRelu' | 'elu' | 'softplus',
  f: (x: number, parameter: number) => number,
): KernelCase {
  return kernelCase({
    tolerance: approximately,
    arrays: (s) => ({ x: s.floats(s.n), y: s.floats(s.n) }),
    run: (k, on, s) => k[name](on.x, on.y, s.n, parameter),
    reference: ({ x, y }, s) => each(y, (i) => f(at(x, i), s.round(parameter))),
  });
}

function backward(
  name: 'leakyReluBackward' | 'eluBackward' | 'softplusBackward',
  slope: (x: number, parameter: number) => number,
): KernelCase {
  return kernelCase({
    tolerance: approximately,
    arrays: (s) => ({ x: s.floats(s.n), dy: s.floats(s.n), dx: s.floats(s.n) }),
    run: (k, on, s) => k[name](on.x, on.dy, on.dx, s.n, parameter),
    reference: ({ x, dy, dx }, s) =>
      each(dx, (i) => at(dy, i) * slope(at(x, i), s.round(parameter))),
  });
}

export const rectifier: Record<string, KernelCase[]> = {
  leakyRelu: [forward('leakyRelu', (x, slope) => (x > 0 ? x : slope * x))],
  // x by itself may be NaN, and takes the branch below 0 then.
  leakyReluBackward: [backward('leakyReluBackward', (x, slope) => (x > 0 ? 1 : slope))],
  elu: [forward('elu', (x, alpha) => (x > 0 ? x : alpha * Math.expm1(x)))],
  eluBackward: [backward('eluBackward', (x, alpha) => (x > 0 ? 1 : alpha * Math.exp(x)))],
  softplus: [forward('softplus', (x, beta) => softplusOf(beta * x) / beta)],
  softplusBackward: [backward('softplusBackward', (x, beta) => sigmoidOf(beta * x))],
};
