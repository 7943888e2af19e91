/** The pair and the op of a recurrent cell with one kind of attention. */
import { differentiable } from '../../autograd/differentiable.js';
import type { TensorTree } from '../../autograd/tree.js';
import { DTypeError, ShapeError, UsageError, ValueError } from '../../errors.js';
import { addInPlace, matmul, transposed } from '../../tensor/arithmetic.js';
import { tensor } from '../../tensor/create.js';
import { checkCotangent, dimensions, showShape } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import { gruRecurrence } from '../recurrent/gru.js';
import {
  leadingAxes,
  type SequenceOptions,
  swappedAxes,
  wholeSequences,
} from '../recurrent/layout.js';
import { lstmRecurrence } from '../recurrent/lstm.js';
import {
  type BeginRecurrence,
  inputGradients,
  type Recurrence,
  rowsOfCotangent,
  type SequenceCache,
  sequenceForward,
} from '../recurrent/recurrence.js';
import { rnnRecurrence } from '../recurrent/rnn.js';
import {
  type AttentionMechanism,
  type GateParameters,
  gated,
  type OpenMechanism,
} from './mechanism.js';

/** G of each cell, in multiples of H, and its recurrence. */
const cells = {
  rnn: { gates: 1, begin: rnnRecurrence },
  lstm: { gates: 4, begin: lstmRecurrence },
  gru: { gates: 3, begin: gruRecurrence },
} as const satisfies Record<string, { gates: number; begin: BeginRecurrence }>;

/**
 * A cell's weights: Wx (W, G) for the words, Wz (C, G) for what is seen, Wh (H, G), b (G), columns
 * as in the cell's own layer; a GRU has bh (H) as well.
 */
export interface AttentionCell extends TensorTree {
  readonly Wx: Tensor;
  readonly Wz: Tensor;
  readonly Wh: Tensor;
  readonly b: Tensor;
  readonly bh?: Tensor;
}

/** How a recurrent cell attends. */
export interface AttentionOptions<O> extends Pick<SequenceOptions, 'timeMajor'> {
  readonly cell: keyof typeof cells;
  /** (N) i32: which of the M images a row is about; default the n-th, for M = N. */
  readonly image?: Tensor | undefined;
  /** (M, L) u8: 0 where there is no place, as in padding; all are there by default. See `Scene`. */
  readonly mask?: Tensor | undefined;
  /** What the kind of attention wants to know. */
  readonly attention?: O;
}

export interface Cache {
  values: Tensor;
  cell: AttentionCell;
  mechanism: AttentionMechanism;
  sequence: SequenceCache;
  timeMajor: boolean;
}

/**
 * The pair and the op of a recurrent cell with one kind of attention. At every step the hidden state
 * attends to the image, and what it sees goes into the cell together with the word:
 *
 *     context_t = attend(h_{t-1}, values)
 *     h_t = cell(x_t Wx + context_t Wz, h_{t-1})
 *
 * x (N, T, W), values (M, L, D), h0 (N, H), c0 (N, H) or undefined for zeros (only an LSTM has it);
 * h (N, T, H), context (N, T, C), looked (N, T, L): the weights of the places, which add up to 1 (or
 * the six numbers of a window). A place that `mask` leaves out has the weight 0 and gets no gradient. With `timeMajor`, x and all results are (T, N, ...). With `gate`
 * among the parameters of the attention the context passes through a gate first.
 *
 * Only what depends on the hidden state is computed step by step; the gradients of all weights, of x
 * and of the features are products over all steps.
 */
