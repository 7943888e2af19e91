import type { TensorTree } from '../../autograd/tree.js';
import { engine } from '../../engine/engine.js';
import { bytesOf, type Tensor } from '../../tensor/tensor.js';

/**
 * What is looked at: M images' features at L places each, and for each of N rows (captions) the
 * image that it is about. Several captions of one image, or hypotheses about it, share its features.
 */
export interface Scene {
  /** (M, L, D). */
  readonly values: Tensor;
  /** (N) i32. */
  readonly image: Tensor;
}

/** An attention at work over T steps of a sequence. */
export interface Look {
  /** (T, N, C): what was seen at each step. */
  readonly context: Tensor;
  /** (T, N, ...): where it looked: L weights, or the six numbers of a window. */
  readonly looked: Tensor;
  /** Looks with the hidden state prevH (N, H) and fills in step t. */
  forward(t: number, prevH: Tensor): void;
  /** Makes room for the way back. */
  startBackward(): LookBackward;
}

/** The way back of a `Look`. */
export interface LookBackward {
  /** Step t: from the cotangents of context and looked; adds to dPrevH (N, H). */
  step(t: number, dContext: Tensor, dLooked: Tensor, dPrevH: Tensor): void;
  /** After step 0: gradients of the features (M, L, D) and of the parameters, in their form. */
  gradients(prevH: Tensor): { dValues: Tensor; dLook: TensorTree };
}

/** Begins an attention over T steps of N rows with its parameters. */
export type OpenLook<P extends TensorTree, O = unknown> = (
  T: number,
  scene: Scene,
  parameters: P,
  options?: O,
) => Look;

/**
 * into[image[n], l, :] += scale Σ_t w[t, n, l] z[t, n, :], one product a row over all steps;
 * w (T, N, L), z (T, N, D), into (M, L, D).
 */
export function addOverTime(
  into: Tensor,
  w: Tensor,
  z: Tensor,
  images: ArrayLike<number>,
  scale = 1,
): void {
  const [T = 0, N = 0, L = 0] = w.shape;
  const D = z.shape[2] ?? 0;
  for (let n = 0; n < N; n++) {
    const target = into.at(images[n] ?? 0);
    const [a, b] = [rowOf(w, n, L), rowOf(z, n, D)];
    engine().product(w.float, true, false, L, D, T, scale, a, N * L, b, N * D, 1, target, D);
  }
}

function rowOf(x: Tensor, n: number, length: number) {
  return { pointer: x.pointer + n * length * bytesOf(x.dtype), heap: x.heap };
}
