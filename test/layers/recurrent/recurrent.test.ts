import { expectClose, largest } from '@test/bounds.js';
import { expectRightGradients } from '@test/gradients.js';
import { inputs, sizes } from '@test/layers/inputs.js';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '@/errors.js';
import { gru, gruBackward, gruForward, gruStep, gruStepForward } from '@/layers/recurrent/gru.js';
import {
  lstm,
  lstmBackward,
  lstmForward,
  lstmStep,
  lstmStepForward,
} from '@/layers/recurrent/lstm.js';
import { rnn, rnnForward, rnnStep, rnnStepForward } from '@/layers/recurrent/rnn.js';
import { swapLeadingAxes } from '@/tensor/arithmetic.js';
import { full, zeros } from '@/tensor/create.js';
import { elementCount } from '@/tensor/shape.js';
import type { Tensor } from '@/tensor/tensor.js';

/** The parameters of a gated recurrent unit. */
const gruShapes = (D: number, H: number) => ({
  Wx: [D, 3 * H],
  Wh: [H, 3 * H],
  b: [3 * H],
  bh: [H],
});

const list = (x: Tensor) => [...x.dataSync()];

/** The same sequence on another way: a few steps of sums over D, H and the batch. */
function expectSame(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  const size = Math.max(1, largest(expected.dataSync()));
  expectClose(actual, expected, { dtype: 'f64', terms: 100, size });
}

describe.each(sizes)('N $N, T $T, D $D, H $H', ({ N, T, D, H }) => {
  test('rnnStep', () => {
    const tree = inputs({ x: [N, D], prevH: [N, H], Wx: [D, H], Wh: [H, H], b: [H] });
    expectRightGradients(({ x, prevH, Wx, Wh, b }) => rnnStep(x, prevH, Wx, Wh, b), tree);
  });

  test.each([false, true])('rnn, timeMajor %s', (timeMajor) => {
    const sequence = timeMajor ? [T, N, D] : [N, T, D];
    const tree = inputs({ x: sequence, h0: [N, H], Wx: [D, H], Wh: [H, H], b: [H] });
    expectRightGradients(({ x, h0, Wx, Wh, b }) => rnn(x, h0, Wx, Wh, b, { timeMajor }), tree);
  });

  test('lstmStep', () => {
    const tree = inputs({
      x: [N, D],
      prevH: [N, H],
      prevC: [N, H],
      Wx: [D, 4 * H],
      Wh: [H, 4 * H],
      b: [4 * H],
    });
    expectRightGradients(({ x, prevH, prevC, Wx, Wh, b }) => {
      const { nextH, nextC } = lstmStep(x, prevH, prevC, Wx, Wh, b);
      return [nextH, nextC];
    }, tree);
  });

  test('gruStep', () => {
    const tree = inputs({ x: [N, D], prevH: [N, H], ...gruShapes(D, H) });
    expectRightGradients((p) => gruStep(p.x, p.prevH, p.Wx, p.Wh, p.b, p.bh), tree);
  });

  test.each([false, true])('gru, timeMajor %s', (timeMajor) => {
    const x = timeMajor ? [T, N, D] : [N, T, D];
    const tree = inputs({ x, h0: [N, H], ...gruShapes(D, H) });
    expectRightGradients((p) => gru(p.x, p.h0, p.Wx, p.Wh, p.b, p.bh, { timeMajor }), tree);
  });

  test('steps are the sequence: gru, forward and backward', () => {
    const { x, h0, Wx, Wh, b, bh, dh } = inputs({
      x: [T, N, D],
      h0: [N, H],
      dh: [T, N, H],
      ...gruShapes(D, H),
    });
    const sequence = gruForward(x, h0, Wx, Wh, b, bh, { timeMajor: true });
    let h = h0;
    for (let t = 0; t < T; t++) {
      h = gruStepForward(x.at(t), h, Wx, Wh, b, bh).nextH;
      expectSame(h, sequence.h.at(t));
    }
    const backward = gruBackward(dh, sequence.cache);
    const batchMajor = gruForward(swapLeadingAxes(x), h0, Wx, Wh, b, bh);
    const swapped = gruBackward(swapLeadingAxes(dh), batchMajor.cache);
    expectSame(batchMajor.h, swapLeadingAxes(sequence.h));
    expectSame(swapped.dx, swapLeadingAxes(backward.dx));
    for (const name of ['dh0', 'dWx', 'dWh', 'db', 'dbh'] as const) {
      expectSame(swapped[name], backward[name]);
    }
  });

  describe.each([false, true])('lstm, timeMajor %s', (timeMajor) => {
    const shapes = {
      x: timeMajor ? [T, N, D] : [N, T, D],
      h0: [N, H],
      Wx: [D, 4 * H],
      Wh: [H, 4 * H],
      b: [4 * H],
    };

    test('with c0 and a cotangent on lastC', () => {
      expectRightGradients(
        ({ x, h0, Wx, Wh, b, c0 }) => {
          const { h, lastC } = lstm(x, h0, Wx, Wh, b, c0, { timeMajor });
          return [h, lastC];
        },
        inputs({ ...shapes, c0: [N, H] }),
      );
    });

    test('from zeros, h alone used', () => {
      expectRightGradients(
        ({ x, h0, Wx, Wh, b }) => lstm(x, h0, Wx, Wh, b, undefined, { timeMajor }).h,
        inputs(shapes),
      );
    });

    test('lastC alone used', () => {
      expectRightGradients(
        ({ x, h0, Wx, Wh, b, c0 }) => lstm(x, h0, Wx, Wh, b, c0, { timeMajor }).lastC,
        inputs({ ...shapes, c0: [N, H] }),
      );
    });
  });

  test('steps are the sequence: rnn', () => {
    const { x, h0, Wx, Wh, b } = inputs({
      x: [T, N, D],
      h0: [N, H],
      Wx: [D, H],
      Wh: [H, H],
      b: [H],
    });
    const { h } = rnnForward(x, h0, Wx, Wh, b, { timeMajor: true });
    let state = h0;
    for (let t = 0; t < T; t++) {
      state = rnnStepForward(x.at(t), state, Wx, Wh, b).nextH;
      expectSame(state, h.at(t));
    }
    expectSame(rnnForward(swapLeadingAxes(x), h0, Wx, Wh, b).h, swapLeadingAxes(h));
  });

  test('steps are the sequence: lstm, forward and backward', () => {
    const { x, h0, c0, Wx, Wh, b, dh, dLastC } = inputs({
      x: [T, N, D],
      h0: [N, H],
      c0: [N, H],
      Wx: [D, 4 * H],
      Wh: [H, 4 * H],
      b: [4 * H],
      dh: [T, N, H],
      dLastC: [N, H],
    });
    const sequence = lstmForward(x, h0, Wx, Wh, b, c0, { timeMajor: true });
    let [h, c] = [h0, c0];
    for (let t = 0; t < T; t++) {
      const step = lstmStepForward(x.at(t), h, c, Wx, Wh, b);
      [h, c] = [step.nextH, step.nextC];
      expectSame(h, sequence.h.at(t));
    }
    expectSame(c, sequence.lastC);
    const backward = lstmBackward(dh, sequence.cache, dLastC);
    const batchMajor = lstmForward(swapLeadingAxes(x), h0, Wx, Wh, b, c0);
    const swapped = lstmBackward(swapLeadingAxes(dh), batchMajor.cache, dLastC);
    expectSame(batchMajor.h, swapLeadingAxes(sequence.h));
    expectSame(swapped.dx, swapLeadingAxes(backward.dx));
    for (const name of ['dh0', 'dc0', 'dWx', 'dWh', 'db'] as const) {
      expectSame(swapped[name], backward[name]);
    }
    // Without a cotangent of the last c, it counts as zero.
    const { dc0 } = lstmBackward(dh, sequence.cache);
    expectSame(dc0, lstmBackward(dh, sequence.cache, zeros([N, H], 'f64')).dc0);
  });
});

