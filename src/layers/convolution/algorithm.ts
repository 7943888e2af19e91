/** A convolution in numbers, and what an algorithm for it computes. */
import type { Tensor } from '../../tensor/tensor.js';
import type { Windows3d } from '../windows.js';

/**
 * A convolution between clips x (N, C, T, H, W) and maps y (N, F, OT, OH, OW). Images are clips of one frame: their
 * tensors may leave out T and OT.
 */
export interface Convolution {
  readonly N: number;
  readonly C: number;
  readonly F: number;
  readonly groups: number;
  readonly windows: Windows3d;
}

/** What is done to maps while they are still in the cache: y = max(y + b, floor). */
export interface Finish {
  /** (F) */
  readonly b: Tensor;
  /** Minus infinity for the bias alone, 0 for relu. */
  readonly floor: number;
}

/** A way to compute the three products of a convolution through filters W (F, C / groups, KT, KH, KW). */
export interface Algorithm {
  /** Writes the maps of clips `x` into `y` (N, ..., OT, OH, OW), from `channel` on. */
  maps(
    y: Tensor,
    channel: number,
    x: Tensor,
    W: Tensor,
    convolution: Convolution,
    finish?: Finish,
  ): void;
  /** Adds the clips that belong to maps `y` to `x`, which holds zeros. */
  clips(x: Tensor, y: Tensor, W: Tensor, convolution: Convolution): void;
  /** Adds what clips `x` and cotangents `y` of their maps say of the filters to `W`. */
  filters(W: Tensor, x: Tensor, y: Tensor, convolution: Convolution): void;
}
