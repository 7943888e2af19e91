/** Recurrent cells that look at an image: one pair and op for each kind of attention. */

export type { AttentionCell, AttentionOptions } from './attention.js';
export type { GateParameters } from './mechanism.js';
export {
  type AdditiveParameters,
  additiveAttention,
  additiveAttentionBackward,
  additiveAttentionForward,
  additiveKeys,
  type DotParameters,
  dotAttention,
  dotAttentionBackward,
  dotAttentionForward,
  dotKeys,
  type HardOptions,
  hardAttention,
  hardAttentionBackward,
  hardAttentionForward,
  type LocationParameters,
  locationAttention,
  locationAttentionBackward,
  locationAttentionForward,
} from './scored.js';
export {
  type WindowOptions as AttentionWindowOptions,
  type WindowParameters,
  windowAttention,
  windowAttentionBackward,
  windowAttentionForward,
} from './window.js';
