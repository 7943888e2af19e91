/** What a network sees beside each step of a clip: how it differs from the step before. */
import { subtract } from '../../layers/elementwise/arithmetic.js';
import { concat, slice } from '../../layers/indexing/pieces.js';
import { zeros } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { ClipNetwork } from './network.js';

/**
 * Steps and their motion: x_t and x_t - x_{t-1} (0 at the first step) behind one another, along the channels.
 *
 * @param x (N, C, T, H, W), or (N, T, D)
 * @returns (N, 2 C, T, H, W), or (N, T, 2 D). Of padding behind a clip's end the motion is no motion of the clip;
 *   networks pass over it, as over the padding itself.
 */
export function withMotion(x: Tensor): Tensor {
  return x.shape.length === 3 ? motionAlong(x, 1, 2) : motionAlong(x, 2, 1);
}

/** The same for frames that come before their channels, (N, T, C, H, W): (N, T, 2 C, H, W). */
export function framesWithMotion(x: Tensor): Tensor {
  return motionAlong(x, 1, 2);
}

/** Steps along an axis, and behind them along another how each differs from the one before. */
function motionAlong(x: Tensor, time: number, channels: number): Tensor {
  const T = x.shape[time] ?? 0;
  const first = zeros(
    x.shape.map((extent, axis) => (axis === time ? 1 : extent)),
    x.float,
  );
  const now = slice(x, time, 1);
  const before = slice(x, time, 0, T - 1);
  const motion = T > 1 ? concat([first, subtract(now, before)], time) : first;
  return concat([x, motion], channels);
}

/** A network planned for twice the channels, as one that is given clips and sees their motion too. */
export function seeingMotion(network: ClipNetwork): ClipNetwork {
  return {
    ...network,
    scores: (parameters, state, { x, lengths }, mode) =>
      network.scores(parameters, state, { x: withMotion(x), lengths }, mode),
  };
}
