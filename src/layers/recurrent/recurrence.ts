/** A recurrence: the loop of any recurrent cell over time, and what a layer puts around it. */
import { matmul, transposed } from '../../tensor/arithmetic.js';
import { checkCotangent } from '../../tensor/shape.js';
import { empty, type Tensor } from '../../tensor/tensor.js';
import type { SequenceLayout, Steps } from './layout.js';

/**
 * A recurrent cell and its loop through time. What the cell adds up but h Wh and its biases lies in
 * `inputs`, put there before by one product for all steps, or in `beforeStep` by what depends on
 * the hidden state. Which rows of the buffers belong to a step its `Steps` say: P rows in all, of N
 * sequences.
 */
export interface Recurrence {
  /** (P, G): the inputs' part of the cell's sums. */
  readonly inputs: Tensor;
  /** (N + P, H); the first N are h0, so that the matrix of previous hidden states is a view. */
  readonly hidden: Tensor;
  /** (N + P, H): the memory, laid out alike, of cells that have one. */
  readonly cells: Tensor | undefined;
  /** All steps. `beforeStep` may add to the inputs of step t. */
  forward(beforeStep?: (t: number, prevH: Tensor) => void): void;
  /**
   * All steps backward from dh (P, H) and the cotangent of each sequence's last memory (N, H). When
   * `afterStep` is called, dInputs of that step is known, and what it adds to dPrevH goes on to the step
   * before.
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
  /** (P, G): gradient of `inputs`. */
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

/** Begins a recurrence from h0 (N, H), and from c0 (N, H) or zeros where there is a memory. */
export type BeginRecurrence = (
  steps: Steps,
  weights: RecurrentWeights,
  h0: Tensor,
  c0: Tensor | undefined,
) => Recurrence;

/** What the way back of a recurrent layer needs. */
export interface SequenceCache<R extends Recurrence = Recurrence> {
  /** (P, D) */
  readonly x: Tensor;
  /** (D, G) */
  readonly Wx: Tensor;
  readonly recurrence: R;
  readonly layout: SequenceLayout;
  /** The shape of h. */
  readonly shape: readonly number[];
}

/**
 * A recurrent layer over whole sequences: one product puts the inputs of all steps in, x Wx, and
 * the recurrence does the rest.
 */
export function sequenceForward<R extends Recurrence>(
  recurrence: R,
  x: Tensor,
  Wx: Tensor,
  layout: SequenceLayout,
  beforeStep?: (t: number, prevH: Tensor) => void,
): { h: Tensor; cache: SequenceCache<R> } {
  const rows = layout.pack(x);
  matmul(rows, Wx, { into: recurrence.inputs });
  recurrence.forward(beforeStep);
  const h = layout.unpack(layout.steps.allAfter(recurrence.hidden));
  return { h, cache: { x: rows, Wx, recurrence, layout, shape: h.shape } };
}

/** The cotangent of h as rows (P, H). @throws ShapeError, DTypeError unless it fits. */
export function rowsOfCotangent(
  name: string,
  dh: Tensor,
  { layout, shape, x: { dtype } }: SequenceCache,
): Tensor {
  checkCotangent(name, dh, { dtype, shape });
  return layout.pack(dh);
}

/** From the gradient of the inputs' part, dInputs (P, G), one product each over all steps. */
export function inputGradients(
  { x, Wx, layout }: SequenceCache,
  dInputs: Tensor,
): { dx: Tensor; dWx: Tensor } {
  const dx = matmul(dInputs, transposed(Wx), { into: empty(x.dtype, x.shape) });
  return { dx: layout.unpack(dx), dWx: matmul(transposed(x), dInputs) };
}