describe('bad input is a typed error that names it', () => {
  const f64 = (...shape: number[]) => zeros(shape, 'f64');
  test.each<[string, () => unknown, new (...args: never[]) => Error, RegExp]>([
    [
      'rnn',
      () => rnn(f64(2, 3, 4), f64(3, 5), f64(4, 5), f64(5, 5), f64(5)),
      ShapeError,
      /rnn: h0 \(3, 5\) does not fit x \(2, 3, 4\)/,
    ],
    [
      'lstm',
      () => lstm(f64(2, 3, 4), f64(2, 5), f64(4, 20), f64(5, 20), f64(20), f64(2, 4)),
      ShapeError,
      /lstm: c0 \(2, 4\) does not fit h0 \(2, 5\)/,
    ],
    [
      'gru',
      () => gru(f64(2, 3, 4), f64(2, 5), f64(4, 15), f64(5, 15), f64(15), f64(15)),
      ShapeError,
      /gru: bh \(15\) does not fit h0 \(2, 5\)/,
    ],
  ])('%s', (_, work, type, message) => {
    expect(work).toThrow(type);
    expect(work).toThrow(message);
  });
});

test('no time steps and no rows are no trouble', () => {
  const Wx = zeros([2, 12], 'f64');
  const Wh = zeros([3, 12], 'f64');
  const b = zeros([12], 'f64');
  for (const [N, T] of [
    [2, 0],
    [0, 2],
  ] as const) {
    const h0 = full([N, 3], 1, 'f64');
    const { h, cache } = lstmForward(zeros([N, T, 2], 'f64'), h0, Wx, Wh, b);
    expect(h.shape).toEqual([N, T, 3]);
    const { dWx, dh0, db } = lstmBackward(zeros([N, T, 3], 'f64'), cache);
    expect([elementCount(dWx.shape), dh0.shape]).toEqual([24, [N, 3]]);
    expect([...list(dWx), ...list(db)].every((value) => value === 0)).toBe(true);

    const [Wx3, Wh3, b3] = [zeros([2, 9], 'f64'), zeros([3, 9], 'f64'), zeros([9], 'f64')];
    const unit = gruForward(zeros([N, T, 2], 'f64'), h0, Wx3, Wh3, b3, zeros([3], 'f64'));
    const backward = gruBackward(zeros([N, T, 3], 'f64'), unit.cache);
    expect([unit.h.shape, backward.dh0.shape]).toEqual([
      [N, T, 3],
      [N, 3],
    ]);
    expect([...list(backward.dWh), ...list(backward.dbh)]).toEqual(new Array(30).fill(0));
  }
});
