/** An attention mechanism: what sees some part of an image at every step of a sequence, and a gate on it. */
import type { TensorTree } from '../../autograd/tree.js';
import { engine } from '../../engine/engine.js';
import { kernelsFor, matmul, sumRows, transposed } from '../../tensor/arithmetic.js';
import { combineInto } from '../../tensor/broadcast.js';
import { bytesOf, empty, type Tensor } from '../../tensor/tensor.js';

/**
 * What is looked at: M images' features at L places each, and for each of N rows (captions) the
 * image that it is about. Several captions of one image, or hypotheses about it, share its features.
 */
export interface Scene {
  /** (M, L, D). */
  readonly values: Tensor;
  /** (N) i32. */
  readonly image: Tensor;
  /** (M, L) u8: 0 where there is no place, as in padding; one at least is there. All are by default. */
  readonly mask?: Tensor | undefined;
}

/** An attention at work over T steps of a sequence. */
export interface AttentionMechanism {
  /** (T, N, C): what was seen at each step. */
  readonly context: Tensor;
  /** (T, N, ...): where it looked: L weights, or the six numbers of a window. */
  readonly looked: Tensor;
  /** Looks with the hidden state prevH (N, H) and fills in step t. */
  forward(t: number, prevH: Tensor): void;
  /** Makes room for the way back. */
  startBackward(): MechanismBackward;
}

/** The way back of an `AttentionMechanism`. */
export interface MechanismBackward {
  /** Step t: from the cotangents of context and looked; adds to dPrevH (N, H). */
  step(t: number, dContext: Tensor, dLooked: Tensor, dPrevH: Tensor): void;
  /** After step 0: gradients of the features (M, L, D) and of the parameters, in their form. */
  gradients(prevH: Tensor): { dValues: Tensor; dAttention: TensorTree };
}

/** Begins an attention over T steps of N rows with its parameters. */
export type OpenMechanism<P extends TensorTree, O = unknown> = (
  T: number,
  scene: Scene,
  parameters: P,
  options?: O,
) => AttentionMechanism;

/** Of a gate: W (H, 1), b (1). */
export interface GateParameters extends TensorTree {
  readonly W: Tensor;
  readonly b: Tensor;
}

/**
 * A gate on what another attention sees: at words that need no looking it can be closed.
 *
 *     context = σ(prevH W + b) context of `ungated`
 *
 * Source: Xu et al. 2015, section 4.2.1.
 */
export function gated(ungated: AttentionMechanism, { W, b }: GateParameters): AttentionMechanism {
  const { context: seen, looked } = ungated;
  const [T = 0, N = 0, C = 0] = seen.shape;
  const context = empty(seen.dtype, seen.shape);
  const gates = empty(seen.dtype, [T, N, 1]);
  const kernels = kernelsFor(seen);
  return {
    context,
    looked,
    forward(t, prevH) {
      ungated.forward(t, prevH);
      const gate = matmul(prevH, W, { into: gates.at(t) });
      kernels.addRow(gate, b, N, 1);
      kernels.sigmoid(gate, gate, N);
      combineInto(context.at(t), 'multiply', seen.at(t), gate);
    },
    startBackward() {
      const back = ungated.startBackward();
      const dGates = empty(seen.dtype, [T, N, 1]);
      const product = empty(seen.dtype, [N, C]);
      return {
        step(t, dContext, dLooked, dPrevH) {
          const [gate, dGate] = [gates.at(t), dGates.at(t)];
          combineInto(product, 'multiply', dContext, seen.at(t));
          kernels.sumAxis(product, dGate, N, C, 1);
          kernels.sigmoidBackward(gate, dGate, dGate, N);
          matmul(dGate, transposed(W), { into: dPrevH, accumulate: true });
          combineInto(product, 'multiply', dContext, gate);
          back.step(t, product, dLooked, dPrevH);
        },
        gradients(prevH) {
          const { dValues, dAttention } = back.gradients(prevH);
          const gate = { W: matmul(transposed(prevH), dGates), b: sumRows(dGates) };
          return { dValues, dAttention: { ...dAttention, gate } };
        },
      };
    },
  };
}

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
