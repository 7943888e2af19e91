/** The recurrent layers of a captioner: over all steps as an op, and one step for decoding. */

import type { TensorTree } from '../autograd/tree.js';
import { ShapeError } from '../errors.js';
import type { AttentionCell } from '../layers/attention/attention.js';
import { reshape } from '../layers/indexing/axes.js';
import { gather } from '../layers/indexing/gather.js';
import { gru, gruStepForward } from '../layers/recurrent/gru.js';
import { lstm, lstmStepForward } from '../layers/recurrent/lstm.js';
import { rnn, rnnStepForward } from '../layers/recurrent/rnn.js';
import { tensor, zeros } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Cell } from './captioner-config.js';
import type { CaptionerParameters, CellParameters } from './captioner-parameters.js';
import { named } from './parameters.js';

/** What a recurrent layer carries from word to word; c is there for an LSTM. */
export type CellState = { readonly h: Tensor } | { readonly h: Tensor; readonly c: Tensor };

/** A state of h (N, H), with the memory that the cell needs: `c`, or zeros. */
export function cellState(cell: Cell, h: Tensor, c: Tensor | undefined): CellState {
  return cell === 'lstm' ? { h, c: c ?? zeros(h.shape, h.dtype) } : { h };
}

/** The memory of a state, where there is one. */
export function memoryOf(state: CellState): Tensor | undefined {
  return 'c' in state ? state.c : undefined;
}

/** A recurrent layer over all steps, time-major, as an op: x (T, N, D), h (T, N, H). */
export function recur(
  cell: Cell,
  x: Tensor,
  h0: Tensor,
  c0: Tensor | undefined,
  weights: CellParameters,
): Tensor {
  return sequenceOf(cell, x, h0, c0, weights, {}).h;
}

/**
 * The same from h0 (N, H) and a memory of zeros on, over sequences of different lengths, and the state that
 * each of them ends in.
 * @param lengths (N), from 1 to T: what lies behind is not read.
 */
export function recurToEnd(
  cell: Cell,
  x: Tensor,
  h0: Tensor,
  weights: CellParameters,
  lengths: readonly number[],
): { readonly h: Tensor; readonly last: CellState } {
  const [T = 0, N = 0, H = h0.shape[1] ?? 0] = x.shape.slice(0, 2);
  const { h, lastC } = sequenceOf(cell, x, h0, undefined, weights, { lengths });
  const places = lengths.map((length, n) => (length - 1) * N + n);
  const lastH = gather(reshape(h, [T * N, H]), tensor(places, { shape: [N], dtype: 'i32' }));
  return { h, last: lastC ? { h: lastH, c: lastC } : { h: lastH } };
}

function sequenceOf(
  cell: Cell,
  x: Tensor,
  h0: Tensor,
  c0: Tensor | undefined,
  { Wx, Wh, b, bh }: CellParameters,
  { lengths }: { readonly lengths?: readonly number[] },
): { h: Tensor; lastC?: Tensor } {
  const options = { timeMajor: true, lengths };
  switch (cell) {
    case 'rnn':
      return { h: rnn(x, h0, Wx, Wh, b, options) };
    case 'lstm':
      return lstm(x, h0, Wx, Wh, b, c0, options);
    case 'gru':
      return { h: gru(x, h0, Wx, Wh, b, innerBias(bh), options) };
  }
}

/** One step of a recurrent layer without a tape: x (N, D). */
export function recurStep(
  cell: Cell,
  x: Tensor,
  state: CellState,
  { Wx, Wh, b, bh }: CellParameters,
): CellState {
  const { h } = state;
  switch (cell) {
    case 'rnn':
      return { h: rnnStepForward(x, h, Wx, Wh, b).nextH };
    case 'lstm': {
      const c = memoryOf(state) ?? zeros(h.shape, h.dtype);
      const { nextH, nextC } = lstmStepForward(x, h, c, Wx, Wh, b);
      return { h: nextH, c: nextC };
    }
    case 'gru':
      return { h: gruStepForward(x, h, Wx, Wh, b, innerBias(bh)).nextH };
  }
}

/** The recurrent layers that say the words, from the first one on. */
export function layersOf({ cell, layers }: CaptionerParameters): [name: string, CellParameters][] {
  return [['layer1', cell], ...Object.entries(layers)];
}

/**
 * The outputs (T, N, H) of a reader that sees T null frames, after the clip: they add nothing to its sums.
 * See `readClips`.
 */
export function readNothing(
  cell: Cell,
  T: number,
  { h, c }: { readonly h: Tensor; readonly c: Tensor | undefined },
  reader: CellParameters,
): Tensor {
  const [N = 0] = h.shape;
  return recur(cell, zeros([T, N, 1], h.dtype), h, c, onNothing(reader));
}

/** One step of it, without a tape. */
export function readNothingStep(cell: Cell, state: CellState, reader: CellParameters): CellState {
  const [N = 0] = state.h.shape;
  return recurStep(cell, zeros([N, 1], state.h.dtype), state, onNothing(reader));
}

/** Weights for inputs of one value that is 0: a product with those of frames would cost as much as real ones. */
function onNothing(reader: CellParameters): CellParameters {
  return { ...reader, Wx: zeros([1, reader.b.size], reader.b.dtype) };
}

function innerBias(bh: Tensor | undefined): Tensor {
  if (bh) return bh;
  throw new ShapeError('the parameters of a GRU hold no tensor bh, the bias inside its reset');
}

/**
 * The parameters of the cell that has the attention. Where the context goes to the output, the cell takes
 * none of it in: its Wz is zero, and no parameter.
 */
export function attentionCell({ cell, output }: CaptionerParameters): TensorTree & AttentionCell {
  if (!('Wc' in output)) return { ...cell, ...named(cell, 'Wz') };
  const { Wc } = named(output, 'Wc');
  return { ...cell, Wz: zeros([Wc.shape[0] ?? 0, cell.b.size], cell.b.dtype) };
}
