/** Recurrent layers in both directions: what came before a step and what comes after it, side by side. */
import type { Tensor } from '../../tensor/tensor.js';
import { concat } from '../indexing/pieces.js';
import type { SequenceOptions } from './layout.js';

/** What each direction of a recurrent layer has of its own: weights, and states to begin with. */
export interface BothDirections<W> {
  readonly forward: W;
  readonly backward: W;
}

/**
 * A recurrent layer that reads sequences in both directions, each with weights of its own:
 *
 *     h[n, t] = [layer(x, forward)[n, t], layer(x, backward, reverse)[n, t]]
 *
 * Backward begins at the last step of each sequence, where `lengths` say that is. The first half of h has
 * seen all of a sequence at its last step, the second half at step 0.
 *
 * ```ts
 * const read = bidirectional((x, { h0, Wx, Wh, b }: Weights, options) =>
 *   lstm(x, h0, Wx, Wh, b, undefined, options).h);
 * const h = read(x, { forward, backward }, { lengths }); // (N, T, 2H)
 * ```
 * Source: Schuster and Paliwal 1997.
 * @param layer of x (N, T, D), or (T, N, D), makes h (N, T, H); passes the options on.
 */
export function bidirectional<W>(
  layer: (x: Tensor, weights: W, options: SequenceOptions) => Tensor,
): (x: Tensor, weights: BothDirections<W>, options?: Omit<SequenceOptions, 'reverse'>) => Tensor {
  return (x, { forward, backward }, options = {}) =>
    concat([layer(x, forward, options), layer(x, backward, { ...options, reverse: true })], -1);
}
