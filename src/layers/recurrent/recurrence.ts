/** A recurrence: the loop of any recurrent cell over time, and what a layer puts around it. */
import { matmul, swapLeadingAxes, transposed } from '../../tensor/arithmetic.js';
import { checkCotangent } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';

/**
 * A recurrent cell and its loop through T steps. What the cell adds up but h Wh and its biases lies in
 * `inputs`, put there before by one product for all steps, or in `beforeStep` by what depends on
 * the hidden state.
 */
export interface Recurrence {
  /** (T, N, G): the inputs' part of the cell's sums. */
  readonly inputs: Tensor;
  /** (T + 1, N, H); slot 0 is h0, so that the matrix of previous hidden states is a view. */
  readonly hidden: Tensor;
  /** (N, H): the memory after the last step, of cells that have one. */
  readonly lastC: Tensor | undefined;
  /** All steps. `beforeStep` may add to `inputs.at(t)`; prevH is `hidden.at(t)`. */
  forward(beforeStep?: (t: number, prevH: Tensor) => void): void;
  /**
   * All steps backward from dh (T, N, H). When `afterStep` is called, dInputs (N, G) of that step is
   * known, and what it adds to dPrevH (N, H) goes on to the step before.
   */
  backward(
    dh: Tensor,
    options?: {
      dLastC?: Tensor | undefined;
      afterStep?: ((t: number, dInputs: Tensor, dPrevH: Tensor) => void) | undefined;
    },
  ): RecurrenceGradients;
}

/** What the way back finds. */
export interface RecurrenceGradients {
  /** (T, N, G): gradient of `inputs`. */
  readonly dInputs: Tensor;
  readonly dh0: Tensor;
  /** Of cells that have a memory. */
  readonly dc0: Tensor | undefined;
  /** Of the weights that it was begun with, by their names. */
  readonly dWh: Tensor;
  readonly db: Tensor;
  readonly dbh: Tensor | undefined;
}

/** The weights that work inside the loop: Wh (H, G), b (G), and for a GRU bh (H). */
export interface RecurrentWeights {
  readonly Wh: Tensor;
  readonly b: Tensor;
  readonly bh?: Tensor | undefined;
}

/** Begins a recurrence: T steps from h0 (N, H), and from c0 (N, H) or zeros where there is a memory. */
export type BeginRecurrence = (
  T: number,
  weights: RecurrentWeights,
  h0: Tensor,
  c0: Tensor | undefined,
) => Recurrence;

/** How a sequence is laid out. */
export interface SequenceOptions {
  /**
   * Sequences are (T, N, ...) instead of (N, T, ...): saves a copy on the way in and one on the
   * way out, since the recurrence itself goes through time.
   */
  timeMajor?: boolean;
}

/** The leading axes of a sequence, for its shape rule. */
export function leadingAxes(timeMajor: boolean): readonly ['T', 'N'] | readonly ['N', 'T'] {
  return timeMajor ? ['T', 'N'] : ['N', 'T'];
}

/** Between batch-major, (N, T, ...), and the time-major layout of the recurrence, either way. */
export function swappedAxes(x: Tensor, timeMajor: boolean): Tensor {
  return timeMajor ? x : swapLeadingAxes(x);
}

/** What the way back of a recurrent layer needs. */
export interface SequenceCache<R extends Recurrence = Recurrence> {
  /** (T, N, D) */
  readonly x: Tensor;
  /** (D, G) */
  readonly Wx: Tensor;
  readonly recurrence: R;
  readonly timeMajor: boolean;
}

/**
 * A recurrent layer over a whole sequence: one product puts the inputs of all steps in, x Wx, and
 * the recurrence does the rest.
 */
export function sequenceForward<R extends Recurrence>(
  recurrence: R,
  x: Tensor,
  Wx: Tensor,
  timeMajor: boolean,
  beforeStep?: (t: number, prevH: Tensor) => void,
): { h: Tensor; cache: SequenceCache<R> } {
  const steps = swappedAxes(x, timeMajor);
  matmul(steps, Wx, { into: recurrence.inputs });
  recurrence.forward(beforeStep);
  return {
    h: swappedAxes(statesOf(recurrence), timeMajor),
    cache: { x: steps, Wx, recurrence, timeMajor },
  };
}

/** The cotangent of h, time-major. @throws ShapeError unless it fits. */
export function stepsOf(
  name: string,
  dh: Tensor,
  { recurrence, timeMajor }: SequenceCache,
): Tensor {
  const steps = swappedAxes(dh, timeMajor);
  checkCotangent(`${name}, time-major,`, steps, statesOf(recurrence));
  return steps;
}

/** From the gradient of the inputs' part, dInputs (T, N, G), one product each over all steps. */
export function inputGradients(
  { x, Wx, timeMajor }: SequenceCache,
  dInputs: Tensor,
): { dx: Tensor; dWx: Tensor } {
  const dx = matmul(dInputs, transposed(Wx), { into: empty(x.dtype, x.shape) });
  return { dx: swappedAxes(dx, timeMajor), dWx: matmul(transposed(x), dInputs) };
}

/** (T, N, H): the hidden state after every step. */
function statesOf({ hidden }: Recurrence): Tensor {
  const [slots = 1] = hidden.shape;
  return hidden.slice(1, slots);
}
