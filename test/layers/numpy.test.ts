/** Elementwise functions and indexing against numpy: every case of tools/reference/ops.py. */

import { expectNear, type FixtureArray, fixture, fromFixture } from '@test/golden.js';
import { expect, test } from 'vitest';
import { valueAndGradients } from '@/autograd/tape.js';
import { scope } from '@/engine/engine.js';
import * as arithmetic from '@/layers/elementwise/arithmetic.js';
import * as functions from '@/layers/elementwise/functions.js';
import { reshape, transpose } from '@/layers/indexing/axes.js';
import { gather } from '@/layers/indexing/gather.js';
import { slice, split, stack } from '@/layers/indexing/pieces.js';
import { mean, sum } from '@/layers/indexing/reductions.js';
import { tensor } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';

interface Case {
  readonly op: string;
  readonly inputs: Record<string, FixtureArray>;
  readonly options: Options;
  readonly outputs: Record<string, FixtureArray>;
}
interface Options {
  readonly factor: number;
  readonly axes?: readonly number[];
  readonly axis: number;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
  readonly pieces: number | readonly number[];
}

type Op = (x: readonly Tensor[], options: Options) => Tensor | readonly Tensor[];
const binary = (op: (x: Tensor, y: Tensor) => Tensor): Op => {
  return ([x = none(), y = none()]) => op(x, y);
};
const unary = (op: (x: Tensor, options: Options) => Tensor): Op => {
  return ([x = none()], options) => op(x, options);
};
const none = () => tensor([], { dtype: 'f64' });

const { add, subtract, multiply, divide, maximum } = arithmetic;
const { exp, log, sqrt, square, abs, scale, clamp } = functions;
const ops: Record<string, Op> = {
  ...Object.fromEntries(
    Object.entries({ add, subtract, multiply, divide, maximum }).map(([name, op]) => [
      name,
      binary(op),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries({ exp, log, sqrt, square, abs }).map(([name, op]) => [name, unary(op)]),
  ),
  scale: unary((x, { factor }) => scale(x, factor)),
  clamp: unary((x, options) => clamp(x, options as functions.ClampOptions)),
  sum: unary(sum),
  mean: unary(mean),
  transpose: unary((x, { axes }) => transpose(x, axes)),
  reshape: unary((x, { shape }) => reshape(x, shape)),
  gather: ([x = none(), indices = none()], { axis }) => gather(x, indices, axis),
  slice: unary((x, { axis, start, end }) => slice(x, axis, start, end)),
  split: ([x = none()], { axis, pieces }) => split(x, axis, pieces),
  stack: (parts, { axis }) => stack(parts, axis),
};

const cases = Object.entries(fixture<Record<string, Case>>('ops.json'));

test.each(cases)('%s', (_name, { op, inputs, options, outputs }) => {
  using _work = scope();
  const given = Object.keys(inputs).map((name) =>
    fromFixture(inputs, name, name === 'indices' ? 'i32' : 'f64'),
  );
  const found = ops[op]?.(given, options);
  const list = found === undefined ? [] : 'dtype' in found ? [found] : found;
  const { dx, ...expected } = outputs;
  expect(list.map(({ shape }) => shape)).toEqual(Object.values(expected).map(({ shape }) => shape));
  for (const [i, { data }] of Object.values(expected).entries())
    expectNear(list[i] ?? none(), data);
  if (!dx) return;
  const [x = none(), ...others] = given;
  const { gradients } = valueAndGradients(
    (tree) => sum(square((ops[op] as typeof ops.gather)?.([tree.x, ...others], options) as Tensor)),
    { x },
  );
  expectNear(gradients.x, dx.data);
});

test('every op has a case', () => {
  expect([...new Set(cases.map(([, { op }]) => op))].sort()).toEqual(Object.keys(ops).sort());
});