export function attentionPair<P extends TensorTree, O>(open: OpenMechanism<P, O>) {
  function forward(
    x: Tensor,
    values: Tensor,
    h0: Tensor,
    c0: Tensor | undefined,
    cell: AttentionCell,
    attention: P & { readonly gate?: GateParameters },
    options: AttentionOptions<O>,
  ): { h: Tensor; context: Tensor; looked: Tensor; lastC: Tensor | undefined; cache: Cache } {
    const { timeMajor = false } = options;
    const { T, N } = checkShapes(x, values, h0, c0, cell, options);
    const image = options.image ?? everyImage(values, N);
    const layout = wholeSequences(N, T, timeMajor);
    const { steps } = layout;
    const recurrence: Recurrence = cells[options.cell].begin(steps, cell, h0, c0);
    const ungated = open(T, { values, image, mask: options.mask }, attention, options.attention);
    const mechanism = attention.gate ? gated(ungated, attention.gate) : ungated;
    dimensions('attention', {
      context: [mechanism.context, 'T', 'N', 'C'],
      Wz: [cell.Wz, 'C', 'G'],
    });
    const { h, cache } = sequenceForward(recurrence, x, cell.Wx, layout, (t, prevH) => {
      mechanism.forward(t, prevH);
      const into = steps.at(recurrence.inputs, t);
      matmul(mechanism.context.at(t), cell.Wz, { into, accumulate: true });
    });
    return {
      h,
      context: swappedAxes(mechanism.context, timeMajor),
      looked: swappedAxes(mechanism.looked, timeMajor),
      lastC: recurrence.cells && layout.last(recurrence.cells),
      cache: { values, cell, mechanism, sequence: cache, timeMajor },
    };
  }

  function backward(
    dh: Tensor,
    dContext: Tensor,
    dLooked: Tensor,
    { values, cell, mechanism, sequence, timeMajor }: Cache,
  ) {
    const { recurrence, layout } = sequence;
    const dhRows = rowsOfCotangent('attentionBackward: dh', dh, sequence);
    const [dSeen, dLookedSteps] = [
      swappedAxes(dContext, timeMajor),
      swappedAxes(dLooked, timeMajor),
    ];
    checkCotangent('attentionBackward: dContext, time-major,', dSeen, mechanism.context);
    checkCotangent('attentionBackward: dLooked, time-major,', dLookedSteps, mechanism.looked);
    const back = mechanism.startBackward();
    const seen = empty(dSeen.dtype, mechanism.context.at(0).shape);
    const { dInputs, dh0, dc0, dWh, db, dbh } = recurrence.backward(dhRows, {
      afterStep(t, dStep, dPrevH) {
        matmul(dStep, transposed(cell.Wz), { into: seen });
        addInPlace(seen, dSeen.at(t));
        back.step(t, seen, dLookedSteps.at(t), dPrevH);
      },
    });
    const { dValues, dAttention } = back.gradients(layout.steps.allBefore(recurrence.hidden));
    const { dx, dWx } = inputGradients(sequence, dInputs);
    const dCell = { Wx: dWx, Wz: matmul(transposed(mechanism.context), dInputs), Wh: dWh, b: db };
    return {
      dx,
      dValues: dValues.view(...values.shape),
      dh0,
      dc0,
      dCell: dbh ? { ...dCell, bh: dbh } : dCell,
      dAttention,
    };
  }

  const op = differentiable(forward, backward, {
    outputs: ['h', 'context', 'looked'],
    gradients: ['dx', 'dValues', 'dh0', 'dc0', 'dCell', 'dAttention'],
  });
  return { forward, backward, op };
}

/** What `attentionPair` makes. */
export type AttentionPair<P extends TensorTree, O> = ReturnType<typeof attentionPair<P, O>>;

function checkShapes(
  x: Tensor,
  values: Tensor,
  h0: Tensor,
  c0: Tensor | undefined,
  { Wx, Wz, Wh, b }: AttentionCell,
  { cell, timeMajor = false, image, mask }: AttentionOptions<unknown>,
): { T: number; N: number } {
  const { T, N, H, G } = dimensions('attention', {
    x: [x, ...leadingAxes(timeMajor), 'W'],
    values: [values, 'M', 'L', 'D'],
    h0: [h0, 'N', 'H'],
    c0: [c0 ?? h0, 'N', 'H'],
    Wx: [Wx, 'W', 'G'],
    Wz: [Wz, 'C', 'G'],
    Wh: [Wh, 'H', 'G'],
    b: [b, 'G'],
  });
  const { gates } = cells[cell];
  if (G !== gates * H) {
    throw new ShapeError(
      `attention: Wh ${showShape(Wh.shape)} must have ${gates} H = ${gates * H} columns for the cell ${cell}`,
    );
  }
  if (c0 && cell !== 'lstm') {
    throw new UsageError(`attention: the cell ${cell} has no memory, but c0 is given`);
  }
  if (image) checkImage(image, values, N);
  if (mask) checkMask(mask, values);
  return { T, N };
}

function checkImage(image: Tensor, { shape: [M = 0] }: Tensor, N: number): void {
  if (image.dtype !== 'i32' || image.size !== N) {
    throw new ShapeError(
      `attention: image must be i32 (${N}), one number a row, not ${image.dtype} ${showShape(image.shape)}`,
    );
  }
  const bad = image.dataSync().find((index) => index < 0 || index >= M);
  if (bad !== undefined) {
    throw new ValueError(
      `attention: a row is about image ${bad}, but there are images 0 to ${M - 1}`,
    );
  }
}

/** @throws ShapeError, DTypeError unless it fits; ValueError for an image without a place. */
function checkMask(mask: Tensor, values: Tensor): void {
  const { M, L } = dimensions('attention', {
    values: [values, 'M', 'L', 'D'],
    mask: [mask, 'M', 'L'],
  });
  if (mask.dtype !== 'u8') throw new DTypeError(`attention: mask must be u8, not ${mask.dtype}`);
  const there = mask.dataSync();
  for (let m = 0; m < M; m++) {
    if (there.subarray(m * L, (m + 1) * L).some((value) => value !== 0)) continue;
    throw new ValueError(`attention: mask leaves image ${m} none of its ${L} places to look at`);
  }
}

/** Row n is about image n. @throws ShapeError when there are not as many images as rows. */
function everyImage(values: Tensor, N: number): Tensor {
  const [M = 0] = values.shape;
  if (M !== N) {
    throw new ShapeError(
      `attention: ${N} rows look at ${M} images: say which image each is about (the option image)`,
    );
  }
  return tensor(
    Int32Array.from({ length: N }, (_, n) => n),
    { dtype: 'i32' },
  );
}
