/** A recurrent layer over sequences of any lengths, in one direction or both. */
import type { TensorTree } from '../../autograd/tree.js';
import { concat } from '../../layers/indexing/pieces.js';
import { gru } from '../../layers/recurrent/gru.js';
import type { SequenceOptions } from '../../layers/recurrent/layout.js';
import { lstm } from '../../layers/recurrent/lstm.js';
import { rnn } from '../../layers/recurrent/rnn.js';
import { zeros } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Cell } from '../captioner-config.js';
import { forgetful, gatesOf } from '../captioner-parameters.js';
import { constant, named, normal, type ShapeTree, subtree } from '../parameters.js';

/** What a layer is made of: D inputs, H units each way. */
export interface RecurrentLayer {
  readonly cell: Cell;
  readonly D: number;
  readonly H: number;
  readonly bothDirections: boolean;
}

/** `forward` and perhaps `backward`: weights with variance 1 / inputs, biases 0 but the forget gate's 1. */
export function recurrentLayerShapes({ cell, D, H, bothDirections }: RecurrentLayer): ShapeTree {
  const G = gatesOf[cell] * H;
  const one = () => ({
    Wx: normal([D, G], 1 / Math.sqrt(D)),
    Wh: normal([H, G], 1 / Math.sqrt(H)),
    b: cell === 'lstm' ? forgetful(H, 1) : constant([G]),
    ...(cell === 'gru' && { bh: constant([H]) }),
  });
  return { forward: one(), ...(bothDirections && { backward: one() }) };
}

/** x (N, T, D) to h (N, T, H), or (N, T, 2 H) forward and backward side by side; states begin at zero. */
export function runRecurrentLayer(
  cell: Cell,
  parameters: TensorTree,
  x: Tensor,
  { lengths }: Pick<SequenceOptions, 'lengths'> = {},
): Tensor {
  const forward = oneWay(cell, subtree(parameters, 'forward'), x, { lengths });
  if (!parameters.backward) return forward;
  const backward = subtree(parameters, 'backward');
  return concat([forward, oneWay(cell, backward, x, { lengths, reverse: true })], 2);
}

function oneWay(cell: Cell, parameters: TensorTree, x: Tensor, options: SequenceOptions): Tensor {
  const { Wx, Wh, b } = named(parameters, 'Wx', 'Wh', 'b');
  const h0 = zeros([x.shape[0] ?? 0, Wh.shape[0] ?? 0], x.float);
  switch (cell) {
    case 'rnn':
      return rnn(x, h0, Wx, Wh, b, options);
    case 'lstm':
      return lstm(x, h0, Wx, Wh, b, undefined, options).h;
    case 'gru':
      return gru(x, h0, Wx, Wh, b, named(parameters, 'bh').bh, options);
  }
}
