/** A convolution in numbers, and what an algorithm for it computes. */
import type { Tensor } from '../../tensor/tensor.js';
import type { Windows } from '../windows.js';

/** A convolution between images x (N, C, H, W) and maps y (N, F, OH, OW). */
export interface Convolution {
  readonly N: number;
  readonly C: number;
  readonly F: number;
  readonly groups: number;
  readonly windows: Windows;
}

/** What is done to maps while they are still in the cache: y = max(y + b, floor). */
export interface Finish {
  /** (F) */
  readonly b: Tensor;
  /** Minus infinity for the bias alone, 0 for relu. */
  readonly floor: number;
}

/** A way to compute the three products of a convolution through filters W (F, C / groups, KH, KW). */
export interface Algorithm {
  /** Writes the maps of images `x` into `y` (N, ..., OH, OW), from `channel` on. */
  maps(
    y: Tensor,
    channel: number,
    x: Tensor,
    W: Tensor,
    convolution: Convolution,
    finish?: Finish,
  ): void;
  /** Adds the images that belong to maps `y` to `x`, which holds zeros. */
  images(x: Tensor, y: Tensor, W: Tensor, convolution: Convolution): void;
  /** Adds what images `x` and cotangents `y` of their maps say of the filters to `W`. */
  filters(W: Tensor, x: Tensor, y: Tensor, convolution: Convolution): void;
}
