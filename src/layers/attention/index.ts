/** Recurrent cells that look at an image: one pair and op for each kind of attention. */
export {
  type AdditiveParameters,
  additiveAttention,
  additiveAttentionBackward,
  additiveAttentionForward,
  additiveKeys,
  type HardOptions,
  hardAttention,
  hardAttentionBackward,
  hardAttentionForward,
} from './additive.js';
export type { AttentionCell, AttentionOptions } from './attention.js';
export {
  type DotParameters,
  dotAttention,
  dotAttentionBackward,
  dotAttentionForward,
  dotKeys,
} from './dot.js';
export type { GateParameters } from './gate.js';
export {
  type LocationParameters,
  locationAttention,
  locationAttentionBackward,
  locationAttentionForward,
} from './location.js';
export {
  type WindowOptions as AttentionWindowOptions,
  type WindowParameters,
  windowAttention,
  windowAttentionBackward,
  windowAttentionForward,
} from './window.js';
