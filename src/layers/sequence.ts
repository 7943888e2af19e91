import { matmul, swapLeadingAxes, transposed } from '../tensor/arithmetic.js';
import { checkCotangent } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';
import type { Walk } from './walk.js';

/** How a sequence is laid out. */
export interface SequenceOptions {
  /**
   * Sequences are (T, N, ...) instead of (N, T, ...): saves a copy on the way in and one on the
   * way out, since the recurrence itself walks through time.
   */
  timeMajor?: boolean;
}

/** The leading axes of a sequence, for its shape rule. */
export function leadingAxes(timeMajor: boolean): readonly ['T', 'N'] | readonly ['N', 'T'] {
  return timeMajor ? ['T', 'N'] : ['N', 'T'];
}

/** Between the layout that the caller wants and the time-major one of the walk, either way. */
export function turned(x: Tensor, timeMajor: boolean): Tensor {
  return timeMajor ? x : swapLeadingAxes(x);
}

/** What the way back of a recurrent layer needs. */
export interface SequenceCache<W extends Walk = Walk> {
  /** (T, N, D) */
  readonly x: Tensor;
  /** (D, G) */
  readonly Wx: Tensor;
  readonly walk: W;
  readonly timeMajor: boolean;
}

/**
 * A recurrent layer over a whole sequence: one product puts the inputs of all steps in, x Wx, and
 * the walk does the rest.
 */
export function sequenceForward<W extends Walk>(
  walk: W,
  x: Tensor,
  Wx: Tensor,
  timeMajor: boolean,
  beforeStep?: (t: number, prevH: Tensor) => void,
): { h: Tensor; cache: SequenceCache<W> } {
  const steps = turned(x, timeMajor);
  matmul(steps, Wx, { into: walk.inputs });
  walk.forward(beforeStep);
  return { h: turned(statesOf(walk), timeMajor), cache: { x: steps, Wx, walk, timeMajor } };
}

/** The cotangent of h, time-major. @throws ShapeError unless it fits. */
export function stepsOf(name: string, dh: Tensor, { walk, timeMajor }: SequenceCache): Tensor {
  const steps = turned(dh, timeMajor);
  checkCotangent(`${name}, time-major,`, steps, statesOf(walk));
  return steps;
}

/** From the gradient of the inputs' part, dInputs (T, N, G), one product each over all steps. */
export function inputGradients(
  { x, Wx, timeMajor }: SequenceCache,
  dInputs: Tensor,
): { dx: Tensor; dWx: Tensor } {
  const dx = matmul(dInputs, transposed(Wx), { into: empty(x.dtype, x.shape) });
  return { dx: turned(dx, timeMajor), dWx: matmul(transposed(x), dInputs) };
}

/** (T, N, H): the hidden state after every step. */
function statesOf({ hidden }: Walk): Tensor {
  const [slots = 1] = hidden.shape;
  return hidden.slice(1, slots);
}
