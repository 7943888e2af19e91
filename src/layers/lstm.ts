import { differentiable } from '../autograd/differentiable.js';
import { kernelsFor, matmul, sumRows, transposed } from '../tensor/arithmetic.js';
import { zeros } from '../tensor/create.js';
import { checkCotangent, dimensions } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import {
  inputGradients,
  leadingAxes,
  type SequenceCache,
  type SequenceOptions,
  sequenceForward,
  stepsOf,
} from './sequence.js';
import { lstmWalk } from './walk.js';

interface StepCache {
  x: Tensor;
  prevH: Tensor;
  prevC: Tensor;
  Wx: Tensor;
  Wh: Tensor;
  /** (N, 4H): the gates after their nonlinearities. */
  gates: Tensor;
  tanhC: Tensor;
}

/**
 * One step of a long short-term memory:
 *
 *     [i f o g] = [σ σ σ tanh](x Wx + prevH Wh + b)
 *     nextC = f prevC + i g
 *     nextH = o tanh(nextC)
 *
 * x (N, D), prevH and prevC (N, H), Wx (D, 4H), Wh (H, 4H), b (4H), columns in the order i, f, o,
 * g; nextH and nextC (N, H).
 * Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
 */
export function lstmStepForward(
  x: Tensor,
  prevH: Tensor,
  prevC: Tensor,
  Wx: Tensor,
  Wh: Tensor,
  b: Tensor,
): { nextH: Tensor; nextC: Tensor; cache: StepCache } {
  const { N, H } = dimensions('lstmStep', {
    x: [x, 'N', 'D'],
    prevH: [prevH, 'N', 'H'],
    prevC: [prevC, 'N', 'H'],
    Wx: [Wx, 'D', '4H'],
    Wh: [Wh, 'H', '4H'],
    b: [b, '4H'],
  });
  const gates = matmul(x, Wx);
  matmul(prevH, Wh, { into: gates, accumulate: true });
  const nextH = empty(x.dtype, [N, H]);
  const nextC = empty(x.dtype, [N, H]);
  const tanhC = empty(x.dtype, [N, H]);
  kernelsFor(x).lstmCell(gates, b, prevC, nextC, tanhC, nextH, N, H);
  return { nextH, nextC, cache: { x, prevH, prevC, Wx, Wh, gates, tanhC } };
}

/** The gradients of the gates come from the fused kernel; the rest are products with them. */
export function lstmStepBackward(
  dNextH: Tensor,
  dNextC: Tensor,
  { x, prevH, prevC, Wx, Wh, gates, tanhC }: StepCache,
) {
  const [N = 0, H = 0] = prevH.shape;
  checkCotangent('lstmStepBackward: dNextH', dNextH, tanhC);
  checkCotangent('lstmStepBackward: dNextC', dNextC, tanhC);
  const da = empty(gates.dtype, gates.shape);
  const dPrevC = dNextC.clone();
  const nothingLater = zeros([N, H], gates.dtype);
  kernelsFor(x).lstmCellBackward(gates, prevC, tanhC, dNextH, nothingLater, dPrevC, da, N, H);
  return {
    dx: matmul(da, transposed(Wx)),
    dPrevH: matmul(da, transposed(Wh)),
    dPrevC,
    dWx: matmul(transposed(x), da),
    dWh: matmul(transposed(prevH), da),
    db: sumRows(da),
  };
}

type LstmCache = SequenceCache<ReturnType<typeof lstmWalk>>;

/**
 * A long short-term memory over a whole sequence, from h0 and c0 on.
 *
 * x (N, T, D), h0 (N, H), Wx (D, 4H), Wh (H, 4H), b (4H), c0 (N, H) or left out for zeros;
 * h (N, T, H), the hidden state after every step, and lastC (N, H). With `timeMajor`, x and h are
 * (T, N, ...).
 */
export function lstmForward(
  x: Tensor,
  h0: Tensor,
  Wx: Tensor,
  Wh: Tensor,
  b: Tensor,
  c0?: Tensor,
  { timeMajor = false }: SequenceOptions = {},
): { h: Tensor; lastC: Tensor; cache: LstmCache } {
  const { T } = dimensions('lstm', {
    x: [x, ...leadingAxes(timeMajor), 'D'],
    h0: [h0, 'N', 'H'],
    Wx: [Wx, 'D', '4H'],
    Wh: [Wh, 'H', '4H'],
    b: [b, '4H'],
    c0: [c0 ?? h0, 'N', 'H'],
  });
  const walk = lstmWalk(T, { Wh, b }, h0, c0);
  return { ...sequenceForward(walk, x, Wx, timeMajor), lastC: walk.lastC };
}

/**
 * Backpropagation through time from the cotangents of h and, if given, of the last c. Only the
 * gradient of h is computed step by step; those of the weights and of x are one product each over
 * all steps.
 */
export function lstmBackward(dh: Tensor, cache: LstmCache, dLastC?: Tensor) {
  const dhSteps = stepsOf('lstmBackward: dh', dh, cache);
  if (dLastC) checkCotangent('lstmBackward: dLastC', dLastC, cache.walk.lastC);
  const { dInputs, dh0, dc0, dWh, db } = cache.walk.backward(dhSteps, { dLastC });
  return { ...inputGradients(cache, dInputs), dh0, dWh, db, dc0 };
}

/** `lstmStepForward` as an op. */
export const lstmStep = differentiable(lstmStepForward, lstmStepBackward, {
  outputs: ['nextH', 'nextC'],
  gradients: ['dx', 'dPrevH', 'dPrevC', 'dWx', 'dWh', 'db'],
});

/** `lstmForward` as an op; its results are h and lastC. */
export const lstm = differentiable(
  lstmForward,
  (dh: Tensor, dLastC: Tensor, cache: LstmCache) => lstmBackward(dh, cache, dLastC),
  { outputs: ['h', 'lastC'], gradients: ['dx', 'dh0', 'dWx', 'dWh', 'db', 'dc0'] },
);
